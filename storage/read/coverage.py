"""How well the watched places were looked at: per source and hour, and who fell silent."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Connection, case, func, select

from storage.database.tables import METADATA
from storage.read.answers import Coverage

OBSERVATION, ORIGIN, SCAN = (METADATA.tables[name] for name in ("observation", "origin", "scan"))
SOURCE, WATCH = METADATA.tables["source"], METADATA.tables["watch"]

ANSWERED = ("captured", "content", "not_modified", "unchanged", "gone")
FAILED = ("unreachable", "rate_limited")
STEPS = ("redirected",)
"""Outcomes of a step on the way, which are no check of their own."""

LATE = timedelta(minutes=15)
LEAST_NEWS = 5
"""From so many times on that a list named anything new, it is known how often it does."""
SILENT_FOR = 5.0
LEAST_SILENCE = timedelta(hours=24)
MISSED = 3.0
"""A source that did not answer for so many of its intervals is told."""


@dataclass(frozen=True, slots=True)
class Watching:
    """How the watched addresses of one source stand.

    `last_answer` is of the address that the source was made for; `missing_since` is set where
    it should have answered since, `silent_since` where it usually names something new by now.
    """

    watched: int = 0
    overdue: int = 0
    last_check: datetime | None = None
    last_answer: datetime | None = None
    missing_since: datetime | None = None
    last_news: datetime | None = None
    silent_since: datetime | None = None


def watching(connection: Connection, now: datetime) -> dict[int, Watching]:
    """Return how the watched addresses of each source stand at `now`, by the source's id."""
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
        found[source] = Watching(
            watched=number,
            overdue=int(overdue or 0) if is_live else 0,
            last_check=checked_at,
            last_answer=root.reached_at if root is not None else None,
            missing_since=_missing_since(root, now) if root is not None and is_live else None,
            last_news=news[-1] if news else None,
            silent_since=_silent_since(news, now),
        )
    return found


def _roots(connection: Connection) -> dict[int, Any]:
    """Return the watch that each source was made for."""
    query = select(WATCH).where(WATCH.c.listed_by.is_(None), WATCH.c.active)
    return {row.source_id: row for row in connection.execute(query.order_by(WATCH.c.origin_id))}


def _missing_since(root: Any, now: datetime) -> datetime | None:
    """Return since when a source has not answered that should have, some times over."""
    since = root.reached_at or root.listed_at
    interval = timedelta(seconds=root.interval_seconds or 0)
    return since if now - since > max(interval * MISSED, LATE * 2) else None


def _news(connection: Connection, root: Any) -> list[datetime]:
    """Return the times at which a list last named anything new, the earliest first."""
    query = (
        select(WATCH.c.listed_at)
        .where(WATCH.c.source_id == root.source_id, WATCH.c.listed_by == root.origin_id)
        .distinct()
        .order_by(WATCH.c.listed_at.desc())
        .limit(30)
    )
    return sorted(connection.execute(query).scalars())


def _silent_since(news: Sequence[datetime], now: datetime) -> datetime | None:
    """Return since when a list has named nothing new, where it usually does sooner.

    >>> start = datetime(2024, 6, 1, tzinfo=UTC)
    >>> hourly = [start + timedelta(hours=n) for n in range(6)]
    >>> _silent_since(hourly, start + timedelta(hours=12)) is None
    True
    >>> _silent_since(hourly, start + timedelta(days=3)) == hourly[-1]
    True
    """
    if len(news) < LEAST_NEWS:
        return None
    usual = median((b - a).total_seconds() for a, b in itertools.pairwise(news))
    longest = max(timedelta(seconds=usual * SILENT_FOR), LEAST_SILENCE)
    return news[-1] if now - news[-1] > longest else None


# ------------------------------------------------------------------------------ per hour


def coverage(
    connection: Connection, since: datetime | None, until: datetime, source: str | None
) -> Iterator[Coverage]:
    """Yield, by source and hour, the checks that were made; hours without any are told too.

    Of a folder a check is a scan, answered where it was complete. A step of a redirect and a
    robots.txt are no checks.
    """
    counted: dict[str, dict[datetime, tuple[int, int, int]]] = {}
    for name, hour, *numbers in (*_checks(connection), *_scans(connection)):
        if source is None or name == source:
            counted.setdefault(name, {})[_hour(hour)] = (numbers[0], numbers[1], numbers[2])
    for name, hours in sorted(counted.items()):
        start = max(min(hours), _hour(since)) if since is not None else min(hours)
        for number in range(int((_hour(until) - start) / timedelta(hours=1)) + 1):
            hour = start + timedelta(hours=number)
            checks, answered, failed = hours.get(hour, (0, 0, 0))
            yield Coverage(name, hour, checks, answered, failed, checks - answered - failed)


def _checks(connection: Connection) -> Iterator[tuple[Any, ...]]:
    hour = _hour_of(connection, OBSERVATION.c.observed_at)
    query = (
        select(
            SOURCE.c.name, hour, func.count(), _number_of(ANSWERED), _number_of(FAILED),
        )
        .join(SOURCE, SOURCE.c.id == OBSERVATION.c.source_id)
        .join(ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id)
        .where(
            SOURCE.c.kind.in_(("web", "list")), OBSERVATION.c.outcome.not_in(STEPS),
            ORIGIN.c.origin.not_like("%/robots.txt"),
        )
        .group_by(SOURCE.c.name, hour)
    )  # fmt: skip
    yield from (tuple(row) for row in connection.execute(query))


def _scans(connection: Connection) -> Iterator[tuple[Any, ...]]:
    hour = _hour_of(connection, SCAN.c.started_at)
    complete = func.sum(case((SCAN.c.complete.is_(True), 1), else_=0))
    query = (
        select(SOURCE.c.name, hour, func.count(), complete, func.count() - complete)
        .join(SOURCE, SOURCE.c.id == SCAN.c.source_id)
        .group_by(SOURCE.c.name, hour)
    )
    yield from (tuple(row) for row in connection.execute(query))


def _number_of(outcomes: Sequence[str]) -> Any:
    return func.sum(case((OBSERVATION.c.outcome.in_(outcomes), 1), else_=0))


def _hour_of(connection: Connection, column: Any) -> Any:
    if connection.dialect.name == "postgresql":
        return func.date_trunc("hour", column, "UTC")
    return func.substr(column, 1, 13, type_=METADATA.tables["archive"].c.key.type)


def _hour(value: Any) -> datetime:
    moment = datetime.fromisoformat(f"{value}:00:00+00:00") if isinstance(value, str) else value
    found: datetime = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return found
