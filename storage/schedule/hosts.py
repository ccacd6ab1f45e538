"""Pace, pauses and robots.txt of each server: one row per server, shared by all workers of an
archive.

The pace uses the clock of the database, which all workers share. Pauses and robots.txt use the
clock of the observations.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select, text

from storage.database.engine import database_epoch
from storage.database.planned_times import still_waits
from storage.database.tables import HOST, RIGHTS_FILE
from storage.database.unit import rows_in, update_rows
from storage.values.net.rights import RightsFile, declarations_from_json


@dataclass(frozen=True, slots=True)
class Host:
    """State of a server; `robots_fetched_at` is None if its robots.txt was never requested."""

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

    def pause_end(self, now: datetime) -> datetime | None:
        """Return the end of the pause of the server, None if there is none."""
        is_paused = still_waits(HOST.c.retry_until, self.retry_until, now)
        return self.retry_until if is_paused else None

    def seconds_until_free(self, now: datetime) -> float:
        """Return the seconds until the next request, 0 if it may be sent now."""
        if self.next_at is None or not still_waits(HOST.c.next_at, self.next_at, now):
            return 0.0
        return (self.next_at - now).total_seconds()


@dataclass(frozen=True, slots=True)
class Slots:
    """Permission to send `count` requests to a server: the first in `wait` seconds, the next every
    `pace` seconds.

    If `count` is 0, the server is not free soon; `wait` is the time until it is.
    """

    wait: float
    pace: float
    count: int


def hosts(connection: Connection, keys: Iterable[str]) -> dict[str, Host]:
    """Return the state of the servers `keys`, with defaults for unknown servers."""
    columns = [HOST.c[name] for name in Host.__slots__]
    found = {key: Host(key) for key in keys}
    for row in rows_in(connection, select(*columns), HOST.c.key, list(found)):
        found[row[0]] = Host(*row)
    return found


def rights_files(connection: Connection, keys: Iterable[str]) -> dict[str, dict[str, RightsFile]]:
    """Return the files with declarations about sites, by server and address."""
    found: dict[str, dict[str, RightsFile]] = {key: {} for key in keys}
    query = select(RIGHTS_FILE)
    for row in rows_in(connection, query, RIGHTS_FILE.c.host_key, list(found)):
        pairs = [(pattern, list(declarations_from_json([each]))) for pattern, each in row.rules]
        rules = tuple((pattern, each) for pattern, read in pairs for each in read)
        file = RightsFile(row.address, row.status, row.fetched_at, rules)
        found[row.host_key][row.address] = file
    return found


def take_slots(
    connection: Connection, requests: Mapping[str, tuple[int, float]], longest_wait: float
) -> dict[str, Slots]:
    """Reserve request slots: for each server a number of requests and a pace in seconds.

    Two workers never get the same slot. Nothing is reserved for a server that is not free within
    `longest_wait` seconds. An unused slot only lengthens the pause of its server.
    """
    given: dict[str, Slots] = {}
    rows = _lock_hosts(connection, requests)
    now = datetime.fromtimestamp(database_epoch(connection), UTC)
    changed = []
    for key, (count, pace) in requests.items():
        free = rows[key]
        first = free if free is not None and still_waits(HOST.c.next_at, free, now) else now
        wait = (first - now).total_seconds()
        taken = count if wait <= longest_wait else 0
        given[key] = Slots(wait, pace, taken)
        if taken:
            after = first + timedelta(seconds=pace * taken)
            changed.append({"key": key, "next_at": after})
    update_rows(connection, HOST, ("key",), changed)
    return given


def _lock_hosts(connection: Connection, requests: Iterable[str]) -> dict[str, datetime | None]:
    """Return when each server is free, with its row locked until the end of the transaction."""
    keys = sorted(requests)
    query = select(HOST.c.key, HOST.c.next_at).where(HOST.c.key.in_(keys)).order_by(HOST.c.key)
    found = {row[0]: row[1] for row in connection.execute(query.with_for_update())}
    missing = [key for key in keys if key not in found]
    if missing:
        _insert(connection, missing)
        found = {row[0]: row[1] for row in connection.execute(query.with_for_update())}
    return found


def _insert(connection: Connection, keys: Iterable[str]) -> None:
    statement = "INSERT INTO host (key, failures) VALUES (:key, 0) ON CONFLICT DO NOTHING"
    connection.execute(text(statement), [{"key": key} for key in keys])
