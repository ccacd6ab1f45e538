"""The position of a server in the write-ahead log: what it has, compared with another server."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy import Connection
else:
    sqlalchemy = LazyModule("sqlalchemy")

FILE = "position"
"""The file in the home folder with the position after the last command that wrote."""
POLL_SECONDS = 0.05
_POSITION = (
    "SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
    "ELSE pg_current_wal_insert_lsn() END - '0/0')::bigint"
)


def read_position(connection: "Connection") -> int:
    """Return the position up to which a PostgreSQL server shows all commits.

    On a replica, that is the end of what it replayed; on the primary, a position at or after its
    latest commit.
    """
    return int(connection.execute(sqlalchemy.text(_POSITION)).scalar_one() or 0)


_WRITTEN = (
    "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint, extract(epoch FROM clock_timestamp() - "
    "CAST(:replayed AS timestamptz))::float8"
)
_REPLAYED = (
    "SELECT pg_last_xact_replay_timestamp()::text, "
    "extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8"
)


@dataclass(frozen=True, slots=True)
class Delay:
    """How far a replica is behind the primary.

    `seconds` is the time since the last commit that it shows, by the clock of the primary alone;
    before it replays a commit, the time since its start. Both are 0 if it has everything.
    """

    size: int
    seconds: float


def measure_delay(primary: "Connection", replica: "Connection", patience: float = 0.0) -> Delay:
    """Return how far a replica is behind; wait up to `patience` seconds until it is not."""
    end = monotonic() + patience
    replayed, uptime = replica.execute(sqlalchemy.text(_REPLAYED)).one()
    written, seconds = primary.execute(sqlalchemy.text(_WRITTEN), {"replayed": replayed}).one()
    while (size := written - (read_position(replica) or 0)) > 0:
        if monotonic() > end:
            return Delay(size, max(0.0, uptime if seconds is None else seconds))
        sleep(POLL_SECONDS)
    return Delay(0, 0.0)


def is_replica(connection: "Connection") -> bool:
    """Check whether a server is a replica, which accepts no writes, not even temporary tables."""
    return bool(connection.execute(sqlalchemy.text("SELECT pg_is_in_recovery()")).scalar_one())


def store_position(connection: "Connection", home: Path) -> None:
    """Store the position of the primary in a home folder, if that can be written."""
    position = read_position(connection)
    with suppress(OSError):
        home.mkdir(0o700, parents=True, exist_ok=True)
        (home / FILE).write_text(f"{position:x}\n", "ascii")


def is_behind(connection: "Connection", home: Path) -> bool:
    """Check whether a server lacks what the last command of a home folder wrote."""
    try:
        required = int((home / FILE).read_text("ascii"), 16)
    except (OSError, ValueError):
        return False
    return read_position(connection) < required
