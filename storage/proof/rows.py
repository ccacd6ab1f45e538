"""Rows of the record as the log commits to them: one form, whichever database holds them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, Column, Connection, LargeBinary, TextClause, text

from storage.database.columns import JSON_TYPE, UtcTime, iso_utc
from storage.database.tables import METADATA
from storage.proof.leaf import ARCHIVE, SHAPES, Shape, Values, canonical_json

STREAMING = {"stream_results": True, "yield_per": 500}
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class RowReader:
    """How the rows of one table are asked for, and their values put into one form."""

    table: str
    shape: Shape
    names: tuple[str, ...]
    query: TextClause
    converters: tuple[tuple[str, Convert], ...]

    def values(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return what a row holds: contents as bytes, plain columns as JSON takes them."""
        found = dict(zip(self.names, row, strict=False))
        for name, convert in self.converters:
            value = found[name]
            if value is not None:
                found[name] = convert(value)
        return found


@lru_cache(maxsize=64)
def reader(table: str, dialect: str) -> RowReader:
    """Return how rows of a table are read; what a digest covers is left where it is."""
    shape = SHAPES[table]
    columns = [each for each in METADATA.tables[table].columns if each.name not in shape.covered]
    asked = [_asked(each, dialect) for each in columns]
    converters = tuple(
        (each.name, convert)
        for each in columns
        if (convert := _converter(each, dialect, is_content=each.name in shape.contents))
    )
    key = shape.key
    query = text(
        f"SELECT {', '.join(asked)} FROM {table} "
        f"WHERE {key} > :after AND {key} <= :upto ORDER BY {key}"
    )
    return RowReader(table, shape, tuple(each.name for each in columns), query, converters)


def rows(connection: Connection, table: str, after: int, upto: int) -> Iterator[tuple[int, Values]]:
    """Yield number and values of the rows of a table between two numbers, in their order."""
    if table == ARCHIVE:
        if after < 0 <= upto:
            yield 0, archive_values(connection)
        return
    how = reader(table, connection.dialect.name)
    key = how.names.index(how.shape.key)
    asked = {"after": after, "upto": upto}
    with connection.execute(how.query, asked, execution_options=STREAMING) as found:
        for chunk in found.partitions():
            for row in chunk:
                yield row[key], how.values(row)


def row(connection: Connection, table: str, number: int) -> Values | None:
    """Return the values of one row, None where it is not there."""
    found = list(rows(connection, table, number - 1, number))
    return found[0][1] if found else None


def archive_values(connection: Connection) -> Values:
    """Return what the archive says of itself: its id, when it was made."""
    query = text("SELECT key, value FROM archive WHERE key IN ('id', 'created_at')")
    found = {key: value.encode() for key, value in connection.execute(query)}
    return {name: found.get(name) for name in ("created_at", "id")}


def _asked(column: Column[Any], dialect: str) -> str:
    is_json = column.type.__class__ is JSON_TYPE.__class__
    return f"CAST({column.name} AS text)" if is_json and dialect != "sqlite" else column.name


def _converter(column: Column[Any], dialect: str, *, is_content: bool) -> Convert | None:
    kind = column.type
    if kind.__class__ is JSON_TYPE.__class__:
        return canonical_json
    if isinstance(kind, LargeBinary):
        return bytes
    if isinstance(kind, UtcTime):
        return None if dialect == "sqlite" else iso_utc
    if isinstance(kind, Boolean):
        return bool
    return _encoded if is_content else None


def _encoded(value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")
