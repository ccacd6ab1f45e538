"""The record is only added to: no row is changed or deleted, but for an emptying with its reason."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Table, select, text, update

from storage.database.engine import DatabaseError, writing_engine
from storage.database.engine import database_url as parsed
from storage.database.schema import missing_guards, upgrade
from storage.database.table_facts import EMPTIED, ERASABLE, RECORD
from storage.database.tables.metadata import METADATA
from storage.database.unit import writing
from storage.values.redaction import is_emptied
from storage.write.archive import Archive
from storage.write.index import forget_words
from storage.write.redaction.empty_rows import values_after_redaction
from tests.flow.driver import START, Newsroom, hour
from tests.flow.whole_record import add_row

pytestmark = pytest.mark.starts_first

REFUSED = "the record is only added to"
TIMES = {"refusal": "at"}


def refuses(room: Newsroom, statement: Any) -> bool:
    try:
        with room.archive.engine.begin() as connection:
            connection.execute(text(statement) if isinstance(statement, str) else statement)
    except DatabaseError as error:
        return REFUSED in str(error)
    return False


def test_no_row_of_the_record_can_be_changed_or_deleted(logged):
    kept = logged
    before = {table: kept.rows(f"SELECT * FROM {table}") for table in RECORD}
    assert all(before.values()), "a table is empty, nothing is tried"
    statements = []
    for table in RECORD:
        statements.append(f"DELETE FROM {table}")
        names = [column.name for column in METADATA.tables[table].columns]
        statements += [f'UPDATE {table} SET "{name}" = "{name}"' for name in names]
    assert [each for each in statements if not refuses(kept, each)] == []
    assert {table: kept.rows(f"SELECT * FROM {table}") for table in RECORD} == before


def test_no_row_of_the_record_can_be_replaced_or_swept_away(logged):
    kept = logged
    statements = []
    for table in RECORD:
        names = [f'"{column.name}"' for column in METADATA.tables[table].columns]
        taken, fresh = ", ".join(names), ", ".join(["id + 1000000", *names[1:]])
        insertion = f"INSERT OR REPLACE INTO {table} ({taken}) SELECT"
        if kept.archive.engine.dialect.name == "postgresql":
            statements.append(f"TRUNCATE {table}")
            continue
        statements.append(f"{insertion} {taken} FROM {table}")
        if table in {"origin", "capture", "wording", "verdict", "relation"}:
            statements.append(f"{insertion} {fresh} FROM {table}")
    before = {table: kept.rows(f"SELECT * FROM {table}") for table in RECORD}
    assert [each for each in statements if not refuses(kept, each)] == []
    assert {table: kept.rows(f"SELECT * FROM {table}") for table in RECORD} == before


def erasing(table: str, row: int, **more: Any) -> tuple[Table, Any]:
    rows = METADATA.tables[table]
    return rows, update(rows).values(**values_after_redaction(table, ERASABLE[table], row), **more)


def redact(room: Newsroom, table: str, row: int, *, is_next: bool = True) -> None:
    """Say of all that may be emptied of a row that it is; no wording is found by it any more.

    `is_next` says that the row is emptied next.
    """
    with room.archive.engine.begin() as connection:
        if table == "wording" and is_next:
            connection.execute(text(f"DELETE FROM index_key WHERE wording_id = {row}"))
            forget_words(connection, [row])
        for what in sorted({table, f"{table}_address"} & {*EMPTIED}):
            add_row(
                connection, "redaction", table_name=what, row_id=row, at=START, reason="Gericht"
            )


def test_emptying_a_row_needs_its_redaction(kept):
    for table in ERASABLE:
        check_emptying_needs_redaction(kept, table)


def check_emptying_needs_redaction(kept: Newsroom, table: str) -> None:
    row = kept.number(f"SELECT min(id) FROM {table}")
    rows, emptied = erasing(table, row)
    other = kept.number(f"SELECT max(id) FROM {table}")
    assert row != other, table
    assert refuses(kept, emptied.where(rows.c.id == row)), table
    redact(kept, table, other, is_next=False)
    elsewhere = "wording" if table == "origin" else "origin_address"
    with kept.archive.engine.connect() as connection:  # what it adds is rolled back
        add_row(connection, "redaction", table_name=elsewhere, row_id=row, at=START, reason="x")
        with pytest.raises(DatabaseError, match=REFUSED):
            connection.execute(emptied.where(rows.c.id == row))
    redact(kept, table, row)
    assert not refuses(kept, emptied.where(rows.c.id == row)), table
    left = kept.one(f"SELECT * FROM {table} WHERE id = :id", id=row)
    assert all(left[name] == [] or is_emptied(left[name]) for name in ERASABLE[table]), table


def test_a_redaction_allows_nothing_but_emptying(kept):
    for table in ERASABLE:
        check_nothing_but_emptying(kept, table)


def check_nothing_but_emptying(kept: Newsroom, table: str) -> None:
    rows = METADATA.tables[table]
    row = kept.number(f"SELECT min(id) FROM {table}")
    redact(kept, table, row)
    at = rows.c.id == row
    assert refuses(
        kept, erasing(table, row, **{TIMES.get(table, "recorded_at"): hour(9)})[1].where(at)
    ), f"{table}: another column changes too"
    column = ERASABLE[table][0]
    with kept.archive.read_connection() as connection:
        one, other = connection.execute(
            select(rows.c[column]).order_by(rows.c.id).limit(2)
        ).scalars()
    swapped = update(rows).values({column: other})
    if one != other and other is not None:
        assert refuses(kept, swapped.where(at)), f"{table}: something else is put in"
    assert not refuses(kept, erasing(table, row)[1].where(at)), table
    assert other is None or refuses(kept, swapped.where(at)), f"{table}: it is filled again"
    assert refuses(kept, f"DELETE FROM {table} WHERE id = {row}"), table


def test_an_emptied_archive_is_sound(kept):
    """Only the redacted values are missing, and the rest is still proven."""
    for table in ERASABLE:
        row = kept.number(f"SELECT min(id) FROM {table}")
        rows, emptied = erasing(table, row)
        redact(kept, table, row)
        assert not refuses(kept, emptied.where(rows.c.id == row))


def test_an_upgrade_restores_dropped_guards(room):
    with room.archive.engine.begin() as connection:
        on = connection.dialect.name == "postgresql"
        for table in RECORD:
            clause = f" ON {table}" if on else ""
            connection.execute(text(f"DROP TRIGGER guard_{table}_update{clause}"))
        assert missing_guards(connection) == sorted(f"guard_{table}_update" for table in RECORD)
    upgrade(room.archive.engine)
    with room.archive.read_connection() as connection:
        assert missing_guards(connection) == []


def test_a_unit_that_fails_leaves_no_trace(room):
    before = room.rows("SELECT name, value FROM counter ORDER BY name")

    def fail() -> None:
        with writing(room.archive.engine, room.archive.clock) as unit:
            unit.number(7)
            unit.add(METADATA.tables["origin"], {
                "id": 1, "public_id": "x", "origin": "x", "recorded_at": START,
            })  # fmt: skip
            unit.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert room.rows("SELECT name, value FROM counter ORDER BY name") == before
    assert room.number("SELECT count(*) FROM origin") == 0


@pytest.mark.slow
def test_texts_are_packed_by_lz4_where_the_server_knows_it(postgres_url):
    engine = writing_engine(parsed(postgres_url))
    upgrade(engine)
    packed = (
        "SELECT attrelid::regclass::text, attname, attcompression = 'l', attstorage "
        "FROM pg_attribute WHERE (attrelid::regclass::text, attname) IN "
        "(('wording', 'text'), ('search_text', 'tokens')) ORDER BY 1"
    )
    with engine.connect() as connection:
        known = connection.execute(
            text("SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'")
        ).scalar()
        found = {row[:2]: row[2:] for row in connection.execute(text(packed)).all()}
    engine.dispose()
    is_known = "lz4" in (known or ())
    assert found == {
        ("search_text", "tokens"): (is_known, "x" if is_known else "e"),
        ("wording", "text"): (is_known, "x"),
    }


def test_a_new_file_has_small_pages_and_an_older_one_stays_as_it_is(tmp_path):
    path = tmp_path / "a.sqlite3"
    pragmas = ("PRAGMA page_size", "PRAGMA wal_autocheckpoint")

    def asked() -> tuple[int, ...]:
        with Archive.open(path) as archive, archive.read_connection() as connection:
            return tuple(connection.exec_driver_sql(each).scalar_one() for each in pragmas)

    assert asked() == (1_024, 32_000)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for each in ("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 4096", "VACUUM"):
            file.execute(each)
    assert asked() == (4_096, 8_000)
