"""The log entry of a row: a salted commitment, version 1, permanent.

A commitment is the SHA-256 over the table name, the plain columns as JSON (sorted, without nulls),
a blind, and one hash for each content column. Each content has its own salt, so that one can be
revealed or removed without the others. A column that is added later and null in older rows does not
change their commitments.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256, shake_256
from typing import Any

import orjson

from storage.capabilities.hooks import LogEntry
from storage.database.table_facts import LOG_FORMS, LOG_NAMES

SALT_SIZE = 16
DOMAIN = b"lesart commitment v1\n"
ENTRY = "lesart v1"
ARCHIVE = "archive"
_KEPT, _TAKEN = b"\0", b"\1"


class OpeningError(ValueError):
    """The opening of an entry is damaged."""


SHAPES: Mapping[str, LogEntry] = LOG_FORMS
TABLES: Mapping[int, str] = LOG_NAMES
"""All kinds of rows in the log."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenedRow:
    """The parts of a commitment, from which another program can compute it.

    `contents` maps each column to its salt and bytes (None for null), or only to the hash of a
    removed content.
    """

    table: str
    plain: bytes
    blind: bytes
    contents: Mapping[str, tuple[bytes, bytes | None] | bytes]

    @property
    def commitment(self) -> bytes:
        parts = [DOMAIN, self.table.encode(), b"\n", self.plain, b"\n", self.blind]
        for name in sorted(self.contents):
            held = self.contents[name]
            parts.append(held if isinstance(held, bytes) else hidden(*held))
        return sha256(b"".join(parts)).digest()


def entry(kind: int, seq: int, commitment: bytes) -> bytes:
    """Return the entry in its logged form.

    >>> entry(8, 17, bytes(2))
    b'lesart v1 wording 17 0000'
    """
    return f"{ENTRY} {TABLES.get(kind, kind)} {seq} {commitment.hex()}".encode()


def commitment(table: str, values: Values, salt: bytes) -> bytes:
    """Return the commitment to a row with `canonical` values."""
    shape = SHAPES[table]
    drawn = shake_256(salt).digest(SALT_SIZE * (len(shape.salted) + 1))
    parts = [DOMAIN, table.encode(), b"\n", plain(shape, values), b"\n", drawn[:SALT_SIZE]]
    at = SALT_SIZE
    for name in shape.salted:
        parts.append(hidden(drawn[at : at + SALT_SIZE], values[name]))
        at += SALT_SIZE
    return sha256(b"".join(parts)).digest()


def open_row(table: str, values: Values, opening: bytes) -> OpenedRow:
    """Return a row with its opening: its salt, or the rest after a redaction.

    Raises: OpeningError.
    """
    shape = SHAPES[table]
    if len(opening) == SALT_SIZE:
        blind, *salts = _salts(opening, shape)
        contents: dict[str, Any] = {
            name: (salt, values[name]) for name, salt in zip(shape.salted, salts, strict=True)
        }
        return OpenedRow(table, plain(shape, values), blind, contents)
    blind, rest, contents = opening[:SALT_SIZE], opening[SALT_SIZE:], {}
    for name in shape.salted:
        size = SALT_SIZE if rest[:1] == _KEPT else 32
        held, rest = rest[1 : 1 + size], rest[1 + size :]
        if len(held) != size:
            raise OpeningError("it is cut off")
        contents[name] = (held, values[name]) if size == SALT_SIZE else held
    return OpenedRow(table, plain(shape, values), blind, contents)


def seal_opening(table: str, values: Values, opening: bytes, taken: Sequence[str]) -> bytes:
    """Return the opening of a row after the columns `taken` are removed with their salts."""
    held = open_row(table, values, opening)
    parts = [held.blind]
    for name in SHAPES[table].salted:
        content = held.contents[name]
        if isinstance(content, bytes):
            parts += (_TAKEN, content)
        elif name in taken:
            parts += (_TAKEN, hidden(*content))
        else:
            parts += (_KEPT, content[0])
    return b"".join(parts)


def hidden(salt: bytes, value: bytes | None) -> bytes:
    """Return the hash of one content; null has a hash of its own."""
    return sha256(salt + (b"\0" if value is None else b"\1" + value)).digest()


def plain(shape: LogEntry, values: Values) -> bytes:
    """Return the plain columns as JSON."""
    contents = shape.salted
    kept = {
        name: value for name, value in values.items() if value is not None and name not in contents
    }
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def canonical_json(stored_value: str | bytes | None) -> bytes | None:
    """Return JSON of a column in one form, independent of the database.

    >>> canonical_json('{"b": 1, "a": "ü"}').decode()
    '{"a":"ü","b":1}'
    """
    if stored_value is None:
        return None
    try:
        return orjson.dumps(orjson.loads(stored_value), option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError):  # a number beyond 64 bits, or a lone surrogate
        value = json.loads(stored_value)
        encoded = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return encoded.encode("utf-8", "surrogatepass")


def _salts(salt: bytes, shape: LogEntry) -> list[bytes]:
    """Return the blind and the salt of each content, all derived from one salt."""
    size = SALT_SIZE * (len(shape.salted) + 1)
    drawn = shake_256(salt).digest(size)
    return [drawn[at : at + SALT_SIZE] for at in range(0, size, SALT_SIZE)]
