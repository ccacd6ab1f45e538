"""How the texts of a source are edited: at which hours, how silently, how soon, how lastingly.

The moment of an edit is unknown; known are the last snapshot before and the first one after it. So
each duration is reported twice: its minimum and its maximum.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, select

from storage.database.rows import Row, stream
from storage.database.tables import VERSION
from storage.database.view_queries.sql_words import words_of
from storage.database.views import edit_condition, element_of, seconds_between, steps_query
from storage.history.totals import is_redacting, newest_redaction, stored_fact
from storage.read.figures.coverage import parse_hour
from storage.read.figures.records import EditFigures, EditHour
from storage.read.filters import Conditions
from storage.values.freshness import is_fresh

EDIT_SUMMARY = "edit_summary"
"""Key of the stored summary in the table `archive`."""
SUMMARY_VERSIONS = 20_000
"""Number of versions from which the scheduler stores the summary."""
SUMMARY_INTERVAL = timedelta(hours=1)
SUMMARY_DAYS = 7
NEAR_PUBLICATION_SECONDS = 86_400
"""The first edit is known for articles first seen within this time of publication, or on its
day.
"""


@dataclass(frozen=True, slots=True)
class EditSpan:
    """Selects edits: of one source, and first seen from `since` to `until`."""

    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self, time_column: str, *more: str) -> Conditions:
        """Return query conditions; `time_column` is the column of the first snapshot."""
        criteria = Conditions()
        for clause in more:
            criteria = criteria.with_clause(clause)
        if self.source is not None:
            criteria = criteria.with_clause("r.name = :source", source=self.source)
        if self.since is not None:
            criteria = criteria.with_clause(f"{time_column} >= :since", since=self.since)
        if self.until is not None:
            criteria = criteria.with_clause(f"{time_column} <= :until", until=self.until)
        return criteria


@dataclass(frozen=True, slots=True)
class EditSummary:
    """The figures of all edits, and the edits by hour of the last `SUMMARY_DAYS` days.

    `computed_at` is None if they were computed for this request.
    """

    figures: list[EditFigures]
    hours: list[EditHour]
    computed_at: datetime | None = None


def edit_summary(connection: Connection, now: datetime) -> EditSummary:
    """Return the stored summary of a large archive; otherwise compute it."""
    stored = _load_summary(connection)
    if stored is None:
        return _compute_summary(connection, now)
    hours = ({**each, "hour": datetime.fromisoformat(each["hour"])} for each in stored["hours"])
    return EditSummary(
        [EditFigures(**each) for each in stored["figures"]],
        [EditHour(**each) for each in hours],
        datetime.fromisoformat(stored["computed_at"]),
    )


def renewed_summary(connection: Connection, now: datetime) -> str | None:
    """Return the summary to store; None for a small archive, or if a stored one is recent enough.

    One computation reads all versions: with a million of them it takes about 15 s.
    """
    redaction, stored = newest_redaction(connection), _load_summary(connection)
    if stored and is_fresh(datetime.fromisoformat(stored["computed_at"]), now, SUMMARY_INTERVAL):
        return None
    query = select(VERSION.c.id).limit(1).offset(SUMMARY_VERSIONS)
    if connection.scalar(query) is None or is_redacting(connection):
        return None
    summary = _compute_summary(connection, now)
    return json.dumps(
        {
            "computed_at": now.isoformat(), "redaction": redaction,
            "figures": [each.to_dict() for each in summary.figures],
            "hours": [each.to_dict() for each in summary.hours],
        }
    )  # fmt: skip


def _load_summary(connection: Connection) -> dict[str, Any] | None:
    """Return the stored summary, unless something was redacted since: it names sources."""
    value = stored_fact(connection, EDIT_SUMMARY)
    stored: dict[str, Any] | None = None if value is None else json.loads(value)
    is_valid = stored is not None and stored["redaction"] == newest_redaction(connection)
    return stored if is_valid else None


def _compute_summary(connection: Connection, now: datetime) -> EditSummary:
    hours = EditSpan(since=now - timedelta(days=SUMMARY_DAYS))
    return EditSummary(
        list(edit_figures(connection, EditSpan())), list(edits_by_hour(connection, hours))
    )


def edits_by_hour(connection: Connection, span: EditSpan) -> Iterator[EditHour]:
    """Yield the edits by source and hour of the first snapshot, without hours that have none."""
    query, values = _edits(connection, span)
    statement = f"SELECT q.source, q.hour, {_SUMS} FROM ({query}) q GROUP BY 1, 2 ORDER BY 1, 2"
    for row in stream(connection, statement, values):
        yield EditHour(
            row["source"], parse_hour(row["hour"]), *(int(row[name]) for name in _COUNTED)
        )


def edit_figures(connection: Connection, span: EditSpan) -> Iterator[EditFigures]:
    """Yield the edit figures of each source that has an article or an edit in the span."""
    articles = _articles(connection, span)
    counted, noise = _count_edits(connection, span), _count_noise(connection, span)
    first = {
        end: _half_times(connection, *_first_edits_query(connection, span, end)) for end in _ENDS
    }
    half = {end: _half_times(connection, *_lifetimes_query(connection, span, end)) for end in _ENDS}
    for source in sorted(articles.keys() | counted.keys() | noise.keys()):
        number, fresh = articles.get(source, (0, 0))
        edits = counted.get(source, dict.fromkeys(("edited", *_COUNTED), 0))
        known = edits["silence_known"]
        yield EditFigures(
            source=source,
            articles=number,
            **edits,
            noise=noise.get(source, 0),
            silent_share=edits["silent"] / known if known else None,
            fresh=fresh,
            first_edits=first["most"].get(source, (0, None))[0],
            first_edit_least=first["least"].get(source, (0, None))[1],
            first_edit_most=first["most"].get(source, (0, None))[1],
            half_life_least=half["least"].get(source, (0, None))[1],
            half_life_most=half["most"].get(source, (0, None))[1],
        )


_COUNTED = ("edits", "certain", "silent", "silence_known", "headlines", "flips")
_ENDS = ("least", "most")
_SUMS = ", ".join(f"sum(q.{name}) AS {name}" for name in _COUNTED)
_EDITS = """
SELECT r.name AS source, {hour} AS hour, v.article_id AS article_id, 1 AS edits,
    CASE WHEN {before} = {hour} THEN 1 ELSE 0 END AS certain,
    CASE WHEN v.silent = TRUE THEN 1 ELSE 0 END AS silent,
    CASE WHEN v.silent IS NULL THEN 0 ELSE 1 END AS silence_known,
    CASE WHEN {headline} THEN 1 ELSE 0 END AS headlines,
    CASE WHEN {headline} AND EXISTS (
        SELECT 1 FROM version p JOIN wording old ON old.id = p.wording_id
        WHERE p.article_id = v.article_id AND p.number < v.number - 1 AND old.title = w.title
    ) THEN 1 ELSE 0 END AS flips
FROM version v
JOIN wording w ON w.id = v.wording_id
JOIN article a ON a.id = v.article_id
JOIN source r ON r.id = a.source_id
"""
_NOISE = """
SELECT r.name AS source, count(*) AS number
FROM noise_step n
JOIN observation o ON o.id = n.observation_id
JOIN article_origin ao ON ao.origin_id = n.origin_id
JOIN article a ON a.id = ao.article_id
JOIN source r ON r.id = a.source_id
LEFT JOIN noise_step_undone u ON u.noise_step_id = n.id
{where} GROUP BY r.name
"""
_ARTICLES = """
SELECT r.name AS source, count(*) AS number, sum(CASE WHEN {fresh} THEN 1 ELSE 0 END) AS fresh
FROM version v
JOIN derivation d ON d.id = v.derivation_id
JOIN article a ON a.id = v.article_id
JOIN source r ON r.id = a.source_id
{where} GROUP BY r.name
"""
_FIRST_EDITS = """
SELECT r.name AS source, 1 AS ended, {seconds} AS seconds
FROM version v
JOIN version n ON n.article_id = v.article_id AND n.number = 2
JOIN derivation d ON d.id = v.derivation_id
JOIN article a ON a.id = v.article_id
JOIN source r ON r.id = a.source_id
{where}
"""
_LIFETIMES = """
SELECT r.name AS source, CASE WHEN n.id IS NULL THEN 0 ELSE 1 END AS ended, {seconds} AS seconds
FROM ({steps}) v
JOIN source r ON r.id = v.source_id
LEFT JOIN version n ON n.article_id = v.article_id AND n.number = v.version + 1
{where}
"""


def _edits(connection: Connection, span: EditSpan) -> tuple[str, dict[str, Any]]:
    words = words_of(connection)
    query = _EDITS.format(
        hour=words.hour("v.changed_by"),
        before=words.hour("v.changed_after"),
        headline=element_of("v.changes", "('headline')", connection),
    )
    is_edit = edit_condition("v.changes", connection)
    criteria = span.conditions("v.changed_by", "v.number > 1", is_edit)
    return query + criteria.sql_where, criteria.values


def _count_edits(connection: Connection, span: EditSpan) -> dict[str, dict[str, int]]:
    query, values = _edits(connection, span)
    statement = (
        f"SELECT q.source, count(DISTINCT q.article_id) AS edited, {_SUMS} "
        f"FROM ({query}) q GROUP BY q.source"
    )
    names = ("edited", *_COUNTED)
    rows = stream(connection, statement, values)
    return {row["source"]: {name: int(row[name]) for name in names} for row in rows}


def _count_noise(connection: Connection, span: EditSpan) -> dict[str, int]:
    """Return, by source, the number of differences that count as noise."""
    criteria = span.conditions("o.observed_at", "u.id IS NULL")
    rows = stream(connection, _NOISE.format(where=criteria.sql_where), criteria.values)
    return {row["source"]: int(row["number"]) for row in rows}


def _fresh(connection: Connection) -> str:
    """Return the condition that an article was first seen close to its publication."""
    late = seconds_between("d.published_to", "v.changed_by", connection)
    return (
        "(d.published_precision IN ('day', 'minute', 'second') "
        f"AND v.changed_by >= d.published_from AND {late} <= {NEAR_PUBLICATION_SECONDS})"
    )


def _articles(connection: Connection, span: EditSpan) -> dict[str, tuple[int, int]]:
    """Return, by source, the number of articles first seen in the span, and of fresh ones."""
    criteria = span.conditions("v.changed_by", "v.number = 1")
    query = _ARTICLES.format(fresh=_fresh(connection), where=criteria.sql_where)
    rows = stream(connection, query, criteria.values)
    return {row["source"]: (int(row["number"]), int(row["fresh"])) for row in rows}


def _first_edits_query(
    connection: Connection, span: EditSpan, end: str
) -> tuple[str, dict[str, Any]]:
    """Return a query for the time from the first snapshot of fresh articles to the first edit."""
    is_edit = edit_condition("n.changes", connection)
    criteria = span.conditions("v.changed_by", "v.number = 1", _fresh(connection), is_edit)
    column = "n.changed_by" if end == "most" else "n.changed_after"
    seconds = seconds_between("v.changed_by", column, connection)
    return _FIRST_EDITS.format(seconds=seconds, where=criteria.sql_where), criteria.values


def _lifetimes_query(
    connection: Connection, span: EditSpan, end: str
) -> tuple[str, dict[str, Any]]:
    """Return a query for the lifetime of each edited wording, up to its last snapshot."""
    is_edit = f"(n.id IS NULL OR {edit_condition('n.changes', connection)})"
    criteria = span.conditions("v.changed_by", "v.version > 1", is_edit)
    column = "n.changed_by" if end == "most" else "n.changed_after"
    seconds = seconds_between("v.changed_by", f"coalesce({column}, v.last_seen)", connection)
    query = _LIFETIMES.format(
        seconds=seconds, steps=steps_query(connection), where=criteria.sql_where
    )
    return query, criteria.values


def _half_times(
    connection: Connection, query: str, values: dict[str, Any]
) -> dict[str, tuple[int, float | None]]:
    """Return, by source, the number of ended lifetimes, and the half-life in seconds.

    Current wordings count up to their last snapshot (Kaplan-Meier estimate). The database sorts;
    rows are read one at a time.
    """
    statement = (
        "SELECT q.source, q.ended, q.seconds, count(*) OVER (PARTITION BY q.source) AS number "
        f"FROM ({query}) q ORDER BY q.source, q.seconds, q.ended DESC"
    )
    rows = stream(connection, statement, values)
    return {source: _half_time(some) for source, some in groupby(rows, itemgetter("source"))}


def _half_time(rows: Iterator[Row]) -> tuple[int, float | None]:
    """Return the number of ended lifetimes, and the earliest time by which half had ended.

    >>> def row(seconds, ended): return {"seconds": seconds, "ended": ended, "number": 4}
    >>> _half_time(iter([row(1, 1), row(2, 1), row(5, 0), row(9, 1)]))
    (3, 2)
    >>> _half_time(iter([row(1, 1), row(2, 0), row(3, 0), row(4, 0)]))
    (1, None)
    """
    standing, left, ended, half = 1.0, None, 0, None
    for row in rows:
        left = row["number"] if left is None else left
        if row["ended"]:
            ended += 1
            standing *= 1 - 1 / left
            if half is None and standing <= 0.5 + 1e-9:
                half = row["seconds"]
        left -= 1
    return ended, half
