"""Reports of the machines with workers: how far their clocks are from that of the database server,
and which files they find in the folders of sources.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from storage.database.engine import database_epoch
from storage.database.tables import ARCHIVE, SOURCE
from storage.history.totals import store_fact, stored_fact

CLOCK_KEY = "clock "
"""Prefix of a key in the table `archive`, before a digest of the name of a machine."""
FOLDER_KEY = "folder "
"""Prefix of a key in the table `archive`, before the number of a source."""
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
    measured = [now, reading.timestamp() - now, machine]
    name = hashlib.sha256(machine.encode()).hexdigest()[:24]  # a host name may be longer than a key
    store_fact(connection, f"{CLOCK_KEY}{name}", json.dumps(measured))
    gone = [key for key, each in _measurements(connection).items() if not each.is_recent]
    connection.execute(delete(ARCHIVE).where(ARCHIVE.c.key.in_(gone)))


def read_clocks(connection: Connection) -> list[MachineClock]:
    """Return the last measurement of each machine within a day, by name."""
    recent = (each for each in _measurements(connection).values() if each.is_recent)
    return sorted(recent, key=lambda each: each.machine)


def _measurements(connection: Connection) -> dict[str, MachineClock]:
    epoch = database_epoch(connection)
    query = select(ARCHIVE.c.key, ARCHIVE.c.value).where(ARCHIVE.c.key.startswith(CLOCK_KEY))
    found = {}
    for key, value in connection.execute(query):
        at, ahead, *name = json.loads(value)
        machine = name[0] if name else key.removeprefix(CLOCK_KEY)  # of a former version
        found[key] = MachineClock(machine, ahead, epoch - at)
    return found


@dataclass(frozen=True, slots=True)
class FolderView:
    """The files that one machine found in a folder at its last complete scan.

    `names` is a digest of names and sizes, `at` the clock of the database in seconds since 1970.
    `differs_from` is a machine that found other files between two scans of this one that found the
    same: so these are two folders, not one that changes.
    """

    machine: str
    at: float
    names: str
    files: int
    differs_from: str | None = None


@dataclass(frozen=True, slots=True)
class FolderConflict:
    """A folder that two machines see differently."""

    source: str
    locator: str
    view: FolderView
    other: FolderView


def record_view(
    connection: Connection, source_id: int, machine: str, names: str, files: int
) -> None:
    """Store the files that a machine found in the folder of a source."""
    now = database_epoch(connection)
    views = {each.machine: each for each in _views(connection, source_id, now)}
    before = views.pop(machine, None)
    others = [
        replace(each, differs_from=None)
        if (each.differs_from, each.names) == (machine, names)
        else each
        for each in views.values()
    ]
    differing = [each for each in others if each.names != names]
    since = before.at if before is not None and before.names == names else now
    known = before.differs_from if before is not None else None
    found = [each.machine for each in differing if each.at > since or each.machine == known]
    view = FolderView(machine, now, names, files, found[0] if found else None)
    stored = json.dumps([asdict(each) for each in (*others, view)])
    store_fact(connection, f"{FOLDER_KEY}{source_id}", stored)


def read_conflicts(connection: Connection) -> Iterator[FolderConflict]:
    """Yield the folders of scheduled sources that two machines saw differently within a day."""
    now = database_epoch(connection)
    query = select(SOURCE.c.id, SOURCE.c.name, SOURCE.c.locator).where(
        SOURCE.c.standing, SOURCE.c.removed_at.is_(None)
    )
    for source_id, name, locator in connection.execute(query.order_by(SOURCE.c.id)).all():
        views = {each.machine: each for each in _views(connection, source_id, now)}
        for each in views.values():
            other = views.get(each.differs_from or "")
            if other is not None:
                yield FolderConflict(name, locator, each, other)
                break


def _views(connection: Connection, source_id: int, now: float) -> Iterator[FolderView]:
    stored = stored_fact(connection, f"{FOLDER_KEY}{source_id}")
    for entry in json.loads(stored or "[]"):
        view = FolderView(**entry)
        if now - view.at <= KEPT_SECONDS:
            yield view
