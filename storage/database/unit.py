"""A unit of work: a transaction that holds the write lock and assigns numbers in commit order."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import perf_counter
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Engine,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.types import NULLTYPE

from storage.database.columns import json_text
from storage.database.engine import insert_rows
from storage.database.tables import ARCHIVE, COUNTER
from storage.values.freshness import CLOCKS_DIFFER

LOCKED = "locked"
"""The counter of the microseconds during which units held the lock before they committed."""
CLOCK = "clock"
"""The counter of the archive's time: that of the latest unit, in microseconds since 1970."""
LEAP_FROM, LEAP_TO = "leap_from", "leap_to"
"""The counters of the widest recent leap of the archive's time, also in microseconds."""
DOUBTED, DOUBTED_CLOCK = "doubted", "doubted_clock"
"""The counters of the latest unit with a clock far from the archive's time, and of that clock."""
BEAT, ACT, PAUSE = "beat ", "act ", "pause "
"""Prefixes of keys in the table `archive`: the last heartbeat of a service, the last end of a
periodic task of the scheduler, the end of a long pause between two units with its start.
"""
JOBS_CHANNEL = "lesart_jobs"
"""The channel notified when a unit with new jobs is committed."""


Clock = Callable[[], datetime]
LONG_PAUSE = timedelta(days=3)
"""A longer pause may be a leap of the clock: of such a pause, only this counts as passed."""
CONFIRM_SECONDS = 30 * 60
"""Wait until a check may confirm a doubtful text, unless the settings state another one."""
IN_CHUNK = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_STATEMENTS = 128
_HIGHEST = select(COUNTER.c.value).where(COUNTER.c.name == "seq").with_for_update()
_TIMES = select(COUNTER.c.name, COUNTER.c.value).where(
    COUNTER.c.name.in_(("seq", CLOCK, LEAP_FROM, LEAP_TO, DOUBTED, DOUBTED_CLOCK))
)
_TIMES_IN = {
    "sqlite": _TIMES.add_columns(null()),
    "postgresql": _TIMES.add_columns(func.clock_timestamp()),
}
_NOW = bindparam("now", type_=BigInteger)
_COUNTED = (
    update(COUNTER)
    .where(COUNTER.c.name.in_(("seq", LOCKED, CLOCK)))
    .values(
        value=case(
            (COUNTER.c.name == LOCKED, COUNTER.c.value + bindparam("held")),
            (COUNTER.c.name == "seq", bindparam("highest", type_=BigInteger)),
            else_=_NOW,
        )
    )
)
"""The statements of each unit, built once: take the lock, read the time, end the unit."""
_LISTED = select(func.json_each(bindparam("wanted", type_=Text())).table_valued("value").c.value)
"""The values of a condition, as SQLite accepts a list of them; built once, too."""


def utc_now() -> datetime:
    """Return the current time; tests use a clock of their own."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ArchiveTime:
    """The time of an archive: that of its latest unit, and the widest recent leap before it.

    The time of an archive never decreases by itself. A leap is a unit more than `CLOCKS_DIFFER`
    later than the previous one: a pause, or a clock that ran ahead. `None` in a new archive.
    `server` is the clock of the database server, which all writing machines share. `doubted` is the
    time of the latest unit whose clock, `doubted_clock`, was far from the archive's time.
    """

    latest: datetime | None = None
    leap_from: datetime | None = None
    leap_to: datetime | None = None
    doubted: datetime | None = None
    doubted_clock: datetime | None = None
    server: datetime | None = None

    def shared(self, clock: Clock) -> datetime:
        """Return the time by the clock that all writers share, unless the caller has its own."""
        return self.server if self.server is not None and clock is utc_now else clock()

    def after(self, reading: datetime) -> datetime:
        """Return the time of a unit whose clock displays `reading`.

        >>> day = datetime(2026, 11, 28, tzinfo=UTC)
        >>> ArchiveTime(day).after(day - timedelta(hours=1)) - day
        datetime.timedelta(microseconds=1)
        """
        if self.latest is None or reading >= self.latest:
            return reading
        return self.latest + _MICROSECOND

    def is_after(self, reading: datetime) -> bool:
        """Check whether the archive's time is later than a clock."""
        return self.latest is not None and self.latest - reading > CLOCKS_DIFFER

    def with_unit(self, now: datetime) -> "ArchiveTime":
        """Return the time after a unit at `now`, including the leap to it if that is the widest."""
        if self.latest is None or now - self.latest <= CLOCKS_DIFFER:
            return replace(self, latest=now)
        if self._leap - (now - (self.leap_to or now)) > now - self.latest:
            return replace(self, latest=now)
        return replace(self, latest=now, leap_from=self.latest, leap_to=now)

    def was_ahead_of(self, reading: datetime) -> bool:
        """Check whether `reading` shows that the clock of earlier units ran ahead.

        It does if it falls into a leap longer than the time recorded since: an error of that leap
        is then more likely than an error of `reading`.

        >>> time = lambda hour: datetime(2026, 11, 28, hour, tzinfo=UTC)
        >>> leapt = ArchiveTime(latest=time(20), leap_from=time(9), leap_to=time(19))
        >>> leapt.was_ahead_of(time(10)), leapt.was_ahead_of(time(8))
        (True, False)
        """
        if self.latest is None or self.leap_from is None or self.leap_to is None:
            return False
        is_in_leap = self.leap_from < reading < self.latest - CLOCKS_DIFFER
        return is_in_leap and self._leap > self.latest - self.leap_to

    @property
    def _leap(self) -> timedelta:
        if self.leap_from is None or self.leap_to is None:
            return timedelta(0)
        return self.leap_to - self.leap_from


def archive_time(connection: Connection) -> ArchiveTime:
    """Return the time of an archive."""
    rows = connection.execute(_TIMES_IN[connection.dialect.name]).all()
    times = {name: _EPOCH + value * _MICROSECOND for name, value, _server in rows}
    server = rows[0][2] if rows else None
    return ArchiveTime(
        latest=times.get(CLOCK),
        leap_from=times.get(LEAP_FROM),
        leap_to=times.get(LEAP_TO),
        doubted=times.get(DOUBTED),
        doubted_clock=times.get(DOUBTED_CLOCK),
        server=server,
    )


def long_pauses(connection: Connection, now: datetime) -> list[tuple[datetime, datetime]]:
    """Return start and end of the long pauses between units, up to the present one, in order."""
    query = select(ARCHIVE.c.key, ARCHIVE.c.value).where(ARCHIVE.c.key.startswith(PAUSE))
    found = [
        (datetime.fromisoformat(value), datetime.fromisoformat(f"{key.removeprefix(PAUSE)}+00:00"))
        for key, value in connection.execute(query)
    ]
    time = archive_time(connection)
    if time.latest is not None:
        found.append((time.latest, now))
    if time.leap_from is not None and time.leap_to is not None:
        found.append((time.leap_from, time.leap_to))  # older archives have stored this one only
    starts = {start: (start, end) for start, end in found if end - start > LONG_PAUSE}
    return sorted(starts.values())


class Unit:
    """Collects the rows of one transaction and writes them at its end, table by table.

    Numbers rise in the order of commit: they are assigned while the write lock is held, which
    lasts until the commit. `since` is the highest number before the unit. `now` is the archive's
    time, which rises with them; `reading` is the clock of this machine, and `clock` the clock
    that all writers share. `confirm_seconds` is the wait until a check may confirm a doubtful text.
    """

    def __init__(
        self,
        connection: Connection,
        reading: datetime,
        counter: int,
        time: ArchiveTime | None = None,
        clock: datetime | None = None,
    ) -> None:
        self.connection = connection
        self.time = time or ArchiveTime()
        self.reading = reading
        self.clock = clock or reading
        self.now = self.time.after(self.clock)
        self.since = counter
        self.confirm_seconds = CONFIRM_SECONDS
        self._counter = counter
        self._began = perf_counter()
        self._rows: dict[Table, list[Mapping[str, Any]]] = {}
        self._has_jobs = False

    def number(self, count: int = 1) -> int:
        """Allocate `count` numbers and return the highest of them."""
        self._counter += count
        return self._counter

    def time_of(self, reading: datetime, since: datetime) -> datetime:
        """Return the archive's time of an observation at `reading` of this machine's clock.

        It lies between `since`, when the job was claimed, and now, regardless of the clock.
        """
        return min(max(reading + (self.now - self.reading), since), self.now)

    def doubted(self, reading: datetime, moment: datetime) -> datetime | None:
        """Return `reading` if it is far from the archive's time `moment`, otherwise None."""
        return reading if abs(reading - moment) > CLOCKS_DIFFER else None

    def set_back(self) -> None:
        """Set the archive's time back to the clock, after it ran ahead."""
        self.now, self.time = self.clock, ArchiveTime()

    def announce_jobs(self) -> None:
        """Notify listeners of new jobs at the commit."""
        self._has_jobs = True

    def add(self, table: Table, row: Mapping[str, Any]) -> None:
        """Queue `row` for the end; all rows of a table must have the same keys."""
        self._rows.setdefault(table, []).append(row)

    def flush(self) -> None:
        """Write the rows added so far."""
        for table, rows in self._rows.items():
            insert_rows(self.connection, table, rows)
        self._rows.clear()

    def close(self) -> None:
        """Write everything, and the counters."""
        self.flush()
        if self._counter != self.since:
            self._count()
        if self._has_jobs and self.connection.dialect.name == "postgresql":
            self.connection.execute(select(func.pg_notify(JOBS_CHANNEL, "")))

    def _count(self) -> None:
        """Write the highest number, the duration of the lock, and the time."""
        now, held = _microseconds(self.now), round(1e6 * (perf_counter() - self._began))
        given = {"held": held, "highest": self._counter, "now": now}
        if self.connection.execute(_COUNTED, given).rowcount < 3:
            there = set(self.connection.execute(select(COUNTER.c.name)).scalars())
            first = {LOCKED: held, CLOCK: now}
            rows = [{"name": each, "value": first[each]} for each in first.keys() - there]
            self.connection.execute(insert(COUNTER), rows)
        after = self.time.with_unit(self.now)
        if after.leap_to not in {None, self.time.leap_to}:
            self._store({LEAP_FROM: after.leap_from, LEAP_TO: after.leap_to})
        if self.time.latest is not None:
            self.store_pause(self.time.latest, self.now)
        if self.doubted(self.reading, self.now):
            self._store({DOUBTED: self.now, DOUBTED_CLOCK: self.reading})

    def store_pause(self, start: datetime, end: datetime) -> None:
        """Store a pause between two units if it is a long one."""
        if end - start > LONG_PAUSE:
            key = f"{PAUSE}{end.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
            self.connection.execute(delete(ARCHIVE).where(ARCHIVE.c.key == key))
            self.connection.execute(insert(ARCHIVE).values(key=key, value=start.isoformat()))

    def _store(self, times: Mapping[str, datetime | None]) -> None:
        rows = [
            {"name": name, "value": _microseconds(moment)}
            for name, moment in times.items()
            if moment is not None
        ]
        self.connection.execute(delete(COUNTER).where(COUNTER.c.name.in_(times)))
        self.connection.execute(insert(COUNTER), rows)


@contextmanager
def writing(engine: Engine, clock: Clock) -> Iterator[Unit]:
    """Open a unit of work: the only writer until it ends; it commits, or is rolled back."""
    with engine.begin() as connection:
        highest = connection.execute(_HIGHEST).scalar_one()
        time = archive_time(connection)
        unit = Unit(connection, clock(), highest, time, time.shared(clock))
        yield unit
        unit.close()


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def rows_in(
    connection: Connection, query: Select[Any], column: Any, values: Iterable[Any], **bound: Any
) -> Iterator[Any]:
    """Yield the rows of `query` whose `column` is among `values`, in bounded statements.

    The values are passed as one parameter: a list of parameters would be another statement for
    each length, to be parsed and planned again.
    """
    wanted = list(dict.fromkeys(each for each in values if each is not None))
    dialect = connection.dialect.name
    for start in range(0, len(wanted), IN_CHUNK):
        chunk = wanted[start : start + IN_CHUNK]
        statement = _wanting(query, column, dialect, _kind(chunk[0]))
        yield from connection.execute(statement, {"wanted": _bind_list(chunk, dialect), **bound})


@lru_cache(_STATEMENTS)
def _wanting(query: Select[Any], column: Any, dialect: str, kind: str) -> Select[Any]:
    """Return a query with its condition, cached."""
    if dialect == "postgresql":
        items = Text() if kind == "text" else column.type
        given = bindparam("wanted", type_=NULLTYPE)
        return query.where(column == any_(cast(given, ARRAY(items))))
    if kind == "bytes":
        return query.where(column.in_(bindparam("wanted", type_=column.type, expanding=True)))
    return query.where(column.in_(_LISTED))


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "bytes" if isinstance(value, bytes) else "integer"


def _bind_list(values: Sequence[Any], dialect: str) -> Any:
    r"""Return integers, texts or bytes as one value: an array, or JSON, which has no bytes.

    >>> print(_bind_list([1, 2], "postgresql"), _bind_list([1, 2], "sqlite"))
    {1,2} [1,2]
    >>> print(_bind_list([b"ab"], "postgresql"), _bind_list(['a"b', "c,d"], "postgresql"))
    {"\\x6162"} {"a\"b","c,d"}
    """
    if dialect != "postgresql":
        return values if isinstance(values[0], bytes) else json_text(values)
    if isinstance(values[0], int):
        return f"{{{','.join(map(str, values))}}}"
    if isinstance(values[0], bytes):
        texts = [rf"\\x{each.hex()}" for each in values]
    else:
        texts = [each.replace("\\", r"\\").replace('"', r"\"") for each in values]
    return f"""{{"{'","'.join(texts)}"}}"""


def update_rows(
    connection: Connection,
    table: Table,
    key: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Update rows found by the columns `key`; all rows must have the same keys."""
    if not rows:
        return
    statement = update(table).values(
        {name: bindparam(f"v_{name}") for name in rows[0] if name not in key}
    )
    for name in key:
        statement = statement.where(table.c[name] == bindparam(f"v_{name}"))
    connection.execute(statement, [{f"v_{n}": v for n, v in row.items()} for row in rows])
