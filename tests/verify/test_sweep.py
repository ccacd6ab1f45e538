"""Every column of every table: `lesart verify` names an edit, or lists the column as not covered.

The tables and columns come from the database itself, so a new column fails until it is either.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from storage.database.columns import JSON_TYPE, UtcTime
from storage.database.table_facts import RECORD
from storage.database.tables.metadata import METADATA
from storage.verify.finding import NOT_COVERED
from storage.verify.verify import Verification
from tests.flow.processes import lesart
from tests.verify.test_tampering import another

NOT_OPENED = {"alembic_version"}
"""Another schema: the archive is not opened at all."""
INSERTED = {
    "corrected_scan": "INSERT INTO corrected_scan (scan_id, seq, started_at) "
    "SELECT max(id), max(seq), '2024-06-18T09:00:00.000000+00:00' FROM scan"
}
"""A row that nothing in the record founds, for a table that is empty in this archive."""
FULL_TEXT = ("search_text", "sentence_text")
NAMED_AS = {
    "snapshot": {"snapshot", "article"},
    "version": {"version", "article"},
    "article": {"article", "cluster", "cluster_member", "article_origin", "snapshot"},
    "article_origin": {"article_origin", "snapshot", "article"},
    "cluster_member": {"cluster_member", "cluster", "article"},
    "index_key": {"index_key", "wording"},
    "counter": {"counter", "wording"},
    "change_event": {"article"},
    "corrected_scan": {"scan"},
    "search_text": {"wording", "database"},
    "log_run": {"log_run", "log_tile", *METADATA.tables},
}
"""What `verify` names instead of a row: the article of a version, the wording of an index key."""


def tables_of(path: Path) -> dict[str, list[str]]:
    """Return the columns of each table of an SQLite file but those of its own schema."""
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_") and name not in {*FULL_TEXT, *NOT_OPENED}
        ]
        return {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            for name in names
        }


def listed(table: str, column: str) -> bool:
    return any(
        each.table == table and (each.columns is None or column in each.columns)
        for each in NOT_COVERED
    )


def verified(path: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Run `lesart verify` in a process of its own; return its exit code and what it wrote."""
    ended = lesart(path.parent, "verify", "--archive", str(path), "--format", "json", *words)
    assert "Traceback" not in ended.stderr
    return ended.returncode, json.loads(ended.stdout or "{}"), ended.stderr


def edit(path: Path, table: str, column: str) -> None:
    """Change one value as an owner of the file could, and restore the guards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if table in INSERTED:
            connection.execute(INSERTED[table])
            return
        connection.execute("BEGIN")
        guards = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        ).fetchall()
        for name, _sql in guards:
            connection.execute(f"DROP TRIGGER {name}")
        keys = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[5]]
        whole = f"SELECT {column}, {', '.join(keys)} FROM {table}"
        order = ", ".join(f"{key} DESC" for key in keys)
        full = connection.execute(
            f"{whole} WHERE {column} IS NOT NULL AND {column} NOT IN ('', '[]') ORDER BY {order}"
        ).fetchone()
        value, *key = full or connection.execute(f"{whole} ORDER BY {order}").fetchone()
        where = " AND ".join(f"{name} IS ?" for name in keys)
        for other in others(value, table, column):
            try:
                done = connection.execute(
                    f"UPDATE {table} SET {column} = ? WHERE {where}", (other, *key)
                )
            except sqlite3.IntegrityError:
                continue
            assert done.rowcount == 1
            break
        for _name, sql in guards:
            connection.execute(sql)
        connection.execute("COMMIT")


def others(value: Any, table: str, column: str) -> Iterator[Any]:
    """Yield values that a column may have instead of its own, in the form of SQLite."""
    if table not in METADATA.tables:
        yield other_plain(value)
        return
    known = METADATA.tables[table].columns[column]
    if isinstance(known.type, UtcTime):
        moment = known.type.process_result_value(value, None) if value else None
        yield (
            (moment + timedelta(seconds=1)).isoformat(timespec="microseconds")
            if moment
            else ("2024-06-18T09:00:00.000000+00:00")
        )
        return
    found = another(json.loads(value) if known.type is JSON_TYPE and value is not None else value,
                    known)  # fmt: skip
    yield json.dumps(found) if isinstance(found, (dict, list)) else found
    if isinstance(found, int):
        yield found + 1_000_000


def other_plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return bytes([*value[:-1], value[-1] ^ 1]) if value else b"\x01"
    if isinstance(value, (int, float)):
        return value + 1
    return f"{value or ''}x"


@pytest.mark.slow
def test_verify_lists_the_tables_that_it_does_not_cover(whole_file):
    code, found, told = verified(whole_file, "--verbose")
    assert (code, found["findings"]) == (0, [])
    tables = {each["table"] for each in found["not_covered"]}
    assert {"source", "job", "alert"} <= tables
    assert not tables & {*RECORD, "cluster", "cluster_member", "article_origin", "index_key"}
    assert "not covered: the state of work, settings that somebody entered," in told


def test_every_listed_column_exists(whole_file):
    known = tables_of(whole_file)
    for each in NOT_COVERED:
        assert {*(each.columns or ())} <= {*known[each.table]}


def test_an_edit_of_a_visible_column_ends_with_1(whole_file, tmp_path):
    path = Path(shutil.copy(whole_file, tmp_path))
    edit(path, "snapshot", "is_foreign")
    code, found, _told = verified(path)
    assert code == 1
    assert {each["object"] for each in found["findings"]} == {"snapshot"}


@pytest.mark.large  # a process for each column
def test_an_edit_of_any_column_is_named(whole_file, tmp_path):
    unnamed = []
    for table, columns in tables_of(whole_file).items():
        for column in columns:
            if listed(table, column):
                continue
            path = Path(shutil.copy(whole_file, tmp_path))
            edit(path, table, column)
            code, found, told = verified(path)
            named = {each["object"] for each in found.get("findings", ())}
            index = next((each for each in FULL_TEXT if table.startswith(each)), None)
            expected = NAMED_AS.get("search_text" if index else table, {table})
            if code != 1 or not named & expected:
                unnamed.append((table, column, code, named, told[-300:]))
    assert unnamed == []


# ------------------------------------------------------------------------ the same on both


STATE = sorted({*METADATA.tables} - {*RECORD})


@pytest.mark.slow  # a verification for each column
@pytest.mark.parametrize("name", STATE)
def test_an_edit_of_state_is_named_on_both_databases(unguarded, name):
    table = METADATA.tables[name]
    assert {each["name"] for each in inspect(unguarded).get_columns(name)} == {
        *table.columns.keys()
    }
    unnamed = [
        column.name
        for column in table.columns
        if not listed(name, column.name) and not is_named(unguarded, table, column)
    ]
    assert unnamed == []


def is_named(state: Connection, table: Any, column: Any) -> bool:
    if table.name in INSERTED:
        savepoint = state.begin_nested()
        state.execute(text(INSERTED[table.name]))
        found = {each.object for each in Verification(state.engine).findings_on(state)}
        savepoint.rollback()
        return bool(found & NAMED_AS.get(table.name, {table.name}))
    keys = [*table.primary_key.columns]
    rows = state.execute(select(table).order_by(*(key.desc() for key in keys))).all()
    full = [row for row in rows if getattr(row, column.name) not in (None, "")] if rows else []
    row = (full or rows)[0]
    value = another(getattr(row, column.name), column)
    if value is None:
        times = (each for each in row if hasattr(each, "tzinfo"))
        value = next(times, datetime(2024, 6, 18, tzinfo=UTC))
    where = [key == getattr(row, key.name) for key in keys]
    for tried in (value, value + 1_000_000 if isinstance(value, int) else value):
        savepoint = state.begin_nested()
        try:
            state.execute(update(table).where(*where).values({column: tried}))
        except IntegrityError:
            savepoint.rollback()
            continue
        found = {each.object for each in Verification(state.engine).findings_on(state)}
        savepoint.rollback()
        return bool(found & NAMED_AS.get(table.name, {table.name}))
    raise AssertionError(f"no other value fits {table.name}.{column.name}")
