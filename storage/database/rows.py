"""Run queries and stream their rows with the same types on both databases."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    Connection,
    CursorResult,
    Dialect,
    TextClause,
    bindparam,
    text,
)
from sqlalchemy.types import TypeEngine

from storage.database.columns import JSON_TYPE, UtcTime, stored_time
from storage.values.answer import LARGEST

ROWS_AT_ONCE = 500
STREAMING = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
Row = Mapping[str, Any]
_STATEMENTS = 256
_URL_LETTERS = bytes.maketrans(b"+/", b"-_")
_NAMES: dict[TypeEngine[Any], str] = {
    UtcTime(): """
        first_seen last_seen changed_after changed_by observed_at recorded_at until
        published_from published_to decided_at undone_at at created_at started_at finished_at
        latest_at first_at content_at""",
    JSON_TYPE: """
        origins authors tags flags changes removed added noise notices rules candidates
        row_published row_evidence detail""",
    Boolean(): "foreign silent kept",
}
TYPES = {name: kind for kind, names in _NAMES.items() for name in names.split()}
"""Types of columns by name; the others are returned as the database delivers them."""


class CursorError(ValueError):
    """Invalid cursor for a list."""

    def __init__(self, given: str) -> None:
        super().__init__(f"{given!r} is no cursor of this list")
        self.given = given


def stream(connection: Connection, query: str, parameters: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of `query` one by one; lists expand in `IN`."""
    with _asked(connection, query, parameters) as result:
        names = tuple(result.keys())
        readers = _readers(connection.dialect, names)
        for values in chain.from_iterable(result.partitions(ROWS_AT_ONCE)):
            row = dict(zip(names, values, strict=True))
            for name, read in readers:
                row[name] = read(row[name])
            yield row


def _asked(connection: Connection, query: str, parameters: Mapping[str, Any]) -> CursorResult[Any]:
    """Execute a query; if SQLite's driver knows all parameter types, directly: half the cost."""
    kinds = {name: _kind(value) for name, value in parameters.items()}
    if connection.dialect.name == "sqlite" and list not in kinds.values():
        told = {
            name: stored_time(value) if kinds[name] is datetime else value
            for name, value in parameters.items()
        }
        return connection.exec_driver_sql(query, told, execution_options=STREAMING)
    statement = _statement(query, *kinds.items())
    return connection.execute(statement, dict(parameters), execution_options=STREAMING)


@lru_cache(_STATEMENTS)
def _readers(
    dialect: Dialect, names: tuple[str, ...]
) -> Sequence[tuple[str, Callable[[Any], Any]]]:
    """Return the converters of columns that need one."""
    typed = [(name, TYPES[name]) for name in names if name in TYPES]
    if dialect.name == "sqlite":
        return [(name, _READERS[type(kind)]) for name, kind in typed]
    impls = [(name, kind.dialect_impl(dialect)) for name, kind in typed]
    found = [(name, kind.result_processor(dialect, None)) for name, kind in impls]
    return [(name, read) for name, read in found if read is not None]


def _read_time(stored: str | None) -> datetime | None:
    moment = None if stored is None else datetime.fromisoformat(stored)
    return moment if moment is None or moment.tzinfo is UTC else moment.astimezone(UTC)


def _read_json(stored: str | int | None) -> Any:
    if not isinstance(stored, str):
        return stored  # NULL, or a number: `noise` of a job is a count
    return [] if stored == "[]" else json.loads(stored)  # most lists of a step are empty


_READERS: dict[type, Callable[[Any], Any]] = {
    UtcTime: _read_time,
    type(JSON_TYPE): _read_json,
    Boolean: lambda stored: None if stored is None else bool(stored),
}
"""Converters of SQLite columns, which deliver text and numbers."""


def _kind(value: Any) -> type | None:
    """Return the property of a parameter that the statement depends on: time, list or other."""
    if isinstance(value, datetime):
        return datetime
    return list if isinstance(value, (list, tuple)) else None


@lru_cache(_STATEMENTS)
def _statement(query: str, *parameters: tuple[str, type | None]) -> TextClause:
    """Return a query with typed parameters, cached because most queries repeat."""
    moments = [bindparam(name, type_=UtcTime()) for name, kind in parameters if kind is datetime]
    lists: list[BindParameter[Any]] = [
        bindparam(name, expanding=True) for name, kind in parameters if kind is list
    ]
    return text(query).bindparams(*moments, *lists)


def cursor(*position: Any) -> str:
    """Return an opaque text for the position of a row in its list.

    >>> place("list", cursor("list", 42), int)
    (42,)
    """
    plain = ",".join(map(_plain, position)).encode()
    coded = binascii.b2a_base64(b"[%s]" % plain, newline=False)
    return coded.translate(_URL_LETTERS).rstrip(b"=").decode()


def place(kind: str, given: str, *types: type) -> tuple[Any, ...]:
    """Return the position that `given` encodes in lists of that kind.

    Raises: CursorError.

    >>> place("list", "@@@", int)
    Traceback (most recent call last):
    storage.database.rows.CursorError: '@@@' is no cursor of this list
    """
    try:
        padded = given.encode("ascii") + b"=" * (-len(given) % 4)
        found: Sequence[Any] = json.loads(base64.b64decode(padded, b"-_", validate=True))
        if [type(found), len(found), found[0]] != [list, len(types) + 1, kind]:
            raise CursorError(given)
        return tuple(_typed(value, kind_) for value, kind_ in zip(found[1:], types, strict=True))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise CursorError(given) from error


def _plain(value: Any) -> str:
    """Return a part of a cursor as JSON: text, time or number."""
    if isinstance(value, datetime):
        return f'"{value.isoformat()}"'
    return repr(value) if type(value) in {int, float} else json.dumps(value)


def _typed(value: Any, kind: type) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind or (isinstance(value, int) and abs(value) > LARGEST):
        raise TypeError(value)
    return value
