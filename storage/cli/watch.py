"""`lesart watch`: changes as they are recorded, until it is stopped."""

import select
import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Literal

import typer

from storage.cli.app import app
from storage.cli.exits import InterruptionError, say
from storage.cli.options import ArchiveOptions, command
from storage.cli.output import json_text, text_stream
from storage.cli.report import reading
from storage.cli.shown_time import format_time
from storage.interrupts import no_interrupt
from storage.read.query.parameter import option
from storage.read.query.queries import ChangeFilterOptions, ChangeOptions
from storage.read.render.visible import one_line

if TYPE_CHECKING:
    from storage.read.answers import ChangeEvent
    from storage.read.archive import ReadOnlyArchive
    from storage.read.filters import Filters
    from storage.read.lists import ChangeFilter

POLL_SECONDS = 1.0
ROWS_AT_ONCE = 200
MOST_SEQ_DIGITS = 18


@command(app, "watch", example="lesart watch --class number --source presse")
def watch(
    *,
    place: ArchiveOptions,
    options: ChangeOptions,
    filtering: ChangeFilterOptions,
    format: Literal["table", "jsonl"] | None = option(  # noqa: A002  # the word of the command line
        "--format", None, "Output format (default: table on a terminal, jsonl in a pipe)."
    ),
    after: str | None = option(
        "--after", "CURSOR", "Start after the change with this cursor (default: the latest one)."
    ),
    limit: int | None = option(
        "--limit", "N", "Exit after N changes (default: run until Ctrl-C).", min=1
    ),
) -> None:
    """Print changes as they are recorded, until Ctrl-C.

    Each change is printed once. If something of it becomes different later, an update names it; a
    change that turns out not to exist is withdrawn.
    """
    is_table = format == "table" or (format is None and sys.stdout.isatty())
    with reading(place) as (settings, archive):
        article = None if options.article is None else archive.article(options.article).article
        start = archive.newest_seq() if after is None else _seq(after)
        filters = filtering.filters(settings.zone)
        archive.require_named(filters)
        follower = _Follower(archive, options.filter(), filters, article, start)
        say(f"watching for changes after cursor {start}; press Ctrl-C to stop")
        try:
            _write(follower, is_table=is_table, limit=limit)
        except KeyboardInterrupt:
            raise InterruptionError(f"stopped: continue with --after {follower.seq}") from None


def _seq(after: str) -> int:
    if not (after.isascii() and after.isdecimal() and len(after) <= MOST_SEQ_DIGITS):
        reason = f"{after!r} is not a cursor of this command: use a number, such as 4711"
        raise typer.BadParameter(reason, param_hint="--after")
    return int(after)


def _write(follower: "_Follower", *, is_table: bool, limit: int | None) -> None:
    number = 0
    with text_stream(None) as stream:
        for seq, change in follower.changes():
            lines = _block(change) if is_table else (json_text(change.to_dict()),)
            text = "".join(f"{line}\n" for line in lines)
            with no_interrupt():  # otherwise the cursor could lag behind the changes that were read
                stream.write(text)
                stream.flush()
                follower.seq = seq
            number += 1
            if number == limit:
                return


class _Follower:
    """Yields changes in the order of commit; `seq` is the cursor to continue after."""

    def __init__(
        self,
        archive: "ReadOnlyArchive",
        changes: "ChangeFilter",
        filters: "Filters",
        article: str | None,
        seq: int,
    ) -> None:
        self._archive, self._wanted, self._filters = archive, changes, filters
        self._article = article
        self.seq = seq

    def changes(self) -> Iterator[tuple[int, "ChangeEvent"]]:
        """Yield each change with its `seq`; wait for the next one, without end."""
        while True:
            newest = self._archive.newest_seq()  # all up to it is visible to the next query
            found = self._archive.changes_since(self.seq, self._wanted, self._filters, ROWS_AT_ONCE)
            for seq, change in found:
                if self._article is None or change.article == self._article:
                    yield seq, change
            is_all = len(found) < ROWS_AT_ONCE
            self.seq = max([self.seq, *(seq for seq, _ in found), *([newest] if is_all else [])])
            if is_all:
                _wait_unless_closed(sys.stdout, POLL_SECONDS)


def _wait_unless_closed(stream: IO[str], seconds: float) -> None:
    """Wait, or raise BrokenPipeError as soon as nobody reads what is written to `stream`."""
    output = select.poll()
    output.register(stream, 0)  # errors are always reported, and nothing else
    if output.poll(1_000 * seconds):
        raise BrokenPipeError


def _block(change: "ChangeEvent") -> Iterator[str]:
    """Yield the lines of a change for people: when and what, then the passages."""
    rev = change.article if change.version is None else f"{change.article}@{change.version}"
    facts = [format_time(change.changed_by, "minutes"), rev]
    if change.kind != "change":
        facts.append(" ".join([change.kind, ", ".join(change.update)]).strip())
    facts += [", ".join(change.changes), "silent" if change.silent else ""]
    yield one_line("  ".join(filter(None, [*facts, change.title or "(no title)"])))
    for sign, passages in (("-", change.removed), ("+", change.added)):
        yield from (f"  {sign} {one_line(each)}" for each in passages)
