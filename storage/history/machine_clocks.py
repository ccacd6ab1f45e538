"""How far the clocks of machines with workers are from the clock of the database server."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from storage.database.engine import database_epoch
from storage.database.tables import ARCHIVE
from storage.history.totals import store_fact

KEY = "clock "
"""Prefix of a key in the table `archive`, before the name of a machine."""
KEPT_SECONDS = timedelta(days=1).total_seconds()
"""Time for which a measurement counts: containers get a new name with each start."""


@dataclass(frozen=True, slots=True)
class MachineClock:
    """How many seconds the clock of a machine was ahead, and how long ago that was measured."""

    machine: str
    ahead_seconds: float
    age_seconds: float

    @property
    def is_recent(self) -> bool:
        return self.age_seconds <= KEPT_SECONDS


def record_clock(connection: Connection, machine: str, reading: datetime) -> None:
    """Store how far a clock is from that of the database, and forget machines that are gone."""
    now = database_epoch(connection)
    store_fact(connection, f"{KEY}{machine}", json.dumps([now, reading.timestamp() - now]))
    gone = [f"{KEY}{each.machine}" for each in _measurements(connection) if not each.is_recent]
    connection.execute(delete(ARCHIVE).where(ARCHIVE.c.key.in_(gone)))


def read_clocks(connection: Connection) -> list[MachineClock]:
    """Return the last measurement of each machine within a day."""
    return [each for each in _measurements(connection) if each.is_recent]


def _measurements(connection: Connection) -> list[MachineClock]:
    epoch, columns = database_epoch(connection), (ARCHIVE.c.key, ARCHIVE.c.value)
    query = select(*columns).where(ARCHIVE.c.key.startswith(KEY)).order_by(ARCHIVE.c.key)
    found = []
    for key, value in connection.execute(query):
        at, ahead = json.loads(value)
        found.append(MachineClock(key.removeprefix(KEY), ahead, epoch - at))
    return found
