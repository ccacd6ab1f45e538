"""How the work stands at a moment: what waits, what is late, who is alive. Cheap to ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from storage.database.engine import database_epoch
from storage.database.tables import METADATA, OPEN, READY, RUNNING
from storage.read.coverage import LATE

JOB, WATCH, SOURCE, FACTS = (
    METADATA.tables[name] for name in ("job", "watch", "source", "archive")
)


@dataclass(frozen=True, slots=True)
class WatchFigures:
    """The addresses of a source: how many are due, late, and failed when last asked."""

    addresses: int
    due: int
    late: int
    failing: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the work stands."""

    ready: int
    running: int
    oldest_ready_seconds: float
    lapsed_leases: int
    watched: Mapping[str, WatchFigures]
    silent_seconds: Mapping[str, float]


def pulse(connection: Connection, now: datetime) -> Pulse:
    """Return how the work stands at `now`; jobs are judged by the clock of the database."""
    epoch = database_epoch(connection)
    is_due = (JOB.c.state == READY) & (JOB.c.run_after <= epoch)
    is_running = JOB.c.state == RUNNING
    row = connection.execute(
        select(
            func.sum(case((is_due, 1), else_=0)),
            func.sum(case((is_running, 1), else_=0)),
            func.min(case((is_due, JOB.c.run_after))),
            func.sum(case((is_running & (JOB.c.lease_until < epoch), 1), else_=0)),
        ).where(OPEN)
    ).one()
    return Pulse(
        ready=int(row[0] or 0),
        running=int(row[1] or 0),
        oldest_ready_seconds=max(0.0, epoch - row[2]) if row[2] is not None else 0.0,
        lapsed_leases=int(row[3] or 0),
        watched=_watched(connection, now),
        silent_seconds=_silent(connection, epoch),
    )


def _watched(connection: Connection, now: datetime) -> dict[str, WatchFigures]:
    query = (
        select(
            SOURCE.c.name, func.count(),
            func.sum(case((WATCH.c.next_check <= now, 1), else_=0)),
            func.sum(case((WATCH.c.next_check < now - LATE, 1), else_=0)),
            func.sum(case((WATCH.c.failures > 0, 1), else_=0)),
        )
        .join(SOURCE, SOURCE.c.id == WATCH.c.source_id)
        .where(WATCH.c.active, SOURCE.c.removed_at.is_(None))
        .group_by(SOURCE.c.name)
    )  # fmt: skip
    return {
        name: WatchFigures(number, int(due or 0), int(late or 0), int(failing or 0))
        for name, number, due, late, failing in connection.execute(query)
    }


def _silent(connection: Connection, epoch: float) -> dict[str, float]:
    """Return for how many seconds each part that ever beat has been silent."""
    query = select(FACTS.c.key, FACTS.c.value).where(FACTS.c.key.like("beat %"))
    return {
        key.removeprefix("beat "): max(0.0, epoch - float(value))
        for key, value in connection.execute(query)
    }
