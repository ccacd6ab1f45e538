"""For any row of the record that is changed, deleted or doubled, `verify` names the row."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Connection, Table, func, insert, select, text, update

from storage.database.columns import JSON_TYPE, UtcTime
from storage.database.table_facts import RECORD
from storage.database.tables.metadata import METADATA
from storage.proof.leaf import SHAPES
from storage.verify.finding import BrokenObject, Scope
from storage.verify.record import REFERENCES, _key_of, references
from storage.verify.verify import Verification

pytestmark = [pytest.mark.slow, pytest.mark.starts_first]  # some 500 verifications

KEYS = {"log_run": "seq", "log_tile": "number"}


def named(connection: Connection, table: str, keys: set[Any]) -> bool:
    """Return whether `verify` names this row of this table."""
    found = [each for each in Verification(connection.engine).findings_on(connection)
             if each.object != "trigger"]  # fmt: skip
    if table == "log_tile":
        return any(each.object == table for each in found)
    if table == "log_run":  # its entries are of rows, which are named, all that went or one
        return any(each.object == table or each.id in keys for each in found)
    return any(each.object == table and each.id in keys for each in found)


def another(value: Any, column: Any) -> Any:  # noqa: PLR0911  # one line a type
    """Return another value that the column takes."""
    kind = column.type
    if isinstance(kind, UtcTime):
        return value + timedelta(seconds=1) if value is not None else None
    if kind is JSON_TYPE:
        return {"changed": 1} if value is None else {"was": value}
    if isinstance(kind, sqlalchemy.LargeBinary):
        return b"x" * 32 if not value else bytes([value[0] ^ 1]) + bytes(value)[1:]
    if isinstance(kind, sqlalchemy.Boolean):
        return not value
    if isinstance(kind, sqlalchemy.Float):
        return (value or 0) + 0.5
    if isinstance(kind, (sqlalchemy.Integer, sqlalchemy.BigInteger)):
        return (value or 0) + 1
    return "x" if not value else value[:-1] + ("y" if value[-1] == "x" else "x")


def changes(table: Table) -> list[tuple[Any, str]]:
    more = [(column, "other") for column in table.columns]
    return more + [(column, "null") for column in table.columns if column.nullable]


def cases(table: Table, on: str) -> list[tuple[Any, str]]:
    """Return what to try: all, on PostgreSQL one column of each type, as the others are read alike."""
    found = changes(table)
    if on == "sqlite":
        return found
    return list({(type(column.type), how): (column, how) for column, how in found}.values())


def key_of(table: Table) -> Any:
    return table.columns[KEYS.get(table.name, "id")]


def last_row(connection: Connection, table: Table, column: Any, how: str) -> Any:
    """Return the row that is changed: one in which the column says something, if there is one."""
    query = select(table).order_by(key_of(table).desc())
    rows = connection.execute(query).all()
    full = [row for row in rows if getattr(row, column.name) is not None]
    return (full or rows)[0] if how == "other" or full else None


@pytest.mark.parametrize("name", RECORD)
def test_a_changed_value_is_named(unguarded, name):
    table = METADATA.tables[name]
    tried = [
        (column.name, how, change_is_named(unguarded, table, column, how))
        for column, how in cases(table, unguarded.dialect.name)
    ]
    assert [(column, how) for column, how, is_named in tried if is_named is False] == []
    assert any(is_named for *_, is_named in tried)


def change_is_named(unguarded: Connection, table: Table, column: Any, how: str) -> bool | None:
    """Return whether `verify` names a row with a changed value; None if all is null already."""
    row = last_row(unguarded, table, column, how)
    if row is None:
        return None
    held = getattr(row, column.name)
    value = None if how == "null" else another(held, column)
    if value is None and held is None:
        value = row[0] if isinstance(row[0], int) else None
        if isinstance(column.type, UtcTime):
            value = next(each for each in row if hasattr(each, "tzinfo"))
    key = key_of(table)
    number = getattr(row, key.name)
    with unguarded.begin_nested() as savepoint:
        unguarded.execute(update(table).where(key == number).values({column: value}))
        seq = getattr(row, SHAPES[table.name].key) if table.name in SHAPES else number
        keys = {number, seq} | ({value} if column.name in {"id", "seq"} else set())
        found = named(unguarded, table.name, keys)
        savepoint.rollback()
    return found


@pytest.mark.parametrize("which", ["first", "last"])
@pytest.mark.parametrize("name", RECORD)
def test_a_deleted_row_is_named(unguarded, name, which):
    table = METADATA.tables[name]
    key = key_of(table)
    end = func.min(key) if which == "first" else func.max(key)
    number = unguarded.execute(select(end)).scalar_one()
    row = unguarded.execute(select(table).where(key == number)).first()
    keys = {number, getattr(row, SHAPES[name].key) if name in SHAPES else number}
    with unguarded.begin_nested() as savepoint:
        unguarded.execute(table.delete().where(key == number))
        assert named(unguarded, name, keys)
        savepoint.rollback()


@pytest.mark.parametrize("where", ["in a gap", "at the end"])
@pytest.mark.parametrize("name", RECORD)
def test_a_doubled_row_is_named(unguarded, name, where):
    table = METADATA.tables[name]
    key = key_of(table)
    rows = unguarded.execute(select(table).order_by(key)).all()
    values = dict(rows[0]._mapping)
    counter = unguarded.execute(text("SELECT value FROM counter WHERE name = 'seq'")).scalar_one()
    taken = {number for other in RECORD if other != "log_tile" for number in
             unguarded.execute(select(key_of(METADATA.tables[other]))).scalars()}  # fmt: skip
    gap = next(number for number in range(7, counter) if number not in taken)
    number = gap if where == "in a gap" else counter + 10
    values[key.name] = number
    if name in SHAPES:
        values[SHAPES[name].key] = number
    single = {each.name for each in table.columns if each.unique}
    for constraint in table.constraints:
        if isinstance(constraint, sqlalchemy.UniqueConstraint):
            single.add(next(iter(constraint.columns)).name)
    for unique in single - {key.name}:
        values[unique] = another(values[unique], table.columns[unique])
    with unguarded.begin_nested() as savepoint:
        unguarded.execute(insert(table).values(values))
        assert named(unguarded, name, {number})
        savepoint.rollback()


def test_each_reference_to_a_missing_row_is_named(unguarded):
    """Each stated reference of a table with rows; few tables of this archive are empty."""
    tried = []
    places = [*REFERENCES, ("redaction", "row_id", "capture")]
    for table, column, target in places:
        key = _key_of(table)
        row = f"SELECT min({key}) FROM {table} WHERE {column} IS NOT NULL"
        more = f", table_name = '{target}'" if column == "row_id" else ""
        with unguarded.begin_nested() as savepoint:
            change = f"UPDATE {table} SET {column} = -77{more} WHERE {key} = ({row})"
            if unguarded.execute(text(change)).rowcount:
                broken = [
                    each
                    for each in references(unguarded, Scope())
                    if isinstance(each, BrokenObject)
                ]
                assert (table, column) in {
                    (each.object, each.message.split()[0]) for each in broken
                }
                tried.append((table, column))
            savepoint.rollback()
    assert len(tried) > len(places) * 0.7, set(places) - set(tried)
