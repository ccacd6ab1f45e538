"""How servers are treated: one row each, shared by all workers of an archive.

The pace runs by the clock of the database, which all workers share; when to come back and what
robots.txt said run by the clock of the observations.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from storage.database.engine import database_epoch
from storage.database.tables import HOST
from storage.database.unit import rows_in, update_rows

LONGEST_AHEAD_SECONDS = 3600.0
"""A time further ahead than this comes from a clock that was put back."""


@dataclass(frozen=True, slots=True)
class Host:
    """What is known of a server; `robots_fetched_at` is None where nobody asked so far."""

    key: str
    next_at: datetime | None = None
    retry_until: datetime | None = None
    retry_note: str | None = None
    delay: float | None = None
    failures: int = 0
    robots_status: int | None = None
    robots_body: bytes | None = None
    robots_note: str | None = None
    robots_fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """Leave to ask a server `count` times: first in `wait` seconds, then every `pace`.

    A `count` of 0 means that it is not free soon; in `wait` seconds it will be.
    """

    wait: float
    pace: float
    count: int


def hosts(connection: Connection, keys: Iterable[str]) -> dict[str, Host]:
    """Return what is known of the servers `keys`; an unknown one is told as such."""
    columns = [HOST.c[name] for name in Host.__slots__]
    found = {key: Host(key) for key in keys}
    for row in rows_in(connection, select(*columns), HOST.c.key, list(found)):
        found[row[0]] = Host(*row)
    return found


def take_slots(
    connection: Connection, wanted: Mapping[str, tuple[int, float]], longest_wait: float
) -> dict[str, Slots]:
    """Reserve for each server as many requests as are `wanted`, by count and pace in seconds.

    Two workers never get the same moment. Nothing is reserved of a server that is not free
    within `longest_wait` seconds; what is reserved and not used leaves it alone for longer.
    """
    given: dict[str, Slots] = {}
    rows = _held(connection, wanted)
    now = datetime.fromtimestamp(database_epoch(connection), UTC)
    ahead = now + timedelta(seconds=LONGEST_AHEAD_SECONDS)
    changed = []
    for key, (count, pace) in wanted.items():
        free = rows[key]
        first = now if free is None or free < now or free > ahead else free
        wait = (first - now).total_seconds()
        taken = count if wait <= longest_wait else 0
        given[key] = Slots(wait, pace, taken)
        if taken:
            after = first + timedelta(seconds=pace * taken)
            changed.append({"key": key, "next_at": after})
    update_rows(connection, HOST, ("key",), changed)
    return given


def _held(connection: Connection, wanted: Iterable[str]) -> dict[str, datetime | None]:
    """Return when each server is free, its row locked until the end of the transaction."""
    keys = sorted(wanted)
    query = select(HOST.c.key, HOST.c.next_at).where(HOST.c.key.in_(keys)).order_by(HOST.c.key)
    found = {row[0]: row[1] for row in connection.execute(query.with_for_update())}
    missing = [key for key in keys if key not in found]
    if missing:
        _insert(connection, missing)
        found = {row[0]: row[1] for row in connection.execute(query.with_for_update())}
    return found


def _insert(connection: Connection, keys: Iterable[str]) -> None:
    dialect: Any
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql as dialect  # noqa: PLC0415  # one of the two
    else:
        from sqlalchemy.dialects import sqlite as dialect  # noqa: PLC0415
    statement = dialect.insert(HOST).on_conflict_do_nothing()
    connection.execute(statement, [{"key": key, "failures": 0} for key in keys])
