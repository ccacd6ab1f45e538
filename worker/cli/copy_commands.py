"""The commands that copy a whole archive: away from where it is, and back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, Checked, OutputOptions, command
from storage.cli.progress import ProgressLine
from storage.cli.report import tell_verification
from storage.settings import SettingsError, parse_interval


def mount(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    command(app, "backup", example="lesart backup /sicher/lesart-2024-06-18.sqlite3")(backup)
    command(app, "sweep", example="lesart sweep --dry-run")(sweep)
    command(app, "restore", example="lesart restore lesart-2024-06-18.sqlite3")(restore)


def backup(
    *,
    target: Annotated[
        Path, typer.Argument(metavar="FILE|DIR", help="A new file, or a folder that gets one.")
    ],
    place: ArchiveOptions,
) -> None:
    """Copy the archive, as it is now, into one new file, while others write to it.

    The file is an archive itself: every command reads it with --archive FILE. It holds all bytes,
    those too that lie in a store of captures.
    """
    from storage.write.copies import copy  # noqa: PLC0415  # SQLAlchemy is slow to load

    name = f"lesart-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.sqlite3"
    file = target / name if target.is_dir() else target
    with ProgressLine() as line:
        rows = copy(place.settings().database_url, str(file), line.tell)
    say(f"{rows} rows in {file}; `lesart restore {file}` brings them back")


def restore(
    *,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="What `lesart backup` wrote."
        ),
    ],
    place: ArchiveOptions,
    shown: OutputOptions,
    verified: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Verify what was restored.")
    ] = True,
) -> None:
    """Copy a backup to where the archive should be, where nothing is yet, and verify it.

    The bytes of captures go where captures_url says, else into the database.
    """
    from storage.database.capture_store import capture_store  # noqa: PLC0415  # only here
    from storage.write.copies import copy  # noqa: PLC0415  # SQLAlchemy is slow to load

    settings = place.settings()
    with ProgressLine() as line:
        rows = copy(str(file), settings.database_url, line.tell, capture_store())
    say(f"{rows} rows restored")
    if verified:
        tell_verification(settings, shown, Checked())


def sweep(
    *,
    place: ArchiveOptions,
    older: Annotated[
        str,
        typer.Option("--older-than", metavar="TIME", help="Leave what was put later than that."),
    ] = "1d",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be deleted, and delete nothing.")
    ] = False,
) -> None:
    """Delete the objects in the store of captures that no row names.

    A worker that was killed leaves some, and so does a redaction. Others can work meanwhile; less
    than an hour may be too short for what they are about to name.
    """
    from storage.database.capture_store import capture_store  # noqa: PLC0415  # only here
    from storage.write.archive import Archive  # noqa: PLC0415  # SQLAlchemy is slow to load
    from storage.write.orphans import sweep_orphans  # noqa: PLC0415  # the same

    settings, age = place.settings(), timedelta(seconds=parse_interval(older))
    store = capture_store()
    if store is None:
        raise SettingsError("captures_url", "it is not set: the bytes lie in the database")
    with (
        Archive.open(settings.database_url, create=False) as archive,
        ProgressLine() as line,
    ):
        found = sweep_orphans(
            archive.engine, store, datetime.now(UTC) - age, line.tell, delete=not dry_run
        )
    say(f"{found.objects} objects, {found.orphans} that no row names, {found.deleted} deleted")
