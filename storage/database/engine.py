"""Connections to SQLite and PostgreSQL, for writing and for reading."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    LargeBinary,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeEngine

from storage.database.archive_errors import (
    ArchiveDamagedError,
    ArchivePlaceError,
    ArchiveRoleError,
    ArchiveUnreachableError,
    DatabaseEncodingError,
    DatabaseUrlError,
    ForeignDatabaseError,
)
from storage.database.columns import JSON_TYPE, JsonText, UtcTime, json_text
from storage.database.ownership import file_state
from storage.database.rows import READER_STATEMENT_SECONDS, committed_reads
from storage.database.servers import hosts, pooler
from storage.database.sqlite_file import (
    STEPS_BETWEEN_LOOKS,
    SqliteReader,
    open_file,
    require_archive,
)
from storage.values.dates import stored_time
from storage.values.lazy import LazyModule
from storage.values.net.capture_place import CAPTURES, CapturePlace

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

DatabaseError = DBAPIError
"""The base class of database errors of any driver."""

READS = "lesart_reads"
ROLE_REFUSED = "42501"
"""SQLSTATE of PostgreSQL: the role has no permission."""

OWNER_ONLY_FOLDER = 0o700
"""Permissions of a folder that Lesart creates for an archive."""


def database_url(locator: str) -> URL:
    """Return the SQLAlchemy address for a path or a `sqlite://`/`postgresql://` URL.

    Raises: DatabaseUrlError.

    >>> str(database_url("a/lesart.sqlite3"))
    'sqlite:///a/lesart.sqlite3'
    >>> database_url("postgres://lesart@localhost/lesart").drivername
    'postgresql+psycopg'
    >>> dict(database_url("postgresql://lesart@db1,db2/lesart").query)
    {'host': ('db1', 'db2'), 'target_session_attrs': 'primary'}
    """
    if "://" not in locator:
        return URL.create("sqlite", database=locator)
    alone, several = hosts.split_hosts(locator)
    try:
        url = make_url(alone)
    except (ArgumentError, ValueError) as error:
        reason = "it cannot be parsed; write an @ in a password as %40, and a : as %3A"
        raise DatabaseUrlError(_without_password(locator), reason) from error
    if url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        if not 0 < (url.port or 1) <= hosts.MOST_PORT:
            raise DatabaseUrlError(_without_password(locator), f"{url.port} is no port")
        if locator.count("@") > 1:
            reason = "write an @ in a password as %40"
            raise DatabaseUrlError(_without_password(locator), reason)
        try:
            return hosts.with_hosts(url.set(drivername="postgresql+psycopg"), several)
        except ValueError as error:
            raise DatabaseUrlError(_without_password(locator), str(error)) from error
    if url.drivername == "sqlite" and url.database not in {None, "", ":memory:"}:
        return url
    raise DatabaseUrlError(
        _without_password(locator), "use sqlite:///PATH or postgresql://USER@HOST/NAME"
    )


def place_of(url: URL) -> str:
    """Return the location of an archive for messages: a path, or the address without its
    password.
    """
    if url.drivername == "sqlite":
        return str(Path(url.database or "").absolute())
    return url.render_as_string(hide_password=True)


def _refuse_unreadable(path: Path) -> None:
    state = file_state(path)
    if state == "damaged":
        raise ArchiveDamagedError(str(path))
    if state == "foreign":
        raise ForeignDatabaseError(str(path))


def writing_engine(url: URL, *, captures: CapturePlace | None = None) -> Engine:
    """Return an engine for writing; on SQLite the file is created if necessary.

    Its connections find the bytes of captures at `captures`, or in the database.
    Raises: ForeignDatabaseError if an SQLite file is no archive; ArchiveDamagedError;
    ArchivePlaceError.
    """
    if url.drivername == "sqlite":
        path = Path(url.database or "").absolute()
        _refuse_unreadable(path)
        try:
            path.parent.mkdir(OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise ArchivePlaceError(str(path), error.strerror or str(error)) from error
        engine = _sqlite_engine(url, query_only=False)
    else:
        options = {"lock_timeout": "60s", "timezone": "UTC"}
        engine = _postgres_engine(url, options=options, vanished=hosts.VANISHED_WRITER, pool_size=4)
    engine.update_execution_options(**{CAPTURES: captures})
    return engine


def reading_engine(
    url: URL, seconds: int | None = None, *, captures: CapturePlace | None = None
) -> Engine:
    """Return an engine for reading only; it never creates a file.

    Its connections find the bytes of captures at `captures`, or in the database. After `seconds` a
    statement on PostgreSQL (which always has a limit) or a transaction on SQLite is interrupted.
    Raises: ArchiveMissingError if an SQLite file is missing; ArchiveDamagedError.
    """
    if url.drivername == "sqlite":
        require_archive(Path(url.database or ""))
        engine = _sqlite_engine(url, query_only=True)
        if seconds is not None:
            _interrupt_after(engine, seconds)
    else:
        timeout = READER_STATEMENT_SECONDS if seconds is None else seconds
        options = {
            "default_transaction_read_only": "on",
            "statement_timeout": f"{timeout}s",
            "timezone": "UTC",
        }
        size = 2 if seconds is None else 8
        engine = _postgres_engine(
            url, options=options, vanished=hosts.VANISHED_CLIENT, pool_size=size
        )
    engine.update_execution_options(**{CAPTURES: captures})
    return engine


class Commits:
    """Detects commits of other connections without a transaction; SQLite only, by an open
    connection.
    """

    def __init__(self, engine: Engine | SqliteReader) -> None:
        is_sqlite = engine.dialect.name == "sqlite"
        self._held = engine.raw_connection() if is_sqlite else None

    def read_version(self) -> int | None:
        """Return a number that differs after any commit; None if it is unknown."""
        if self._held is None:
            return None
        try:
            cursor = self._held.cursor()
            cursor.execute("PRAGMA data_version")
            (found,) = cursor.fetchall()
        except sqlite3.Error:
            return None
        number: int = found[0]
        return number

    def close(self) -> None:
        if self._held is not None:
            self._held.close()


@contextmanager
def read_connection(engine: Engine) -> Iterator[Connection]:
    """Yield a connection of a writer's engine that reads one snapshot and takes no lock."""
    with engine.connect() as connection, committed_reads(connection):
        if connection.dialect.name == "postgresql":  # a read transaction of SQLite is a snapshot
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection.execution_options(**{READS: True})


@contextmanager
def reachable(url: URL) -> Iterator[None]:
    """Turn a refused connection, and a refused statement, into a readable error.

    Raises: ArchiveUnreachableError, ArchiveRoleError.
    """
    try:
        yield
    except OperationalError as error:
        if is_unreachable(error):
            reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
            raise ArchiveUnreachableError(place_of(url), reason) from error
        raise
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) == ROLE_REFUSED:
            raise ArchiveRoleError(place_of(url), str(error.orig).partition("\n")[0]) from error
        raise


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, all with the same keys, at once: COPY on PostgreSQL, otherwise executemany."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy_rows(connection, table, rows)
    else:
        _execute_many(connection, table, rows)


def insert_tuples(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows of integers and bytes in the order of `names` at once."""
    if not rows:
        return
    columns = ", ".join(f'"{name}"' for name in names)
    if connection.dialect.name == "postgresql":
        raw = connection.connection.driver_connection
        assert raw is not None
        copying = f'COPY "{table.name}" ({columns}) FROM STDIN'
        with raw.cursor() as cursor, cursor.copy(copying) as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(names))
    statement = f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})'
    connection.exec_driver_sql(statement, list(rows))


def insert_integers(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[int, ...]]
) -> None:
    """Insert rows of integers in the order of `names` at once."""
    if not rows or connection.dialect.name != "postgresql":
        insert_tuples(connection, table, names, rows)
        return
    columns = ", ".join(f'"{name}"' for name in names)
    raw = connection.connection.driver_connection
    assert raw is not None
    sizes = [8 if isinstance(table.c[name].type, BigInteger) else 4 for name in names]
    copying = f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)'
    with raw.cursor() as cursor, cursor.copy(copying) as copy:
        copy.write(_binary(rows, sizes))


def _binary(rows: Sequence[tuple[int, ...]], sizes: Sequence[int]) -> bytes:
    """Return rows in the format of PostgreSQL's binary COPY: each value after its size in bytes."""
    fields = [("fields", ">i2")]
    for number, size in enumerate(sizes):
        fields += [(f"size{number}", ">i4"), (f"value{number}", f">i{size}")]
    table = np.empty(len(rows), dtype=fields)
    table["fields"] = len(sizes)
    values = np.array(rows, dtype=np.int64)
    for number, size in enumerate(sizes):
        table[f"size{number}"] = size
        table[f"value{number}"] = values[:, number]
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + table.tobytes() + b"\xff\xff"


def _execute_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert with the driver directly: SQLAlchemy would process each value twice."""
    names = list(rows[0])
    columns = ", ".join(f'"{table.c[name].name}"' for name in names)
    marks = ", ".join("?" * len(names))
    statement = f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})'
    connection.exec_driver_sql(statement, list(_bound(connection, table, rows)))


def _bound(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Any, ...]]:
    """Return rows for the driver, column by column; times as text for both drivers."""
    columns = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        convert = _converter(table.c[name].type, connection)
        columns.append(values if convert is None else map(convert, values))
    return zip(*columns, strict=True)


def _converter(kind: TypeEngine[Any], connection: Connection) -> Callable[[Any], Any] | None:
    if isinstance(kind, UtcTime):
        return stored_time
    if isinstance(kind, type(JSON_TYPE)):
        return _encode_json
    if isinstance(kind, LargeBinary):
        return None  # both drivers accept bytes
    return kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)


def _encode_json(value: Any) -> str | None:
    if value is None or isinstance(value, JsonText):
        return value
    return json_text(value)


def _copy_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = ", ".join(f'"{table.c[name].name}"' for name in rows[0])
    raw = connection.connection.driver_connection
    assert raw is not None
    with raw.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
        for values in _bound(connection, table, rows):
            copy.write_row(values)


def _sqlite_engine(url: URL, *, query_only: bool) -> Engine:
    path = Path(url.database or "").absolute()

    engine = create_engine(
        "sqlite://",
        hide_parameters=True,
        creator=partial(open_file, path, query_only=query_only),
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=8,
        json_serializer=json_text,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = query_only or connection.get_execution_options().get(READS)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _interrupt_after(engine: Engine, seconds: int) -> None:
    """Interrupt SQLite transactions that exceed a duration."""

    @event.listens_for(engine, "begin")
    def _bound(connection: Connection) -> None:
        database = connection.connection.driver_connection
        assert isinstance(database, sqlite3.Connection)
        end = time.monotonic() + seconds
        database.set_progress_handler(lambda: time.monotonic() > end, STEPS_BETWEEN_LOOKS)


def _postgres_engine(
    url: URL, *, options: Mapping[str, str], vanished: Mapping[str, str], pool_size: int
) -> Engine:
    """Return an engine whose sessions have `options`, also behind a pooler, which ignores them.

    Sessions without a pooler end by the settings `vanished` when their client is gone.
    """
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=4,
        pool_pre_ping=True,
        pool_recycle=hosts.recycle_seconds(url),
        json_serializer=json_text,
        connect_args={"application_name": "lesart", **hosts.connection_options(url)},
    )
    if hosts.has_several(url):
        hosts.hold_together(engine)
    mode: dict[str, pooler.Mode | None] = {}
    engine.update_execution_options(**{pooler.POOLER: mode})
    startup = " ".join(f"-c {name}={value}" for name, value in {**options, **vanished}.items())

    @event.listens_for(engine, "do_connect")
    def _connect(dialect: Any, _record: object, words: list[Any], named: dict[str, Any]) -> Any:
        """Refuse unknown options, and a server without Unicode."""
        try:
            connection = _connect_with(dialect, words, named, startup)
        except dialect.loaded_dbapi.ProgrammingError as error:
            raise DatabaseUrlError(place_of(url), str(error)) from error
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            connection.close()
            raise DatabaseEncodingError(place_of(url), encoding)
        if pooler.POOLER not in mode:
            again = partial(_connect_with, dialect, words, named, startup)
            mode[pooler.POOLER] = pooler.pooler_mode(connection, again)
        if (found := mode[pooler.POOLER]) is not None:
            pooler.prepare(connection, found, options)
        return connection

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if mode.get(pooler.POOLER) == "transaction":
            for statement in pooler.local_options(options):
                connection.exec_driver_sql(statement)

    return engine


def _connect_with(dialect: Any, words: list[Any], named: dict[str, Any], startup: str) -> Any:
    """Connect with options for the session, or without them through a pooler that refuses them."""
    try:
        return dialect.connect(*words, **{**named, "options": startup})
    except dialect.loaded_dbapi.OperationalError as error:
        if pooler.REFUSED_OPTION not in str(error):
            raise
        return dialect.connect(*words, **named)


def is_unreachable(error: DatabaseError) -> bool:
    """Check whether the database was not reached, or is no longer available."""
    reason = str(error.orig).lower()
    return error.connection_invalidated or "connect" in reason or "resolve host" in reason


def _without_password(locator: str) -> str:
    head, at, tail = locator.rpartition("@")
    scheme, colon, _rest = head.partition("://")
    return f"{scheme}://***@{tail}" if at and colon else locator


def database_identity(connection: Connection) -> str:
    """Return the server and number of a database, or path and inode: its copies have others.

    A role that may not ask PostgreSQL for the server gets the file of the table instead.
    """
    if connection.dialect.name == "postgresql":
        asked = "has_function_privilege('pg_control_system()', 'EXECUTE')"
        knows = connection.execute(text(f"SELECT {asked}")).scalar_one()
        server = "(SELECT system_identifier FROM pg_control_system())"
        place = server if knows else "pg_relation_filenode('archive')"
        query = f"SELECT {place} || ' ' || oid FROM pg_database WHERE datname = current_database()"
        return str(connection.execute(text(query)).scalar_one())
    path = connection.execute(text("PRAGMA database_list")).all()[0][2]
    return f"{path} {Path(path).stat().st_ino}" if path else ""


def database_epoch(connection: Connection) -> float:
    """Return the seconds since 1970 by the clock of the database."""
    if connection.dialect.name == "postgresql":
        query = "SELECT extract(epoch FROM clock_timestamp())::float8"
    else:
        query = "SELECT (julianday('now') - 2440587.5) * 86400.0"
    return float(connection.execute(text(query)).scalar_one())
