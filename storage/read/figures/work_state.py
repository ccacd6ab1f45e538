"""The state of the work at a moment: what is due, late or stopped. Fast to compute."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, func, select

from storage.database.engine import database_epoch
from storage.database.tables import (
    ARCHIVE,
    COUNTER,
    JOB,
    OBSERVATION,
    OPEN,
    READY,
    RELATION_DUE,
    RUNNING,
    SEARCH_DUE,
    SOURCE,
    VERDICT,
    WATCH,
    WORDING,
)
from storage.database.unit import ACT, BEAT, LOCKED
from storage.read import lists
from storage.read.answers import JobProgress, SourceRate, WorkFigures
from storage.read.figures.coverage import LATE
from storage.read.figures.outgoing import outgoing_figures
from storage.read.figures.pending_work import pending_work
from storage.read.query.records import Part

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class WorkState:
    """The state of the work at a moment."""

    ready: int
    running: int
    oldest_ready_seconds: float
    lapsed_leases: int
    watched: Mapping[str, SourceRate]
    """The watched addresses of each source, without rates."""
    silent_seconds: Mapping[str, float]
    locked_seconds: float
    """Total time for which writers held the lock, without their commits."""
    behind_seconds: Mapping[str, float]
    """Age in seconds of the oldest text that waits to be indexed, or compared."""


def work_state(connection: Connection, now: datetime) -> WorkState:
    """Return the state of the work at `now`; jobs are judged by the clock of the database."""
    epoch = database_epoch(connection)
    is_due = (JOB.c.state == READY) & (JOB.c.run_after <= epoch)
    is_running = JOB.c.state == RUNNING
    row = connection.execute(
        select(
            func.sum(case((is_due, 1), else_=0)),
            func.sum(case((is_running, 1), else_=0)),
            func.min(case((is_due & (JOB.c.run_after > 0), JOB.c.run_after))),
            func.sum(case((is_running & (JOB.c.lease_until < epoch), 1), else_=0)),
            func.min(case((is_due & (JOB.c.run_after == 0), JOB.c.created_at))),
        ).where(OPEN)
    ).one()
    created = row[4].timestamp() if row[4] is not None else epoch  # due at once
    oldest = min(created, row[2] if row[2] is not None else epoch)
    return WorkState(
        ready=int(row[0] or 0),
        running=int(row[1] or 0),
        oldest_ready_seconds=max(0.0, epoch - oldest),
        lapsed_leases=int(row[3] or 0),
        watched=_source_rates(connection, now),
        silent_seconds=silent_seconds(connection),
        locked_seconds=_lock_seconds(connection),
        behind_seconds=_backlog_seconds(connection, now),
    )


def work_figures(connection: Connection, now: datetime, jobs: int) -> WorkFigures:
    """Return the state of the work at `now`, with the latest `jobs` jobs, and the rates."""
    found = work_state(connection, now)
    checks = _checks_a_minute(connection, now)
    sources = {name: SourceRate(name, 0.0, 0, 0, 0, 0) for name in checks} | {**found.watched}
    return WorkFigures(
        at=now,
        ready=found.ready,
        running=found.running,
        oldest_ready_seconds=round(found.oldest_ready_seconds, 1),
        lapsed_leases=found.lapsed_leases,
        to_read=pending_work(connection).to_read,
        read_a_minute=_read_a_minute(connection, now),
        silent_seconds={name: round(each, 1) for name, each in found.silent_seconds.items()},
        sources=tuple(
            replace(each, checks_a_minute=checks.get(name, 0.0))
            for name, each in sorted(sources.items())
        ),
        jobs=tuple(
            JobProgress(*(getattr(each, field.name) for field in fields(JobProgress)))
            for each in lists.jobs(connection, None, Part(limit=jobs))
        ),
        outgoing=outgoing_figures(connection),
    )


LATEST_ROWS = 3_000
"""Maximum number of latest rows read to compute rates; higher rates are extrapolated."""


def _read_a_minute(connection: Connection, now: datetime) -> float:
    query = select(VERDICT.c.recorded_at).order_by(VERDICT.c.id.desc()).limit(LATEST_ROWS)
    return _a_minute(list(connection.execute(query).scalars()), now)


def _checks_a_minute(connection: Connection, now: datetime) -> dict[str, float]:
    """Return the number of observations of each source in the last minute."""
    query = (
        select(SOURCE.c.name, OBSERVATION.c.recorded_at)
        .join(SOURCE, SOURCE.c.id == OBSERVATION.c.source_id)
        .order_by(OBSERVATION.c.id.desc())
        .limit(LATEST_ROWS)
    )
    rows = connection.execute(query).all()
    late = [row for row in rows if now - row.recorded_at <= MINUTE]
    whole = _a_minute([row.recorded_at for row in rows], now)
    counted = Counter(row.name for row in late)
    return {name: round(whole * n / len(late), 1) for name, n in counted.items()}


def _a_minute(latest: Sequence[datetime], now: datetime) -> float:
    """Return the number of rows in the last minute, extrapolated if `latest` is shorter.

    >>> noon = datetime(2024, 6, 18, 12)
    >>> _a_minute([noon - timedelta(seconds=n) for n in range(0, 120, 10)], noon)
    7.0
    """
    late = [each for each in latest if now - each <= MINUTE]
    if len(late) < LATEST_ROWS:
        return float(len(late))
    return round(len(late) * 60 / max((now - late[-1]).total_seconds(), 1.0), 1)


def _source_rates(connection: Connection, now: datetime) -> dict[str, SourceRate]:
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
        name: SourceRate(name, 0.0, number, int(due or 0), int(late or 0), int(failing or 0))
        for name, number, due, late, failing in connection.execute(query)
    }


def silent_seconds(connection: Connection) -> dict[str, float]:
    """Return, by service, the seconds since its last report."""
    return _ages(connection, BEAT)


def task_ages(connection: Connection) -> dict[str, float]:
    """Return, by periodic task of the scheduler, the seconds since its last end."""
    return _ages(connection, ACT)


def _ages(connection: Connection, prefix: str) -> dict[str, float]:
    epoch = database_epoch(connection)
    query = select(ARCHIVE.c.key, ARCHIVE.c.value).where(ARCHIVE.c.key.startswith(prefix))
    return {
        key.removeprefix(prefix): max(0.0, epoch - float(value))
        for key, value in connection.execute(query)
    }


def _lock_seconds(connection: Connection) -> float:
    query = select(COUNTER.c.value).where(COUNTER.c.name == LOCKED)
    return (connection.execute(query).scalar() or 0) / 1e6


def _backlog_seconds(connection: Connection, now: datetime) -> dict[str, float]:
    """Return the age in seconds of the oldest pending text of the index and of the relations."""
    first = select(func.min(SEARCH_DUE.c.wording_id)).scalar_subquery()
    oldest = {
        "index": select(WORDING.c.recorded_at).where(WORDING.c.id == first),
        "relate": select(func.min(RELATION_DUE.c.recorded_at)),
    }
    found = {name: connection.execute(query).scalar() for name, query in oldest.items()}
    return {
        name: 0.0 if at is None else max(0.0, (now - at).total_seconds())
        for name, at in found.items()
    }
