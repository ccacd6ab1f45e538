"""How far the jobs are: open, begun, due, and their counts."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, func, or_, select

from storage.database.engine import database_epoch
from storage.schedule.queue import DUE, JOB, KINDS, _is_due
from storage.values.verdict import Counts


def open_jobs(connection: Connection, family_of: int | None = None) -> int:
    """Count the jobs that are ready or running, all or those of one family."""
    is_open = (JOB.c.state.in_(["ready", "running"]), JOB.c.kind.in_(KINDS))
    query = select(func.count()).select_from(JOB).where(*is_open)
    if family_of is not None:
        query = query.where(or_(JOB.c.id == family_of, JOB.c.parent_id == family_of))
    return int(connection.execute(query).scalar_one())


def exists(connection: Connection, job_id: int) -> bool:
    """Tell whether there is a job of that number."""
    return connection.execute(select(JOB.c.id).where(JOB.c.id == job_id)).first() is not None


def was_started(connection: Connection, job_id: int) -> bool:
    """Tell whether anybody ever took up a job or a part of it."""
    query = select(JOB.c.id).where(
        or_(JOB.c.id == job_id, JOB.c.parent_id == job_id), JOB.c.started_at.is_not(None)
    )
    return connection.execute(query.limit(1)).first() is not None


def search_is_due(connection: Connection) -> bool:
    """Tell whether full text still lacks a wording."""
    return connection.execute(select(DUE.c.wording_id).limit(1)).first() is not None


def seconds_since_claim(connection: Connection) -> float | None:
    """Return how long ago a job was last started; None where none ever was."""
    latest = connection.execute(select(func.max(JOB.c.started_at))).scalar()
    return None if latest is None else database_epoch(connection) - float(latest.timestamp())


def slot_is_taken(connection: Connection, source_id: int, slot: str) -> bool:
    """Tell whether a source has a job for this slot of its schedule."""
    query = select(JOB.c.id).where(JOB.c.source_id == source_id, JOB.c.slot == slot)
    return connection.execute(query).first() is not None


def source_is_busy(connection: Connection, source_id: int) -> bool:
    """Tell whether a source still has an ingest job that was not collected."""
    query = select(JOB.c.id).where(
        JOB.c.source_id == source_id,
        JOB.c.kind == "ingest",
        JOB.c.state.in_(["ready", "running"]),
    )
    return connection.execute(query).first() is not None


def unfinished(connection: Connection, trigger: str, arguments: Mapping[str, Any]) -> int | None:
    """Return the newest ingest job with these arguments that is not through, parts included."""
    is_open = JOB.c.state.in_(["ready", "running"])
    parents = select(JOB.c.parent_id).where(is_open, JOB.c.parent_id.is_not(None))
    query = (
        select(JOB.c.id, JOB.c.arguments)
        .where(
            JOB.c.kind == "ingest",
            JOB.c.trigger == trigger,
            or_(is_open, JOB.c.id.in_(parents)),
        )
        .order_by(JOB.c.id.desc())
    )
    for number, found in connection.execute(query):
        if found == dict(arguments):
            return int(number)
    return None


def family_counts(connection: Connection, job_id: int) -> Counts:
    """Return the counts of a job with all its parts."""
    sums = [func.coalesce(func.sum(JOB.c[f.name]), 0) for f in fields(Counts)]
    query = select(*sums).where(or_(JOB.c.id == job_id, JOB.c.parent_id == job_id))
    return Counts(*(int(n) for n in connection.execute(query).one()))


def oldest_due_seconds(connection: Connection) -> float:
    """Return for how long the oldest due job has been waiting; 0 where none is."""
    now = database_epoch(connection)
    query = select(
        func.min(func.coalesce(JOB.c.lease_until, JOB.c.run_after, 0.0)), func.min(JOB.c.created_at)
    )
    row = connection.execute(query.where(_is_due(now))).one()
    if row[1] is None:
        return 0.0
    waiting_since = max(float(row[0] or 0.0), float(row[1].timestamp()))
    return max(0.0, now - waiting_since)
