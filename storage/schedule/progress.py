"""Progress of the jobs: open, started and due jobs, and their counts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from storage.database.engine import database_epoch
from storage.database.planned_times import is_ahead
from storage.database.tables import (
    FOREIGN_RECORD,
    JOB,
    OBSERVATION,
    OPEN,
    ORIGIN,
    PRESENCE,
    REFUSAL,
    SEARCH_DUE,
    SOURCE,
    VERDICT,
)
from storage.database.unit import rows_in
from storage.schedule.queue import (
    CHECKING,
    KINDS,
    READS_FOLDERS,
    RENDERS,
    JobFamilies,
    _is_due,
    in_families,
)
from storage.values.verdict import Counts


def open_jobs(
    connection: Connection,
    families: JobFamilies | None = None,
    kinds: Sequence[str] | None = KINDS,
    *,
    folders: bool = True,
    browser: bool = True,
) -> int:
    """Count the jobs that are ready or running, of all or of some families.

    `folders` is false for a process that does not share the folders of the sources, `browser` for
    one without a browser.
    """
    query = select(func.count()).select_from(JOB).where(OPEN)
    if not folders:
        query = query.where(~READS_FOLDERS)
    if not browser:
        query = query.where(~RENDERS)
    if kinds is not None:
        query = query.where(JOB.c.kind.in_(kinds))
    if families is not None:
        query = query.where(in_families(families))
    return int(connection.execute(query).scalar_one())


def open_families(connection: Connection, reading_of: Collection[int] | None = None) -> set[int]:
    """Return the open jobs that have no parent, and those with open parts.

    If `reading_of` is given, only jobs with unread captures of these sources are returned.
    """
    root = func.coalesce(JOB.c.parent_id, JOB.c.id)
    query = select(root).distinct().where(OPEN)
    if reading_of is not None:
        query = query.where(JOB.c.kind == "read", JOB.c.source_id.in_(list(reading_of)))
    return set(connection.execute(query).scalars())


def source_of(connection: Connection, job_id: int) -> str | None:
    """Return the name of the source of a job; None if the job has several sources."""
    query = select(SOURCE.c.name).join(JOB, JOB.c.source_id == SOURCE.c.id)
    return connection.execute(query.where(JOB.c.id == job_id)).scalar()


def sources_scanned(connection: Connection, families: JobFamilies) -> set[int]:
    """Return the folder sources that jobs scan completely."""
    places = _places(connection, families)
    return {each["source_id"] for each in places if each.get("kind") != "web"}


def new_folders(connection: Connection, families: JobFamilies) -> list[str]:
    """Return the folders that jobs scan of sources without any known file."""
    query = select(PRESENCE.c.source_id).distinct()
    places = [each for each in _places(connection, families) if each.get("kind") == "folder"]
    sources = {each["source_id"] for each in places}
    known = {row[0] for row in rows_in(connection, query, PRESENCE.c.source_id, sources)}
    return [each["locator"] for each in places if each["source_id"] not in known]


def _places(connection: Connection, families: JobFamilies) -> list[dict[str, Any]]:
    query = select(JOB.c.arguments).where(in_families(families), JOB.c.kind == "ingest")
    return [each for row in connection.execute(query).scalars() for each in row.get("places", ())]


def is_waiting_for_workers(connection: Connection, families: JobFamilies) -> bool:
    """Check whether a job of these families is due while no worker is running."""
    now, mine = database_epoch(connection), in_families(families)
    held = (OPEN, is_ahead(JOB.c.lease_until, now))
    if connection.execute(select(JOB.c.id).where(*held).limit(1)).first() is not None:
        return False
    return (
        connection.execute(select(JOB.c.id).where(_is_due(now), mine).limit(1)).first() is not None
    )


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """Of a set of captures: how many were read, how many are queued, and how many have no open
    job.
    """

    read: int
    waiting: int
    stopped: int


def read_so_far(connection: Connection, observations: Collection[int]) -> ReadSoFar:
    """Return the reading progress of captures. Captures without an open job will not be read.

    Duplicates in `observations` are counted twice.
    """
    if not observations:
        return ReadSoFar(0, 0, 0)
    query = select(VERDICT.c.observation_id)
    left = set(observations)
    left -= {row[0] for row in rows_in(connection, query, VERDICT.c.observation_id, left)}
    query = select(JOB.c.arguments).where(OPEN, JOB.c.kind == "read")
    items = {each for found in connection.execute(query).scalars() for each in found["items"]}
    waiting = sum(each in left and each in items for each in observations)
    stopped = sum(each in left and each not in items for each in observations)
    return ReadSoFar(len(observations) - waiting - stopped, waiting, stopped)


def unread_captures(connection: Connection, container_id: int, job_id: int | None) -> list[int]:
    """Return the unread captures of a web archive that job `job_id` stored."""
    query = select(JOB.c.arguments).where(
        JOB.c.parent_id == job_id, JOB.c.kind == "read", JOB.c.state != "done"
    )
    items = [each for found in connection.execute(query).scalars() for each in found["items"]]
    query = (
        select(FOREIGN_RECORD.c.observation_id)
        .outerjoin(VERDICT, VERDICT.c.observation_id == FOREIGN_RECORD.c.observation_id)
        .where(FOREIGN_RECORD.c.container_id == container_id, VERDICT.c.id.is_(None))
    )
    return [row[0] for row in rows_in(connection, query, FOREIGN_RECORD.c.observation_id, items)]


def refused_locators(connection: Connection, job_id: int) -> set[tuple[int | None, str]]:
    """Return the locators that a job refused, each with its source."""
    query = select(REFUSAL.c.source_id, REFUSAL.c.locator).where(REFUSAL.c.job_id == job_id)
    return {(source_id, locator) for source_id, locator in connection.execute(query)}


def count_lists(connection: Connection, families: JobFamilies) -> int:
    """Return the number of lists of addresses, front pages included, that jobs have read."""
    query = select(JOB.c.arguments).where(in_families(families), JOB.c.kind == "read")
    items = [each for found in connection.execute(query).scalars() for each in found["items"]]
    lists = select(VERDICT.c.id).where(VERDICT.c.kind == "listed")
    return sum(1 for _ in rows_in(connection, lists, VERDICT.c.observation_id, items))


def absent_addresses(connection: Connection, families: JobFamilies) -> list[tuple[str, int]]:
    """Return the addresses that do not exist with the status of the server.

    Files about a server, such as robots.txt, have a type even if they do not exist.
    """
    query = (
        select(ORIGIN.c.origin, OBSERVATION.c.http_status, OBSERVATION.c.hints)
        .join(OBSERVATION, OBSERVATION.c.locator_id == ORIGIN.c.id)
        .join(JOB, JOB.c.id == OBSERVATION.c.job_id)
        .where(
            in_families(families),
            JOB.c.kind.in_(CHECKING),
            OBSERVATION.c.outcome == "gone",
        )
        .order_by(OBSERVATION.c.id)
    )
    rows = connection.execute(query)
    return [(row.origin, row.http_status) for row in rows if "type" not in (row.hints or {})]


def is_other_job_due(connection: Connection, job_id: int) -> bool:
    """Check whether a job is due that is neither `job_id` nor a part of it."""
    is_other = (JOB.c.id != job_id, func.coalesce(JOB.c.parent_id, 0) != job_id)
    query = select(JOB.c.id).where(_is_due(database_epoch(connection)), *is_other)
    return connection.execute(query.limit(1)).first() is not None


def exists(connection: Connection, job_id: int) -> bool:
    """Check whether a job with this id exists."""
    return connection.execute(select(JOB.c.id).where(JOB.c.id == job_id)).first() is not None


def search_is_due(connection: Connection) -> bool:
    """Check whether a wording is missing from the full-text index."""
    return connection.execute(select(SEARCH_DUE.c.wording_id).limit(1)).first() is not None


def seconds_since_claim(connection: Connection) -> float | None:
    """Return the seconds since a job was last started; None if none ever was."""
    latest = connection.execute(select(func.max(JOB.c.started_at))).scalar()
    return None if latest is None else database_epoch(connection) - float(latest.timestamp())


@dataclass(frozen=True, slots=True)
class LastJob:
    """When the newest job was inserted that collects a source, and its slot."""

    created_at: datetime
    slot: str | None


def last_job_of(connection: Connection, source_id: int) -> LastJob | None:
    """Return the newest job that collects a source."""
    query = select(JOB.c.created_at, JOB.c.slot).where(
        JOB.c.source_id == source_id, JOB.c.kind == "ingest"
    )
    row = connection.execute(query.order_by(JOB.c.id.desc()).limit(1)).first()
    return None if row is None else LastJob(row[0], row[1])


def source_is_busy(connection: Connection, source_id: int) -> bool:
    """Check whether a source has an ingest job whose collection has not finished."""
    query = select(JOB.c.id).where(
        JOB.c.source_id == source_id,
        JOB.c.kind == "ingest",
        OPEN,
    )
    return connection.execute(query).first() is not None


def unfinished_job(
    connection: Connection, trigger: str, arguments: Mapping[str, Any]
) -> int | None:
    """Return the newest unfinished ingest job with these arguments, parts included."""
    is_open = OPEN
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


def job_counts(connection: Connection, job_id: int) -> Counts:
    """Return the counts of a job without those of its parts."""
    query = select(*(JOB.c[f.name] for f in fields(Counts))).where(JOB.c.id == job_id)
    return Counts(*connection.execute(query).one())


def family_counts(connection: Connection, families: JobFamilies) -> Counts:
    """Return the counts of jobs with all their parts."""
    sums = [func.coalesce(func.sum(JOB.c[f.name]), 0) for f in fields(Counts)]
    query = select(*sums).where(in_families(families))
    return Counts(*(int(n) for n in connection.execute(query).one()))


def unread_documents(connection: Connection, families: JobFamilies) -> int:
    """Return the number of documents that the open jobs of these families have still to read."""
    counted = [JOB.c[field.name] for field in fields(Counts)]
    query = select(JOB.c.arguments, *counted).where(
        in_families(families), OPEN, JOB.c.kind == "read"
    )
    rows = connection.execute(query)
    return sum(len(arguments["items"]) - Counts(*counts).seen for arguments, *counts in rows)


def oldest_due_seconds(connection: Connection) -> float:
    """Return for how many seconds the oldest due job has been waiting; 0 if none is due."""
    now = database_epoch(connection)
    query = select(
        func.min(func.coalesce(JOB.c.lease_until, JOB.c.run_after, 0.0)), func.min(JOB.c.created_at)
    )
    row = connection.execute(query.where(_is_due(now))).one()
    if row[1] is None:
        return 0.0
    waiting_since = max(float(row[0] or 0.0), float(row[1].timestamp()))
    return max(0.0, now - waiting_since)
