"""Find the rows of the state that an earlier copy lacks or has in another form.

The rows of a table are compared by blocks of neighbouring numbers: each database counts the rows of
a block and adds up a number of each row, and only blocks that differ are read. Where every change
gives a row a new `seq`, that is the number: for a row that went, only one with a higher `seq` can
have come. In other tables it is a hash of all columns.
"""

import hashlib
import sqlite3
from functools import reduce
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    TypeDecorator,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects import postgresql

from storage.database.columns import UtcTime
from storage.database.table_facts import STATE_TABLES
from storage.values.job import Progress

BLOCK_NUMBERS = 1024
NEW_NUMBERS = 256 * BLOCK_NUMBERS
_PRIME = 2_147_483_647
_TIME_AS_TEXT = 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'
MOST_BLOCKS = 10_000
"""Above so many blocks a table is copied completely, because a statement could not name them."""
_NUMBERED = frozenset(table.name for table in STATE_TABLES if table.is_numbered)


def find_changed_rows(
    old: Connection, new: Connection, table: Table, progress: Progress
) -> ColumnElement[bool] | None:
    """Return a condition of the rows that differ in `old` and its earlier copy `new`, if any do.

    Old rows are first added up without blocks, which is much cheaper, and most often the same.
    """
    keys = [each for each in table.primary_key if each.name.endswith("id")]
    is_hashed = all(hashed_type(each) is not None for each in table.columns)
    if not keys or not (is_hashed or table.name in _NUMBERED):
        return true()
    number = keys[-1]
    chosen: ColumnElement[bool] = true()
    begin = (new.execute(select(func.max(number))).scalar() or 0) - NEW_NUMBERS
    if not _differing(old, new, table, None, number < begin, progress):
        chosen = number >= begin
    block = number // literal_column(str(BLOCK_NUMBERS), Integer)
    found = _differing(old, new, table, block, chosen, progress)
    if len(found) > MOST_BLOCKS:
        return true()
    return chosen & block.in_(found) if found else None


def _differing(
    old: Connection,
    new: Connection,
    table: Table,
    block: ColumnElement[int] | None,
    chosen: ColumnElement[bool],
    progress: Progress,
) -> list[int]:
    before, after = (_sums(each, table, block, chosen, progress) for each in (old, new))
    return sorted({number for number, _count, _sum in before ^ after})


def _sums(
    connection: Connection,
    table: Table,
    block: ColumnElement[int] | None,
    chosen: ColumnElement[bool],
    progress: Progress,
) -> set[tuple[int, int, int]]:
    """Return each block, or all rows as one, with the count and the sum of the numbers of rows."""
    number = table.c["seq"] if table.name in _NUMBERED else _hash_row(connection, table)
    sums = (func.count(), func.sum(number))
    query = (
        select(literal_column("0"), *sums)
        if block is None
        else select(block, *sums).group_by(block)
    )
    found = {(row[0], row[1], int(row[2] or 0)) for row in connection.execute(query.where(chosen))}
    progress("rows compared", sum(count for _number, count, _sum in found))
    return found


def hashed_type(column: Column[Any]) -> type | None:
    """Return the type of the values of a column, None if the databases store them differently.

    Times count as text, as SQLite stores them.
    """
    stored = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    kind = stored.python_type
    return kind if kind in {int, bool, float, str, bytes} else None


def _hash_row(connection: Connection, table: Table) -> ColumnElement[int]:
    """Return an expression with the same value below 2³¹ on both databases.

    It is not linear: a sum over linear values would not notice two values that were exchanged.
    """
    parts = [_number(connection, each) for each in table.columns if hashed_type(each) is not str]
    texts = [each for each in table.columns if hashed_type(each) is str]
    if texts:
        shown: list[ColumnElement[str]] = [
            func.coalesce(_text(connection, each), "\x01") for each in texts
        ]
        whole = reduce(lambda found, each: found + "\x02" + each, shown)
        parts.append(_hash(connection, whole))
    begin: ColumnElement[int] = literal_column("1", BigInteger)
    return reduce(lambda found, each: (found * (each % _PRIME + 31) + 17) % _PRIME, parts, begin)


def _text(connection: Connection, column: Column[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, UtcTime) and connection.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", column), _TIME_AS_TEXT)
    return type_coerce(column, String)


def _number(connection: Connection, column: Column[Any]) -> ColumnElement[int]:
    kind = hashed_type(column)
    if kind is bytes:
        value: ColumnElement[int] = _hash(connection, column)
    elif kind is float:
        value = func.round(column * 1_000_000)
    elif kind is bool:
        value = cast(column, Integer)  # PostgreSQL casts it to no longer one
    else:
        value = column
    return func.coalesce(cast(value, BigInteger), -1)


def _hash(connection: Connection, value: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the first 28 bits of the MD5 digest of a text or of bytes, which both can compute."""
    if connection.dialect.name == "postgresql":
        digits = literal("x").concat(func.substr(func.md5(value), 1, 7))
        return cast(cast(digits, postgresql.BIT(28)), BigInteger)
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.create_function("lesart_hash", 1, _hash_value, deterministic=True)
    return func.lesart_hash(value, type_=BigInteger)


def _hash_value(value: str | bytes | None) -> int | None:
    if value is None:
        return None
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return int(hashlib.md5(data, usedforsecurity=False).hexdigest()[:7], 16)
