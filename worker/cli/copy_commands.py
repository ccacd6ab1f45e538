"""The commands that copy a whole archive: away from where it is, and back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, Checked, OutputOptions, command
from storage.cli.progress import ProgressLine
from storage.cli.report import tell_verification


def mount(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    command(app, "backup", example="lesart backup /sicher/lesart-2024-06-18.sqlite3")(backup)
    command(app, "restore", example="lesart restore lesart-2024-06-18.sqlite3")(restore)


def backup(
    *,
    target: Annotated[
        Path, typer.Argument(metavar="FILE|DIR", help="A new file, or a folder that gets one.")
    ],
    place: ArchiveOptions,
) -> None:
    """Copy the archive, as it is now, into one new file, while others write to it.

    The file is an archive itself: every command reads it with --archive FILE.
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
    """Copy a backup to where the archive should be, where nothing is yet, and verify it."""
    from storage.write.copies import copy  # noqa: PLC0415  # SQLAlchemy is slow to load

    settings = place.settings()
    with ProgressLine() as line:
        rows = copy(str(file), settings.database_url, line.tell)
    say(f"{rows} rows restored")
    if verified:
        tell_verification(settings, shown, Checked())
