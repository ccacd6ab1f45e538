"""Check whether a database is an archive or belongs to another program."""

import os
import sqlite3
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

CORE = frozenset({"alembic_version", "archive", "counter", "observation", "origin", "wording"})
"""Tables of every archive since the first schema."""
_GUARD, _MAGIC = b"guard_observation_update", b"SQLite format 3\0"
_SCHEMA_BYTES = 4 * 1024 * 1024


def is_ours(names: AbstractSet[str]) -> bool:
    """Check whether a database with these tables is an archive.

    >>> is_ours({"alembic_version", "article"})
    False
    """
    return names >= CORE


def file_of(url: "URL") -> tuple[int, int] | None:
    """Return the existing file of an SQLite archive; None if there is none, or for a server."""
    if url.drivername != "sqlite":
        return None
    try:
        found = os.stat(url.database or "")  # noqa: PTH116  # asked before each answer of the page
    except OSError:
        return None
    return found.st_dev, found.st_ino


FileState = Literal["nothing", "archive", "foreign", "damaged", "unknown"]
"""State of a file: `unknown` if it cannot be opened; opening it reports the cause."""


def file_state(path: Path) -> FileState:
    """Return the state of the file at `path` without changing it.

    The file is opened only for reading, and without a lock if there is no log next to it: opening
    a database for writing may change it before the first statement.
    """
    try:
        names = _names_of_file(path)
    except sqlite3.OperationalError as error:
        return "damaged" if "unsupported file format" in str(error) else "unknown"
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        begin = _beginning(path)
        return "damaged" if _GUARD in begin or begin.startswith(_MAGIC) else "foreign"
    if is_ours(names):
        return "archive"
    if _GUARD in _beginning(path):
        return "damaged"
    return "foreign" if names else "nothing"


def _names_of_file(path: Path) -> set[str]:
    has_log = path.with_name(f"{path.name}-wal").exists()
    asked = f"{path.absolute().as_uri()}?mode=ro" + ("" if has_log else "&immutable=1")
    with closing(sqlite3.connect(asked, uri=True)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}


def _beginning(path: Path) -> bytes:
    """Return the pages of a file that contain the definitions of its tables.

    SQLite reads the first of these pages first: the others may be intact without it.
    """
    with path.open("rb") as stream:
        return stream.read(_SCHEMA_BYTES)
