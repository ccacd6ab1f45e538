"""Figures of the contents of an archive."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from storage.capabilities import parts_of
from storage.database.tables import (
    ARTICLE,
    RELATION,
    RELATION_DUE,
    SCAN,
    SEARCH_DUE,
    SOURCE,
    VERSION,
)
from storage.database.view_queries.sql_words import words_of
from storage.database.views import view_query
from storage.history.snapshots import SCAN_STARTED, SCANS
from storage.history.totals import Totals, current_totals
from storage.read.figures.coverage import watch_states
from storage.read.figures.records import SourceFigures, Stats
from storage.read.figures.work_state import pending_work
from storage.record.presences import missing_files
from storage.record.sources import sources


def stats(connection: Connection, schema: str, now: datetime) -> Stats:
    """Return the figures of the archive at `now`; `schema` is its schema revision."""
    totals = current_totals(connection)
    articles = _articles(connection)
    copies = select(func.count(func.distinct(RELATION.c.a_origin_id)))
    left = pending_work(connection)
    sources = _sources(connection, now, totals, articles)
    last = max((each.last for each in articles.values()), default=None)
    scans = [each.last_scan for each in sources if each.last_scan is not None]
    return Stats(
        schema=schema,
        articles=sum(each.number for each in articles.values()),
        versions=int(sum(each.versions for each in articles.values())),
        wordings=totals.wordings,
        observations=sum(totals.observations.values()),
        captures=totals.captures,
        raw_bytes=totals.raw_bytes,
        stored_bytes=totals.stored_bytes,
        database_bytes=_database_bytes(connection),
        copies=connection.execute(copies.where(RELATION.c.kind == "exact_copy")).scalar_one(),
        refusals=totals.refusals,
        jobs=_jobs(connection),
        open_jobs=left.jobs,
        is_stalled=left.is_stalled,
        to_read=left.to_read,
        to_index=_count(connection, SEARCH_DUE),
        to_relate=_count(connection, RELATION_DUE),
        first_seen=min((each.first for each in articles.values()), default=None),
        last_seen=max([last, *scans]) if last is not None else None,
        sources=sources,
        capabilities={
            each.name: part.compute_figures(connection) for each, part in parts_of("figures")
        },
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


def _jobs(connection: Connection) -> dict[str, int]:
    """Return the number of jobs by displayed state, without parts of jobs."""
    query = (
        f"SELECT q.state, count(*) FROM ({view_query('jobs', connection)}) q "
        "WHERE q.parent IS NULL GROUP BY q.state ORDER BY q.state"
    )
    return {row[0]: row[1] for row in connection.execute(text(query))}


def _articles(connection: Connection) -> dict[int, Any]:
    """Return `number`, `versions`, `first` and `last` of the articles by source; reads them all."""
    key = ARTICLE.c.source_id
    query = select(
        key, func.count().label("number"), func.sum(ARTICLE.c.versions).label("versions"),
        func.min(ARTICLE.c.first_seen).label("first"), func.max(ARTICLE.c.last_seen).label("last"),
    ).group_by(key)  # fmt: skip
    return {row[0]: row for row in connection.execute(query)}


def _sources(
    connection: Connection, now: datetime, totals: Totals, articles: Mapping[int, Any]
) -> tuple[SourceFigures, ...]:
    watches, held = watch_states(connection, now), missing_files(connection)
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
            articles=articles[each.id].number if each.id in articles else 0,
            observations=totals.observations.get(str(each.id), 0),
            scans=scans[each.id][1] if each.id in scans else 0,
            last_scan=scans[each.id][2] if each.id in scans else None,
            missing_files=held[each.id][0] if each.id in held else 0,
            held_since=held[each.id][1] if each.id in held else None,
            **watches.get(each.id, {}),
        )
        for each in sources(connection)
    )


def _database_bytes(connection: Connection) -> int:
    return int(connection.execute(text(words_of(connection).database_bytes)).scalar_one())
