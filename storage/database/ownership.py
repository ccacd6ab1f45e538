"""Whether a database is an archive of ours, or somebody else's that must not be touched."""

import os
import sqlite3
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

CORE = frozenset({"alembic_version", "archive", "counter", "observation", "origin", "wording"})
"""Tables that every archive has had since the first schema."""


def is_ours(names: AbstractSet[str]) -> bool:
    """Return whether a database with these tables is an archive.

    >>> is_ours({"alembic_version", "article"})
    False
    """
    return names >= CORE


def names_in(connection: Connection) -> set[str]:
    """Return the names of all tables, views and indexes of a database, or of its schema."""
    if connection.dialect.name == "postgresql":
        query = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    else:
        query = "SELECT name FROM sqlite_master"
    return set(connection.execute(text(query)).scalars())


def file_of(url: URL) -> tuple[int, int] | None:
    """Return which file lies where an SQLite archive is; None where none is, or for a server."""
    if url.drivername != "sqlite":
        return None
    try:
        found = os.stat(url.database or "")  # noqa: PTH116  # asked before each answer of the page
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_foreign_file(path: Path) -> bool:
    """Return whether a file is there that is neither empty nor an archive, leaving each byte of it.

    It is opened for reading alone, and where no log lies beside it without a lock: whoever opens
    a database to write may change it before the first statement.
    """
    try:
        if path.stat().st_size == 0:
            return False
        has_log = path.with_name(f"{path.name}-wal").exists()
        asked = f"{path.absolute().as_uri()}?mode=ro" + ("" if has_log else "&immutable=1")
        with closing(sqlite3.connect(asked, uri=True)) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except (OSError, sqlite3.OperationalError):
        return False  # whoever opens it tells why it cannot be opened
    except sqlite3.DatabaseError:
        return True
    return bool(names) and not is_ours(names)
