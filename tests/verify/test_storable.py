"""A backup of SQLite with texts that PostgreSQL cannot store is restored there, and says so."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, select

from storage.database.columns import JSON_TYPE, UtcTime
from storage.database.engine import database_url, reading_engine
from storage.database.tables.metadata import METADATA
from storage.values.settings.entered_text import make_storable
from tests.flow.processes import lesart


def text_columns() -> list[tuple[str, str]]:
    """Return all columns of texts, without times and without the keys that other columns name."""
    named = {key.column for table in METADATA.tables.values() for key in table.foreign_keys}
    return [
        (table.name, column.name)
        for table in METADATA.sorted_tables
        for column in table.columns
        if isinstance(column.type, String) and column not in named and column.type is not JSON_TYPE
        and not isinstance(column.type, UtcTime) and table.name not in {"archive", "counter"}
    ]  # fmt: skip


def all_rows(place: str) -> dict[str, list[dict[str, Any]]]:
    engine = reading_engine(database_url(place))
    try:
        with engine.connect() as connection:
            return {
                table.name: sorted(
                    (dict(row._mapping) for row in connection.execute(select(table))),
                    key=lambda row: repr([row[each.name] for each in table.primary_key.columns]),
                )
                for table in METADATA.sorted_tables
                if table.name not in {"archive", "counter"}
            }
    finally:
        engine.dispose()


def damage(file: Path) -> set[tuple[str, str]]:
    """End one value of each column of texts with a NUL, as an older archive may have it."""
    done = set()
    with closing(sqlite3.connect(file)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        for table, column in text_columns():
            key = ", ".join(f'"{each.name}"' for each in METADATA.tables[table].primary_key)
            changed = connection.execute(
                f'UPDATE "{table}" SET "{column}" = substr("{column}", 1, length("{column}") - 1) '
                f'|| char(0) WHERE ({key}) = (SELECT {key} FROM "{table}" WHERE "{column}" <> \'\' '
                f"ORDER BY {key} LIMIT 1)"
            )
            if changed.rowcount:
                done.add((table, column))
        connection.commit()
    return done


@pytest.mark.slow
def test_each_text_is_restored_into_postgresql_and_each_replaced_one_named(
    whole_file, postgres_url, tmp_path
):
    file = Path(shutil.copyfile(whole_file, tmp_path / "older.sqlite3"))
    done = damage(file)
    assert len(done) > 40
    before = all_rows(str(file))
    words = ("restore", str(file), "--archive", postgres_url, "--no-verify")
    ended = lesart(tmp_path, *words)
    assert ended.returncode == 0, ended.stderr
    assert "cannot store by U+FFFD" in ended.stderr
    assert all_rows(postgres_url) == {
        table: [make_storable(row) for row in rows] for table, rows in before.items()
    }
