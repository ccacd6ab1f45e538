"""The job queue in the database: a worker claims a job with a lease and a new token."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, or_, select, update

from storage.database import planned_times
from storage.database.engine import database_epoch
from storage.database.planned_times import end_of, is_ahead
from storage.database.process_identity import new_token
from storage.database.tables import JOB, OPEN, READY, RUNNING, SOURCE, WATCH
from storage.database.unit import Unit
from storage.record.suppression import SuppressionLookup
from storage.values.job import Claim, StaleLeaseError, addresses_of
from storage.values.messages import message_text
from storage.values.verdict import Counts

KINDS = ("ingest", "fetch", "render", "read")
"""Kinds of jobs that this version can run; other kinds wait for a newer version."""
MAX_ATTEMPTS = 3
BATCH_ATTEMPTS, COLLECTION_ATTEMPTS = 2, 10
"""Attempts after which a batch whose worker died is split, and a job that collects is given up.

A machine dies more often than a text kills a worker, and collecting may take hours.
"""

JobFamilies = int | Collection[int]
"""One job with all its parts, or several."""

WAKE_AGAIN_SECONDS = 10.0
WAKE_AGAIN_SOON_SECONDS = 2.0
"""The same if the queue of the broker is empty: the message is being processed, or is lost."""
BACKOFF_SECONDS = (2.0, 15.0, 60.0)
BATCHES = frozenset({"read", "fetch", "render"})
"""Kinds of jobs with several items; they are split into single jobs if one item may have caused a
failure.
"""
MOST_FETCHING = 2
"""Maximum number of concurrent fetch jobs; each serves many servers and mostly waits for them."""
CHECKING = {"fetch": MOST_FETCHING, "render": 1}
"""Kinds of jobs that check addresses, the second one by a browser, and how many run at a time."""


def add_job(
    unit: Unit,
    kind: str,
    trigger: str,
    *,
    source_id: int | None = None,
    parent_id: int | None = None,
    slot: str | None = None,
    single: bool = False,
    arguments: Mapping[str, Any] | None = None,
    run_after: float = 0.0,
    number: int | None = None,
) -> int:
    """Insert a ready job, due at once or at `run_after`; return its id (default: a new one)."""
    number = unit.number() if number is None else number
    unit.announce_jobs()
    unit.add(
        JOB,
        {
            "id": number,
            "seq": number,
            "kind": kind,
            "source_id": source_id,
            "parent_id": parent_id,
            "state": "ready",
            "trigger": trigger,
            "slot": slot,
            "single": single,
            "attempts": 0,
            "arguments": dict(arguments or {}),
            "run_after": run_after,
            "created_at": unit.now,
            **{f.name: 0 for f in fields(Counts)},
        },
    )
    return number


def add_collecting(
    unit: Unit, trigger: str, source_id: int, arguments: Mapping[str, Any], slot: str | None
) -> int | None:
    """Insert a job that collects files and return its id; None if the slot already has one."""
    query = select(JOB.c.id).where(JOB.c.source_id == source_id, JOB.c.slot == slot)
    if slot is not None and unit.connection.execute(query).first() is not None:
        return None
    return add_job(unit, "ingest", trigger, source_id=source_id, slot=slot, arguments=arguments)


def claim(
    unit: Unit,
    lease_seconds: float,
    holder: str,
    *,
    job_id: int | None = None,
    families: JobFamilies | None = None,
    kind: str | None = None,
    most_fetching: int = MOST_FETCHING,
    folders: bool = True,
    browser: bool = True,
    likely: RowMapping | None = None,
) -> Claim | None:
    """Claim the next due job: the job `job_id`, any job of the families `families`, or any of a
    `kind`.

    `likely` is the job that `next_due` found before the lock was taken; it is claimed if it is
    still due.

    A process that does not share the folders of the sources (`folders` is false) claims no job that
    reads them, and one without a `browser` none that needs it.

    `holder` identifies the process of the worker, so that its death can be detected. A batch whose
    worker died `BATCH_ATTEMPTS` times is split into single jobs; another job whose worker died at
    each of its attempts is quarantined. Returns None if no job is due.
    """
    while True:
        now = database_epoch(unit.connection)
        row = None
        if likely is not None and likely["kind"] not in CHECKING:
            query = _due(now, likely["id"], None)
            row, likely = unit.connection.execute(query).mappings().first(), None
        row = row or _next_job(
            unit.connection, now, job_id, families, kind, most_fetching, folders=folders,
            browser=browser,
        )  # fmt: skip
        if row is None:
            return None
        lost = row["state"] == "running"
        is_batch = row["kind"] in BATCHES and len(row["arguments"]["items"]) > 1
        if lost and is_batch and row["attempts"] >= BATCH_ATTEMPTS:
            split(unit, row)
        elif lost and row["attempts"] >= (
            COLLECTION_ATTEMPTS if row["kind"] == "ingest" else MAX_ATTEMPTS
        ):
            _quarantine(unit, row["id"], message_text("worker_died"))
        else:
            return _take(unit, row, now, lease_seconds, holder)


def next_due(
    connection: Connection,
    *,
    job_id: int | None = None,
    families: JobFamilies | None = None,
    kind: str | None = None,
    most_fetching: int = MOST_FETCHING,
    folders: bool = True,
    browser: bool = True,
) -> RowMapping | None:
    """Return the job that would be claimed now; None if no job is due."""
    now = database_epoch(connection)
    return _next_job(
        connection, now, job_id, families, kind, most_fetching, folders=folders, browser=browser
    )


def _next_job(
    connection: Connection,
    now: float,
    job_id: int | None,
    families: JobFamilies | None,
    kind: str | None,
    most_fetching: int,
    *,
    folders: bool,
    browser: bool,
) -> RowMapping | None:
    due = _due(now, job_id, families)
    if not folders:
        due = due.where(~READS_FOLDERS)
    if kind is not None:
        due = due.where(JOB.c.kind == kind)
    running = _count_checking(connection, now)
    for each, most in CHECKING.items():
        has_no_browser = each == "render" and not browser
        if has_no_browser or running.get(each, 0) >= min(most, most_fetching):
            due = due.where(JOB.c.kind != each)
    return connection.execute(due.limit(1)).mappings().first()


def renew(unit: Unit, claim: Claim) -> None:
    """Extend the lease; earlier failures of the job still count.

    Raises: StaleLeaseError.
    """
    until = end_of(JOB.c.lease_until, database_epoch(unit.connection), claim.lease_seconds)
    _update_claimed(unit, claim, lease_until=until, with_number=False)


def finish(unit: Unit, claim: Claim, counts: Counts, reason: str | None = None) -> None:
    """Set the job to done with its counts, in the transaction that stores its results.

    Raises: StaleLeaseError.
    """
    _update_claimed(
        unit, claim, state="done", lease_until=None, finished_at=unit.now, reason=reason,
        **_incremented_counts(counts),
    )  # fmt: skip


def count(unit: Unit, claim: Claim, counts: Counts) -> None:
    """Add to the counts of a running job.

    Raises: StaleLeaseError.
    """
    _update_claimed(unit, claim, **_incremented_counts(counts))


def drop_places(unit: Unit, claim: Claim, removed: Sequence[Mapping[str, Any]]) -> None:
    """Remove places from a running job and count them as refused.

    Raises: StaleLeaseError.
    """
    query = select(JOB.c.arguments).where(JOB.c.id == claim.job_id)
    named = unit.connection.execute(query).scalar_one()["places"]
    left = [each for each in named if each not in removed]
    _update_claimed(
        unit, claim, arguments={"places": left}, **_incremented_counts(Counts(refused=len(removed)))
    )


def release(
    unit: Unit, claim: Claim, counts: Counts | None = None, *, pause_seconds: float = 0.0
) -> None:
    """Release the job: its results are stored, and the rest is due after a pause.

    Raises: StaleLeaseError.
    """
    after = _pause_end(unit, pause_seconds) if pause_seconds else 0.0
    _update_claimed(
        unit, claim, state="ready", lease_until=None, woken_at=None, attempts=claim.attempts - 1,
        run_after=after, **_incremented_counts(counts or Counts()),
    )  # fmt: skip


def defer(unit: Unit, claim: Claim, items: Sequence[int], pause_seconds: float) -> None:
    """Move items of a claimed job to jobs of their own, due after a pause.

    Such a job has the argument `again`: the number of earlier attempts.

    Raises: StaleLeaseError.
    """
    after = _pause_end(unit, pause_seconds)
    attempts = int(claim.arguments.get("again", 0)) + 1
    for item in items:
        add_job(
            unit, claim.kind, claim.trigger, source_id=claim.source_id, parent_id=claim.parent_id,
            single=True, arguments={"items": [item], "again": attempts}, run_after=after,
        )  # fmt: skip
    unit.flush()
    left = [item for item in claim.arguments["items"] if item not in set(items)]
    _update_claimed(unit, claim, arguments={**claim.arguments, "items": left})


def fail(unit: Unit, claim: Claim, reason: str) -> None:
    """Record a failure: the job is retried later (a batch as single jobs) and quarantined after the
    third.

    Raises: StaleLeaseError.
    """
    row = unit.connection.execute(select(JOB).where(JOB.c.id == claim.job_id)).mappings().one()
    if row["token"] != claim.token:
        raise StaleLeaseError(claim.job_id)
    if claim.kind in BATCHES and len(claim.arguments["items"]) > 1:
        split(unit, row)
    elif claim.attempts >= MAX_ATTEMPTS:
        _quarantine(unit, claim.job_id, reason)
    else:
        pause = BACKOFF_SECONDS[min(claim.attempts, len(BACKOFF_SECONDS)) - 1]
        after = _pause_end(unit, pause)
        _update_claimed(
            unit, claim, state="ready", lease_until=None, run_after=after, reason=reason
        )


def _pause_end(unit: Unit, seconds: float) -> float:
    return end_of(JOB.c.run_after, database_epoch(unit.connection), seconds)


def split(unit: Unit, row: RowMapping) -> None:
    """Replace a batch by one single job for each of its items."""
    for item in row["arguments"]["items"]:
        number = add_job(
            unit,
            row["kind"],
            row["trigger"],
            source_id=row["source_id"],
            parent_id=row["parent_id"],
            single=True,
            arguments={"items": [item]},
        )
        if row["kind"] in CHECKING:
            _hand_over(unit, item, row["id"], number)
    unit.flush()
    _set(unit, row["id"], state="done", lease_until=None, token=None, finished_at=unit.now,
         reason=message_text("job_split"))  # fmt: skip


def _hand_over(unit: Unit, item: Sequence[int], job_id: int, to: int) -> None:
    """Assign a watch to the job `to` instead of the job that has it."""
    source_id, origin_id = item
    mine = (WATCH.c.source_id == source_id, WATCH.c.origin_id == origin_id)
    unit.connection.execute(update(WATCH).where(*mine, WATCH.c.job_id == job_id).values(job_id=to))


def retry(unit: Unit, job_id: int) -> list[int]:
    """Make a quarantined job, or the quarantined parts of a job, ready again; return their ids."""
    family = or_(JOB.c.id == job_id, JOB.c.parent_id == job_id)
    ids = (
        unit.connection.execute(
            select(JOB.c.id).where(family, JOB.c.state.in_(["quarantined", "cancelled"]))
        )
        .scalars()
        .all()
    )
    for each in ids:
        _set(unit, each, state="ready", attempts=0, failed=0, run_after=0.0, woken_at=None,
             reason=None, finished_at=None)  # fmt: skip
    return list(ids)


def cancel(unit: Unit, job_id: int) -> int:
    """Cancel the open rows of a job and its parts; return the number of rows."""
    family = or_(JOB.c.id == job_id, JOB.c.parent_id == job_id)
    query = select(JOB.c.id, JOB.c.arguments).where(family, OPEN)
    rows = unit.connection.execute(query).all()
    redacted = SuppressionLookup(unit.connection).all_addresses()
    for number, arguments in rows:
        kept = dict(arguments)
        if redacted.origins and "places" in kept:
            kept["places"] = [
                each for each in kept["places"] if redacted.left_of(*addresses_of(each)) is None
            ]
        _set(unit, number, state="cancelled", token=None, lease_until=None, finished_at=unit.now,
             arguments=kept, reason=message_text("cancelled"))  # fmt: skip
    return len(rows)


def _count_checking(connection: Connection, now: float) -> dict[str, int]:
    """Return the number of running jobs that check addresses, by kind."""
    claim = (OPEN, JOB.c.kind.in_(CHECKING), is_ahead(JOB.c.lease_until, now))
    query = select(JOB.c.kind, func.count()).where(*claim).group_by(JOB.c.kind)
    return {kind: int(number) for kind, number in connection.execute(query)}


def _is_due(now: float) -> Any:
    return and_(
        OPEN,
        JOB.c.kind.in_(KINDS),
        or_(
            and_(JOB.c.state == READY, planned_times.is_due(JOB.c.run_after, now)),
            and_(JOB.c.state == RUNNING, planned_times.is_due(JOB.c.lease_until, now)),
        ),
    )


READS_FOLDERS = and_(
    JOB.c.kind == "ingest",
    select(SOURCE.c.id).where(SOURCE.c.id == JOB.c.source_id, SOURCE.c.kind == "folder").exists(),
)
"""The condition that a job lists or reads files: it needs the folder of its source."""


RENDERS = JOB.c.kind == "render"
"""The condition that a job needs a browser."""


def in_families(families: JobFamilies) -> Any:
    """Return the condition that a job is one of `families`, or a part of one."""
    ids = [families] if isinstance(families, int) else list(families)
    return or_(JOB.c.id.in_(ids), JOB.c.parent_id.in_(ids))


def _due(now: float, job_id: int | None, families: JobFamilies | None) -> Any:
    query = select(JOB).where(_is_due(now)).order_by(JOB.c.id)
    if job_id is not None:
        query = query.where(JOB.c.id == job_id)
    if families is not None:
        query = query.where(in_families(families))
    return query


def _take(unit: Unit, row: RowMapping, now: float, lease_seconds: float, holder: str) -> Claim:
    token = new_token(holder)
    _set(unit, row["id"], state="running", token=token, attempts=row["attempts"] + 1,
         lease_until=end_of(JOB.c.lease_until, now, lease_seconds),
         started_at=row["started_at"] or unit.now)  # fmt: skip
    return Claim(
        job_id=row["id"],
        token=token,
        kind=row["kind"],
        source_id=row["source_id"],
        parent_id=row["parent_id"],
        trigger=row["trigger"],
        single=row["single"],
        attempts=row["attempts"] + 1,
        arguments=row["arguments"],
        lease_seconds=lease_seconds,
        claimed_at=unit.now,
    )


def _quarantine(unit: Unit, job_id: int, reason: str) -> None:
    row = unit.connection.execute(select(JOB).where(JOB.c.id == job_id)).mappings().one()
    failed = len(row["arguments"].get("items", ())) or 1
    _set(unit, job_id, state="quarantined", token=None, lease_until=None, failed=failed,
         finished_at=unit.now, reason=reason)  # fmt: skip


def _incremented_counts(counts: Counts) -> dict[str, Any]:
    changed = {f.name: getattr(counts, f.name) for f in fields(Counts)}
    return {name: JOB.c[name] + value for name, value in changed.items() if value}


def _update_claimed(unit: Unit, claim: Claim, *, with_number: bool = True, **values: Any) -> None:
    if with_number:
        values["seq"] = unit.number()
    done = unit.connection.execute(
        update(JOB)
        .where(JOB.c.id == claim.job_id, JOB.c.token == claim.token, JOB.c.state == "running")
        .values(**values)
    )
    if done.rowcount != 1:
        raise StaleLeaseError(claim.job_id)


def _set(unit: Unit, job_id: int, **values: Any) -> None:
    unit.connection.execute(
        update(JOB).where(JOB.c.id == job_id).values(seq=unit.number(), **values)
    )
