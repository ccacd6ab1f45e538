"""The commands that copy a whole archive: backup, restore, merge, and the sweep of objects."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import (
    VERBOSE_HELP,
    ArchiveOptions,
    OutputOptions,
    VerifyOptions,
    command,
)
from storage.cli.output import require_lasting_place
from storage.cli.progress import ProgressLine
from storage.read.query.parameter import argument, flag, option
from storage.settings import Settings, SettingsError, load_settings
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from storage.values.program import program
from storage.values.settings.readers import parse_interval
from worker.cli import summaries as summary_rows
from worker.cli.checks.report_verification import report_verification
from worker.cli.opened import opened_archive
from worker.cli.redactions import prepare_reading, read_acts, redact_again
from worker.errors import LocatorMissingError

if TYPE_CHECKING:
    from storage.database import capture_store as stores
    from storage.database import engine as engines
    from storage.database import part_folder as part_folders
    from storage.proof import log
    from storage.write import copies as copying
    from storage.write import orphans
    from storage.write.archive import Archive
    from storage.write.redaction import order_kinds, repeat
    from worker.cli import control
    from worker.flow import spool
else:
    stores = LazyModule("storage.database.capture_store")
    engines = LazyModule("storage.database.engine")
    part_folders = LazyModule("storage.database.part_folder")
    log = LazyModule("storage.proof.log")
    copying = LazyModule("storage.write.copies")
    orphans = LazyModule("storage.write.orphans")
    order_kinds = LazyModule("storage.write.redaction.order_kinds")
    repeat = LazyModule("storage.write.redaction.repeat")
    control = LazyModule("worker.cli.control")
    spool = LazyModule("worker.flow.spool")

BACKUPS = "lesart-*.sqlite3"
NAMED_REPLACED = 20
"""The names of backups in a folder."""


@command(app, "backup", example="lesart backup /sicher/lesart-2024-06-18.sqlite3")
def backup(
    *,
    target: Path = argument("FILE|DIR", "New file, or folder in which to create one."),
    place: ArchiveOptions,
    updated: bool = flag(
        "--update", "Update the backup FILE, or the newest one in DIR, if there is one."
    ),
) -> None:
    """Copy the archive into one new file while other processes write to it.

    The file is an archive itself: every command reads it with --archive FILE. It contains all
    captures, also those in the object storage.
    """
    name = f"lesart-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.sqlite3"
    file = target / name if target.is_dir() else target
    if target.is_dir():
        part_folders.remove_dead(file, BACKUPS)
    if updated:
        file = max(target.glob(BACKUPS), default=file) if target.is_dir() else target
    require_lasting_place(file)
    with ProgressLine() as line:
        act = copying.update if updated and file.exists() else copying.copy
        settings = place.settings()
        rows = act(settings.database_url, str(file), line.report, held=settings.captures)
    more = "more " if act is copying.update else ""
    say(f"copied {rows} {more}rows to {file}; `lesart restore {file}` restores them")


@command(app, "restore", example="lesart restore lesart-2024-06-18.sqlite3")
def restore(
    *,
    file: Path = argument("FILE", "Backup file, written by `lesart backup`.", dir_okay=False),
    place: ArchiveOptions,
    output: OutputOptions,
    verified: bool = flag("--verify/--no-verify", "Verify the restored archive.", default=True),
    drill: bool = flag("--drill", "Restore into a temporary file, verify it, and delete it."),
    verbose: bool = flag("--verbose", VERBOSE_HELP),
    redactions: Path | None = option(
        "--redactions",
        "FILE",
        "Repeat the orders in FILE, written by `lesart redact --list --format jsonl`.",
        exists=True,
        dir_okay=False,
    ),
) -> None:
    """Copy a backup into a new archive and verify it.

    The archive must not exist yet. Captures are stored at LESART_CAPTURES_URL (default: in the
    database). A drill needs free space in TMPDIR.
    """
    settings = place.settings()
    if not file.exists():
        raise LocatorMissingError(str(file), "there is no backup at this path: check the path")
    with _drill_folder() if drill else nullcontext() as folder:
        if folder is not None:
            tried = str(folder / "drill.sqlite3")
            settings = replace(settings, database_url=tried, captures_url=None)
        store = None if settings.captures is None else stores.open_store(settings.captures)
        complete, replaced = None, list[str]()
        if redactions is not None:
            complete = partial(_redact_copy, settings, read_acts(redactions))
        began = time.monotonic()
        with ProgressLine() as line:
            rows = copying.copy(
                str(file), settings.database_url, line.report, store, complete=complete,
                replaced=replaced,
            )  # fmt: skip
        for each in replaced[:NAMED_REPLACED]:
            say(f"replaced characters that PostgreSQL cannot store by U+FFFD: {each}")
        if len(replaced) > NAMED_REPLACED:
            say(quantity(
                "… and in {n} more place|… and in {n} more places", len(replaced) - NAMED_REPLACED
            ))  # fmt: skip
        taken = f"{time.monotonic() - began:.1f} s"
        say(quantity("restored {n} row|restored {n} rows", rows) + f" in {taken}")
        if verified or drill:
            report_verification(settings, output, VerifyOptions(verbose=verbose))


def _redact_copy(settings: Settings, acts: Sequence[Mapping[str, Any]], place: str) -> None:
    """Repeat redactions in the copy at an address."""
    settings = replace(settings, database_url=place)
    with opened_archive(settings) as archive:
        redact_again(archive, acts)


def _drill_folder() -> AbstractContextManager[Path]:
    """Provide a folder for a drill; the next drill removes that of a killed one."""
    return part_folders.part_folder(Path(gettempdir()) / "lesart-drill")


@command(app, "merge", example="lesart merge /andere/lesart.sqlite3")
def merge(
    *,
    other: str = argument("OTHER", "Other archive: a path or a database URL."),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Import the observations of another archive as foreign observations.

    The captured bytes are checked. What the other archive removed or hides is removed or hidden
    here, too. The other archive is not changed. A second run imports nothing twice; after an
    interruption, run the same command again.
    """
    settings = place.settings()
    from_settings = load_settings(config=place.config, archive=other)
    with ProgressLine() as line:
        file = spool.spool_archive(from_settings, settings.home, program(), line.report)
    with opened_archive(settings, create=settings.is_embedded) as archive:
        before = repeat.count_by_kind(archive)
        job = control.ingest(archive, settings, control.IngestOptions((str(file),)))
        summaries = control.run_until_done(archive, settings, [job.id], is_resumed=job.is_resumed)
        done = _repeat_from(archive, from_settings, before)
        log.append(archive.engine, archive.clock)
        for each in spool.spools_beside(file):
            control.cancel_ingest(archive, settings, str(each))
            each.unlink(missing_ok=True)
    say(f"repeated {order_kinds.count_orders(done)} of the other archive")
    if done["redaction"]:
        say("the database may still contain the removed bytes; run `lesart redact --finish`")
    merged = engines.place_of(engines.database_url(from_settings.database_url))
    named = [each | ({"source": merged} if each["job"] == job.id else {}) for each in summaries]
    summary_rows.report_summaries(named, place, output)


def _repeat_from(
    archive: "Archive", other: Settings, before: Mapping[str, int]
) -> Mapping[str, int]:
    """Repeat the orders of another archive; return the number of each kind."""
    engine = engines.reading_engine(engines.database_url(other.database_url), copying.SECONDS)
    try:
        with engine.connect() as connection:
            return repeat.repeat_from(archive, connection, before, prepare_reading)
    finally:
        engine.dispose()


@command(app, "sweep", example="lesart sweep --dry-run")
def sweep(
    place: ArchiveOptions,
    older: str | None = option(
        "--older-than", "DURATION", "Delete only objects older than DURATION (default: all)."
    ),
    *,
    dry_run: bool = flag("--dry-run", "Count the objects without deleting them."),
) -> None:
    """Delete objects in the object storage that no row refers to.

    Killed processes leave such objects behind. The service deletes its own every hour, and each
    redaction does. Other processes may write meanwhile. If a copy of the database that another
    program made shares the storage, this command deletes the objects of the copy.
    """
    settings = place.settings()
    age = None if older is None else timedelta(seconds=parse_interval(older))
    if settings.captures is None:
        reason = "it is not set, so all captures are in the database: nothing to sweep"
        raise SettingsError("captures_url", reason)
    with opened_archive(settings) as archive, ProgressLine() as line:
        found = orphans.sweep_orphans(
            archive.engine, archive.clock, line.report, age, delete=not dry_run, with_others=True
        )
    say(f"objects: {found.objects}, unreferenced: {found.orphans}, deleted: {found.deleted}")
