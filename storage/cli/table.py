"""Rows as a table, or as blocks of `name: value` lines where a table does not fit the terminal.

On a terminal, texts of columns that a list names as short are cut; no other text ever is. Rows are
laid out in chunks, so that the output of a long query starts at once.
"""

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any

from storage.cli.shown_time import format_time
from storage.read.render.visible import one_line
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from rich import cells
    from rich import console as consoles
    from rich import table as tables
    from rich import text as rich_text
else:
    cells = LazyModule("rich.cells")
    consoles = LazyModule("rich.console")
    tables = LazyModule("rich.table")
    rich_text = LazyModule("rich.text")

STYLES: Mapping[str, tuple[str, str]] = {
    "removed": ("\x1b[31;9m", "\x1b[0m"),
    "added": ("\x1b[32m", "\x1b[0m"),
    "moved": ("\x1b[36m", "\x1b[0m"),
    "strong": ("\x1b[1m", "\x1b[0m"),
    "faint": ("\x1b[2m", "\x1b[0m"),
}
"""Control sequences before and after a text of that style."""


def styled(text: str, style: str, *, colour: bool) -> str:
    """Return `text` in that style; unchanged without `colour`."""
    if not colour or not text:
        return text
    before, after = STYLES[style]
    return f"{before}{text}{after}"


CHUNK_ROWS = 200
"""Number of rows that share one layout."""
READABLE = 24
"""Text is wrapped in columns of at least this width; a longer word gets a line of its own."""
SHORTEST = 20
"""Texts of short columns are cut to no less than this width."""
GAP = 2
UNBOUNDED = 1_000_000_000
_JOINT = "\ue000"
"""Replaces the spaces of a command while its sentence is wrapped."""
_COMMAND = re.compile("`[^`]*`")
_COPIED = re.compile(r"[\d/@_=`]")
"""A key, an id, an address, a path or a command: what is copied is never broken."""
PLAIN = (str, int, float, type(None))

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Screen:
    """Layout of rows: the width of the terminal, or None for a file or pipe."""

    columns_wide: int | None = None
    has_colour: bool = False

    def label(self, text: str) -> str:
        return styled(text, "strong", colour=self.has_colour)


def table_lines(
    rows: Iterable[Row],
    columns: Sequence[str] | None,
    screen: Screen,
    *,
    least: int | None = None,
    short: Sequence[str] = (),
    blocks: bool = False,
) -> Iterator[str]:
    """Yield the lines of a table of these `columns` (default: those of the first row).

    Where they do not fit the screen, the last ones are left out, down to `least` of them (default:
    all). Where these do not fit either, or with `blocks`, each row is a block of all `columns`.
    Texts in the columns `short` are cut so that a row is one line.
    """
    waiting, choices = iter(rows), None
    while chunk := list(islice(waiting, CHUNK_ROWS)):
        columns = columns or list(chunk[0])
        texts = [{name: _join_commands(cell(row.get(name))) for name in columns} for row in chunk]
        heading = choices is None
        if choices is None:
            fewest = len(columns) + 1 if blocks else least or len(columns)
            choices = [columns[:number] for number in range(len(columns), fewest - 1, -1)]
        choices = [names for names in choices if _fits(texts, names, screen, short)][:1]
        if choices:
            cut = _shorten(texts, choices[0], screen, short)
            yield from _table(cut, choices[0], screen, heading=heading)
        for number, row in enumerate(() if choices else chunk):
            yield from () if heading and not number else ("",)
            yield from block_lines(row, columns, screen)


def block_lines(row: Row, columns: Iterable[str], screen: Screen) -> Iterator[str]:
    """Yield a line `name: value` for each column that has a value.

    A long value without spaces, such as a key or an address, has a line of its own to be copied
    from, whatever the width. A list of rows becomes a table below its name.
    """
    names = [name for name in columns if row.get(name) not in (None, "", [], (), {})]
    indent = max(map(len, names), default=0) + 1 + GAP
    for name in names:
        label, value = screen.label(f"{name}:"), row[name]
        if isinstance(value, (list, tuple)) and isinstance(value[0], Mapping):
            inner = replace(screen, columns_wide=screen.columns_wide and screen.columns_wide - GAP)
            yield label
            yield from (f"{' ' * GAP}{line}".rstrip() for line in table_lines(value, None, inner))
        elif " " not in (text := cell(value)) and len(text) > READABLE:
            yield from (label, text)
        else:
            first, *more = _wrap_text(text, screen.columns_wide and screen.columns_wide - indent)
            yield f"{label}{' ' * (indent - len(name) - 1)}{first}".rstrip()
            yield from (f"{' ' * indent}{line}" for line in more)


def cell(value: Any) -> str:
    r"""Return `value` as one line of text.

    >>> [cell(each) for each in (None, True, 0.5, ["Damm", "Sturm"], ["3,6", "acht"], "a\nb")]
    ['', 'yes', '0.5', 'Damm | Sturm', '3,6 | acht', 'a b']
    >>> cell({"done": 1, "failed": 0})
    'done: 1, failed: 0'
    """
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case str():
            text = _short_time(value)
        case list() | tuple() if not any(isinstance(each, Mapping) for each in value):
            text = " | ".join(cell(each) for each in value)
        case dict() if all(isinstance(each, PLAIN) for each in value.values()):
            text = ", ".join(f"{name}: {cell(each)}" for name, each in value.items())
        case list() | tuple() | dict():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            text = str(value)
    return one_line(text)


def _short_time(text: str) -> str:
    """Return an ISO moment in UTC as a time for people; other text as it is.

    >>> _short_time("2024-06-18T12:00:00.250000+00:00")
    '2024-06-18 12:00:00Z'
    """
    is_moment = len(text) in {25, 32} and text[10] == "T" and text.endswith("+00:00")
    return format_time(datetime.fromisoformat(text)) if is_moment else text


def _fits(
    rows: Sequence[Mapping[str, str]],
    names: Sequence[str],
    screen: Screen,
    short: Sequence[str],
) -> bool:
    """Check whether a table of `names` fits if long texts are wrapped to readable columns."""
    if screen.columns_wide is None:
        return True
    room, texts, least = screen.columns_wide + GAP, 0, READABLE
    for name in names:
        if (wide := _width(rows, name)) <= READABLE or name in short:
            room -= min(wide, SHORTEST if name in short else wide) + GAP
        else:
            texts += 1
            copied = (
                cells.cell_len(word)
                for row in rows
                for word in row[name].split()
                if _COPIED.search(word)
            )
            least = max(least, *copied, 0)
    return texts * (least + GAP) + (GAP if texts > 1 else 0) <= room


def _shorten(
    rows: Sequence[Mapping[str, str]],
    names: Sequence[str],
    screen: Screen,
    short: Sequence[str],
) -> Sequence[Mapping[str, str]]:
    """Return the rows with the long texts of the columns `short` cut to the room on the screen."""
    long = [name for name in names if name in short and _width(rows, name) > SHORTEST]
    if screen.columns_wide is None or not long:
        return rows
    others = sum(_width(rows, name) + GAP for name in names if name not in long)
    each = max((screen.columns_wide - others + GAP) // len(long) - GAP, SHORTEST)
    return [{**row, **{name: _cut(row[name], each) for name in long}} for row in rows]


def _cut(text: str, most: int) -> str:
    """Return a text of at most `most` columns; a cut one ends with …"""
    is_whole = cells.cell_len(text) <= most
    return text if is_whole else f"{cells.set_cell_size(text, most - 1).rstrip()}…"


def _width(rows: Sequence[Mapping[str, str]], name: str) -> int:
    return max(cells.cell_len(text) for text in (name, *(row[name] for row in rows)))


def _table(
    rows: Sequence[Mapping[str, str]], names: Sequence[str], screen: Screen, *, heading: bool
) -> Iterator[str]:
    table = tables.Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=heading)
    for name in names:
        is_short = screen.columns_wide is None or _width(rows, name) <= READABLE
        table.add_column(rich_text.Text(name, "bold"), no_wrap=is_short, overflow="fold")
    for row in rows:
        table.add_row(*(rich_text.Text(row[name]) for name in names))
    console = consoles.Console(
        file=StringIO(), width=screen.columns_wide or UNBOUNDED, legacy_windows=False,
        force_terminal=screen.has_colour, color_system="standard" if screen.has_colour else None,
    )  # fmt: skip
    with console.capture() as captured:
        console.print(table)
    return (line.replace(_JOINT, " ").rstrip() for line in captured.get().splitlines())


def _join_commands(text: str) -> str:
    """Return `text` with the spaces of its commands replaced, so that no line breaks them."""
    return _COMMAND.sub(lambda command: command[0].replace(" ", _JOINT), text)


def _wrap_text(text: str, columns_wide: int | None) -> list[str]:
    wide = UNBOUNDED if columns_wide is None else max(columns_wide, READABLE)
    lines = textwrap.wrap(
        _join_commands(text), wide, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(_JOINT, " ") for line in lines] or [""]
