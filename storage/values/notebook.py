"""PURE: HTML that notebooks show for records, lists and diffs; all values are escaped."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from html import escape
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")
SHOWN_ROWS = 20
SHOWN_CHARACTERS = 200


class Records(Iterator[T]):
    """An iterator over records; a notebook shows the next ones as a table and consumes none."""

    def __init__(self, rows: Iterator[T]) -> None:
        self._rows = rows
        self._ahead: deque[T] = deque()

    def __next__(self) -> T:
        return self._ahead.popleft() if self._ahead else next(self._rows)

    def close(self) -> None:
        """End early, as a generator does: nothing stays open."""
        self._ahead.clear()
        if isinstance(self._rows, Generator):
            self._rows.close()

    def _repr_html_(self) -> str:
        self._ahead.extend(islice(self._rows, max(0, SHOWN_ROWS + 1 - len(self._ahead))))
        shown: list[Any] = list(islice(self._ahead, SHOWN_ROWS))
        more = "<p>…</p>" if len(self._ahead) > SHOWN_ROWS else ""
        return f"{table_html(each.to_dict() for each in shown)}{more}"


def table_html(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a table with one line for each row.

    >>> table_html([{"title": "<b>", "version": 1}])
    '<table><tr><th>title</th><th>version</th></tr><tr><td>&lt;b&gt;</td><td>1</td></tr></table>'
    """
    listed = list(rows)
    head = "".join(f"<th>{escape(name)}</th>" for name in (listed[0] if listed else ()))
    lines = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row.values())}</tr>"
        for row in listed
    )
    return f"<table><tr>{head}</tr>{lines}</table>"


def diff_html(operations: Iterable[Any]) -> str:
    """Return a text with marks: `<del>` is gone, `<ins>` is new or has moved here.

    >>> from types import SimpleNamespace as Piece
    >>> diff_html([Piece(op="equal", a_text="Um ", b_text="Um "), Piece(op="delete", a_text="<9>")])
    '<div style="white-space: pre-wrap">Um <del>&lt;9&gt;</del></div>'
    """
    return f'<div style="white-space: pre-wrap">{"".join(map(_piece, operations))}</div>'


def _piece(operation: Any) -> str:
    match operation.op:
        case "equal":
            return escape(operation.b_text)
        case "delete":
            return f"<del>{escape(operation.a_text)}</del>"
        case "insert" | "move":
            return f"<ins>{escape(operation.b_text)}</ins>"
    return "¶"


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return escape(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")
