"""Copy a whole archive to an empty place while others write to it.

A copy is an archive itself. SQLite copies one file into another by its own means. If PostgreSQL
or a capture store is involved, every table is copied row by row from one snapshot.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    delete,
    func,
    insert,
    inspect,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.engine import URL

from storage.database import schema
from storage.database.archive_errors import ArchiveError
from storage.database.capture_store import CaptureStore, StoredBytes, load_all_compressed
from storage.database.engine import (
    OWNER_ONLY_FOLDER,
    database_url,
    insert_rows,
    place_of,
    reachable,
    reading_engine,
    writing_engine,
)
from storage.database.part_folder import part_folder, remove_dead
from storage.database.schema_version import require_current
from storage.database.sqlite_file import create_private
from storage.database.table_facts import RECORD
from storage.database.tables import (
    ARCHIVE,
    CAPTURE,
    DERIVATION,
    ORIGIN,
    REDACTION,
    SEARCH_DUE,
    WORDING,
)
from storage.database.tables.kept import find_kept
from storage.database.tables.metadata import METADATA
from storage.history.totals import TOTALS, is_redacting
from storage.proof import log
from storage.proof.leaf import SHAPES
from storage.proof.rows import archive_values
from storage.proof.tree import root
from storage.record.captures import CAPTURE_FOLDER, SWEEP_ROUND, put_packed
from storage.values.job import Progress
from storage.values.net.capture_place import CapturePlace
from storage.values.settings.entered_text import make_storable
from storage.write.changed_rows import find_changed_rows
from storage.write.index import index_now, to_index

CHUNK_ROWS = 500
SECONDS = 7 * 24 * 3600
"""Maximum duration of reading from one snapshot, in seconds."""

INCOMPLETE = "copied_only"
"""Key of the fact that a copy in a PostgreSQL database is not completed yet, with the state of the
archive that was copied: only a copy of the same state is completed.
"""
Complete = Callable[[str], None] | None

EVERY = true()


class PlaceTakenError(ArchiveError):
    """The target of a copy already exists."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} already exists: choose another path")
        self.place = place


class PlaceUnwritableError(ArchiveError):
    """The target of a copy cannot be written."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place} cannot be written: {reason}; choose another folder")
        self.place = place


class NotAnEarlierCopyError(ArchiveError):
    """The target of an update is not an earlier copy of this archive, or must not be updated."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place} cannot be brought up to date: {reason}")
        self.place = place


def update(
    source: str, target: str, progress: Progress, *, held: CapturePlace | None = None
) -> int:
    """Update an earlier copy to the state of its archive; return the number of rows copied.

    `held` is where the archive keeps the bytes of captures; the copy keeps them in the database.
    Only new rows of the record are copied, by their numbers, and the blocks of the state that
    differ.
    It is one transaction: a failed update changes nothing. Raises: the errors of `copy`, and
    NotAnEarlierCopyError.
    """
    old, new = database_url(source), database_url(target)
    engine = reading_engine(old, SECONDS, captures=held)
    reading_engine(new).dispose()  # do not create a missing file
    if new.drivername == "sqlite":
        remove_dead(Path(new.database or ""))
    copied = writing_engine(new)
    try:
        with reachable(old), reachable(new):
            require_current(engine)
            require_current(copied)
            with _snapshot(engine) as before, copied.begin() as after:
                _require_earlier(before, after, place_of(new))
                return _brought(before, after, progress)
    finally:
        copied.dispose()
        engine.dispose()


def _require_earlier(old: Connection, new: Connection, place: str) -> None:
    """Raise NotAnEarlierCopyError unless `new` is an earlier state of the archive `old`."""
    if archive_values(old) != archive_values(new):
        raise NotAnEarlierCopyError(place, "it is a copy of another archive")
    size = log.size_of(new)
    if log.numbers(new)[0] > log.numbers(old)[0] or size > log.size_of(old):
        raise NotAnEarlierCopyError(place, "it contains more than this archive")
    if root(log.node_of(new), size) != root(log.node_of(old), size):
        raise NotAnEarlierCopyError(place, "its history differs from that of this archive")
    if is_redacting(new) or _last(old, REDACTION, "id") > _last(new, REDACTION, "id"):
        reason = "it contains texts that were redacted since: create a new copy, and "
        raise NotAnEarlierCopyError(place, f"{reason}delete this one")


def _brought(old: Connection, new: Connection, progress: Progress) -> int:
    indexed, due = (
        _last(new, WORDING, "id"),
        set(new.execute(select(SEARCH_DUE.c.wording_id)).scalars()),
    )
    objects, number = _Objects(None), 0
    kept = schema.copy_kept(old, new)
    for table in (*METADATA.sorted_tables, *kept):
        if table.name in RECORD or table in kept:
            key = "last_seq" if table.name == "log_tile" else "seq"
            key = SHAPES[table.name].key if table.name in SHAPES else key
            since = table.c[key] > _last(new, table, key)
            number += _copy_table(old, new, table, progress, objects, since)
        else:
            changed = find_changed_rows(old, new, table, progress)
            if changed is not None:  # all are deleted first: a unique value may have moved
                new.execute(delete(table).where(changed))
                number += _copy_table(old, new, table, progress, objects, changed)
    objects.note(new)
    _index(new, progress, or_(WORDING.c.id > indexed, WORDING.c.id.in_(due)))
    return number


def _last(connection: Connection, table: Table, key: str) -> int:
    found: int | None = connection.execute(select(func.max(table.c[key]))).scalar()
    return -1 if found is None else found


def copy(
    source: str,
    target: str,
    progress: Progress,
    captures: CaptureStore | None = None,
    *,
    held: CapturePlace | None = None,
    complete: Callable[[str], None] | None = None,
    replaced: list[str] | None = None,
) -> int:
    """Copy the archive at `source` to the empty place `target`; return the number of its rows.

    The bytes of captures are copied from the database, or from `held`, into the database, or into
    the store `captures`. A target file appears only when complete; in a PostgreSQL database one
    transaction inserts everything. `complete` is called with the address of the copy: of a file
    before it appears; a PostgreSQL database in which it failed is copied to no more, but completed
    by the next call. `replaced` receives the names of the rows in which characters were replaced
    that PostgreSQL cannot store. Raises: DatabaseUrlError, ArchiveMissingError, SchemaOlderError,
    SchemaNewerError, PlaceTakenError, ForeignDatabaseError, ArchiveUnreachableError,
    CapturesAwayError, CapturesUnsetError, DamagedBytesError.
    """
    old, new = database_url(source), database_url(target)
    engine = reading_engine(old, SECONDS, captures=held)
    try:
        with reachable(old):
            require_current(engine)
            if new.drivername != "sqlite":
                objects = _Objects(captures, replaced)
                return _into_server(engine, new, progress, objects, complete)
            path = Path(new.database or "").absolute()
            return _into_file(engine, path, progress, captures, complete)
    finally:
        engine.dispose()


def _into_server(
    source: Engine,
    target: URL,
    progress: Progress,
    copied: "_Objects",
    complete: Complete,
) -> int:
    if complete is None:
        with copied as objects:
            return _fill(source, target, progress, objects)
    with source.connect() as connection:
        state = f"{archive_values(connection)} {log.numbers(connection)}"
    begun = ARCHIVE.c.key == INCOMPLETE
    engine = writing_engine(target)
    try:
        with reachable(target):
            with engine.connect() as connection:
                is_begun = inspect(connection).has_table(ARCHIVE.name) and (
                    connection.execute(select(ARCHIVE.c.value).where(begun)).scalar() == state
                )
            with copied as objects:
                rows = 0 if is_begun else _fill(source, target, progress, objects, state)
            complete(target.render_as_string(hide_password=False))
            with engine.begin() as connection:
                connection.execute(delete(ARCHIVE).where(begun))
    finally:
        engine.dispose()
    return rows


def _into_file(
    source: Engine,
    path: Path,
    progress: Progress,
    captures: CaptureStore | None,
    complete: Complete,
) -> int:
    if path.exists():
        remove_dead(path)  # of a process that was killed once the file was in its place
        raise PlaceTakenError(str(path))
    try:
        path.parent.mkdir(OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        with part_folder(path) as folder, _Objects(captures) as objects:
            begun = folder / "part"
            if source.dialect.name == "sqlite" and captures is None and not _has_objects(source):
                create_private(begun)
                rows = _vacuum(source, begun, progress)
            else:
                rows = _fill(source, database_url(str(begun)), progress, objects)
                _settle(begun)
            if complete is not None:
                complete(str(begun))
                _settle(begun)
            with begun.open("rb") as file:
                os.fsync(file.fileno())
            os.link(begun, path)  # fails if the file was created meanwhile
    except FileExistsError as error:
        raise PlaceTakenError(str(path)) from error
    except OSError as error:
        raise PlaceUnwritableError(str(path), error.strerror or str(error)) from error
    return rows


def _vacuum(source: Engine, path: Path, progress: Progress) -> int:
    """Write a snapshot of a SQLite database into a new file with VACUUM INTO."""
    with closing(source.raw_connection()) as pooled:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        connection.execute(
            "PRAGMA query_only = OFF"
        )  # query_only would forbid writing the new file
        try:
            connection.execute("VACUUM INTO ?", (str(path),))
        finally:
            connection.execute("PRAGMA query_only = ON")
    engine = reading_engine(database_url(str(path)))
    try:
        with engine.connect() as copied:
            tables = (*METADATA.sorted_tables, *(each.table for each in find_kept(copied)))
            return sum(_count(copied, table, progress) for table in tables)
    finally:
        engine.dispose()


def _count(connection: Connection, table: Table, progress: Progress) -> int:
    number: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    progress("rows copied", number)
    return number


def _settle(path: Path) -> None:
    """Checkpoint the write-ahead log into the file, so that the file is complete by itself."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")


def _has_objects(source: Engine) -> bool:
    """Check whether an archive has, or had, a capture store."""
    query = select(ARCHIVE.c.value).where(ARCHIVE.c.key == CAPTURE_FOLDER)
    with source.connect() as connection:
        return connection.execute(query).first() is not None


def _fill(
    source: Engine,
    target: URL,
    progress: Progress,
    objects: "_Objects",
    incomplete: str | None = None,
) -> int:
    """Copy every table into a new archive, then index its texts; see `INCOMPLETE`."""
    engine = writing_engine(target)
    try:
        with reachable(target):
            _refuse_filled(engine, target)
            schema.upgrade(engine)
            with _snapshot(source) as old, engine.begin() as new:
                rows = sum(
                    _copy_table(old, new, table, progress, objects)
                    for table in (*METADATA.sorted_tables, *schema.copy_kept(old, new))
                )
                objects.note(new)
                if incomplete is not None:
                    new.execute(insert(ARCHIVE).values(key=INCOMPLETE, value=incomplete))
                _index(new, progress)
            return rows
    finally:
        engine.dispose()


def _refuse_filled(engine: Engine, target: URL) -> None:
    with engine.connect() as connection:
        if not inspect(connection).has_table(ORIGIN.name):
            return  # `upgrade` refuses any other tables
        if connection.execute(select(ORIGIN.c.id).limit(1)).first() is not None:
            raise PlaceTakenError(place_of(target))


def _snapshot(engine: Engine) -> Connection:
    """Return a connection that reads one snapshot of the archive."""
    if engine.dialect.name == "sqlite":
        return engine.connect()  # a read transaction is one snapshot
    return engine.connect().execution_options(isolation_level="REPEATABLE READ")


class _Objects:
    """Copies the bytes of captures to the database or store of the copy; deletes them on errors."""

    def __init__(self, store: CaptureStore | None, replaced: list[str] | None = None) -> None:
        self._store = store
        self._folder = secrets.token_hex(8)
        self._replaced = replaced

    def make_storable(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Replace what PostgreSQL cannot store in the texts of rows, and name these rows."""
        key = next(iter(table.primary_key.columns)).name
        for row in rows:
            for column, value in row.items():
                if isinstance(value, (str, dict, list)) and (new := make_storable(value)) != value:
                    row[column] = new
                    if self._replaced is not None:
                        self._replaced.append(f"{table.name} {row[key]}: {column}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_told: object) -> None:
        if failed is not None and self._store is not None:
            with suppress(OSError):
                self._store.delete([name for name, _moment in self._store.names(self._folder)])

    def move_captures(self, old: Connection, rows: list[dict[str, Any]]) -> None:
        """Replace the bytes or object names of capture rows by those of the copy."""
        whole = [row for row in rows if row["data"] is not None]
        packed = load_all_compressed(old, [StoredBytes.of(row) for row in whole])
        for row, data in zip(whole, packed, strict=True):
            row["data"] = data
        if self._store is not None:
            given = {row["digest"]: (row["size"], row["encoding"], row["data"]) for row in whole}
            put = put_packed(self._store, self._folder, given)
            for row in whole:
                row["data"] = put[row["digest"]][2]

    def note(self, new: Connection) -> None:
        """Store the object folder of the copy, which is never that of another archive.

        The stored sizes differ, so the counts are computed again.
        """
        gone = (CAPTURE_FOLDER, SWEEP_ROUND, TOTALS, INCOMPLETE)
        new.execute(delete(ARCHIVE).where(ARCHIVE.c.key.in_(gone)))
        if self._store is not None:
            new.execute(insert(ARCHIVE).values(key=CAPTURE_FOLDER, value=self._folder))


def _copy_table(
    old: Connection,
    new: Connection,
    table: Table,
    progress: Progress,
    objects: _Objects,
    chosen: ColumnElement[bool] | None = None,
) -> int:
    if table.name in {"counter", "archive"}:
        new.execute(delete(table))  # a new archive already has rows in these two
    number = 0
    with closing(_chunks(old, table, chosen)) as chunks:
        for rows in chunks:
            if table.name == CAPTURE.name:
                objects.move_captures(old, rows)
            if new.dialect.name == "postgresql" and old.dialect.name != "postgresql":
                objects.make_storable(table, rows)
            if table.name in {"counter", "archive"}:
                new.execute(insert(table), rows)
            else:
                insert_rows(new, table, rows)
            number += len(rows)
            progress("rows copied", number)
    return number


def _chunks(
    connection: Connection, table: Table, chosen: ColumnElement[bool] | None
) -> Generator[list[dict[str, Any]], None, None]:
    query = select(table) if chosen is None else select(table).where(chosen)
    streamed = connection.execution_options(stream_results=True, yield_per=CHUNK_ROWS)
    with streamed.execute(query) as result:
        for part in result.mappings().partitions():
            yield [dict(row) for row in part]


def _index(connection: Connection, progress: Progress, chosen: ColumnElement[bool] = EVERY) -> None:
    """Index each wording for full-text search; the index itself is not copied."""
    language = (
        select(func.min(DERIVATION.c.language))
        .where(DERIVATION.c.wording_id == WORDING.c.id)
        .scalar_subquery()
    )
    columns = (WORDING.c.id, WORDING.c.title, WORDING.c.text, language.label("language"))
    last, number = 0, 0
    while True:
        query = select(*columns).where(WORDING.c.id > last, WORDING.c.text.is_not(None), chosen)
        rows = connection.execute(query.order_by(WORDING.c.id).limit(CHUNK_ROWS)).all()
        if not rows:
            return
        if connection.dialect.name == "postgresql":  # a trigger requires a row here before indexing
            due = [{"wording_id": row.id, "language": row.language} for row in rows]
            statement = text(
                "INSERT INTO search_due (wording_id, language) VALUES (:wording_id, :language) "
                "ON CONFLICT DO NOTHING"
            )
            connection.execute(statement, due)
        index_now(connection, [to_index(row) for row in rows])
        last, number = rows[-1].id, number + len(rows)
        progress("texts indexed", number)
