"""Records of JSON lines and JSON lists: the exact bytes of each record, and its key."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from storage.values.draft import Json
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.sources.containers.items import HEAD_BYTES

KEY_NAMES: tuple[str, ...] = ("id", "key", "guid")
"""Fields that identify a record, in order of preference; case-insensitive."""

LONGEST_KEY = 500
"""Maximum length of a key; for longer values the line number is used."""

TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?P<endless>".*)|[\[\]{},]', re.DOTALL)
r"""A string of JSON, a bracket, a comma, or the rest after the quote of an unterminated string.

>>> [found[0] for found in TOKEN.finditer(rb'{"a, \" [": 1}, "b')]
[b'{', b'"a, \\" ["', b'}', b',', b'"b']
"""

_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its bytes, its key, and the line where it begins.

    `names` are the fields with content.
    """

    line: int
    key: str | None
    raw: bytes
    flags: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be read; `raw` is None if it was too large to store.

    `is_file` means that records could not be separated: the file itself is refused.
    """

    line: int
    refused: RefusalReason
    raw: bytes | None
    key: str | None = None
    is_file: bool = False


def json_lines(stream: BinaryIO, limit_bytes: int) -> Iterator[Record | BadRecord]:
    """Yield each line that is not blank; `raw` is the line without its line end."""
    line = 0
    while text := stream.readline(limit_bytes + 2):
        line += 1
        if line == 1:
            if text.startswith(_OTHER_BOMS):
                yield bad_file(message_text("utf16_lines"))
                return
            text = text.removeprefix(_BOM)
        if len(text) > limit_bytes and not text.endswith(b"\n"):
            _skip_line(stream)
            yield BadRecord(line, refuse("too_large", limit=limit_bytes), None)
            continue
        raw = text.rstrip(b"\r\n")
        if raw.strip(_BLANK):
            yield _parse_record(line, raw)


def json_list(raw: bytes, limit_bytes: int) -> Iterator[Record | BadRecord]:
    """Yield each element of a JSON list; `line` is its position, from 1.

    `raw` of an element is its exact slice of the bytes; nothing is re-encoded.
    """
    for place, (piece, fault) in enumerate(_elements(raw), start=1):
        element = piece.strip(_BLANK)
        if fault is not None and place == 1:
            yield bad_file(fault, raw)
        elif fault is not None:
            yield _bad(place, fault, element[:limit_bytes] or None)
        elif len(element) > limit_bytes:
            yield BadRecord(place, refuse("too_large", limit=limit_bytes), None)
        else:
            yield _parse_record(place, element)


def is_json_list(raw: bytes) -> bool:
    """Check whether the first character of a JSON text opens a list."""
    return raw[:HEAD_BYTES].removeprefix(_BOM).lstrip(_BLANK).startswith(b"[")


def is_json_lines(raw: bytes) -> bool:
    """Check whether a JSON text is several objects, one per line."""
    first, _, rest = raw.removeprefix(_BOM).partition(b"\n")
    if not rest.strip(_BLANK):
        return False
    return isinstance(_parse_record(1, first), Record)


def key_of(record: dict[str, Json]) -> str | None:
    """Return the key of a record, or None.

    >>> key_of({"ID": 7, "title": "Sturm"}), key_of({"id": "", "guid": "a-1"}), key_of({})
    ('7', 'a-1', None)
    """
    named = {name.lower(): value for name, value in record.items() if name.lower() in KEY_NAMES}
    for name in KEY_NAMES:
        value = named.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            key = str(value).strip()
            if key and len(key) <= LONGEST_KEY:
                return key
    return None


def bad_file(reason: str, raw: bytes | None = None) -> BadRecord:
    """Return the refusal of a file whose first record cannot be found."""
    refused = refuse("record_invalid", line=1, reason=reason)
    return BadRecord(1, refused, raw, is_file=True)


def fields_with_content(record: dict[str, Json]) -> tuple[str, ...]:
    """Return the names of the fields that are not blank.

    >>> fields_with_content({"title": "Sturm", "text": " ", "tags": []})
    ('title',)
    """
    return tuple(
        name
        for name, value in record.items()
        if (value.strip() if isinstance(value, str) else value)
    )


def _parse_record(line: int, raw: bytes) -> Record | BadRecord:
    """Parse a record to find its key; the text core interprets its content."""
    try:
        value = json.loads(raw.decode("utf-8", "surrogateescape"), strict=False)
    except json.JSONDecodeError as error:
        message = error.msg.removesuffix(" starting at")
        return _bad(
            line, message_text("not_json_character", problem=message, character=error.pos + 1), raw
        )
    except ValueError:  # a number with thousands of digits
        return _bad(line, message_text("long_number"), raw)
    except RecursionError:
        return _bad(line, message_text("too_nested"), raw)
    if not isinstance(value, dict):
        return _bad(line, "it is no JSON object", raw)
    return Record(line, key_of(value), raw, names=fields_with_content(value))


def _bad(line: int, reason: str, raw: bytes | None) -> BadRecord:
    return BadRecord(line, refuse("record_invalid", line=line, reason=reason), raw)


def _elements(raw: bytes) -> Iterator[tuple[bytes, str | None]]:
    """Yield the slices between the commas of the outer list, each with its error, if any."""
    start = raw.index(b"[") + 1
    depth = 0
    for token in TOKEN.finditer(raw, start):
        sign = token[0]
        if sign in {b"[", b"{"}:
            depth += 1
        elif sign == b"," and depth == 0:
            piece = raw[start : token.start()]
            yield piece, None if piece.strip(_BLANK) else message_text("comma_twice")
            start = token.end()
        elif sign in {b"]", b"}"}:
            depth -= 1
            if depth < 0:
                yield from _last(raw[start : token.start()], raw[token.end() :], sign)
                return
        elif token.lastgroup == "endless":
            yield raw[start:], message_text("endless_string")
            return
    yield raw[start:], message_text("list_short")


def _last(piece: bytes, rest: bytes, sign: bytes) -> Iterator[tuple[bytes, str | None]]:
    if piece.strip(_BLANK):
        yield piece, None
    if sign != b"]" or rest.strip(_BLANK):
        yield rest, message_text("after_list")


def _skip_line(stream: BinaryIO) -> None:
    while (piece := stream.readline(1024 * 1024)) and not piece.endswith(b"\n"):
        pass
