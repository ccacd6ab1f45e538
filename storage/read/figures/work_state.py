"""The state of the work at a moment: what is due, late or stopped. Fast to compute."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, case, func, not_, or_, select

from storage.capabilities import load_parts
from storage.database.engine import database_epoch
from storage.database.outgoing import QUEUES, OutgoingQueue
from storage.database.process_identity import identity_in_token, is_dead
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
from storage.database.unit import ACT, BEAT, LOCKED, rows_in
from storage.read import lists
from storage.read.figures.coverage import LATE
from storage.read.figures.records import (
    JobProgress,
    OutgoingFigures,
    SourceRate,
    WorkFigures,
)
from storage.read.query.records import Part
from storage.record.presences import missing_files
from storage.values.messages import quantity

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
        unread = quantity(", {n} document is not read|, {n} documents are not read", self.to_read)
        jobs = quantity("{n} job is open|{n} jobs are open", self.jobs)
        return f"{jobs}{unread if self.to_read else ''}, and no worker processes them"


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
    missing = _missing_files(connection)
    sources = {name: SourceRate(name, 0.0, 0, 0, 0, 0) for name in {**checks, **missing}}
    sources |= found.watched
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
            replace(each, checks_a_minute=checks.get(name, 0.0), missing=missing.get(name, 0))
            for name, each in sorted(sources.items())
        ),
        jobs=tuple(
            JobProgress(*(getattr(each, field.name) for field in fields(JobProgress)))
            for each in lists.jobs(connection, None, Part(limit=jobs))
        ),
        outgoing=outgoing_figures(connection),
        unconfirmed=count_unconfirmed(connection),
    )


def count_unconfirmed(connection: Connection) -> int:
    """Return how many texts are held back without a decision."""
    parts = (part for part in load_parts("figures") if part.OPEN)
    return sum(int(part.compute_figures(connection)[part.OPEN]) for part in parts)


def _missing_files(connection: Connection) -> dict[str, int]:
    """Return the number of files that held-back scans miss, by the name of the source."""
    held = missing_files(connection)
    rows = connection.execute(select(SOURCE.c.id, SOURCE.c.name).where(SOURCE.c.id.in_(list(held))))
    return {name: held[source_id][0] for source_id, name in rows}


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


def outgoing_figures(connection: Connection) -> tuple[OutgoingFigures, ...]:
    """Return the figures of each kind that was ever to be sent."""
    found = (_figures(connection, queue) for queue in QUEUES)
    return tuple(each for each in found if each is not None)


def _figures(connection: Connection, queue: OutgoingQueue) -> OutgoingFigures | None:
    columns = queue.table.c
    is_sent, is_given_up = columns.state == queue.sent, columns.state == queue.given_up
    parts = {
        "waiting": and_(queue.is_open, columns.note.is_(None)),
        "failing": and_(queue.is_open, columns.note.is_not(None)),
        "sent": is_sent,
        "given_up": is_given_up,
        "dropped": not_(or_(queue.is_open, is_sent, is_given_up)),
    }
    sums = [func.sum(case((condition, 1), else_=0)) for condition in parts.values()]
    next_at = func.min(case((queue.is_open, columns.next_at)))
    *numbers, first = connection.execute(select(*sums, next_at)).one()
    if numbers[0] is None:
        return None
    next_time = None if first is None else datetime.fromtimestamp(first, UTC)
    counts = {part: int(number) for part, number in zip(parts, numbers, strict=True)}
    return OutgoingFigures(queue.kind, **counts, next_at=next_time)
