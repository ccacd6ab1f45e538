"""Rows of a CSV or TSV table with a header, each as a JSON object in column order."""

import csv
import io
import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

from storage.values.messages import message_text
from storage.values.refusals import refuse
from worker.sources.containers.json_records import (
    BadRecord,
    Record,
    bad_file,
    fields_with_content,
    key_of,
)

SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)
"""The first line with which Excel specifies the delimiter.

>>> SEPARATOR_LINE.match("sep=;")[1]
';'
"""

SURROGATE = re.compile("[\udc80-\udcff]")
r"""A byte that is not UTF-8, as decoded by `surrogateescape`.

>>> bool(SURROGATE.search(b"M\xfcnchen".decode("utf-8", "surrogateescape")))
True
"""

FALLBACK_CHARSET = "cp1252"
"""Encoding of tables that are not UTF-8: the one that western spreadsheet programs write."""

_DELIMITERS = (",", ";", "\t", "|")
_ON_ERROR = {"utf-8-sig": "surrogateescape", "utf-16": "replace"}
_SAMPLE_LINES, _SAMPLE_LETTERS = 30, 1024 * 1024
_RECOVERIES = 100

# The csv module's limit (128 KB) is global to the process and too small for an article;
# the limit on a whole row below replaces it.
csv.field_size_limit(2**31 - 1)


def table_rows(
    stream: BinaryIO,
    limit_bytes: int,
    delimiter: str | None = None,
    is_text_column: Callable[[str], bool] | None = None,
) -> Iterator[Record | BadRecord]:
    """Yield each row below the header; `raw` is a JSON object in UTF-8, `line` its first line.

    After a quote that is never closed, reading continues with the second line of the row. Blank
    rows are skipped. A table that is not UTF-8 (or UTF-16 with a byte order mark) is read as
    Windows-1252; each such row has the flag `encoding_guessed`. A table without a column accepted
    by `is_text_column` is refused as a whole: it has no header, or contains no articles.
    """
    head = stream.read(3)
    encoding = "utf-16" if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    whole = io.BufferedReader(_ReplayedStream(head, stream))
    text = io.TextIOWrapper(whole, encoding, errors=_ON_ERROR[encoding], newline="")
    lines = _Lines(text, limit_bytes)
    delimiter = _separator_line(lines) or delimiter or _delimiter(lines.peek(_SAMPLE_LINES))
    try:
        yield from _Table(lines, delimiter, limit_bytes, is_text_column).records()
    finally:
        text.detach()  # otherwise it would close the stream of the caller


class _RowTooLargeError(Exception):
    """A row, or a line of it, is longer than the limit."""


class _ReplayedStream(io.RawIOBase):
    """A stream with the inspected bytes put back at its beginning."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        super().__init__()
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        data = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)


class _Lines:
    """The lines of a table with their numbers; those of the current row can be read again."""

    def __init__(self, text: io.TextIOWrapper, limit: int) -> None:
        self._text = text
        self._limit = limit
        self._ahead: deque[str] = deque()
        self._length = 0
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._piece()
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        self._length += len(line)
        if self._length > self._limit:
            raise _RowTooLargeError
        return line

    def begin_row(self) -> int:
        """Discard the row before; return the number of the next line."""
        self.taken = []
        self._length = 0
        return self.number + 1

    def give_back_all_but_first(self) -> None:
        self._ahead.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        del self.taken[1:]

    def finish_line(self) -> None:
        """Skip the rest of a line that exceeds the limit."""
        line = self.taken[-1] if self.taken else ""
        while line and not line.endswith(("\n", "\r")):
            line = self._piece()

    def peek(self, count: int) -> list[str]:
        letters = sum(map(len, self._ahead))
        while len(self._ahead) < count and letters < _SAMPLE_LETTERS:
            line = self._text.readline(self._limit + 1)
            if not line:
                break
            self._ahead.append(line)
            letters += len(line)
        return list(self._ahead)[:count]

    def _piece(self) -> str:
        if self._ahead:
            return self._ahead.popleft()
        return self._text.readline(self._limit + 1)


class _Table:
    """The rows of one table, as far as each can be read."""

    def __init__(
        self,
        lines: _Lines,
        delimiter: str,
        limit_bytes: int,
        is_text_column: Callable[[str], bool] | None,
    ) -> None:
        self._lines = lines
        self._is_text_column = is_text_column
        self._limit = limit_bytes
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        self._recoveries = _RECOVERIES

    def records(self) -> Iterator[Record | BadRecord]:
        """Yield the rows below the header; none if the header cannot be read."""
        header: list[str] | None = None
        for line, row in self._rows():
            if header is None:
                header = None if isinstance(row, BadRecord) else self._header(row)
                if header is None:
                    yield bad_file(message_text("no_text_column"))
                    return
            elif isinstance(row, BadRecord):
                yield row
            elif len(row) == len(header):
                yield _record(line, header, row)
            else:
                reason = message_text("cell_count", cells=len(row), columns=len(header))
                key = key_of(dict(zip(header, row, strict=False)))
                yield self._bad(line, reason, key)

    def _header(self, row: list[str]) -> list[str] | None:
        names = _unique(_decode_cells(row)[0])
        if self._is_text_column is not None and not any(map(self._is_text_column, names)):
            return None
        return names

    def _rows(self) -> Iterator[tuple[int, list[str] | BadRecord]]:
        """Yield each row that is not blank with the number of its first line."""
        while True:
            line = self._lines.begin_row()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._recover()
                yield line, self._bad(line, str(error))
            except _RowTooLargeError:
                self._recover()
                refused = refuse("too_large", limit=self._limit)
                yield line, BadRecord(line, refused, None)
            else:
                if any(cell.strip() for cell in cells):
                    yield line, cells

    def _recover(self) -> None:
        """Continue with the second line of a broken row, so that the valid lines after it are read.

        The number of times per file is limited, because each may read all lines to its end again.
        """
        if len(self._lines.taken) > 1 and self._recoveries:
            self._recoveries -= 1
            self._lines.give_back_all_but_first()
        else:
            self._lines.finish_line()

    def _bad(self, line: int, reason: str, key: str | None = None) -> BadRecord:
        raw = "".join(self._lines.taken).encode("utf-8", "surrogateescape")
        return BadRecord(line, refuse("record_invalid", line=line, reason=reason), raw, key)


def _record(line: int, header: list[str], row: list[str]) -> Record:
    cells, guessed = _decode_cells(row)
    values = dict(zip(header, cells, strict=True))
    raw = json.dumps(values, ensure_ascii=False).encode()
    flags = ("encoding_guessed",) if guessed else ()
    return Record(line, key_of(values), raw, flags, fields_with_content(values))


def _decode_cells(cells: list[str]) -> tuple[list[str], bool]:
    """Decode all cells of a row that is not UTF-8 with the fallback encoding."""
    if not any(SURROGATE.search(cell) for cell in cells):
        return cells, False
    raws = [cell.encode("utf-8", "surrogateescape") for cell in cells]
    return [raw.decode(FALLBACK_CHARSET, "replace") for raw in raws], True


def _unique(cells: list[str]) -> list[str]:
    """Return unique column names; an empty or repeated name is replaced by a numbered one.

    >>> _unique(["id", "", "text", "text"])
    ['id', 'column_2', 'text', 'text_4']
    """
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, start=1):
        name = cell.strip() or f"column_{number}"
        while name in names:
            name = f"{name}_{number}"
        names[name] = None
    return list(names)


def _separator_line(lines: _Lines) -> str | None:
    first = lines.peek(1)
    match = SEPARATOR_LINE.match(first[0]) if first else None
    if match is None:
        return None
    next(lines)
    return match[1]


def _delimiter(sample: list[str]) -> str:
    """Return the delimiter that gives most rows of the sample as many cells as the header.

    >>> _delimiter(["id;text", "1;Regen, Wind, Sturm"])
    ';'
    """
    return max(_DELIMITERS, key=lambda delimiter: _agreement(sample, delimiter))


def _agreement(sample: list[str], delimiter: str) -> tuple[bool, int, int]:
    rows = [row for row in csv.reader(sample, delimiter=delimiter) if row]
    columns = len(rows[0]) if rows else 0
    return columns > 1, sum(len(row) == columns for row in rows), columns
