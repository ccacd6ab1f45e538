"""What is left to be done, and whether anybody is at it."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from storage.database.engine import database_epoch
from storage.database.holder import holder_of, is_dead
from storage.database.tables import JOB, OPEN, VERDICT
from storage.database.unit import rows_in

TAKEN_WITHIN_SECONDS = 15.0
"""Where somebody watches, what is due is taken within so many seconds."""


@dataclass(frozen=True, slots=True)
class WorkLeft:
    """How many jobs are open, parts of others too, how many captures were never read.

    `is_idle` says that there are open jobs and nobody works at any.
    """

    jobs: int
    to_read: int
    is_idle: bool

    def sentence(self) -> str | None:
        """Return what is to be said where work is left and nobody does it.

        >>> WorkLeft(26, 5100, True).sentence()
        '26 jobs are open, 5100 documents are not read, and nobody works'
        >>> WorkLeft(26, 5100, False).sentence()
        """
        if not self.is_idle:
            return None
        unread = f", {self.to_read} documents are not read" if self.to_read else ""
        return f"{self.jobs} jobs are open{unread}, and nobody works"


def work_left(connection: Connection) -> WorkLeft:
    """Return what is left to be done now."""
    jobs = connection.execute(select(func.count()).select_from(JOB).where(OPEN)).scalar_one()
    return WorkLeft(jobs, _to_read(connection), bool(jobs) and _is_idle(connection))


def _to_read(connection: Connection) -> int:
    """Count the captures that jobs hold, also those that were given up, and that have no verdict.

    Every capture without one is held by a job (`storage.verify.record.verdicts`).
    """
    query = select(JOB.c.arguments).where(JOB.c.kind == "read", JOB.c.state != "done")
    items = {each for held in connection.execute(query).scalars() for each in held["items"]}
    read = select(VERDICT.c.observation_id)
    return len(items) - sum(1 for _ in rows_in(connection, read, VERDICT.c.observation_id, items))


def _is_idle(connection: Connection) -> bool:
    """Return whether every claim is that of a dead process, or what is due is taken by nobody."""
    now = database_epoch(connection)
    held = select(JOB.c.token, JOB.c.lease_until).where(OPEN, JOB.c.lease_until.is_not(None))
    lost = False
    for token, until in connection.execute(held):
        if until is not None and until >= now and not is_dead(holder_of(token or "")):
            return False
        lost = True
    query = select(func.min(JOB.c.created_at)).where(
        OPEN, JOB.c.lease_until.is_(None), JOB.c.run_after <= now - TAKEN_WITHIN_SECONDS
    )
    oldest = connection.execute(query).scalar()
    return lost or (oldest is not None and now - oldest.timestamp() > TAKEN_WITHIN_SECONDS)
