"""Take the last bytes of what was redacted off the disk: out of free pages, old rows, logs.

A database forgets where something was before it overwrites it. What it wrote elsewhere cannot be
reached from here: backups, archived logs and replicas of PostgreSQL, snapshots of disks.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from sqlalchemy import Engine, delete, select, text

from storage.database.engine import ArchiveError, looking, place_of
from storage.database.tables import ERASABLE, ArchiveRow
from storage.database.unit import table_of
from storage.write.redaction.redact import UNSCRUBBED

FACTS = table_of(ArchiveRow)
REWRITTEN = (
    *ERASABLE, "log_entry", "search_text", "search_due", "fingerprint", "trace", "relate_due",
    "box_due", "version", "presence", "watch",
)  # fmt: skip
"""The tables of PostgreSQL that may hold old rows of what went."""
MERGED_PAGES = 2_000
"""So many pages of the index for full text are merged in one transaction."""

Tell = Callable[[str, int], None]


class UnscrubbedError(ArchiveError):
    """Bytes of what was redacted may still be on the disk; the message says what to do."""


def due(engine: Engine) -> str | None:
    """Return the last redaction of which bytes may still be in the database, None for none."""
    with looking(engine) as connection:
        query = select(FACTS.c.value).where(FACTS.c.key == UNSCRUBBED)
        found: str | None = connection.execute(query).scalar()
        return found


def scrub(engine: Engine, tell: Tell | None = None) -> None:
    """Rewrite what may hold bytes of what was redacted; others wait meanwhile, or read on.

    On SQLite that is the whole file, which takes as much room again for a while.
    Raises: UnscrubbedError where somebody reads for too long, or the tables are another user's.
    """
    seen = due(engine)
    if engine.dialect.name == "sqlite":
        _merge_index(engine, tell)
        _rewrite_file(engine, tell)
        _empty_log(engine)
    else:
        _rewrite_tables(engine, tell)
    with engine.begin() as connection:
        same = (FACTS.c.key == UNSCRUBBED) & (FACTS.c.value == seen)
        connection.execute(delete(FACTS).where(same))


def _merge_index(engine: Engine, tell: Tell | None) -> None:
    """Merge the parts of the index for full text into one, which leaves out what was deleted."""
    merge = text("INSERT INTO search_text (search_text, rank) VALUES ('merge', :pages)")
    changes = text("SELECT total_changes()")
    pages, is_first = -MERGED_PAGES, True
    while True:
        with engine.begin() as connection:
            before = connection.execute(changes).scalar_one()
            connection.execute(merge, {"pages": pages if is_first else MERGED_PAGES})
            moved = connection.execute(changes).scalar_one() - before
        is_first = False
        if tell is not None:
            tell("index merged", moved)
        if moved < 2:
            break
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO search_text (search_text) VALUES ('optimize')"))


def _rewrite_file(engine: Engine, tell: Tell | None) -> None:
    if tell is not None:
        tell("file rewritten", 0)
    _plainly(engine, "PRAGMA secure_delete = ON")
    _plainly(engine, "VACUUM")
    if tell is not None:
        tell("file rewritten", 1)


def _empty_log(engine: Engine) -> None:
    """Take what stands in the write-ahead log into the file, and leave the log empty."""
    ((busy, *_pages),) = _plainly(engine, "PRAGMA wal_checkpoint(TRUNCATE)")
    if busy:
        raise UnscrubbedError(
            f"somebody reads {place_of(engine.url)} all the time, so that its write-ahead log "
            "cannot be emptied: end that, and run `lesart redact --finish`"
        )


def _plainly(engine: Engine, statement: str) -> list[Any]:
    """Run a statement that no transaction can hold."""
    with closing(engine.raw_connection()) as pooled:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        return connection.execute(statement).fetchall()


def _rewrite_tables(engine: Engine, tell: Tell | None) -> None:
    owned = text(
        "SELECT relname FROM pg_class WHERE relname = ANY(:names) AND relkind = 'r' "
        "AND relnamespace = current_schema()::regnamespace "
        "AND NOT pg_has_role(current_user, relowner, 'USAGE')"
    )
    with engine.connect() as connection:
        plain = connection.execution_options(isolation_level="AUTOCOMMIT")
        others = plain.execute(owned, {"names": list(REWRITTEN)}).scalars().all()
        if others:
            raise UnscrubbedError(
                f"only the owner of the tables can rewrite {', '.join(others)}: run "
                "`lesart redact --finish` as that user"
            )
        for number, name in enumerate(REWRITTEN, 1):
            plain.exec_driver_sql("SET statement_timeout = 0")
            plain.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {name}")
            if tell is not None:
                tell("tables rewritten", number)
        plain.exec_driver_sql("RESET statement_timeout")
