"""The file of an SQLite archive: open it with the driver alone, and read it.

SQLAlchemy takes longer to load than most commands run. `SqliteConnection` executes SQL text
without it, and loads it for statements that are built with it.
"""

import os
import sqlite3
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from storage.database.archive_errors import (
    ArchiveDamagedError,
    ArchiveMissingError,
    ForeignFileError,
)
from storage.database.ownership import file_state
from storage.values.lazy import LazyModule
from storage.values.net.capture_place import CAPTURES, CapturePlace

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult

    from storage.database import sqlite_driver
else:
    sqlite_driver = LazyModule("storage.database.sqlite_driver")

BUSY_SECONDS = 60
PAGE_BYTES = 1_024
"""Page size of a new SQLite file.

A text or a capture that nearly fills a page leaves the rest of it empty, and a batch changes a few
bytes in each of thousands of pages.
"""
CHECKPOINT_BYTES = 32_768_000
"""Size of the write-ahead log at which SQLite copies it into the file."""
STEPS_BETWEEN_LOOKS = 50_000
ROWS_AT_ONCE = 500
MOST_IDLE = 8
"""Maximum number of connections that stay open for the next query."""
UNPARSED = frozenset("?#%:")
"""Characters with a meaning in an SQLite address, which SQLAlchemy parses."""


def sqlite_path(locator: str) -> Path | None:
    """Return the file of a path or a plain `sqlite:///` address; None for any other address.

    >>> sqlite_path("a/lesart.sqlite3"), sqlite_path("postgresql://lesart")
    (PosixPath('a/lesart.sqlite3'), None)
    """
    if "://" not in locator:
        return Path(locator)
    _scheme, is_file, path = locator.partition("sqlite:///")
    return Path(path) if is_file and not _scheme and path and not UNPARSED & {*path} else None


def open_file(path: Path, *, query_only: bool) -> sqlite3.Connection:
    """Open the file of an archive; for writing, it is created if necessary.

    On a read-only file system it is opened for reading: the first write fails.
    """
    reads = query_only or (path.is_file() and _is_on_read_only_system(path))
    if not reads:
        create_private(path)
    connection = sqlite3.connect(
        f"{path.as_uri()}?{_reading_mode(path) if reads else 'mode=rwc'}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    _set_pragmas(connection, query_only=query_only)
    return connection


def require_archive(path: Path) -> None:
    """Check that the file of an archive exists and can be read.

    Raises: ArchiveMissingError, ForeignFileError, ArchiveDamagedError.
    """
    state, place = file_state(path) if path.is_file() else "nothing", str(path.absolute())
    if state == "damaged":
        raise ArchiveDamagedError(place)
    if state == "foreign":
        raise ForeignFileError(place)
    if state == "nothing":
        raise ArchiveMissingError(place, is_empty=path.is_file() and state == "nothing")


def create_private(path: Path) -> None:
    """Create an empty file that only its owner can read and write, unless it exists.

    SQLite gives the journal files the same permissions.
    """
    with suppress(OSError):  # opening it reports the cause
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


class _Dialect:
    """The name of the database, as SQLAlchemy states it."""

    name = "sqlite"


class SqliteConnection:
    """A connection for reading; stands in for the one of SQLAlchemy.

    `info` belongs to the connection of the driver, whose temporary views outlive a transaction.
    """

    dialect = _Dialect()

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        self.raw = open_file(path.absolute(), query_only=True)
        self._options = options
        self.info: dict[str, Any] = {}
        self.is_valid = True
        self._core: Connection | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._as_core(), name)

    def get_execution_options(self) -> Mapping[str, Any]:
        return self._options

    def rows(
        self, query: str, parameters: Mapping[str, Any]
    ) -> Generator[tuple[tuple[str, ...], Sequence[Any]]]:
        """Yield the column names with some rows each time, also if there are none."""
        try:
            with closing(self.raw.cursor()) as cursor:
                cursor.execute(query, parameters)
                names = tuple(column[0] for column in cursor.description)
                yield names, []
                while values := cursor.fetchmany(ROWS_AT_ONCE):
                    yield names, values
        except sqlite3.Error as error:
            raise sqlite_driver.wrap_driver_error(query, error) from error

    def execute(self, *words: Any, **options: Any) -> "CursorResult[Any]":
        """Execute a statement of SQLAlchemy in the same transaction."""
        return self._as_core().execute(*words, **options)

    def invalidate(self) -> None:
        """Close the connection at the end of the transaction."""
        self.is_valid = False

    def start(self, seconds: int | None) -> None:
        """Begin a transaction, which is interrupted after `seconds`."""
        if seconds is not None:
            end = time.monotonic() + seconds
            self.raw.set_progress_handler(lambda: time.monotonic() > end, STEPS_BETWEEN_LOOKS)
        self.raw.execute("BEGIN")

    def finish(self) -> None:
        """End the transaction."""
        if self._core is not None:
            self._core.close()
            self._core = None
        self.raw.rollback()

    def _as_core(self) -> "Connection":
        if self._core is None:
            self._core = sqlite_driver.adopt_connection(self.raw)
        return self._core


class SqliteReader:
    """Connections for reading one file; stands in for an engine of SQLAlchemy."""

    dialect = _Dialect()

    def __init__(
        self,
        path: Path,
        seconds: int | None = None,
        *,
        captures: CapturePlace | None = None,
    ) -> None:
        """Check the file, which is never created.

        No transaction may take longer than `seconds`. Raises: ArchiveMissingError,
        ArchiveDamagedError.
        """
        require_archive(path)
        self._path, self._seconds = path, seconds
        self._options = {CAPTURES: captures}
        self._idle: list[SqliteConnection] = []
        self._is_disposed = False

    @contextmanager
    def connect(self) -> Iterator["Connection"]:
        """Yield a connection in a transaction of its own."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            connection.start(self._seconds)
            yield cast("Connection", connection)
        finally:
            with suppress(sqlite3.Error):
                connection.finish()
            is_idle = connection.is_valid and not self._is_disposed
            if is_idle and len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
            else:
                connection.raw.close()

    def raw_connection(self) -> sqlite3.Connection:
        """Open a connection of the driver for the caller."""
        return self._open().raw

    def dispose(self) -> None:
        """Close the connections that are not in use; the others are closed after their use."""
        self._is_disposed = True
        while self._idle:
            self._idle.pop().raw.close()

    def _open(self) -> SqliteConnection:
        try:
            return SqliteConnection(self._path, self._options)
        except sqlite3.Error as error:
            raise sqlite_driver.wrap_driver_error("", error) from error


def _reading_mode(path: Path) -> str:
    """Return the read mode of a file: immutable on a read-only file system.

    Otherwise a reader takes locks and creates the index of the log next to it.
    """
    if not _is_on_read_only_system(path):
        return "mode=rw"
    has_log = path.with_name(f"{path.name}-wal").exists()
    return "mode=ro" if has_log else "mode=ro&immutable=1"


def _is_on_read_only_system(path: Path) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _set_pragmas(connection: sqlite3.Connection, *, query_only: bool) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    if query_only:
        connection.execute("PRAGMA query_only = ON")
    else:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_BYTES // size}")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA temp_store = MEMORY")
