"""The commands that copy a whole archive: away from where it is, and back."""

import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from storage.cli.app import program
from storage.cli.exits import say
from storage.cli.options import (
    ArchiveOptions,
    Checked,
    OutputOptions,
    argument,
    command,
    flag,
    option,
)
from storage.cli.output import require_lasting_place
from storage.cli.progress import ProgressLine
from storage.cli.report import report_verification
from storage.settings import SettingsError, load_settings, parse_interval
from worker.cli.opened import opened_archive
from worker.cli.redact_command import redact_again
from worker.errors import LocatorMissingError


def mount(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    command(app, "backup", example="lesart backup /sicher/lesart-2024-06-18.sqlite3")(backup)
    command(app, "sweep", example="lesart sweep --dry-run")(sweep)
    command(app, "restore", example="lesart restore lesart-2024-06-18.sqlite3")(restore)
    command(app, "merge", example="lesart merge /andere/lesart.sqlite3")(merge)


def backup(
    *,
    target: Path = argument("FILE|DIR", "A new file, or a folder that gets one."),
    place: ArchiveOptions,
    updated: bool = flag(
        "--update", "Bring an earlier backup up to date, if there is one: FILE, or in DIR."
    ),
) -> None:
    """Copy the archive, as it is now, into one new file, while others write to it.

    The file is an archive itself: every command reads it with --archive FILE. It holds all bytes,
    those too that lie in a store of captures. `--update` adds what came since to an earlier one.
    """
    from storage.write.copies import copy, update  # noqa: PLC0415  # SQLAlchemy is slow to load

    name = f"lesart-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.sqlite3"
    file = target / name if target.is_dir() else target
    if updated:
        file = max(target.glob("lesart-*.sqlite3"), default=file) if target.is_dir() else target
    require_lasting_place(file)
    with ProgressLine() as line:
        act = update if updated and file.exists() else copy
        rows = act(place.settings().database_url, str(file), line.report)
    more = "more " if act is update else ""
    say(f"{rows} rows {more}in {file}; `lesart restore {file}` brings them back")


def restore(
    *,
    file: Path = argument("FILE", "What `lesart backup` wrote.", dir_okay=False),
    place: ArchiveOptions,
    shown: OutputOptions,
    verified: bool = flag("--verify/--no-verify", "Verify what was restored.", default=True),
    drill: bool = flag("--drill", "Restore it into a temporary file, verify that, delete it."),
    redactions: Path | None = option(
        "--redactions",
        "FILE",
        "What `lesart redact --list --format jsonl` told since: redact it again.",
        exists=True,
        dir_okay=False,
    ),
) -> None:
    """Copy a backup to where the archive should be, where nothing is yet, and verify it.

    The bytes of captures go where captures_url says, else into the database. `--drill` tries a
    backup, and leaves nothing behind: what it wants is room in TMPDIR.
    """
    from storage.database.capture_store import capture_store  # noqa: PLC0415  # only here
    from storage.write.copies import copy  # noqa: PLC0415  # the same

    settings, store = place.settings(), capture_store()
    if not file.exists():
        raise LocatorMissingError(str(file), "there is no such backup")
    with TemporaryDirectory(prefix="lesart-drill-") if drill else nullcontext() as folder:
        if folder is not None:
            tried = str(Path(folder) / "drill.sqlite3")
            settings, store = replace(settings, database_url=tried), None
        began = time.monotonic()
        with ProgressLine() as line:
            rows = copy(str(file), settings.database_url, line.report, store)
        say(f"{rows} rows restored in {time.monotonic() - began:.1f} s")
        if redactions is not None:
            with opened_archive(settings) as archive:
                redact_again(archive, redactions)
        if verified or drill:
            report_verification(settings, shown, Checked())


def merge(
    *,
    other: str = argument("OTHER", "The other archive: a path or an address."),
    place: ArchiveOptions,
    shown: OutputOptions,
) -> None:
    """Take in what another archive saw; its observations stay foreign, and its bytes are checked.

    What is here already is unchanged, so the same command twice brings nothing new. Ended early,
    it goes on where it was. The other archive is only read.
    """
    from storage.proof.log import append  # noqa: PLC0415  # SQLAlchemy is slow to load
    from worker.cli import control  # noqa: PLC0415  # loads the text core
    from worker.cli.summaries import report_summaries  # noqa: PLC0415
    from worker.flow.spool import spooled  # noqa: PLC0415

    settings = place.settings()
    address = load_settings(config=place.config, archive=other).database_url
    with ProgressLine() as line:
        file = spooled(address, settings.home, program(), line.report)
    with opened_archive(settings, create=settings.is_embedded) as archive:
        job = control.ingest(archive, settings, control.IngestRequest((str(file),)))
        summaries = control.run_until_done(archive, settings, [job.id], is_resumed=job.is_resumed)
        append(archive.engine, archive.clock)
    file.unlink()
    report_summaries(summaries, place, shown)


def sweep(
    place: ArchiveOptions,
    older: str = option(
        "--older-than", "TIME", "Leave what was put later than that.", default="1d"
    ),
    *,
    dry_run: bool = flag("--dry-run", "Count what would be deleted, and delete nothing."),
) -> None:
    """Delete the objects in the store of captures that no row names.

    A worker that was killed leaves some. Others can work meanwhile; less than an hour may be too
    short for what they are about to name.
    """
    from storage.database.capture_store import capture_store  # noqa: PLC0415  # only here
    from storage.write.orphans import sweep_orphans  # noqa: PLC0415  # the same

    settings, age = place.settings(), timedelta(seconds=parse_interval(older))
    store = capture_store()
    if store is None:
        raise SettingsError("captures_url", "it is not set: the bytes lie in the database")
    with (
        opened_archive(settings) as archive,
        ProgressLine() as line,
    ):
        found = sweep_orphans(
            archive.engine, store, datetime.now(UTC) - age, line.report, delete=not dry_run
        )
    say(f"{found.objects} objects, {found.orphans} that no row names, {found.deleted} deleted")
