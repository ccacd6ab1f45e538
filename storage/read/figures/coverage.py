"""Coverage of the watched places: checks per source and hour, and sources that fell silent."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Connection, case, exists, func, select

from storage.database.rows import stream
from storage.database.tables import ARCHIVE, SCAN, SOURCE, WATCH
from storage.database.view_queries.observations import TURNED_OUT
from storage.database.view_queries.sql_words import words_of
from storage.read.figures.records import Coverage
from storage.values.outcome import OUTCOMES

LATE = timedelta(minutes=15)
MIN_NEWS = 5
"""Number of times with new entries from which a list's usual interval is known."""
SILENT_INTERVALS = 5.0
MIN_SILENCE = timedelta(hours=24)
MISSED_INTERVALS = 3.0
"""A source is reported as missing after this number of intervals without an answer."""


def watch_states(connection: Connection, now: datetime) -> dict[int, dict[str, Any]]:
    """Return the state of the watched addresses of each source at `now`, by source id.

    `last_answer` is that of the source's own address. `missing_since` is set if a newer answer
    is overdue, `silent_since` if the source usually lists a new entry by now.
    """
    late = case((WATCH.c.next_check < now - LATE, 1), else_=0)
    query = (
        select(
            WATCH.c.source_id, func.count(), func.sum(late), func.max(WATCH.c.checked_at),
            SOURCE.c.standing, SOURCE.c.paused,
        )
        .join(SOURCE, SOURCE.c.id == WATCH.c.source_id)
        .where(WATCH.c.active)
        .group_by(WATCH.c.source_id, SOURCE.c.standing, SOURCE.c.paused)
    )  # fmt: skip
    roots = _roots(connection)
    found = {}
    for source, number, overdue, checked_at, standing, paused in connection.execute(query):
        root = roots.get(source)
        is_live = standing and not paused
        news = _news(connection, root) if root is not None and is_live else []
        found[source] = {
            "watched": number,
            "overdue": int(overdue or 0) if is_live else 0,
            "last_check": checked_at,
            "last_answer": root.reached_at if root is not None else None,
            "missing_since": _missing_since(root, now) if root is not None and is_live else None,
            "last_news": news[-1] if news else None,
            "silent_since": _silent_since(news, now),
        }
    return found


def _roots(connection: Connection) -> dict[int, Any]:
    """Return the watch of each source's own address."""
    query = select(WATCH).where(WATCH.c.listed_by.is_(None), WATCH.c.active)
    return {row.source_id: row for row in connection.execute(query.order_by(WATCH.c.origin_id))}


def _missing_since(root: Any, now: datetime) -> datetime | None:
    """Return the time of the last answer if several intervals passed without one."""
    since = root.reached_at or root.listed_at
    interval = timedelta(seconds=root.interval_seconds or 0)
    return since if now - since > max(interval * MISSED_INTERVALS, LATE * 2) else None


def _news(connection: Connection, root: Any) -> list[datetime]:
    """Return the times of the last new entries of a list, the earliest first."""
    query = (
        select(WATCH.c.listed_at)
        .where(WATCH.c.source_id == root.source_id, WATCH.c.listed_by == root.origin_id)
        .distinct()
        .order_by(WATCH.c.listed_at.desc())
        .limit(30)
    )
    return sorted(connection.execute(query).scalars())


def _silent_since(news: Sequence[datetime], now: datetime) -> datetime | None:
    """Return the time of the last new entry if a list usually has one sooner.

    >>> start = datetime(2024, 6, 1, tzinfo=UTC)
    >>> hourly = [start + timedelta(hours=n) for n in range(6)]
    >>> _silent_since(hourly, start + timedelta(hours=12)) is None
    True
    >>> _silent_since(hourly, start + timedelta(days=3)) == hourly[-1]
    True
    """
    if len(news) < MIN_NEWS:
        return None
    usual = median((b - a).total_seconds() for a, b in itertools.pairwise(news))
    longest = max(timedelta(seconds=usual * SILENT_INTERVALS), MIN_SILENCE)
    return news[-1] if now - news[-1] > longest else None


# ------------------------------------------------------------------------------ per hour


def coverage(
    connection: Connection, since: datetime | None, until: datetime, source: str | None
) -> Iterator[Coverage]:
    """Yield the number of checks by source and hour, including hours without any.

    For a folder, a check is a scan, which counts as answered if it was complete. Redirects and
    requests for robots.txt do not count. Only rows recorded since `since` are read.
    """
    begin = None if since is None else parse_hour(since)
    counted: dict[str, dict[datetime, Counter[str]]] = {}
    if begin is not None:
        counted = {name: {begin: Counter()} for name in _earlier_sources(connection, begin)}
    for name, hour, came_to, number in (*_checks(connection, begin), *_scans(connection, begin)):
        hours = counted.setdefault(name, {})
        hours.setdefault(parse_hour(hour), Counter())[came_to] += number
    for name, hours in sorted(counted.items()):
        if source is not None and name != source:
            continue
        start = max(min(hours), begin) if begin is not None else min(hours)
        for number in range(int((parse_hour(until) - start) / timedelta(hours=1)) + 1):
            hour = start + timedelta(hours=number)
            found = hours.get(hour, Counter())
            yield Coverage(
                name, hour, found.total(), found["answered"], found["failed"], found["barred"]
            )


_CHECKS = f"""
SELECT q.name AS name, q.hour AS hour, q.outcome AS outcome, count(*) AS number
FROM (
    SELECT r.name AS name, {{hour}} AS hour, {TURNED_OUT} AS outcome
    FROM observation o
    JOIN source r ON r.id = o.source_id AND r.kind IN ('web', 'list')
    JOIN origin n ON n.id = o.locator_id AND n.origin NOT LIKE '%/robots.txt'
    LEFT JOIN snapshot s ON s.observation_id = o.id
    LEFT JOIN verdict judged ON judged.observation_id = o.id
    WHERE o.outcome <> 'redirected' AND {{since}}
) q
GROUP BY q.name, q.hour, q.outcome
"""


_SINCE = (
    "o.id > coalesce((SELECT id FROM observation WHERE recorded_at < :begin"
    " ORDER BY id DESC LIMIT 1), -1)"
)
"""Rows recorded since a time: their numbers rise with it, so that older rows are not read."""


def _earlier_sources(connection: Connection, begin: datetime) -> list[str]:
    """Return the sources that were checked, or should have been, before a time."""
    is_scanned = exists().where(SCAN.c.source_id == SOURCE.c.id)
    query = select(SOURCE.c.name).where(
        SOURCE.c.created_at < begin, SOURCE.c.kind.in_(("web", "list")) | is_scanned
    )
    return list(connection.execute(query).scalars())


def _checks(connection: Connection, begin: datetime | None) -> Iterator[tuple[str, Any, str, int]]:
    """Yield the number of checks by outcome; redirects do not count."""
    hour = words_of(connection).hour("o.observed_at")
    since, values = ("TRUE", {}) if begin is None else (_SINCE, {"begin": begin})
    for row in stream(connection, _CHECKS.format(hour=hour, since=since), values):
        outcome = OUTCOMES[row["outcome"]]
        came_to = "failed" if outcome.counted_as == "failed" else "barred"
        yield row["name"], row["hour"], "answered" if outcome.answered else came_to, row["number"]


def _scans(connection: Connection, begin: datetime | None) -> Iterator[tuple[str, Any, str, int]]:
    hour = _hour_of(connection, SCAN.c.started_at)
    query = (
        select(SOURCE.c.name, hour, SCAN.c.complete, func.count())
        .join(SOURCE, SOURCE.c.id == SCAN.c.source_id)
        .group_by(SOURCE.c.name, hour, SCAN.c.complete)
    )
    if begin is not None:
        older = select(SCAN.c.id).where(SCAN.c.recorded_at < begin).order_by(SCAN.c.id.desc())
        query = query.where(SCAN.c.id > func.coalesce(older.limit(1).scalar_subquery(), -1))
    for name, at, complete, number in connection.execute(query):
        yield name, at, "answered" if complete else "failed", number


def _hour_of(connection: Connection, column: Any) -> Any:
    if connection.dialect.name == "postgresql":
        return func.date_trunc("hour", column, "UTC")
    return func.substr(column, 1, 13, type_=ARCHIVE.c.key.type)


def parse_hour(value: Any) -> datetime:
    """Return an hour from a database value: a time, or the first 13 letters of one in UTC."""
    moment = datetime.fromisoformat(f"{value}:00:00+00:00") if isinstance(value, str) else value
    found: datetime = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return found
