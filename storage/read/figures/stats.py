"""Figures of the contents of an archive."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select, text

from storage.database.tables import (
    ARTICLE,
    CAPTURE,
    OBSERVATION,
    REFUSAL,
    RELATION,
    RELATION_DUE,
    SCAN,
    SEARCH_DUE,
    SOURCE,
    VERSION,
    WORDING,
)
from storage.database.views import view_query
from storage.history.snapshots import SCAN_STARTED, SCANS
from storage.read.answers import SourceFigures, Stats
from storage.read.figures.coverage import watch_states
from storage.read.figures.pending_work import pending_work
from storage.record.sources import sources


def stats(connection: Connection, schema: str, now: datetime) -> Stats:
    """Return the figures of the archive at `now`; `schema` is its schema revision."""
    raw, stored = connection.execute(
        select(func.sum(CAPTURE.c.size), func.sum(func.length(CAPTURE.c.data)))
    ).one()
    first, last = connection.execute(
        select(func.min(ARTICLE.c.first_seen), func.max(ARTICLE.c.last_seen))
    ).one()
    copies = select(func.count(func.distinct(RELATION.c.a_origin_id)))
    left = pending_work(connection)
    sources = _sources(connection, now)
    scans = [each.last_scan for each in sources if each.last_scan is not None]
    return Stats(
        schema=schema,
        articles=_count(connection, ARTICLE),
        versions=_count(connection, VERSION),
        wordings=_count(connection, WORDING),
        observations=_count(connection, OBSERVATION),
        captures=_count(connection, CAPTURE),
        raw_bytes=int(raw or 0),
        stored_bytes=int(stored or 0),
        database_bytes=_database_bytes(connection),
        copies=connection.execute(copies.where(RELATION.c.kind == "exact_copy")).scalar_one(),
        refusals=_count_by(connection, REFUSAL.c.code),
        jobs=_jobs(connection),
        open_jobs=left.jobs,
        is_idle=left.is_idle,
        to_read=left.to_read,
        to_index=_count(connection, SEARCH_DUE),
        to_relate=_count(connection, RELATION_DUE),
        first_seen=first,
        last_seen=max([last, *scans]) if last is not None else None,
        sources=sources,
    )


def edits_by_day(connection: Connection, last_day: date, days: int) -> dict[date, int]:
    """Return the number of steps on each of the last `days` days, in UTC."""
    first = datetime.combine(last_day - timedelta(days=days - 1), time(), UTC)
    if connection.dialect.name == "postgresql":
        day: Any = func.to_char(func.timezone("UTC", VERSION.c.changed_by), "YYYY-MM-DD")
    else:
        day = func.substr(VERSION.c.changed_by, 1, 10, type_=SOURCE.c.name.type)
    query = (
        select(day, func.count())
        .where(VERSION.c.number > 1, VERSION.c.changed_by >= first)
        .group_by(day)
    )
    return {date.fromisoformat(row[0]): row[1] for row in connection.execute(query)}


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _count_by(connection: Connection, key: Column[Any]) -> dict[str, int]:
    query = select(key, func.count()).group_by(key).order_by(key)
    return {row[0]: row[1] for row in connection.execute(query)}


def _jobs(connection: Connection) -> dict[str, int]:
    """Return the number of jobs by displayed state, without parts of jobs."""
    query = (
        f"SELECT q.state, count(*) FROM ({view_query('jobs', connection.dialect.name)}) q "
        "WHERE q.parent IS NULL GROUP BY q.state ORDER BY q.state"
    )
    return {row[0]: row[1] for row in connection.execute(text(query))}


def _sources(connection: Connection, now: datetime) -> tuple[SourceFigures, ...]:
    articles = _per_source(connection, ARTICLE)
    observations = _per_source(connection, OBSERVATION)
    watches = watch_states(connection, now)
    scans: dict[int, Any] = {
        row[0]: row
        for row in connection.execute(
            select(SCAN.c.source_id, func.count(), func.max(SCAN_STARTED))
            .select_from(SCANS)
            .group_by(SCAN.c.source_id)
        )
    }
    return tuple(
        SourceFigures(
            source=each.name,
            kind=each.kind,
            standing=each.standing,
            articles=articles.get(each.id, 0),
            observations=observations.get(each.id, 0),
            scans=scans[each.id][1] if each.id in scans else 0,
            last_scan=scans[each.id][2] if each.id in scans else None,
            **watches.get(each.id, {}),
        )
        for each in sources(connection)
    )


def _per_source(connection: Connection, table: Table) -> dict[int, int]:
    key = table.c.source_id
    query = select(key, func.count()).group_by(key)
    return {row[0]: row[1] for row in connection.execute(query)}


def _database_bytes(connection: Connection) -> int:
    if connection.dialect.name == "postgresql":
        query = "SELECT pg_database_size(current_database())"
    else:
        query = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    return int(connection.execute(text(query)).scalar_one())
