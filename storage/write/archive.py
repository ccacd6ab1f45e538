"""The writable archive: one `Archive`, one transaction per unit of work."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine, select

from storage.database import schema
from storage.database.engine import (
    database_epoch,
    database_url,
    place_of,
    reachable,
    read_connection,
    writing_engine,
)
from storage.database.schema_version import require_current
from storage.database.servers.session import JobListener, SessionLock
from storage.database.tables import (
    ARCHIVE,
)
from storage.database.unit import (
    ACT,
    BEAT,
    CONFIRM_SECONDS,
    Clock,
    Unit,
    archive_time,
    utc_now,
    writing,
)
from storage.history.clock_corrections import correct_clock
from storage.history.memory import Memory
from storage.history.totals import TOTALS, renewed_totals, store_fact
from storage.record import sources as source_rows
from storage.record.captures import (
    capture_folder,
)
from storage.schedule import queue
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.arrivals.source import Source
from storage.values.net.capture_place import CapturePlace

P = ParamSpec("P")
T = TypeVar("T")


class Archive:
    """The writable archive; every method that changes something is one transaction."""

    def __init__(
        self,
        engine: Engine,
        place: str,
        clock: Clock = utc_now,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        self.engine = engine
        self.confirm_seconds = round(confirm_seconds)
        self.clock = clock
        self._place = place
        self.memory = Memory()

    @classmethod
    def open(
        cls,
        url: str | Path,
        clock: Clock = utc_now,
        *,
        create: bool = True,
        captures: CapturePlace | None = None,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> Self:
        """Open the archive at `url`; with `create`, create or upgrade it if necessary.

        Bytes of captures are stored at `captures`, or in the database. A check confirms a doubtful
        text after `confirm_seconds`.
        Raises: DatabaseUrlError, ForeignDatabaseError, ArchiveUnreachableError, SchemaNewerError;
        without `create` ArchiveMissingError and SchemaOlderError.
        """
        address = database_url(str(url))
        engine = writing_engine(address, captures=captures)
        try:
            with reachable(address):
                if create:
                    schema.upgrade(engine)
                else:
                    require_current(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, place_of(address), clock, confirm_seconds)

    @classmethod
    def of_settings(
        cls, settings: Settings, clock: Clock = utc_now, *, create: bool = False
    ) -> Self:
        """Open the archive that the settings name. Raises: see `open`."""
        return cls.open(
            settings.database_url, clock, create=create, captures=settings.captures,
            confirm_seconds=settings.confirm_after,
        )  # fmt: skip

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    @property
    def place(self) -> str:
        """The location of the archive: a path, or an address without its password."""
        return self._place

    def beat(self, who: str) -> None:
        """Record that a service is alive, by the clock of the database."""
        self._store_times({f"{BEAT}{who}": 0.0})

    def record_acts(self, ages: Mapping[str, float]) -> None:
        """Store how many seconds ago each periodic task of the scheduler last ended."""
        self._store_times({f"{ACT}{name}": age for name, age in ages.items()})

    def _store_times(self, ages: Mapping[str, float]) -> None:
        """Store times, passed as seconds ago, by the clock of the database."""
        with self.engine.begin() as connection:
            now = database_epoch(connection)
            for key, age in ages.items():
                store_fact(connection, key, repr(now - age))

    def store_fact(self, key: str, value: str) -> None:
        """Store a value that can be computed again, such as counts."""
        self.transact_unnumbered(store_fact, key, value)

    def update_totals(self) -> None:
        """Store the counts of the record if many rows are new."""
        totals = self.read(renewed_totals)
        if totals is not None:
            self.store_fact(TOTALS, totals.to_json())

    def beats(self) -> dict[str, float]:
        """Return the seconds since the last heartbeat of each service."""
        facts = ARCHIVE
        with self.read_connection() as connection:
            now = database_epoch(connection)
            rows = connection.execute(
                select(facts.c.key, facts.c.value).where(facts.c.key.startswith(BEAT))
            ).all()
        return {key.removeprefix(BEAT): now - float(value) for key, value in rows}

    def leadership(self) -> SessionLock:
        """Return a lock of this PostgreSQL archive that one session at a time can hold."""
        return SessionLock(self.engine)

    def job_listener(self) -> JobListener:
        """Return a listener for the notifications of new jobs in this PostgreSQL archive."""
        return JobListener(self.engine)

    @cached_property
    def capture_folder(self) -> str:
        """The folder of this archive in the capture store."""
        return self.transact(capture_folder)

    @contextmanager
    def read_connection(self) -> Iterator[Connection]:
        """Yield a read-only connection."""
        with read_connection(self.engine) as connection:
            yield connection

    def read(
        self, question: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """Return the result of `question`, called with a read-only connection."""
        with self.read_connection() as connection:
            return question(connection, *args, **named)

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """Open a unit of work (`storage.database.unit`)."""
        with writing(self.engine, self.clock) as unit:
            unit.confirm_seconds = self.confirm_seconds
            yield unit

    def transact(
        self, work: Callable[Concatenate[Unit, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """Call `work` in a unit of work and return its result."""
        with self.unit() as unit:
            return work(unit, *args, **named)

    def transact_unnumbered(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        """Call `work` in a transaction that adds nothing to the record, and so needs no numbers or
        lock.
        """
        with self.engine.begin() as connection:
            return work(connection, *args, **named)

    def read_shared_clock(self) -> datetime:
        """Return the time by the clock that all writers share: that of the database server."""
        return self.read(archive_time).shared(self.clock)

    def now(self) -> datetime:
        """Return the archive's time, which never falls behind stored times."""
        time = self.read(archive_time)
        return time.after(time.shared(self.clock))

    def is_clock_behind(self) -> bool:
        """Check whether the clock is behind the archive's time."""
        time = self.read(archive_time)
        return time.is_after(time.shared(self.clock))

    def follow_clock(self) -> None:
        """Correct the archive's time if the clock ran ahead and is right now."""
        time = self.read(archive_time)
        if time.was_ahead_of(time.shared(self.clock)):
            self.transact(correct_clock)

    def claim(self, lease_seconds: float, holder: str, **which: Any) -> jobs.Claim | None:
        """Claim the next due job (`queue.claim`); no lock is taken if there is none."""
        self.follow_clock()
        likely = self.read(queue.next_due, **which)
        if likely is None:
            return None
        return self.transact(queue.claim, lease_seconds, holder, likely=likely, **which)

    def sources(self, *, standing: bool | None = None) -> list[Source]:
        """Return the sources that were not removed, sorted by name."""
        return self.read(source_rows.sources, standing=standing)

    def source(self, name: str) -> Source:
        """Return the source with that name.

        Raises: NoSuchSourceError.
        """
        return self.read(source_rows.source_named, name)

    def source_by_id(self, number: int) -> Source:
        """Return the source with that id, removed or not.

        Raises: NoSuchSourceError.
        """
        return self.read(source_rows.source_by_id, number)

    def ensure_source(self, name: str, kind: str, locator: str, **settings: Any) -> Source:
        """Return the source with that name; create or restore it if necessary."""
        return self.transact(source_rows.ensure_source, name, kind, locator, **settings)

    def change_source(self, name: str, **values: Any) -> Source:
        """Change settings of a source (`paused`, `every_seconds`, `cron`, `removed_at` …).

        Raises: NoSuchSourceError.
        """
        return self.transact(source_rows.change_source, name, **values)
