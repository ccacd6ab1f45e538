"""Rows as a table of fixed width, chunk by chunk, so that a long answer begins at once."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from storage.cli.terminal import cut, styled, width
from storage.read.render.visible import one_line

CHUNK_ROWS = 200
"""Rows that decide together how wide the columns of their chunk are."""
GAP = "  "
NARROWEST = 3
WIDEST = 60
SHORT, SHORTER = 12, 6
"""So far texts are cut, one after the other, before a number or a moment is."""
_FACT = frozenset("0123456789:.,% Z+-")
"""What a number, a date or a moment is written with."""
KEPT_WHOLE = frozenset(
    {
        "article", "id", "a", "b", "first_article", "cluster", "job", "parent", "version",
        "versions", "since_version", "seq", "revision",
    }
)  # fmt: skip
"""Columns that are never cut, whatever the width: what one would copy into the next command."""
SHORTEST_WORDING = 20
"""Of a digest so much stays that it still names the wording within its article."""

Row = Mapping[str, Any]


def table_lines(
    rows: Iterable[Row], columns: Sequence[str] | None, *, columns_wide: int | None, colour: bool
) -> Iterator[str]:
    """Yield the lines of a table, its heading once; `columns_wide` is the width to keep to.

    Without `columns` those of the first row are shown. Cells are one line of visible text.
    """
    waiting = iter(rows)
    is_first = True
    while chunk := list(islice(waiting, CHUNK_ROWS)):
        names = list(columns or chunk[0])
        cells = [[cell(row.get(name)) for name in names] for row in chunk]
        widths = _widths(names, cells, columns_wide)
        if is_first:
            yield styled(_line(names, widths), "strong", colour=colour)
            is_first = False
        for line in cells:
            yield _line(line, widths)


def cell(value: Any) -> str:
    r"""Return `value` as one short line of text.

    >>> [cell(each) for each in (None, True, 0.5, ["Damm", "Sturm"], "a\nb")]
    ['', 'yes', '0.5', 'Damm, Sturm', 'a b']
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return one_line(_short_time(value))
        case list() | tuple() if all(isinstance(each, str) for each in value):
            return one_line(", ".join(value))
        case list() | tuple() | dict():
            return one_line(json.dumps(value, ensure_ascii=False, default=str))
        case _:
            return one_line(str(value))


def _short_time(text: str) -> str:
    """Return an ISO moment in UTC without its fraction; other text as it is.

    >>> _short_time("2024-06-18T12:00:00.250000+00:00")
    '2024-06-18 12:00:00Z'
    """
    is_moment = len(text) in {25, 32} and text[10] == "T" and text.endswith("+00:00")
    return f"{text[:10]} {text[11:19]}Z" if is_moment else text


def _widths(
    names: Sequence[str], cells: Sequence[Sequence[str]], columns_wide: int | None
) -> list[int]:
    natural = [
        max(width(name), *(width(line[index]) for line in cells))
        for index, name in enumerate(names)
    ]
    if columns_wide is None:
        return natural
    widest = [max(width(line[index]) for line in cells) for index in range(len(names))]
    least = [_least(name, wide) for name, wide in zip(names, widest, strict=True)]
    is_fact = [all(_FACT.issuperset(line[index]) for line in cells) for index in range(len(names))]
    widths = [max(min(each, WIDEST), floor) for each, floor in zip(natural, least, strict=True)]
    for text, fact in ((SHORT, WIDEST), (SHORTER, WIDEST), (NARROWEST, NARROWEST)):
        spare = columns_wide - sum(widths) - len(GAP) * (len(widths) - 1)
        if spare >= 0:
            return _widened(widths, natural, spare)
        most = [
            min(wide, fact if is_one else text)
            for wide, is_one in zip(widest, is_fact, strict=True)
        ]
        floors = [max(NARROWEST, *pair) for pair in zip(most, least, strict=True)]
        widths = _narrowed(widths, floors, -spare)
    return widths


def _least(name: str, wide: int) -> int:
    """Return how wide a column stays at least, whose widest cell is so wide."""
    if name.startswith("wording"):
        return min(wide, SHORTEST_WORDING)
    return wide if name in KEPT_WHOLE else NARROWEST


def _narrowed(widths: list[int], floors: Sequence[int], over: int) -> list[int]:
    """Take `over` columns from the widest ones, one by one, none below its floor."""
    for _ in range(over):
        free = [index for index, wide in enumerate(widths) if wide > floors[index]]
        if not free:
            break
        widths[max(free, key=widths.__getitem__)] -= 1
    return widths


def _widened(widths: list[int], natural: Sequence[int], spare: int) -> list[int]:
    for index, wish in enumerate(natural):
        more = min(wish - widths[index], spare)
        widths[index] += more
        spare -= more
    return widths


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for text, columns in zip(texts, widths, strict=True):
        shown = cut(text, columns)
        parts.append(shown + " " * (columns - width(shown)))
    return GAP.join(parts).rstrip()
