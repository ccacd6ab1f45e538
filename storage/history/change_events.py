"""The events of the change feed: each change once, what became different of it, and its withdrawal.

A change is identified by its article, its wording and the occurrence of that wording, as alerts do:
a late document moves the numbers of versions. The table `change_event` is only added to.

A correction of an alert is a delivery of its own, written in the unit of work that withdraws the
change. So it is sent once, also by an alert that was paused meanwhile.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import func, select, update

from storage.database.engine import database_epoch
from storage.database.outgoing import ALERTS
from storage.database.tables import ALERT, ALERT_DELIVERY, ARTICLE, CHANGE_EVENT, VERSION
from storage.database.unit import Unit, rows_in
from storage.history.alerts.lists import is_correction
from storage.values.change_class import ChangeClass

Key = tuple[int, int]
"""A wording, and the number of versions of the article with that wording up to this one."""
T = TypeVar("T")

COMPARED: Mapping[str, tuple[str, ...]] = {
    "label": (
        "changes", "silent", "words_added", "words_removed", "removed", "added", "noise",
        "notices", "entries", "method",
    ),
    "reading": ("derivation_id",),
    "interval": ("changed_after", "changed_by"),
}  # fmt: skip
"""The names in an update, by the columns of a version that it compares. `last_seen` is none."""
UPDATE_REDACTION, UPDATE_RESTRICTION, UPDATE_ARTICLE = "redaction", "restriction", "article"
CHANGE, UPDATE, WITHDRAWN = "change", "update", "withdrawn"


class _Change(NamedTuple):
    """The columns of an event that identify its change, and its interval."""

    article_id: int
    origin_id: int
    wording_id: int
    occurrence: int
    changed_after: datetime | None
    changed_by: datetime


def changes_by_key(
    versions: Iterable[tuple[int, int, T]], earlier: Iterable[int] = (), first: int = 2
) -> dict[Key, T]:
    """Return the changes among versions (number, wording, value) in order, by their keys.

    The first version of an article is no change; `earlier` are the wordings of the versions before.
    Versions before the number `first` are left out.

    >>> changes_by_key([(1, 7, "a"), (2, 8, "b"), (3, 7, "c")])
    {(8, 1): 'b', (7, 2): 'c'}
    """
    counts = Counter(earlier)
    found: dict[Key, T] = {}
    for number, wording, value in versions:
        counts[wording] += 1
        if number >= first:
            found[wording, counts[wording]] = value
    return found


def record_changes(
    unit: Unit,
    article: Any,
    before: Mapping[int, Any],
    after: Sequence[tuple[int, Mapping[str, Any]]],
    earlier: Collection[int],
) -> None:
    """Add events for the versions of an article: `before` by number, `after` with their numbers.

    `earlier` are the wordings of versions that are neither read nor changed.
    """
    old = changes_by_key(((n, row.wording_id, row) for n, row in sorted(before.items())), earlier)
    new = changes_by_key(((n, values["wording_id"], values) for n, values in after), earlier)
    same = (article.id, article.origin_id)
    if before:
        add_corrections(unit, article.id, _find_gone(before, after, earlier))
    for key, row in old.items():
        if key not in new:
            change = _Change(*same, *key, row.changed_after, row.changed_by)
            _add(unit, change, WITHDRAWN)
    for key, values in new.items():
        change = _Change(*same, *key, values["changed_after"], values["changed_by"])
        if key not in old:
            _add(unit, change, CHANGE)
        elif what := _differences(old[key], values):
            _add(unit, change, UPDATE, what)


def _find_gone(
    before: Mapping[int, Any],
    after: Sequence[tuple[int, Mapping[str, Any]]],
    earlier: Collection[int],
) -> set[Key]:
    """Return the versions that exist no longer, the first one included.

    A check that begins a version and is only read otherwise now showed a change all the same.
    """
    listed = ((n, row.wording_id, row.observation_id) for n, row in sorted(before.items()))
    left = changes_by_key(((n, values["wording_id"], n) for n, values in after), earlier, 1)
    checks = {values["observation_id"] for _number, values in after}
    gone = changes_by_key(listed, earlier, 1).items()
    return {key for key, check in gone if key not in left and check not in checks}


def _differences(row: Any, values: Mapping[str, Any]) -> list[str]:
    """Return the names of the different values of a change, as in an update."""
    found = [
        name
        for name, columns in COMPARED.items()
        if any(getattr(row, column) != values[column] for column in columns)
    ]
    if ChangeClass.REDACTED in values["changes"] and ChangeClass.REDACTED not in row.changes:
        return [UPDATE_REDACTION, *(name for name in found if name != "label")]
    return found


def record_updates(unit: Unit, versions: Collection[int], what: str) -> None:
    """Add an update for the changes to these versions, unless this unit has an event of them."""
    unit.flush()
    _add_all(unit, VERSION.c.id, versions, UPDATE, [what])


def record_withdrawal(unit: Unit, article_id: int) -> None:
    """Withdraw all changes of an article that is deleted."""
    unit.flush()
    _add_all(unit, VERSION.c.article_id, [article_id], WITHDRAWN, [])


def _add_all(unit: Unit, column: Any, ids: Collection[int], kind: str, what: list[str]) -> None:
    same = VERSION.alias()
    occurrence = (
        select(func.count())
        .where(
            same.c.article_id == VERSION.c.article_id,
            same.c.wording_id == VERSION.c.wording_id,
            same.c.number <= VERSION.c.number,
        )
        .scalar_subquery()
    )
    query = (
        select(
            VERSION.c.article_id, ARTICLE.c.origin_id, VERSION.c.wording_id,
            occurrence.label("occurrence"), VERSION.c.changed_after, VERSION.c.changed_by,
        )
        .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
        .where(VERSION.c.number > 1)
    )  # fmt: skip
    rows = [_Change(*row) for row in rows_in(unit.connection, query, column, ids)]
    known = _events_of_unit(unit, {row.article_id for row in rows}) if kind == UPDATE else set()
    for row in sorted(rows, key=lambda each: (each.article_id, each.changed_by, each.occurrence)):
        if (row.article_id, row.wording_id, row.occurrence) not in known:
            _add(unit, row, kind, what)


def _events_of_unit(unit: Unit, articles: Collection[int]) -> set[tuple[int, int, int]]:
    """Return the changes with an event of this unit."""
    columns = (CHANGE_EVENT.c.article_id, CHANGE_EVENT.c.wording_id, CHANGE_EVENT.c.occurrence)
    query = select(*columns).where(CHANGE_EVENT.c.id > unit.since)
    rows = rows_in(unit.connection, query, CHANGE_EVENT.c.article_id, articles)
    return {(row[0], row[1], row[2]) for row in rows}


def _add(unit: Unit, change: _Change, kind: str, what: Sequence[str] = ()) -> None:
    row = {"id": unit.number(), **change._asdict(), "kind": kind, "what": list(what)}
    unit.add(CHANGE_EVENT, {**row, "recorded_at": unit.now})


def current_changes(events: Iterable[tuple[Key, str]]) -> set[Key]:
    """Return the changes that a reader of these events, in order, has at their end."""
    found: set[Key] = set()
    for key, kind in events:
        if kind in {CHANGE, UPDATE}:
            found.add(key)
        else:
            found.discard(key)
    return found


_COPIED = (
    "alert_id", "channel_id", "kind", "article_id", "wording_id", "before_id", "occurrence",
    "version", "why",
)  # fmt: skip
"""The columns that a correction has in common with the delivery before it."""
_DELIVERIES = (
    select(ALERT_DELIVERY)
    .join(ALERT, ALERT.c.id == ALERT_DELIVERY.c.alert_id)  # the index begins with the alert
    .order_by(ALERT_DELIVERY.c.turn)
)


def add_corrections(unit: Unit, article_id: int, changes: Collection[tuple[int, int]]) -> None:
    """Write a correction for each delivery that reported a change (wording, occurrence).

    A delivery that may be on its way is included: its result decides whether the correction is
    sent.
    """
    if not changes:
        return
    unit.flush()
    rows = rows_in(unit.connection, _DELIVERIES, ALERT_DELIVERY.c.article_id, [article_id])
    newest = {
        (row.channel_id, row.wording_id, row.occurrence): row
        for row in rows
        if (row.wording_id, row.occurrence) in changes
    }
    for row in newest.values():
        _correct(unit, row)


def _correct(unit: Unit, row: Any) -> None:
    again = {"state": "waiting", "attempts": 0, "next_at": database_epoch(unit.connection)}
    if is_correction(row.turn):
        if row.state == "damped":
            this = ALERT_DELIVERY.c.id == row.id
            unit.connection.execute(update(ALERT_DELIVERY).where(this).values(**again, note=None))
    elif row.state in {ALERTS.sent, *ALERTS.open_states}:
        same = {name: getattr(row, name) for name in _COPIED}
        unit.add(
            ALERT_DELIVERY,
            {
                "id": unit.number(), **same, **again, "turn": row.turn + 1, "lease_until": None,
                "token": None, "message_id": None, "note": None, "made_at": unit.now,
                "sent_at": None,
            },
        )  # fmt: skip
