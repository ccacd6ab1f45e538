"""Jobs that are due for a wake-up, and the end of leases."""

from collections.abc import Iterable

from sqlalchemy import Connection, or_, select, update

from storage.database.engine import database_epoch
from storage.database.process_identity import identity_in_token
from storage.database.tables import JOB, OPEN
from storage.schedule.queue import READS_FOLDERS, RENDERS, WAKE_AGAIN_SECONDS, _due


def wake_due(
    connection: Connection,
    limit: int,
    *,
    again_seconds: float = WAKE_AGAIN_SECONDS,
    folders: bool = False,
    renders: bool = False,
) -> list[tuple[int, str]]:
    """Return due jobs without a recent wake-up as (id, kind), and record the wake-up.

    With `folders` these are the jobs that read folders, with `renders` those that need a browser,
    otherwise all others.
    """
    if limit <= 0:
        return []
    now = database_epoch(connection)
    woken = JOB.c.woken_at
    stale = or_(woken.is_(None), woken < now - again_seconds, woken > now)
    wanted = READS_FOLDERS if folders else RENDERS if renders else ~(READS_FOLDERS | RENDERS)
    query = _due(now, None, None).where(stale, wanted).with_only_columns(JOB.c.id, JOB.c.kind)
    query = query.limit(limit)
    due = [(number, kind) for number, kind in connection.execute(query)]
    if due:
        ids = [number for number, _kind in due]
        connection.execute(update(JOB).where(JOB.c.id.in_(ids)).values(woken_at=now))
    return due


def forget_wakings(connection: Connection) -> None:
    """Make every due job eligible for a wake-up at once: the workers may have died with their
    messages.
    """
    stale = (JOB.c.woken_at.is_not(None), OPEN)
    connection.execute(update(JOB).where(*stale).values(woken_at=None))


def holders(connection: Connection) -> dict[str, str]:
    """Return the process that runs each job, by claim token."""
    return {token: identity_in_token(token) for token in read_beats(connection)}


def read_beats(connection: Connection) -> dict[str, float | None]:
    """Return a value for each claim, by token, that changes with every beat of its holder."""
    query = select(JOB.c.token, JOB.c.woken_at).where(OPEN, JOB.c.lease_until > 0)
    return {token: beat for token, beat in connection.execute(query) if token}


def beat(connection: Connection, token: str) -> None:
    """Record that the holder of a claim is alive, while its lease lasts."""
    now = database_epoch(connection)
    held = (OPEN, JOB.c.token == token, JOB.c.lease_until > now)
    connection.execute(update(JOB).where(*held).values(woken_at=now))


def end_leases(connection: Connection, tokens: Iterable[str]) -> list[int]:
    """End claims whose processes are known to be dead; return the jobs.

    A job that another worker has claimed since is unaffected.
    """
    lost = (OPEN, JOB.c.token.in_(list(tokens)), JOB.c.lease_until.is_not(None))
    ids = list(connection.execute(select(JOB.c.id).where(*lost).order_by(JOB.c.id)).scalars())
    if ids:
        connection.execute(update(JOB).where(*lost).values(lease_until=0.0, woken_at=None))
    return ids
