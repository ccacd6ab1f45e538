"""Remove remaining redacted bytes from the disk: free pages, dead rows, logs.

A database marks space as free before it overwrites it. Bytes elsewhere cannot be reached from
here: backups, archived logs and replicas of PostgreSQL, snapshots of disks.
"""

import sqlite3
import time
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, text

from storage.database.archive_errors import ArchiveError
from storage.database.engine import place_of, read_connection
from storage.database.servers.pooler import require_sessions
from storage.database.table_facts import ERASABLE, STATE_TABLES
from storage.database.tables import ARCHIVE
from storage.database.tables.kept import find_kept
from storage.values.job import Progress
from storage.write.redaction.empty_rows import UNSCRUBBED

REWRITTEN = (
    *ERASABLE,
    "log_run",
    "search_text",
    "sentence_text",
    *(table.name for table in STATE_TABLES if table.holds_text),
)
"""The tables of PostgreSQL that may contain dead rows of redacted content."""
_ONLY_EMPTIED = frozenset({*ERASABLE, "log_run"})
"""In these tables only redactions leave dead rows, so none is newer."""
SAMPLES = "pg_statistic"
"""Statistics of PostgreSQL with samples of columns: titles, addresses, digests."""
READERS_SECONDS = 30.0
"""Maximum time to wait for transactions that still see the old rows."""
_OWNS_DATABASE = text(
    "SELECT pg_has_role(current_user, datdba, 'USAGE') FROM pg_database "
    "WHERE datname = current_database()"
)
_IS_SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
_FORGET_SAMPLES = text(
    "DELETE FROM pg_statistic USING pg_class WHERE starelid = pg_class.oid AND reltuples <= 0 "
    "AND relname = ANY(:names) AND relnamespace = current_schema()::regnamespace"
)
"""An empty table gets no new samples, so the old ones would remain."""
MERGED_PAGES = 2_000
"""Number of pages of the full-text index merged in one transaction."""


class UnscrubbedError(ArchiveError):
    """Redacted bytes may still be on the disk; the message states the remedy."""


def due(engine: Engine) -> str | None:
    """Return the last redaction whose bytes may still be in the database, None if there is none."""
    with read_connection(engine) as connection:
        query = select(ARCHIVE.c.value).where(ARCHIVE.c.key == UNSCRUBBED)
        found: str | None = connection.execute(query).scalar()
        return found


def scrub(engine: Engine, progress: Progress | None = None) -> bool:
    """Rewrite all tables that may contain redacted bytes; others wait meanwhile, or continue to
    read.

    On SQLite that is the whole file, which temporarily needs its size again, next to it and
    in the folder of temporary files. Returns whether everything was rewritten: only the owner of
    a PostgreSQL database can rewrite the samples of the planner.
    Raises: UnscrubbedError if a reader does not end in time, or another user owns the tables.
    """
    seen, is_all = due(engine), True
    if engine.dialect.name == "sqlite":
        _merge_index(engine, progress)
        _rewrite_file(engine, progress)
        _empty_log(engine)
    else:
        is_all = _rewrite_tables(engine, progress)
    with engine.begin() as connection:
        same = (ARCHIVE.c.key == UNSCRUBBED) & (ARCHIVE.c.value == seen)
        connection.execute(delete(ARCHIVE).where(same))
    return is_all


def _merge_index(engine: Engine, progress: Progress | None) -> None:
    """Merge the parts of each full-text index, which drops deleted entries."""
    for index in ("search_text", "sentence_text"):
        _merge(engine, index, progress)


def _merge(engine: Engine, index: str, progress: Progress | None) -> None:
    merge = text(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', :pages)")
    changes = text("SELECT total_changes()")
    pages, is_first = -MERGED_PAGES, True
    while True:
        with engine.begin() as connection:
            before = connection.execute(changes).scalar_one()
            connection.execute(merge, {"pages": pages if is_first else MERGED_PAGES})
            moved = connection.execute(changes).scalar_one() - before
        is_first = False
        if progress is not None:
            progress("index merged", moved)
        if moved < 2:
            break
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {index} ({index}) VALUES ('optimize')"))


def _rewrite_file(engine: Engine, progress: Progress | None) -> None:
    if progress is not None:
        progress("file rewritten", 0)
    _plainly(
        engine, "PRAGMA secure_delete = ON", "PRAGMA temp_store = FILE",  # of the new file
        "VACUUM", "PRAGMA temp_store = MEMORY",
    )  # fmt: skip
    if progress is not None:
        progress("file rewritten", 1)


def _empty_log(engine: Engine) -> None:
    """Checkpoint the write-ahead log into the file, and empty the log."""
    ((busy, *_pages),) = _plainly(engine, "PRAGMA wal_checkpoint(TRUNCATE)")
    if busy:
        raise UnscrubbedError(
            f"somebody reads {place_of(engine.url)} all the time, so that its write-ahead log "
            "cannot be emptied: end that, and run `lesart redact --finish`"
        )


def _plainly(engine: Engine, *statements: str) -> list[Any]:
    """Run statements outside a transaction, and return the last result."""
    found: list[Any] = []
    with closing(engine.raw_connection()) as pooled:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        for statement in statements:
            found = connection.execute(statement).fetchall()
    return found


def _rewrite_tables(engine: Engine, progress: Progress | None) -> bool:
    """Rewrite the tables; return whether the samples of the planner were rewritten, too."""
    owned = text(
        "SELECT relname FROM pg_class WHERE relname = ANY(:names) AND relkind = 'r' "
        "AND relnamespace = current_schema()::regnamespace "
        "AND NOT pg_has_role(current_user, relowner, 'USAGE')"
    )
    with engine.connect() as connection:
        require_sessions(engine)
        plain = connection.execution_options(isolation_level="AUTOCOMMIT")
        rewritten = (*REWRITTEN, *(each.table.name for each in find_kept(connection)))
        others = plain.execute(owned, {"names": list(rewritten)}).scalars().all()
        if others:
            raise UnscrubbedError(
                f"only the owner of the tables can rewrite {', '.join(others)}: run "
                "`lesart redact --finish` as that user"
            )
        plain.exec_driver_sql("SET statement_timeout = 0")
        names = [*rewritten, *([SAMPLES] if plain.execute(_OWNS_DATABASE).scalar() else [])]
        deadline = time.monotonic() + READERS_SECONDS
        for number, name in enumerate(names, 1):
            while _rewrite_table(plain, name) and name in _ONLY_EMPTIED:
                if time.monotonic() > deadline:
                    raise UnscrubbedError(
                        f"somebody has read {place_of(engine.url)} since before the redaction, so "
                        f"that old rows of {name} cannot go: end that, and run "
                        "`lesart redact --finish`"
                    )
                time.sleep(0.2)
            if name == rewritten[-1] and plain.execute(_IS_SUPERUSER).scalar():
                plain.execute(_FORGET_SAMPLES, {"names": list(rewritten)})
            if progress is not None:
                progress("tables rewritten", number)
        plain.exec_driver_sql("RESET statement_timeout")
        return SAMPLES in names


def _rewrite_table(plain: Connection, name: str) -> int:
    """Rewrite a table; return the number of dead rows that a transaction may still see."""
    driver = plain.connection.driver_connection
    assert driver is not None
    stayed: list[int] = []

    def noted(message: Any) -> None:
        if message.source_function == "copy_table_data":
            words = (message.message_detail or "").split()
            stayed.append(int(next(filter(str.isdecimal, words), 0)))

    driver.add_notice_handler(noted)
    try:
        plain.exec_driver_sql(f"VACUUM (FULL, ANALYZE, VERBOSE) {name}")
    finally:
        driver.remove_notice_handler(noted)
    return sum(stayed)
