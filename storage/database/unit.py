"""One unit of work: a transaction that holds the write lock and gives out numbers in its order."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
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
    func,
    insert,
    select,
    update,
)
from sqlalchemy.types import NULLTYPE

from storage.database.engine import insert_rows, json_text
from storage.database.tables import COUNTER

LOCKED = "locked"
"""The counter of the microseconds for which units held the lock before they committed."""
CLOCK = "clock"
"""The counter that holds the latest moment at which a unit wrote, in microseconds since 1970."""
BEAT, ACT = "beat ", "act "
"""Keys of the table `archive` that begin so hold when a service was last alive, and when the
scheduler last ended a periodic act."""
JOBS_CHANNEL = "lesart_jobs"
"""What `storage.database.unit` notifies when a unit with new jobs is committed."""


Clock = Callable[[], datetime]
CLOCKS_DIFFER = timedelta(minutes=1)
"""How far the clocks of two machines that write may be apart before one of them is doubted."""
IN_CHUNK = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_STATEMENTS = 128
_HIGHEST = select(COUNTER.c.value).where(COUNTER.c.name == "seq").with_for_update()
_NOW = bindparam("now", type_=BigInteger)
_COUNTED = (
    update(COUNTER)
    .where(COUNTER.c.name.in_(("seq", LOCKED, CLOCK)))
    .values(
        value=case(
            (COUNTER.c.name == LOCKED, COUNTER.c.value + bindparam("held")),
            (COUNTER.c.name == "seq", bindparam("highest", type_=BigInteger)),
            (COUNTER.c.value < _NOW, _NOW),
            else_=COUNTER.c.value,
        )
    )
)
"""The two statements of each unit, made once: one takes the lock, one ends what is done in it."""
_LISTED = select(func.json_each(bindparam("wanted", type_=Text())).table_valued("value").c.value)
"""The values that rows are asked for, as SQLite takes a list of them; made once, too."""


def utc_now() -> datetime:
    """Return the moment that it is: the clock of observations, unless a test has its own."""
    return datetime.now(UTC)


def latest_write(connection: Connection) -> datetime | None:
    """Return the latest moment at which a unit wrote, by the clock of whoever did."""
    query = select(COUNTER.c.value).where(COUNTER.c.name == CLOCK)
    latest = connection.execute(query).scalar()
    return None if latest is None else _EPOCH + latest * _MICROSECOND


class Unit:
    """Collects the rows of one transaction and writes them at its end, table by table.

    Numbers rise in the order of commit: they are taken while the write lock is held, and the
    lock is held until the commit. `since` is the highest one that was taken before.
    """

    def __init__(self, connection: Connection, now: datetime, counter: int) -> None:
        self.connection = connection
        self.now = now
        self.since = counter
        self._counter = counter
        self._began = perf_counter()
        self._rows: dict[Table, list[Mapping[str, Any]]] = {}
        self._has_jobs = False

    def number(self, count: int = 1) -> int:
        """Take `count` numbers and return the highest of them."""
        self._counter += count
        return self._counter

    @cached_property
    def behind(self) -> timedelta:
        """How far the clock stands before the latest moment at which anybody wrote; may be < 0."""
        latest = latest_write(self.connection)
        return timedelta(0) if latest is None else latest - self.now

    def announce_jobs(self) -> None:
        """Let whoever listens know, at the commit, that there are jobs to be done."""
        self._has_jobs = True

    def add(self, table: Table, row: Mapping[str, Any]) -> None:
        """Remember `row` for the end; all rows of a table must have the same keys."""
        self._rows.setdefault(table, []).append(row)

    def flush(self) -> None:
        """Write what was added so far."""
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
        """Write the highest number, for how long nobody else could write, and what time it is."""
        now, held = (self.now - _EPOCH) // _MICROSECOND, round(1e6 * (perf_counter() - self._began))
        given = {"held": held, "highest": self._counter, "now": now}
        if self.connection.execute(_COUNTED, given).rowcount < 3:
            there = set(self.connection.execute(select(COUNTER.c.name)).scalars())
            first = {LOCKED: held, CLOCK: now}
            rows = [{"name": each, "value": first[each]} for each in first.keys() - there]
            self.connection.execute(insert(COUNTER), rows)


@contextmanager
def writing(engine: Engine, clock: Clock) -> Iterator[Unit]:
    """Open a unit of work: the only writer until it ends; it commits, or leaves no trace."""
    with engine.begin() as connection:
        unit = Unit(connection, clock(), connection.execute(_HIGHEST).scalar_one())
        yield unit
        unit.close()


def rows_in(
    connection: Connection, query: Select[Any], column: Any, values: Iterable[Any], **bound: Any
) -> Iterator[Any]:
    """Yield the rows of `query` whose `column` is among `values`, in bounded statements.

    They go as one value: a list of parameters would be another statement for each number of
    them, to be read and planned anew.
    """
    wanted = list(dict.fromkeys(each for each in values if each is not None))
    dialect = connection.dialect.name
    for start in range(0, len(wanted), IN_CHUNK):
        chunk = wanted[start : start + IN_CHUNK]
        statement = _wanting(query, column, dialect, _kind(chunk[0]))
        yield from connection.execute(statement, {"wanted": _listed(chunk, dialect), **bound})


@lru_cache(_STATEMENTS)
def _wanting(query: Select[Any], column: Any, dialect: str, kind: str) -> Select[Any]:
    """Return a query with its condition: one that is kept is made, and known, once."""
    if dialect == "postgresql":
        items = Text() if kind == "text" else column.type
        given = bindparam("wanted", type_=NULLTYPE)
        return query.where(column == any_(cast(given, ARRAY(items))))
    if kind == "bytes":
        return query.where(column.in_(bindparam("wanted", type_=column.type, expanding=True)))
    return query.where(column.in_(_LISTED))


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "bytes" if isinstance(value, bytes) else "integer"


def _listed(values: Sequence[Any], dialect: str) -> Any:
    r"""Return integers, texts or bytes as one value: an array, or JSON, which has no bytes.

    >>> print(_listed([1, 2], "postgresql"), _listed([1, 2], "sqlite"))
    {1,2} [1,2]
    >>> print(_listed([b"ab"], "postgresql"), _listed(['a"b', "c,d"], "postgresql"))
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
