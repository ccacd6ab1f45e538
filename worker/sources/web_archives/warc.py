"""Records of WARC and ARC files, read one after the other within limits, with their exact bytes."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from warcio.recordloader import ARC2WARCHeadersParser
from warcio.statusandheaders import StatusAndHeadersParser, StatusAndHeadersParserException

from storage.values.messages import message_text
from worker.sources.containers.gunzip import DamagedDataError, Gunzip

MOST_HEAD_BYTES = 1024 * 1024
"""Maximum size of the head of a record."""

MOST_LINE_BYTES = 64 * 1024
"""Maximum length of a line of a head."""

BEGINNING_BYTES = 64 * 1024
"""Stored size of the beginning of a block that is too large to be read."""


MOST_BLANK_BYTES = 16 * 1024 * 1024
"""Maximum number of blank bytes between two records; after a larger hole reading stops."""

_PIECE_BYTES = 64 * 1024
_BLANKS = b"\r\n\t \0"


@dataclass(frozen=True, slots=True)
class WebRecord:
    """One record; `head` and `block` are its exact bytes, `fields` the parsed head.

    `number` is the position of the record in the file, from 1. The fields of an ARC record are
    those of an equivalent WARC record. `size` is the declared length of the block. The block is
    shorter if the file ends early (`is_cut`), or if it exceeds the limit (`is_too_large`) and only
    its beginning was stored.
    """

    number: int
    kind: str
    head: bytes
    block: bytes
    size: int
    fields: tuple[tuple[str, str], ...]
    is_arc: bool = False
    is_cut: bool = False
    is_too_large: bool = False

    def field(self, name: str) -> str | None:
        """Return the first value of a field of the head, by its name in lower case."""
        return next(iter(self.all_of(name)), None)

    def all_of(self, name: str) -> tuple[str, ...]:
        """Return all values of a field of the head, by its name in lower case."""
        return tuple(value for each, value in self.fields if each.lower() == name)

    @property
    def id(self) -> str | None:
        """Return the record's id, without its angle brackets."""
        return None if self.is_arc else bare(self.field("warc-record-id"))


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """Bytes that are no record, or an unreadable record; further records may follow."""

    number: int
    reason: str


class NoRecordError(Exception):
    """The bytes are no web archive; the message completes the refusal."""


def bare(name: str | None) -> str | None:
    """Return an id or address without the angle brackets that some programs write.

    >>> bare("<urn:uuid:1>"), bare(" http://a.example/ "), bare(None)
    ('urn:uuid:1', 'http://a.example/', None)
    """
    if name is None:
        return None
    stripped = name.strip()
    if stripped.startswith("<") and stripped.endswith(">"):
        stripped = stripped[1:-1].strip()
    return stripped or None


def web_records(
    stream: IO[bytes] | io.RawIOBase, limit: int
) -> Iterator[WebRecord | DamagedRecord]:
    """Yield the records of a decompressed stream, and its damaged parts.

    Blocks of more than `limit` bytes are skipped. After damage, reading continues at the next
    record; in gzip data (`Gunzip`) at the next part.

    Raises: NoRecordError if the first bytes are no record; errors of the stream other than damage,
    such as a decompression bomb, when they occur.
    """
    tape = _RecordStream(stream)
    number, is_reported, blank = 1, False, 0
    while True:
        line = tape.line()
        blank = 0 if line.strip(_BLANKS) else blank + len(line)
        if blank > MOST_BLANK_BYTES:
            yield _hole(number)
            return
        if not line:
            if tape.damage is not None and not is_reported:
                yield DamagedRecord(number, tape.damage)
            if not tape.resume_after_damage():
                return
        elif not blank:
            if not begins_record(line):
                if number == 1:
                    raise NoRecordError(message_text("no_warc"))
                yield DamagedRecord(number, message_text("other_start"))
                line = tape.skip_to_record(line)
            if line:
                found = _record(tape, line, number, limit)
                is_reported = isinstance(found, DamagedRecord) or found.is_cut
                yield found
                number += 1


def _hole(number: int) -> DamagedRecord:
    """Report a file that contains only blank bytes from here, or raise NoRecordError at its
    start.
    """
    reason = message_text("blank_bytes", limit=MOST_BLANK_BYTES)
    if number == 1:
        raise NoRecordError(reason)
    return DamagedRecord(number, message_text("rest_unread", reason=reason))


def begins_record(line: bytes) -> bool:
    r"""Check whether a line is the first of a WARC or an ARC record.

    An ARC record starts with address, IP address, time, type and length.

    >>> begins_record(b"WARC/1.1\r\n")
    True
    >>> begins_record(b"http://a.example/ b c 192.0.2.1 20240618120000 text/html 1591\n")
    True
    """
    if _is_warc(line):
        return True
    parts = line.rsplit(maxsplit=4)
    return len(parts) == 5 and b":" in parts[0] and parts[2].isdigit() and len(parts[2]) > 7


def _record(
    stream: "_RecordStream", line: bytes, number: int, limit: int
) -> WebRecord | DamagedRecord:
    stream.begin_head(line)
    is_arc = not _is_warc(line)
    parser = ARC2WARCHeadersParser() if is_arc else StatusAndHeadersParser(["WARC/"])
    try:
        parsed = parser.parse(stream, line)
    except (StatusAndHeadersParserException, ValueError):  # ValueError: an invalid time
        return DamagedRecord(number, message_text("head_damaged"))
    except _HeadTooLongError:
        return DamagedRecord(number, message_text("head_long"))
    head = stream.end_head()
    fields = tuple((str(name), str(value).strip()) for name, value in parsed.headers)
    found = WebRecord(number, "", head, b"", 0, fields, is_arc)
    kind = (found.field("warc-type") or "").strip().lower()
    size = _size(found.field("content-length"), parsed.total_len if is_arc else 0)
    if stream.damage is not None:
        return DamagedRecord(number, stream.damage)
    if not kind or size is None:
        return DamagedRecord(number, message_text("head_incomplete"))
    block, is_cut = stream.block(size, limit)
    return WebRecord(
        number, kind, head, block, size, fields, is_arc, is_cut, is_too_large=size > limit
    )


def _size(named: str | None, of_head: int) -> int | None:
    """Return the length of a block; an ARC's first record includes two lines of its head."""
    text = (named or "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        return None
    return max(0, int(text) - of_head)


class _HeadTooLongError(Exception):
    """A head exceeds the maximum size."""


class _RecordStream:
    """Reads lines and blocks from a stream, records the bytes of a head, and continues after
    damage.

    Damage appears as the end, with its reason in `damage`, until `resume_after_damage` is called.
    """

    def __init__(self, stream: IO[bytes] | io.RawIOBase) -> None:
        self.damage: str | None = None
        self._stream = stream
        self._buffer = b""
        self._at = 0
        self._head: list[bytes] | None = None
        self._head_bytes = 0

    def line(self) -> bytes:
        """Return the next line, or a part of it if it is too long; empty at the end."""
        while True:
            end = self._buffer.find(b"\n", self._at, self._at + MOST_LINE_BYTES)
            if end >= 0:
                return self._take(end + 1 - self._at)
            if len(self._buffer) - self._at >= MOST_LINE_BYTES or not self._fill():
                return self._take(MOST_LINE_BYTES)

    def readline(self) -> bytes:
        """Return the next line of a head, for the parsers.

        Raises: _HeadTooLongError.
        """
        line = self.line()
        if self._head is not None:
            self._head.append(line)
            self._head_bytes += len(line)
            too_long = len(line) == MOST_LINE_BYTES and not line.endswith(b"\n")
            if too_long or self._head_bytes > MOST_HEAD_BYTES:
                raise _HeadTooLongError
        return line

    def begin_head(self, line: bytes) -> None:
        """Start recording the bytes that are read."""
        self._head, self._head_bytes = [line], len(line)

    def end_head(self) -> bytes:
        """Return the bytes read since `begin_head`."""
        head, self._head = b"".join(self._head or ()), None
        return head

    def block(self, size: int, limit: int) -> tuple[bytes, bool]:
        """Return a block, or its beginning if it exceeds `limit`; and whether it is cut off."""
        wanted = size if size <= limit else min(size, BEGINNING_BYTES)
        pieces, left = [], wanted
        while left and (piece := self._piece(left)):
            pieces.append(piece)
            left -= len(piece)
        rest = self._skip(size - wanted) if not left else 0
        return b"".join(pieces), bool(left or rest)

    def _skip(self, rest: int) -> int:
        """Skip `rest` bytes; return the number of missing bytes."""
        inside = self._take(min(rest, len(self._buffer) - self._at))
        rest -= len(inside)
        if rest and self._stream.seekable():
            here = self._stream.tell()
            end = self._stream.seek(0, io.SEEK_END)
            self._stream.seek(min(here + rest, end))
            return max(0, here + rest - end)
        while rest and (piece := self._piece(rest)):
            rest -= len(piece)
        return rest

    def skip_to_record(self, line: bytes) -> bytes:
        """Return the next line that begins a record; empty if there is none."""
        is_begun = line.endswith(b"\n")
        while line := self.line():
            if is_begun and begins_record(line):
                return line
            is_begun = line.endswith(b"\n")
        return b""

    def resume_after_damage(self) -> bool:
        """Continue after damage; False at the end, or if no readable data follows."""
        if self.damage is None or not isinstance(self._stream, Gunzip):
            return False
        self.damage = None
        return self._stream.resume()

    def _piece(self, most: int) -> bytes:
        if self._at == len(self._buffer):
            self._fill()
        return self._take(min(most, _PIECE_BYTES))

    def _take(self, most: int) -> bytes:
        taken = self._buffer[self._at : self._at + most]
        self._at += len(taken)
        return taken

    def _fill(self) -> bool:
        if self.damage is not None:
            return False
        try:
            more = self._stream.read(_PIECE_BYTES) or b""
        except DamagedDataError as error:
            self.damage = str(error)
            return False
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return bool(more)


def _is_warc(line: bytes) -> bool:
    return line.startswith(b"WARC/") and line[5:6].isdigit()
