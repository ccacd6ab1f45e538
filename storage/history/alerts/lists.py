"""Queries for alerts, their channels and their deliveries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    func,
    literal_column,
    or_,
    select,
    text,
)

from storage.database.engine import database_epoch
from storage.database.outgoing import ALERTS
from storage.database.rows import cursor, place
from storage.database.tables import (
    ALERT,
    ALERT_CHANNEL,
    ALERT_DELIVERY,
    ARCHIVE,
    ARTICLE,
    OBSERVATION,
    SNAPSHOT,
    VERDICT,
    VERSION,
)
from storage.database.view_queries.sql_words import RESTRICTED
from storage.history.alerts.rule import GONE, AlertRule
from storage.values.answer import Answer
from storage.values.errors import NoSuchError, did_you_mean
from storage.values.messages import message_text

CHANGE, WITHDRAWN = "change", "withdrawn"
"""What a delivery reports: a change, or that a reported one turned out not to exist."""
BEFORE = ALERT_DELIVERY.alias()
"""The delivery that another one corrects (`is_before`)."""
STATES = ("waiting", "sent", "failed", "dead", "damped")
"""States of a delivery: `failed` is retried, `dead` is not, `damped` was never sent."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: a rule with a schedule."""

    id: int
    name: str
    rule: AlertRule
    daily_at: str | None
    timezone: str
    cursor: int
    since: int
    paused: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of an alert; `secrets` sign a webhook, the newest first."""

    id: int
    alert_id: int
    kind: str
    target: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A change to report, or the absence of an article (`storage.history.alerts.rule`).

    `is_correction`: the change was reported, and turned out not to exist. `corrects` is the message
    that reported it; None if it was not sent.
    """

    id: int
    article_id: int
    wording_id: int
    before_id: int | None
    occurrence: int
    is_correction: bool
    corrects: int | None
    version: int
    why: tuple[str, ...]
    attempts: int
    made_at: datetime

    @property
    def is_absence(self) -> bool:
        return self.occurrence < 0


@dataclass(frozen=True, slots=True)
class Delivery(Answer):
    """A delivery: one change sent through one channel of an alert, with the reason of the match.

    `kind` is `change`, or `withdrawn` if it corrects an earlier delivery. `message` identifies the
    message; a mail contains several deliveries. Times are UTC.
    """

    id: int
    alert: str
    channel: str
    article: str | None
    version: int
    why: tuple[str, ...]
    state: str
    attempts: int
    next_at: datetime | None
    note: str | None
    made_at: datetime
    sent_at: datetime | None
    message: int | None
    kind: str = CHANGE
    cursor: str | None = None


def alerts(connection: Connection) -> list[Alert]:
    """Return all alerts sorted by name."""
    return [_alert(row) for row in connection.execute(select(ALERT).order_by(ALERT.c.name))]


def ids(connection: Connection) -> list[int]:
    """Return the ids of all alerts."""
    return list(connection.execute(select(ALERT.c.id)).scalars())


def alert(connection: Connection, name: str) -> Alert:
    """Return the alert with that name.

    Raises: NoSuchError.
    """
    row = connection.execute(select(ALERT).where(ALERT.c.name == name)).first()
    if row is None:
        similar = did_you_mean(name, connection.execute(select(ALERT.c.name)).scalars())
        raise NoSuchError(message_text("alert"), name, similar + message_text("where_alerts"))
    return _alert(row)


def channels(connection: Connection, alert_ids: Sequence[int]) -> list[Channel]:
    """Return the channels of alerts; the reader role of the web pages has no access to them."""
    query = (
        select(ALERT_CHANNEL)
        .where(ALERT_CHANNEL.c.alert_id.in_(alert_ids))
        .order_by(ALERT_CHANNEL.c.id)
    )
    return [
        Channel(row.id, row.alert_id, row.kind, row.target, tuple(row.secrets or ()))
        for row in connection.execute(query)
    ]


def deliveries(
    connection: Connection,
    *,
    name: str | None = None,
    state: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Iterator[Delivery]:
    """Yield deliveries, the newest first.

    Raises: CursorError.
    """
    query = (
        select(ALERT_DELIVERY, ALERT.c.name.label("alert"), ARTICLE.c.public_id.label("article"))
        .join(ALERT, ALERT.c.id == ALERT_DELIVERY.c.alert_id)
        .join(ARTICLE, ARTICLE.c.id == ALERT_DELIVERY.c.article_id, isouter=True)
        .order_by(ALERT_DELIVERY.c.id.desc())
    )
    if name is not None:
        query = query.where(ALERT.c.name == name)
    if state is not None:
        query = query.where(ALERT_DELIVERY.c.state == state)
    if after is not None:
        query = query.where(ALERT_DELIVERY.c.id < place("deliveries", after, int)[0])
    if limit is not None:
        query = query.limit(limit)
    streamed = connection.execution_options(stream_results=True, yield_per=500)
    yield from map(_delivery, streamed.execute(query))


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return the number of deliveries by alert and state."""
    query = (
        select(ALERT.c.name, ALERT_DELIVERY.c.state, func.count())
        .join(ALERT_DELIVERY, ALERT_DELIVERY.c.alert_id == ALERT.c.id, isouter=True)
        .group_by(ALERT.c.name, ALERT_DELIVERY.c.state)
        .order_by(ALERT.c.name)
    )
    found: dict[str, dict[str, int]] = {}
    for name, state, number in connection.execute(query):
        counts = found.setdefault(name, dict.fromkeys(STATES, 0))
        if state is not None:
            counts[state] = number
    return found


def overdue_seconds(
    connection: Connection, now: datetime, since_match: float | None = None
) -> dict[str, float]:
    """Return the age in seconds of the oldest due delivery or unmatched change, by alert.

    A paused alert has neither. `since_match` are the seconds since changes were last matched, if
    known: no change has waited longer.
    """
    epoch = database_epoch(connection)
    due = (
        select(ALERT_DELIVERY.c.alert_id, func.min(ALERT_DELIVERY.c.next_at))
        .join(BEFORE, is_before(), isouter=True)
        .where(ALERTS.is_open, ALERT_DELIVERY.c.next_at <= epoch, is_settled())
    )
    rows = connection.execute(due.group_by(ALERT_DELIVERY.c.alert_id))
    oldest: dict[int, float] = {number: next_at for number, next_at in rows}  # noqa: C416  # typed
    active = [each for each in alerts(connection) if not each.paused]
    unmatched = {each: _first_unmatched(connection, each) for each in {a.cursor for a in active}}
    found = {}
    for each in active:
        since = unmatched[each.cursor]
        waited = 0.0 if since is None else (now - since).total_seconds()
        if since_match is not None:
            waited = min(waited, since_match)
        found[each.name] = max(0.0, waited, epoch - oldest.get(each.id, epoch))
    return found


def is_correction(turn: int) -> bool:
    """Check whether the delivery with that turn corrects the one before it."""
    return turn % 2 == 1


def is_before() -> ColumnElement[bool]:
    """Return the condition that `BEFORE` is the delivery that another one corrects."""
    columns = ("alert_id", "channel_id", "article_id", "wording_id", "occurrence")
    same = (BEFORE.c[name] == ALERT_DELIVERY.c[name] for name in columns)
    turn = ALERT_DELIVERY.c.turn
    return and_(turn % 2 == 1, *same, BEFORE.c.turn == turn - 1)


def is_settled() -> ColumnElement[bool]:
    """Return the condition that the delivery `BEFORE`, if any, is no longer open."""
    return or_(BEFORE.c.id.is_(None), BEFORE.c.state.not_in(ALERTS.open_states))


def is_unmatched(cursor: int) -> ColumnElement[bool]:
    """Return the condition that a version was added or confirmed after `cursor`, and not only
    renumbered.
    """
    is_confirmed = VERSION.c.confirmed_id > cursor
    is_new = or_(VERDICT.c.id.is_(None), VERDICT.c.id > cursor, is_confirmed)
    return and_(VERSION.c.seq > cursor, is_new)


def _first_unmatched(connection: Connection, cursor: int) -> datetime | None:
    """Return when the first change after `cursor` was recorded; None if all were matched."""
    steps = (
        select(OBSERVATION.c.recorded_at)
        .join(VERSION, VERSION.c.observation_id == OBSERVATION.c.id)
        .join(VERDICT, VERDICT.c.observation_id == OBSERVATION.c.id, isouter=True)
        .where(is_unmatched(cursor), text(f"version.article_id NOT IN {RESTRICTED}"))
        .order_by(VERSION.c.seq)
    )
    absences = (
        select(OBSERVATION.c.recorded_at)
        .join(SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id)
        .join(ARTICLE, ARTICLE.c.id == SNAPSHOT.c.article_id)
        .where(SNAPSHOT.c.outcome == literal_column(f"'{GONE}'"))
        .where(SNAPSHOT.c.observation_id > cursor)
        .where(text(f"article.id NOT IN {RESTRICTED}"))
        .order_by(SNAPSHOT.c.observation_id)
    )
    found = [connection.execute(query.limit(1)).scalar() for query in (steps, absences)]
    return min((each for each in found if each is not None), default=None)


def number_of(connection: Connection, item: OutboxItem) -> int | None:
    """Return the current number of the version of an item; None if it does not exist.

    For the absence of an article it is the last version with that wording.
    """
    query = (
        select(VERSION.c.number)
        .where(VERSION.c.article_id == item.article_id, VERSION.c.wording_id == item.wording_id)
        .order_by(VERSION.c.number)
    )
    found: Sequence[int] = connection.execute(query).scalars().all()
    if item.is_absence:
        return found[-1] if found else None
    return found[item.occurrence - 1] if len(found) >= item.occurrence else None


def absence_time(connection: Connection, item: OutboxItem) -> datetime | None:
    """Return the time of the check that found the article of an item gone."""
    query = (
        select(SNAPSHOT.c.observed_at)
        .where(SNAPSHOT.c.article_id == item.article_id, SNAPSHOT.c.outcome == GONE)
        .order_by(SNAPSHOT.c.observation_id)
        .offset(-1 - item.occurrence)
        .limit(1)
    )
    found: datetime | None = connection.execute(query).scalar()
    return found


def archive_id(connection: Connection) -> str:
    """Return the id of the archive."""
    found: str = connection.execute(
        select(ARCHIVE.c.value).where(ARCHIVE.c.key == "id")
    ).scalar_one()
    return found


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        row.id, row.name, AlertRule.read(row.rule), row.daily_at, row.timezone, row.cursor,
        row.since, row.paused, row.created_at,
    )  # fmt: skip


def _delivery(row: Row[Any]) -> Delivery:
    is_open = row.state in ALERTS.open_states
    return Delivery(
        id=row.id, alert=row.alert, channel=row.kind, article=row.article, version=row.version,
        why=tuple(row.why), state=row.state, attempts=row.attempts,
        next_at=datetime.fromtimestamp(row.next_at, UTC) if is_open else None,
        note=row.note, made_at=row.made_at, sent_at=row.sent_at, message=row.message_id,
        kind=WITHDRAWN if is_correction(row.turn) else CHANGE,
        cursor=cursor("deliveries", row.id),
    )  # fmt: skip
