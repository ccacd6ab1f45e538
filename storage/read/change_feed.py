"""The change feed: each change once, then what became different of it, and its withdrawal."""

import heapq
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from storage.database.rows import Row, fetch_row, stream
from storage.database.view_queries.sql_words import RESTRICTED, name_of_wording, words_of
from storage.database.views import view_query
from storage.read.answers import Change, ChangeEvent
from storage.read.filters import Conditions, Filters, conditions
from storage.read.lists import CHANGES, ChangeFilter, contains_passage, edit_conditions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.history.alerts.lists import OutboxItem

_WITHDRAWN: dict[str, Any] = {
    "kind": "withdrawn", "update": (), "version": None, "last_seen": None, "changes": (),
    "silent": None, "words_added": None, "words_removed": None, "removed": (), "added": (),
    "noise": (), "notices": (), "method": None,
}  # fmt: skip
"""The fields of a withdrawal that say nothing about its change."""
Event = tuple[int, ChangeEvent]
"""A row of the feed with its number."""


def newest_event(connection: "Connection") -> int:
    """Return the number of the newest row of the feed; 0 if there is none."""
    row = fetch_row(connection, "SELECT coalesce(max(id), 0) AS n FROM change_event", {})
    number: int = row["n"]
    return number


def events_since(
    connection: "Connection", seq: int, selection: ChangeFilter, filters: Filters, limit: int
) -> Iterator[Event]:
    """Yield the rows of the feed above the number `seq` in ascending order, at most `limit`.

    A row shows its change as it is now. A change that was withdrawn later is not shown, its
    withdrawal is. Withdrawals are limited by the source only: nothing else is known of them.
    """
    both = (
        _changes(connection, seq, selection, filters, limit),
        _withdrawals(connection, filters, limit, Conditions().with_clause("e.id > :seq", seq=seq)),
    )
    yield from islice(heapq.merge(*both, key=itemgetter(0)), max(limit, 0))


def latest_withdrawals(
    connection: "Connection",
    article_id: int | None,
    since: datetime | None,
    filters: Filters,
    limit: int,
) -> list[ChangeEvent]:
    """Return the latest withdrawals of changes since a time that do not exist now."""
    criteria = Conditions().with_clause(_STANDS)
    if since is not None:
        criteria = criteria.with_clause("e.changed_by >= :since", since=since)
    if article_id is not None:
        criteria = criteria.with_clause("e.article_id = :article", article=article_id)
    found = _withdrawals(connection, filters, limit, criteria, "DESC")
    return [event for _number, event in found]


def read_withdrawn(connection: "Connection", item: "OutboxItem") -> Row | None:
    """Return the article, wording, title and interval of a change that an alert reported.

    None if the text did change in that way, perhaps at another time, if the text was redacted, or
    if the article was joined with another one or is restricted. The feed has no row of the first
    version of an article.
    """
    words, values = words_of(connection), {"article": item.article_id, "wording": item.wording_id}
    values["occurrence"] = item.occurrence
    before = ""
    if item.before_id is not None:
        before, values["before"] = "AND b.wording_id = :before", item.before_id
    statement = f"""
SELECT a.public_id AS article, {name_of_wording(words, "w.digest")} AS wording, w.title,
    o.origin, s.name AS source, e.changed_after,
    coalesce(e.changed_by, (SELECT min(k.observed_at) FROM snapshot k
        JOIN derivation d ON d.id = k.derivation_id
        WHERE k.article_id = a.id AND d.wording_id = w.id)) AS changed_by
FROM article a JOIN wording w ON w.id = :wording JOIN origin o ON o.id = a.origin_id
JOIN source s ON s.id = a.source_id
LEFT JOIN change_event e ON e.id = (SELECT max(own.id) FROM change_event own
    WHERE own.article_id = a.id AND own.wording_id = w.id AND own.occurrence = :occurrence)
WHERE a.id = :article AND a.id NOT IN {RESTRICTED} AND w.text IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM version v
    LEFT JOIN version b ON b.article_id = v.article_id AND b.number = v.number - 1
    WHERE v.article_id = a.id AND v.wording_id = w.id {before})"""
    return next(iter(stream(connection, statement, values, "changes")), None)


def _changes(
    connection: "Connection", seq: int, selection: ChangeFilter, filters: Filters, limit: int
) -> Iterator[Event]:
    criteria = conditions(filters, time_column="q.changed_by").merge(
        edit_conditions(selection, connection)
    )
    for clause in _CURRENT:
        criteria = criteria.with_clause(clause)
    criteria = criteria.with_clause("e.id > :seq", seq=seq)
    statement = (
        f"SELECT e.id AS event, e.kind, e.what, e.recorded_at, {_FIRST} AS change, "
        f"{CHANGES.columns} FROM change_event e "
        "JOIN version own ON own.article_id = e.article_id AND own.wording_id = e.wording_id "
        f"JOIN ({view_query('changes', connection)}) q ON q.version_id = own.id"
        f"{criteria.sql_where} ORDER BY e.id"
    )
    if selection.contains is None:
        statement += f" LIMIT {max(limit, 0)}"
    for row in stream(connection, statement, criteria.values, "changes"):
        change = CHANGES.record(row)
        if selection.contains is None or contains_passage(change, selection.contains):
            yield row["event"], _event(row, change)


_SAME = (
    "{0}.article_id = e.article_id AND {0}.wording_id = e.wording_id "
    "AND {0}.occurrence = e.occurrence"
)
_FIRST = (
    f"(SELECT max(r.id) FROM change_event r WHERE {_SAME.format('r')} "
    "AND r.kind = 'change' AND r.id <= e.id)"
)
"""The number of the event that reported the change of an event `e`."""
_STANDS = (
    f"NOT EXISTS (SELECT 1 FROM change_event later WHERE {_SAME.format('later')} "
    "AND later.id > e.id)"
)
"""The condition that an event `e` is the last one about its change."""
_CURRENT = (
    "e.kind <> 'withdrawn'",
    "e.occurrence = q.occurrence",
    f"NOT EXISTS (SELECT 1 FROM change_event later WHERE {_SAME.format('later')} "
    "AND later.kind = 'withdrawn' AND later.id > e.id)",
)
"""Conditions that an event `e` is about the change to the version `own`, which exists."""


def _event(row: Row, change: Change) -> ChangeEvent:
    what = json.loads(row["what"]) if isinstance(row["what"], str) else row["what"]
    fields = {name: getattr(change, name) for name in Change.names()}
    fields |= {name: row[name] for name in ("kind", "change", "recorded_at")}
    fields["update"] = tuple(what)
    fields["cursor"] = str(row["event"])
    return ChangeEvent(**fields)


def _withdrawals(
    connection: "Connection", filters: Filters, limit: int, criteria: Conditions, order: str = ""
) -> Iterator[Event]:
    criteria = criteria.with_clause("e.kind = 'withdrawn'")
    if filters.source is not None:
        named = "coalesce(a.source_id, -1) IN (SELECT id FROM source WHERE name = :source)"
        criteria = criteria.with_clause(f"(a.id IS NULL OR {named})", source=filters.source)
    words = words_of(connection)
    statement = f"""
SELECT e.id AS event, {_FIRST} AS change, coalesce(a.public_id, o.public_id) AS article,
    {name_of_wording(words, "w.digest")} AS wording,
    CASE WHEN e.article_id IN {RESTRICTED} THEN NULL ELSE w.title END AS title,
    e.changed_after, e.changed_by, e.occurrence, e.recorded_at
FROM change_event e JOIN wording w ON w.id = e.wording_id JOIN origin o ON o.id = e.origin_id
LEFT JOIN article a ON a.id = e.article_id
{criteria.sql_where} ORDER BY e.id {order} LIMIT {max(limit, 0)}"""
    for row in stream(connection, statement, criteria.values, "changes"):
        names = (
            "change", "article", "wording", "occurrence", "title", "changed_after", "changed_by",
            "recorded_at",
        )  # fmt: skip
        known = {name: row[name] for name in names}
        own = {"first_seen": row["changed_by"], "cursor": str(row["event"])}
        yield row["event"], ChangeEvent(**_WITHDRAWN, **known, **own)
