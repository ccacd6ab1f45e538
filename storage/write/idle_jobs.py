"""Remove jobs that did nothing: an archive that watches without a change must not grow by them."""

from dataclasses import fields
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
)

from storage.database.tables import JOB, REFUSAL
from storage.database.unit import long_pauses
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.redaction.retention import moment_before

AUTOMATIC = ("schedule", "recheck")
"""The triggers of jobs that nobody gave."""
IDLE_COUNTS = frozenset({"unchanged"})
"""Counts of a job that found nothing new."""
JOBS_AT_A_TIME = 500


def remove_idle_jobs(archive: Archive, seconds: float) -> int:
    """Remove the jobs that ended this many seconds ago without a result, and return their number.

    Long pauses of the archive count in part only. A job is removed with its parts, if each of them
    is done and found nothing new, nothing refused and nothing missing. Those given by a person
    stay, and so does the newest job of each source, which states when it was collected last.
    """
    now = archive.read_shared_clock()
    pauses = archive.read(long_pauses, now)
    before = moment_before(now, timedelta(seconds=seconds), pauses)
    found = archive.read(find_idle_jobs, before)
    for start in range(0, len(found), JOBS_AT_A_TIME):
        some = found[start : start + JOBS_AT_A_TIME]
        with archive.unit() as unit:
            is_old = or_(JOB.c.id.in_(some), JOB.c.parent_id.in_(some))
            unit.connection.execute(delete(JOB).where(is_old))
    return len(found)


def find_idle_jobs(connection: Connection, before: datetime) -> list[int]:
    """Return the jobs without a parent that ended before a moment and did nothing, the oldest
    first.
    """
    job, part, later, last = (JOB.alias() for _ in range(4))
    works = exists().where(part.c.parent_id == job.c.id, ~_is_idle(part, before))
    follows = exists().where(
        later.c.source_id == job.c.source_id, later.c.kind == job.c.kind, later.c.id > job.c.id
    )
    query = select(job.c.id).where(
        job.c.parent_id.is_(None),
        job.c.trigger.in_(AUTOMATIC),
        _is_idle(job, before),
        ~works,
        or_(job.c.source_id.is_(None), follows),
        job.c.id < select(func.max(last.c.id)).scalar_subquery(),
    )
    refused = select(REFUSAL.c.job_id).where(REFUSAL.c.job_id.is_not(None))
    families = select(part.c.parent_id).where(part.c.id.in_(refused), part.c.parent_id.is_not(None))
    is_named = or_(job.c.id.in_(refused), job.c.id.in_(families))
    return list(connection.execute(query.where(~is_named).order_by(job.c.id)).scalars())


def _is_idle(job: FromClause, before: datetime) -> ColumnElement[bool]:
    """Return the SQL condition that a job ended before a moment and did nothing."""
    names = {each.name for each in fields(Counts)} - IDLE_COUNTS
    return and_(
        job.c.state == "done",
        job.c.reason.is_(None),
        job.c.finished_at < before,
        *(job.c[name] == 0 for name in sorted(names)),
    )
