"""Run queries and stream their rows with the same types on both databases."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from storage.database.sqlite_file import ROWS_AT_ONCE, SqliteConnection
from storage.database.view_facts import Kind
from storage.values.answer import LARGEST
from storage.values.dates import stored_time
from storage.values.lazy import LazyModule
from storage.values.messages import message_text

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy import Connection, CursorResult, TextClause
    from sqlalchemy.types import TypeEngine

    from storage.database import columns, views
else:
    sqlalchemy = LazyModule("sqlalchemy")
    columns = LazyModule("storage.database.columns")
    views = LazyModule("storage.database.views")

STREAMING = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
Row = Mapping[str, Any]
Chunks = Generator[tuple[tuple[str, ...], Sequence[Any]]]
"""Column names with some rows each time, first without any."""
READER_STATEMENT_SECONDS = 300
_STATEMENTS = 256
_URL_LETTERS = bytes.maketrans(b"+/", b"-_")
_OF_TABLES: Mapping[Kind, str] = {
    "time": "latest_at first_at content_at",
    "json": "entries noise row_published row_evidence detail hints",
}
"""Names of further columns of queries that have a type: those of tables, and computed ones."""
_KINDS_OF_TABLES = {name: kind for kind, names in _OF_TABLES.items() for name in names.split()}
_PARAMETER = re.compile(r":([a-z]\w*)")


class CursorError(ValueError):
    """Invalid cursor for a list."""

    def __init__(self, text: str) -> None:
        super().__init__(message_text("no_cursor", given=text))
        self.given = text


@contextmanager
def committed_reads(connection: "Connection | SqliteConnection") -> Iterator[None]:
    """Commit what only read, on PostgreSQL: psycopg forgets all prepared statements when a
    transaction is rolled back, and preparing them again costs more than most queries.
    """
    try:
        yield
    except GeneratorExit:  # a list that was not read to its end
        _commit_on_postgres(connection)
        raise
    _commit_on_postgres(connection)


def _commit_on_postgres(connection: "Connection | SqliteConnection") -> None:
    if not isinstance(connection, SqliteConnection) and connection.dialect.name == "postgresql":
        connection.commit()


def stream(
    connection: "Connection | SqliteConnection",
    query: str,
    parameters: Mapping[str, Any],
    view: str = "",
) -> Iterator[Row]:
    """Yield the rows of `query` one by one; lists expand in `IN`, and nothing is in an empty one.

    With a view, columns that are named as its columns have their types.
    """
    yield from _rows(connection, query, parameters, STREAMING, view)


def fetch(
    connection: "Connection | SqliteConnection",
    query: str,
    parameters: Mapping[str, Any],
    view: str = "",
) -> list[Row]:
    """Return the rows of `query`, which are few; otherwise like `stream`.

    PostgreSQL keeps the plan of a query that comes again, but not for the cursor of a stream.
    """
    return list(_rows(connection, query, parameters, {}, view))


def fetch_row(
    connection: "Connection | SqliteConnection", query: str, parameters: Mapping[str, Any]
) -> Row:
    """Return the only row of `query`."""
    (row,) = fetch(connection, query, parameters)
    return row


def _rows(
    connection: "Connection | SqliteConnection",
    query: str,
    parameters: Mapping[str, Any],
    options: Mapping[str, Any],
    view: str,
) -> Iterator[Row]:
    chunks: Chunks
    if isinstance(connection, SqliteConnection):
        chunks = connection.rows(*_plain_query(query, parameters))
    else:
        chunks = _chunks(_execute(connection, query, parameters, options))
    with closing(chunks):
        names, _none = next(chunks)
        readers = _readers(connection.dialect, names, view)
        for values in chain.from_iterable(rows for _names, rows in chunks):
            row = dict(zip(names, values, strict=True))
            for name, read in readers:
                row[name] = read(row[name])
            yield row


def _chunks(result: "CursorResult[Any]") -> Chunks:
    """Yield the column names with some rows each time, first without any."""
    with result:
        names = tuple(result.keys())
        yield names, ()
        for rows in result.partitions(ROWS_AT_ONCE):
            yield names, rows


def _plain_query(query: str, parameters: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return a query for SQLite's driver: a list becomes one parameter per element.

    >>> _plain_query("SELECT 1 WHERE a IN :ids", {"ids": [4, 2]})
    ('SELECT 1 WHERE a IN (:ids_0,:ids_1)', {'ids_0': 4, 'ids_1': 2})
    """
    plain: dict[str, Any] = {}
    lists: dict[str, str] = {}
    for name, value in parameters.items():
        if isinstance(value, (list, tuple)):
            elements = {f"{name}_{number}": each for number, each in enumerate(value)}
            lists[name] = f"({','.join(f':{each}' for each in elements)})"
            plain |= elements
        else:
            plain[name] = stored_time(value) if isinstance(value, datetime) else value
    if lists:
        query = _PARAMETER.sub(lambda match: lists.get(match[1], match[0]), query)
    return query, plain


def _execute(
    connection: "Connection",
    query: str,
    parameters: Mapping[str, Any],
    options: Mapping[str, Any],
) -> "CursorResult[Any]":
    """Execute a query; if SQLite's driver knows all parameter types, directly: half the cost."""
    kinds = {name: _kind(value) for name, value in parameters.items()}
    if connection.dialect.name == "sqlite" and list not in kinds.values():
        plain = _plain_query(query, parameters)
        return connection.exec_driver_sql(*plain, execution_options=options)
    statement = _statement(query, *kinds.items())
    # an empty list would get the type of numbers, which PostgreSQL compares with no text
    values = {
        name: value or [None] if kinds[name] is list else value
        for name, value in parameters.items()
    }
    return connection.execute(statement, values, execution_options=options)


@lru_cache(_STATEMENTS)
def _readers(
    dialect: Any, names: tuple[str, ...], view: str
) -> Sequence[tuple[str, Callable[[Any], Any]]]:
    """Return the converters of columns that need one."""
    own = views.VIEWS[view].kinds if view else {}
    known = {**views.KINDS, **_KINDS_OF_TABLES, **own}
    found = ((name, known.get(name)) for name in names)
    kinds = [(name, kind) for name, kind in found if kind is not None]
    if dialect.name == "sqlite":
        return [(name, _READERS[kind]) for name, kind in kinds]
    impls = [(name, _column_type(kind).dialect_impl(dialect)) for name, kind in kinds]
    readers = [(name, impl.result_processor(dialect, None)) for name, impl in impls]
    return [(name, read) for name, read in readers if read is not None]


def _column_type(kind: Kind) -> "TypeEngine[Any]":
    match kind:
        case "time":
            return columns.UtcTime()
        case "json":
            return columns.JSON_TYPE
        case "boolean":
            return sqlalchemy.Boolean()


def _read_time(stored: str | None) -> datetime | None:
    moment = None if stored is None else datetime.fromisoformat(stored)
    return moment if moment is None or moment.tzinfo is UTC else moment.astimezone(UTC)


def _read_json(stored: str | bytes | None) -> Any:
    if not isinstance(stored, str):
        return stored  # NULL, or bytes: `entries` of the log are packed
    return [] if stored == "[]" else json.loads(stored)  # most lists of a step are empty


_READERS: dict[Kind, Callable[[Any], Any]] = {
    "time": _read_time,
    "json": _read_json,
    "boolean": lambda stored: None if stored is None else bool(stored),
}
"""Converters of SQLite columns, which deliver text and numbers."""


def _kind(value: Any) -> type | None:
    """Return the property of a parameter that the statement depends on: time, list or other."""
    if isinstance(value, datetime):
        return datetime
    return list if isinstance(value, (list, tuple)) else None


@lru_cache(_STATEMENTS)
def _statement(query: str, *parameters: tuple[str, type | None]) -> "TextClause":
    """Return a query with typed parameters, cached because most queries repeat."""
    typed = [
        sqlalchemy.bindparam(name, type_=columns.UtcTime())
        if kind is datetime
        else sqlalchemy.bindparam(name, expanding=True)
        for name, kind in parameters
        if kind is not None
    ]
    return sqlalchemy.text(query).bindparams(*typed)


def cursor(*position: Any) -> str:
    """Return an opaque text for the position of a row in its list.

    >>> place("list", cursor("list", 42), int)
    (42,)
    """
    plain = ",".join(map(_plain, position)).encode()
    coded = binascii.b2a_base64(b"[%s]" % plain, newline=False)
    return coded.translate(_URL_LETTERS).rstrip(b"=").decode()


def place(kind: str, text: str, *types: type) -> tuple[Any, ...]:
    """Return the position that `text` encodes in lists of that kind.

    Raises: CursorError.

    >>> place("list", "@@@", int)
    Traceback (most recent call last):
    storage.database.rows.CursorError: '@@@' is no cursor of this list
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found: Sequence[Any] = json.loads(base64.b64decode(padded, b"-_", validate=True))
        if [type(found), len(found), found[0]] != [list, len(types) + 1, kind]:
            raise CursorError(text)
        return tuple(
            _convert_value(value, kind_) for value, kind_ in zip(found[1:], types, strict=True)
        )
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise CursorError(text) from error


def _plain(value: Any) -> str:
    """Return a part of a cursor as JSON: text, time or number."""
    if isinstance(value, datetime):
        return f'"{value.isoformat()}"'
    return repr(value) if type(value) in {int, float} else json.dumps(value)


def _convert_value(value: Any, kind: type) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind or (isinstance(value, int) and abs(value) > LARGEST):
        raise TypeError(value)
    return value
