"""`lesart top`: a live view of jobs, sources, outgoing messages and rates."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from time import sleep
from typing import TYPE_CHECKING

from storage.cli.app import app
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_record
from storage.cli.report import reading
from storage.cli.shown_time import format_time
from storage.cli.table import Screen, table_lines
from storage.read.query.parameter import flag, option
from storage.values.answer import Answer
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from rich import console as consoles
    from rich import live as live_view
    from rich import text

    from storage.read.archive import ReadOnlyArchive
    from storage.read.figures.records import WorkFigures
else:
    consoles = LazyModule("rich.console")
    live_view = LazyModule("rich.live")
    text = LazyModule("rich.text")

JOBS_SHOWN = 10
SHORTEST_PAUSE = 0.2


@command(app, "top", example="lesart top --every 5")
def top(
    place: ArchiveOptions,
    output: OutputOptions,
    every: float = option(
        "--every", "SECONDS", "Refresh every SECONDS seconds.", default=2.0, min=SHORTEST_PAUSE
    ),
    *,
    once: bool = flag("--once", "Print the state once and exit (default in a pipe)."),
) -> None:
    """Show jobs, sources, outgoing messages and rates live, until Ctrl-C."""
    is_live = sys.stdout.isatty() and output.format is None and output.output is None and not once
    with reading(place) as (_settings, archive):
        if is_live:
            _show(archive, every)
        else:
            write_record(archive.work_figures(datetime.now(UTC), JOBS_SHOWN), output.target())


def _show(archive: "ReadOnlyArchive", every: float) -> None:
    """Refresh the view on the terminal until Ctrl-C."""
    console = consoles.Console()
    with live_view.Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            figures = archive.work_figures(datetime.now(UTC), JOBS_SHOWN)
            lines = islice(_format_figures(figures, console.width), max(console.height - 1, 1))
            live.update(text.Text("\n".join(lines), no_wrap=True, overflow="crop"), refresh=True)
            sleep(every)


def _format_figures(figures: "WorkFigures", columns: int) -> Iterator[str]:
    yield (
        f"{format_time(figures.at)}  jobs: {figures.running} running, {figures.ready} ready "
        f"(oldest for {figures.oldest_ready_seconds:.0f} s), "
        f"{figures.lapsed_leases} leases expired"
    )
    yield f"documents: {figures.read_a_minute:.0f} read per minute, {figures.to_read} waiting"
    if figures.unconfirmed:
        yield f"held back: {figures.unconfirmed}, see `lesart unconfirmed --open`"
    for part, silent in figures.silent_seconds.items():
        yield f"{part}: last active {silent:.0f} s ago"
    yield from _table("Sources", figures.sources, columns)
    yield from _table("Jobs", figures.jobs, columns)
    yield from _table("Sent to others", figures.outgoing, columns)


def _table(title: str, rows: tuple[Answer, ...], columns: int) -> Iterator[str]:
    yield from ("", title)
    lines = table_lines((row.to_dict() for row in rows), None, Screen(columns))
    yield from lines if rows else ("none",)
