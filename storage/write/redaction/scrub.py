"""Take the last bytes of what was redacted off the disk: out of free pages, old rows, logs.

A database forgets where something was before it overwrites it. What it wrote elsewhere cannot be
reached from here: backups, archived logs and replicas of PostgreSQL, snapshots of disks.
"""

import sqlite3
import time
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, text

from storage.database.engine import ArchiveError, place_of, read_connection
from storage.database.tables import ARCHIVE, ERASABLE
from storage.values.job import Progress
from storage.write.redaction.redact import UNSCRUBBED

REWRITTEN = (
    *ERASABLE, "log_run", "search_text", "search_due", "index_key", "relation_due",
    "boilerplate_due", "version", "presence", "watch", "article", "job", "source",
)  # fmt: skip
"""The tables of PostgreSQL that may hold old rows of what went."""
_ONLY_EMPTIED = frozenset({*ERASABLE, "log_run"})
"""Of these nothing but a redaction leaves old rows; what it did elsewhere is as old."""
SAMPLES = "pg_statistic"
"""Where the planner of PostgreSQL keeps samples of columns: titles, addresses, digests."""
READERS_SECONDS = 30.0
"""So long is waited for those who still see what was there before."""
_OWNS_DATABASE = text(
    "SELECT pg_has_role(current_user, datdba, 'USAGE') FROM pg_database "
    "WHERE datname = current_database()"
)
_IS_SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
_FORGET_SAMPLES = text(
    "DELETE FROM pg_statistic USING pg_class WHERE starelid = pg_class.oid AND reltuples <= 0 "
    "AND relname = ANY(:names) AND relnamespace = current_schema()::regnamespace"
)
"""Of tables in which nothing is left no new samples are taken: the old ones would stay."""
MERGED_PAGES = 2_000
"""So many pages of the index for full text are merged in one transaction."""


class UnscrubbedError(ArchiveError):
    """Bytes of what was redacted may still be on the disk; the message says what to do."""


def due(engine: Engine) -> str | None:
    """Return the last redaction of which bytes may still be in the database, None for none."""
    with read_connection(engine) as connection:
        query = select(ARCHIVE.c.value).where(ARCHIVE.c.key == UNSCRUBBED)
        found: str | None = connection.execute(query).scalar()
        return found


def scrub(engine: Engine, progress: Progress | None = None) -> bool:
    """Rewrite what may hold bytes of what was redacted; others wait meanwhile, or read on.

    On SQLite that is the whole file, which takes as much room again for a while, beside it and
    where temporary files lie. Returns whether all was: samples that the planner of PostgreSQL took
    only the owner of the database rewrites.
    Raises: UnscrubbedError where somebody reads for too long, or the tables are another user's.
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
    """Merge the parts of each index of texts into one, which leaves out what was deleted."""
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
        engine, "PRAGMA secure_delete = ON", "PRAGMA temp_store = FILE",  # the new file on its way
        "VACUUM", "PRAGMA temp_store = MEMORY",
    )  # fmt: skip
    if progress is not None:
        progress("file rewritten", 1)


def _empty_log(engine: Engine) -> None:
    """Take what stands in the write-ahead log into the file, and leave the log empty."""
    ((busy, *_pages),) = _plainly(engine, "PRAGMA wal_checkpoint(TRUNCATE)")
    if busy:
        raise UnscrubbedError(
            f"somebody reads {place_of(engine.url)} all the time, so that its write-ahead log "
            "cannot be emptied: end that, and run `lesart redact --finish`"
        )


def _plainly(engine: Engine, *statements: str) -> list[Any]:
    """Run statements that no transaction can hold, and return what the last one says."""
    found: list[Any] = []
    with closing(engine.raw_connection()) as pooled:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        for statement in statements:
            found = connection.execute(statement).fetchall()
    return found


def _rewrite_tables(engine: Engine, progress: Progress | None) -> bool:
    """Rewrite the tables, and return whether the samples of the planner were, too."""
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
        plain.exec_driver_sql("SET statement_timeout = 0")
        names = [*REWRITTEN, *([SAMPLES] if plain.execute(_OWNS_DATABASE).scalar() else [])]
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
            if name == REWRITTEN[-1] and plain.execute(_IS_SUPERUSER).scalar():
                plain.execute(_FORGET_SAMPLES, {"names": list(REWRITTEN)})
            if progress is not None:
                progress("tables rewritten", number)
        plain.exec_driver_sql("RESET statement_timeout")
        return SAMPLES in names


def _rewrite_table(plain: Connection, name: str) -> int:
    """Rewrite a table and return how many old rows had to stay, as somebody may still see them."""
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
