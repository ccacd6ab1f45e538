"""Record the statements that the product sends to its databases, with the functions that send them."""

import re
import sqlite3
import sys
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event

from storage.database.sqlite_file import SqliteConnection
from tests.plans import ASKED, FORBIDDEN

WHOLE = re.compile(r"^SCAN|AUTOMATIC")


class SentStatement(NamedTuple):
    """A statement with its first parameters, and the functions of the product on the stack."""

    statement: str
    parameters: Any
    functions: set[str]


@contextmanager
def statements_by_function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection[SentStatement]]:
    """Yield a collection that receives the statements of all archives.

    Lists read SQLite without SQLAlchemy (`SqliteConnection.rows`).
    """
    statements: dict[str, SentStatement] = {}

    def record(statement: str, parameters: Any) -> None:
        if statement.lstrip().startswith(ASKED):
            statements.setdefault(statement, SentStatement(statement, parameters, set()))
            statements[statement].functions.update(_list_product_functions())

    def record_execution(
        _connection, _cursor, statement, parameters, _context, executemany
    ) -> None:
        record(statement, parameters[0] if executemany else parameters)

    rows = SqliteConnection.rows

    def record_rows(self, query, parameters):
        record(query, parameters)
        return rows(self, query, parameters)

    monkeypatch.setattr(SqliteConnection, "rows", record_rows)
    event.listen(Engine, "before_cursor_execute", record_execution)
    try:
        yield statements.values()
    finally:
        event.remove(Engine, "before_cursor_execute", record_execution)


def _list_product_functions() -> Iterator[str]:
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("storage.", "worker.")):
            yield f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back


def explain(
    connection: Connection, sent: SentStatement, *, without: str | None = None
) -> list[str]:
    """Return the lines of a plan, with all indexes or without one; no line for temporary tables.

    PostgreSQL plans with scans forbidden: what it scans then, no index can answer.
    """
    raw, is_sqlite = connection.connection.driver_connection, connection.dialect.name == "sqlite"
    keyword = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    with closing(raw.cursor()) as cursor:
        cursor.execute("SAVEPOINT plan")
        try:
            for name in () if is_sqlite else FORBIDDEN:
                cursor.execute(f"SET LOCAL {name} = off")
            if without is not None:
                cursor.execute(f"DROP INDEX {without}")
            # with another text, or the driver repeats a statement that it prepared before
            cursor.execute(f"{keyword} {sent.statement} -- without {without}", sent.parameters)
            return [str(row[-1]) for row in cursor.fetchall()]
        except (sqlite3.Error, psycopg.Error):
            return []
        finally:
            cursor.execute("ROLLBACK TO SAVEPOINT plan")


def find_whole_reads(plan: list[str]) -> set[str]:
    """Return the lines of a plan of SQLite that read all rows of a table or an index."""
    return {line for line in plan if WHOLE.search(line)}
