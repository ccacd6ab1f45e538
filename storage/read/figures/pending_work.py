"""The amount of pending work, and whether any worker processes it."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from storage.database.engine import database_epoch
from storage.database.process_identity import identity_in_token, is_dead
from storage.database.tables import JOB, OPEN, VERDICT
from storage.database.unit import rows_in

CLAIM_SECONDS = 15.0
"""A running worker claims due jobs within this time."""


@dataclass(frozen=True, slots=True)
class PendingWork:
    """The number of open jobs, including parts, and of captures that are not read yet.

    `is_stalled` is true if jobs are open and no worker processes them.
    """

    jobs: int
    to_read: int
    is_stalled: bool

    def sentence(self) -> str | None:
        """Return a warning if jobs are open and no worker processes them; otherwise None.

        >>> PendingWork(26, 5100, True).sentence()
        '26 jobs are open, 5100 documents are not read, and no worker processes them'
        >>> PendingWork(26, 5100, False).sentence()
        """
        if not self.is_stalled:
            return None
        unread = f", {self.to_read} documents are not read" if self.to_read else ""
        return f"{self.jobs} jobs are open{unread}, and no worker processes them"


def pending_work(connection: Connection) -> PendingWork:
    """Return the current amount of pending work."""
    jobs = connection.execute(select(func.count()).select_from(JOB).where(OPEN)).scalar_one()
    return PendingWork(jobs, _to_read(connection), bool(jobs) and _is_stalled(connection))


def _to_read(connection: Connection) -> int:
    """Count the captures of jobs, also of failed ones, that have no verdict.

    Every capture without a verdict belongs to a job (`storage.verify.record.verdicts`).
    """
    query = select(JOB.c.arguments).where(JOB.c.kind == "read", JOB.c.state != "done")
    items = {each for claims in connection.execute(query).scalars() for each in claims["items"]}
    read = select(VERDICT.c.observation_id)
    return len(items) - sum(1 for _ in rows_in(connection, read, VERDICT.c.observation_id, items))


def _is_stalled(connection: Connection) -> bool:
    """Check whether all claims belong to dead processes, or due jobs remain unclaimed."""
    now = database_epoch(connection)
    claims = select(JOB.c.token, JOB.c.lease_until).where(OPEN, JOB.c.lease_until.is_not(None))
    lost = False
    for token, until in connection.execute(claims):
        if until is not None and until >= now and not is_dead(identity_in_token(token or "")):
            return False
        lost = True
    query = select(func.min(JOB.c.created_at)).where(
        OPEN, JOB.c.lease_until.is_(None), JOB.c.run_after <= now - CLAIM_SECONDS
    )
    oldest = connection.execute(query).scalar()
    return lost or (oldest is not None and now - oldest.timestamp() > CLAIM_SECONDS)
