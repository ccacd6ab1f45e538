"""The names in a query on SQLite, checked before the archive gets it."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from typing import Any

from storage.database.views import COLUMNS

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
def _of_sqlite() -> tuple[frozenset[str], frozenset[str]]:
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
    functions, tables = _of_sqlite()
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
