"""SQL of users over the documented views: read-only, without access to other tables."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from storage.database.archive_errors import SqlRoleError
from storage.database.rows import READER_STATEMENT_SECONDS
from storage.database.views import COLUMNS, VIEWS
from storage.read.answers import Rows
from storage.values.dates import iso_utc
from storage.values.draft import Json
from storage.values.failures import CONFINE_SQL
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import decimal

    import psycopg
    from psycopg.types import string as string_types
    from sqlalchemy import Engine

    from storage.database.servers import reader_role
else:
    decimal = LazyModule("decimal")
    psycopg = LazyModule("psycopg")
    string_types = LazyModule("psycopg.types.string")
    reader_role = LazyModule("storage.database.servers.reader_role")

CHUNK_ROWS = 500
MAX_ROW_BYTES = 64 * 1024 * 1024
STEPS_BETWEEN_LOOKS = 50_000
_READING = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
NO_SELECT = "it is no SELECT"
REFUSED_NAME = (
    "{name} is refused: a query names no catalog of PostgreSQL, and no function that does more "
    "than return a value; a text with this word can be a parameter"
)
TOO_SLOW = "it took too long"
NO_MEMORY = "it needs more memory than a query may have"
TOO_LARGE = "a row of the answer is too large; select a part, such as substr(text, 1, 20000)"
_VALUE_TOO_LARGE = "string or blob too big"
_CODES = {
    TOO_SLOW: "too_slow", NO_MEMORY: "too_large", TOO_LARGE: "too_large",
    _VALUE_TOO_LARGE: "too_large",
}  # fmt: skip
_ROWS_AT_FIRST = 8

PARAMETER = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?(?:\*/|\Z)|\$(\w*)\$.*?(?:\$\1\$|\Z)|::|"
    r"(?<!\w):([A-Za-z_]\w*)|(%)",
    re.DOTALL,
)
"""Matches `:name`, and the texts, names and comments to skip.

>>> [m[2] for m in PARAMETER.finditer("SELECT ':a', x::text FROM y WHERE z = :b") if m[2]]
['b']
"""


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """Limits of a query: time per batch, size of the values of a row, rows per batch.

    `views_role_only`: refuse a role of PostgreSQL that may do more than select from the views.
    """

    seconds: float = READER_STATEMENT_SECONDS
    value_bytes: int = MAX_ROW_BYTES
    chunk_rows: int = CHUNK_ROWS
    views_role_only: bool = False


DEFAULT_LIMITS = QueryLimits()


class QueryError(ValueError):
    """The database refused a query; `reason` is its own message."""

    def __init__(self, query: str, reason: str) -> None:
        super().__init__(f"the query failed: {reason}")
        self.query = query
        self.reason = reason

    @property
    def code(self) -> str:
        """The code of the refusal over HTTP."""
        return _CODES.get(self.reason, "request_invalid")


def ask(
    engine: "Engine",
    resources: ExitStack,
    query: str,
    parameters: Mapping[str, Any],
    limits: QueryLimits = DEFAULT_LIMITS,
) -> Rows:
    """Run one query of a user; `resources` closes the connection after the last row.

    Times are returned as ISO 8601 in UTC and lists as JSON, on both databases. Each batch of rows
    may take `limits.seconds`. Raises: SqlRoleError; QueryError, also while the rows are read.
    """
    answering = _ask_postgres if engine.dialect.name == "postgresql" else _ask_sqlite
    return answering(engine, resources, query, parameters, limits)


# ----------------------------------------------------------------------------------- SQLite


def _ask_sqlite(
    engine: "Engine",
    resources: ExitStack,
    query: str,
    parameters: Mapping[str, Any],
    limits: QueryLimits,
) -> Rows:
    connection = resources.enter_context(engine.connect())
    database = connection.connection.driver_connection
    assert isinstance(database, sqlite3.Connection)
    connection.detach()  # the settings below must not remain on a pooled connection
    deadline = _Deadline(limits.seconds)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits.value_bytes)
    database.set_progress_handler(deadline.is_over, STEPS_BETWEEN_LOOKS)
    database.set_authorizer(_allow_reading)
    try:
        refuse_other_names(query, parameters)
        cursor = database.execute(query, dict(parameters))
        columns = _columns(cursor.description, query)
    except (sqlite3.Error, MemoryError, OverflowError, UnicodeEncodeError, QueryError) as error:
        connection.close()
        deadline.raise_interruption(error)
        raise QueryError(query, _sqlite_reason(error)) from error
    return Rows(columns, _sqlite_rows(cursor, query, deadline, limits, connection.close))


class _Deadline:
    """A time limit for one batch of rows; SQLite calls it after a number of steps."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.restart()

    def restart(self) -> None:
        self._end = time.monotonic() + self.seconds

    def is_over(self) -> bool:
        return time.monotonic() > self._end

    def raise_interruption(self, error: Exception) -> None:
        """Raise the KeyboardInterrupt that SQLite replaced by its own error, if it was one.

        Python drops an exception that a callback of SQLite raises; the query then ends early.
        """
        if str(error) == "interrupted" and not self.is_over():
            raise KeyboardInterrupt from error


def _allow_reading(action: int, *_names: str | None) -> int:
    """Authorise a step of a query that only reads (SQLite's authorizer callback)."""
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _sqlite_rows(
    cursor: sqlite3.Cursor,
    query: str,
    deadline: _Deadline,
    limits: QueryLimits,
    close: Callable[[], None],
) -> Iterator[tuple[Json, ...]]:
    try:
        deadline.restart()
        while chunk := [*_read_some(cursor, query, limits)]:
            yield from chunk
            deadline.restart()
    except (sqlite3.Error, MemoryError) as error:
        deadline.raise_interruption(error)
        raise QueryError(query, _sqlite_reason(error)) from error
    finally:
        close()


def _read_some(
    cursor: sqlite3.Cursor, query: str, limits: QueryLimits
) -> Iterator[tuple[Json, ...]]:
    """Yield rows up to the number of a batch, or as many as reach the size of the largest row."""
    left = limits.value_bytes
    for row in islice(cursor, limits.chunk_rows):
        plain, size = _check_row(row, query, limits)
        yield plain
        left -= size
        if left <= 0:
            return


def _sqlite_reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return NO_MEMORY
    reason = error.reason if isinstance(error, QueryError) else str(error)
    if reason == "interrupted":
        return TOO_SLOW
    if any(each in reason for each in ("prohibited", "not authorized", "no such table")):
        return f"{reason}; only the views can be read: {', '.join(VIEWS)}"
    return reason


# ------------------------------------------------------------------------------- PostgreSQL


def _ask_postgres(
    engine: "Engine",
    resources: ExitStack,
    query: str,
    parameters: Mapping[str, Any],
    limits: QueryLimits,
) -> Rows:
    connection = resources.enter_context(engine.connect())
    database = connection.connection.driver_connection
    assert isinstance(database, psycopg.Connection)
    cursor = resources.enter_context(database.cursor("lesart_sql"))

    def close() -> None:
        with suppress(psycopg.Error):
            cursor.close()
        connection.close()

    try:
        database.execute("SET TRANSACTION READ ONLY")
        database.execute(f"SET LOCAL statement_timeout = {max(1, int(limits.seconds * 1000))}")
        faults = _check_role(database, query, limits)
        for kind in ("json", "jsonb"):
            cursor.adapters.register_loader(kind, string_types.TextLoader)
        cursor.execute(_with_binds(query, parameters), dict(parameters))
        columns = _columns(cursor.description, query)
    except (psycopg.Error, UnicodeEncodeError, QueryError) as error:
        close()
        raise QueryError(query, _postgres_reason(error)) from error
    except SqlRoleError:
        close()
        raise
    note = f"the role of this query {', '.join(faults)}; {CONFINE_SQL}" if faults else None
    return Rows(columns, _postgres_rows(cursor, query, limits, close), note)


def _check_role(
    database: "psycopg.Connection[Any]", query: str, limits: QueryLimits
) -> Sequence[str]:
    """Return the rights of the role in addition to selecting from the views.

    Raises: SqlRoleError if the limits forbid it; QueryError if the query has a refused name.
    """
    reader_role.pin_schema(database)
    faults = reader_role.find_faults(database)
    if faults and limits.views_role_only:
        raise SqlRoleError(faults)
    if (name := reader_role.find_refused_name(database, query)) is not None:
        raise QueryError(query, REFUSED_NAME.format(name=name))
    return faults


def _with_binds(query: str, parameters: Mapping[str, Any]) -> str:
    """Write `:name` in the form of psycopg, if a parameter of that name is given.

    >>> _with_binds("SELECT ':a', 5 % 2 WHERE x = :a", {"a": 1})
    "SELECT ':a', 5 %% 2 WHERE x = %(a)s"
    """

    def bind(match: re.Match[str]) -> str:
        if match[2] in parameters:
            return f"%({match[2]})s"
        return match[0].replace("%", "%%")

    return PARAMETER.sub(bind, query)


def _postgres_rows(
    cursor: Any, query: str, limits: QueryLimits, close: Callable[[], None]
) -> Iterator[tuple[Json, ...]]:
    try:
        number = min(_ROWS_AT_FIRST, limits.chunk_rows)
        while chunk := cursor.fetchmany(number):
            largest = 1
            for row in chunk:
                plain, size = _check_row(row, query, limits)
                largest = max(largest, size)
                yield plain
            number = max(1, min(limits.chunk_rows, 4 * number, limits.value_bytes // largest))
    except psycopg.Error as error:
        raise QueryError(query, _postgres_reason(error)) from error
    finally:
        close()


def _postgres_reason(error: Exception) -> str:
    if isinstance(error, psycopg.errors.QueryCanceled):
        return TOO_SLOW
    if isinstance(error, QueryError):
        return error.reason
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    reason = str(primary or error).partition("\n")[0]
    if "out of memory" in reason:
        return NO_MEMORY
    if isinstance(error, (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)):
        return f"{reason}; only the views can be read: {', '.join(VIEWS)}"
    return reason


# --------------------------------------------------------------------------------- common


def _columns(description: Sequence[Any] | None, query: str) -> tuple[str, ...]:
    if description is None:
        raise QueryError(query, NO_SELECT)
    return tuple(column[0] for column in description)


def size_of(row: Sequence[Json]) -> int:
    """Return the approximate size of a row: its characters, and 8 for each other value."""
    return sum(len(value) if isinstance(value, str) else 8 for value in row)


def _check_row(row: Sequence[Any], query: str, limits: QueryLimits) -> tuple[tuple[Json, ...], int]:
    """Return a row for JSON, and its size. Raises: QueryError if it is too large."""
    plain = tuple(map(_plain, row))
    if (size := size_of(plain)) > limits.value_bytes:
        raise QueryError(query, TOO_LARGE)
    return plain, size


def _plain(value: Any) -> Json:
    r"""Return a value in a form that JSON supports, the same for both databases.

    >>> _plain(decimal.Decimal("12")), _plain(decimal.Decimal("1.5")), _plain(b"\x01")
    (12, 1.5, '01')
    """
    match value:
        case datetime() if value.tzinfo is not None:
            return iso_utc(value)
        case date() | clock_time():
            return value.isoformat()
        case decimal.Decimal():
            return int(value) if value.as_tuple().exponent == 0 else float(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case None | bool() | int() | float() | str():
            return value
    return str(value)


JSON_TABLES = frozenset({"json_each", "json_tree"})
"""The table-valued functions that a query may use: they read their arguments only."""
_INNOCUOUS, _DIRECT_ONLY = 0x200000, 0x80000
"""SQLITE_INNOCUOUS and SQLITE_DIRECTONLY: the function only computes; it has side effects."""


def refuse_other_names(query: str, parameters: Mapping[str, Any]) -> None:
    """Refuse a query that is no SELECT over the documented views.

    An empty database, which has the views with their columns and no tables, compiles the query but
    does not run it. So SQLite itself resolves each name, including those that the query defines,
    and a name of a table has no meaning. Raises: sqlite3.Error.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        mentioned = query.lower()
        for view in COLUMNS:
            if view in mentioned:
                columns = ", ".join(f'NULL AS "{column}"' for column in COLUMNS[view])
                database.execute(f'CREATE VIEW "{view}" AS SELECT {columns}')
        database.set_authorizer(_allow)
        database.execute(f"EXPLAIN {query}", dict(parameters))


@cache
def _sqlite_names() -> tuple[frozenset[str], frozenset[str]]:
    """Return the functions that only compute, and the tables that each database has."""
    functions = "SELECT name FROM pragma_function_list WHERE flags & ? AND NOT flags & ?"
    modules = "SELECT name FROM pragma_module_list"
    with closing(sqlite3.connect(":memory:")) as database:
        computing = database.execute(functions, (_INNOCUOUS, _DIRECT_ONLY)).fetchall()
        tables = database.execute(modules).fetchall()
    return frozenset(row[0] for row in computing), frozenset(row[0] for row in tables)


def _allow(
    action: int, first: str | None, second: str | None, _database: str | None, _inside: str | None
) -> int:
    """Authorise a step of a query (SQLite's authorizer callback)."""
    functions, tables = _sqlite_names()
    name = (first or "").lower()
    match action:
        case sqlite3.SQLITE_SELECT | sqlite3.SQLITE_RECURSIVE:
            return sqlite3.SQLITE_OK
        case sqlite3.SQLITE_READ if name in COLUMNS or name in JSON_TABLES:
            return sqlite3.SQLITE_OK
        case sqlite3.SQLITE_READ if not second and name not in tables:
            is_own = not name.startswith(("sqlite_", "pragma_"))  # counted rows of a WITH
            return sqlite3.SQLITE_OK if is_own else sqlite3.SQLITE_DENY
        case sqlite3.SQLITE_FUNCTION if (second or "").lower() in functions:
            return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
