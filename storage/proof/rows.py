"""Rows of the record in the form of their commitments, independent of the database."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import Boolean, Column, Connection, LargeBinary, TextClause, text

from storage.capabilities.hooks import LogEntry
from storage.database.columns import JSON_TYPE, UtcTime
from storage.database.tables.kept import table_named
from storage.proof.leaf import ARCHIVE, SHAPES, Values, canonical_json

PART_ROWS = 500
STREAMING = {"stream_results": True, "max_row_buffer": PART_ROWS}
_ISO_UTC = """'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'"""
"""A time in the format of `iso_utc`, computed by PostgreSQL."""
_NUMBERS = count()
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class RowReader:
    """The query for the rows of one table, and the conversion of their values."""

    table: str
    shape: LogEntry
    names: tuple[str, ...]
    query: TextClause | str
    converters: tuple[tuple[str, Convert], ...]

    def values(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return the values of a row: contents as bytes, plain columns as JSON values."""
        found = dict(zip(self.names, row, strict=False))
        for name, convert in self.converters:
            value = found[name]
            if value is not None:
                found[name] = convert(value)
        return found


@lru_cache(maxsize=64)
def reader(table: str, dialect: str) -> RowReader:
    """Return the reader of a table; columns covered by a digest are not read."""
    shape = SHAPES[table]
    columns = [each for each in table_named(table).columns if each.name not in shape.covered]
    readers = [
        _select_expression(each, dialect, is_content=each.name in shape.salted) for each in columns
    ]
    converters = tuple((each.name, convert) for each in columns if (convert := _converter(each)))
    key = shape.key
    after, upto = (":after", ":upto") if dialect == "sqlite" else ("%(after)s", "%(upto)s")
    query = (
        f"SELECT {', '.join(readers)} FROM {table} "
        f"WHERE {key} > {after} AND {key} <= {upto} ORDER BY {key}"
    )
    names = tuple(str(each.name) for each in columns)  # SQLAlchemy has a type of its own for names
    asking = text(query) if dialect == "sqlite" else query
    return RowReader(table, shape, names, asking, converters)


def rows(connection: Connection, table: str, after: int, upto: int) -> Iterator[tuple[int, Values]]:
    """Yield number and values of the rows of a table between two numbers, in order."""
    if table == ARCHIVE:
        if after < 0 <= upto:
            yield 0, archive_values(connection)
        return
    how = reader(table, connection.dialect.name)
    key = how.names.index(how.shape.key)
    readers = {"after": after, "upto": upto}
    with closing(_parts(connection, how.query, readers)) as parts:
        for part in parts:
            for row in part:
                yield row[key], how.values(row)


def _parts(
    connection: Connection, query: TextClause | str, readers: Mapping[str, int]
) -> Generator[Sequence[Sequence[Any]], None, None]:
    """Yield rows in parts; from PostgreSQL in the raw form of the driver, texts as bytes."""
    if not isinstance(query, str):
        with connection.execute(query, readers, execution_options=STREAMING) as found:
            yield from found.partitions(PART_ROWS)
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor(f"lesart_{next(_NUMBERS)}", binary=True) as cursor:
        cursor.execute(query, readers)
        part = cursor.fetchmany(PART_ROWS)
        while part:
            yield part
            part = cursor.fetchmany(PART_ROWS) if len(part) == PART_ROWS else ()


def row(connection: Connection, table: str, number: int) -> Values | None:
    """Return the values of one row, None if it does not exist."""
    found = list(rows(connection, table, number - 1, number))
    return found[0][1] if found else None


def archive_values(connection: Connection) -> Values:
    """Return the logged values of the archive: its id and creation time."""
    query = text("SELECT key, value FROM archive WHERE key IN ('id', 'created_at')")
    found = {key: value.encode() for key, value in connection.execute(query)}
    return {name: found.get(name) for name in ("created_at", "id")}


def _select_expression(column: Column[Any], dialect: str, *, is_content: bool) -> str:
    """Return the select expression of a column; long texts are read as bytes."""
    name, kind = column.name, column.type
    if dialect == "sqlite":
        return f"CAST({name} AS BLOB) AS {name}" if is_content else name
    if isinstance(kind, UtcTime):
        return f"to_char({name} AT TIME ZONE 'UTC', {_ISO_UTC})"
    if isinstance(kind, LargeBinary) or not (is_content or _is_json(column)):
        return name
    return f"convert_to(CAST({name} AS text), 'UTF8')"


def _converter(column: Column[Any]) -> Convert | None:
    if _is_json(column):
        return canonical_json
    if isinstance(column.type, LargeBinary):
        return bytes
    return bool if isinstance(column.type, Boolean) else None


def _is_json(column: Column[Any]) -> bool:
    return column.type.__class__ is JSON_TYPE.__class__
