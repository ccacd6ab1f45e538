"""The deliveries of alerts: which are due, as messages, and their results.

If a sender is killed before it records the result of a message, the message is sent again under the
same id, so receivers can detect it (`storage.database.outgoing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Row, case, func, select

from storage.database import outgoing
from storage.database.engine import database_epoch, read_connection
from storage.database.outgoing import ALERTS, Lease
from storage.database.tables import ALERT, ALERT_DELIVERY
from storage.history.alerts.lists import (
    BEFORE,
    Alert,
    Channel,
    OutboxItem,
    alerts,
    channels,
    is_before,
    is_correction,
    is_settled,
)

IN_ONE_MAIL = 50
AT_ONCE_A_CHANNEL = 4
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Message:
    """One message to send, claimed until the lease expires.

    `id` is the same at each attempt. A webhook carries one item, a mail several.
    """

    id: int
    alert: Alert
    channel: Channel
    items: tuple[OutboxItem, ...]
    token: str = ""

    @property
    def lease(self) -> Lease:
        attempts = max(each.attempts for each in self.items)
        return Lease(ALERTS, tuple(each.id for each in self.items), self.token, attempts)


def claim(engine: Engine, most: int = AT_ONCE) -> list[Message]:
    """Claim due messages, a few per channel, so that an unavailable receiver delays no other
    one.
    """
    with read_connection(engine) as connection:
        found = _due(connection)[:most]
    if not found:
        return []
    numbers = {item.id: message.id for message in found for item in message.items}
    message_id = case(numbers, value=ALERT_DELIVERY.c.id)
    is_found = ALERT_DELIVERY.c.id.in_(numbers)
    token, rows = outgoing.claim(engine, ALERTS, is_found, message_id=message_id)
    attempts = {row["id"]: row["attempts"] for row in rows}
    claimed = []
    for each in found:
        items = tuple(replace(item, attempts=attempts[item.id]) for item in each.items
                      if item.id in attempts)  # fmt: skip
        if items:
            claimed.append(replace(each, items=items, token=token))
    return claimed


def waits(engine: Engine) -> bool:
    """Check whether a message could be sent now."""
    with read_connection(engine) as connection:
        return bool(_due(connection))


def _due(connection: Connection) -> list[Message]:
    """Return due messages, the oldest first, a few per channel; all items of a mail together."""
    place = func.row_number().over(
        partition_by=ALERT_DELIVERY.c.channel_id,
        order_by=(
            func.coalesce(ALERT_DELIVERY.c.message_id, ALERT_DELIVERY.c.id),
            ALERT_DELIVERY.c.id,
        ),
    )
    corrects = case((BEFORE.c.state == ALERTS.sent, BEFORE.c.message_id))
    listed = (
        select(ALERT_DELIVERY, corrects.label("corrects"), place.label("place"))
        .join(ALERT, ALERT.c.id == ALERT_DELIVERY.c.alert_id)
        .join(BEFORE, is_before(), isouter=True)
        .where(ALERTS.is_due(database_epoch(connection)), ALERT.c.paused.is_(False), is_settled())
        .subquery()
    )
    most = case((listed.c.kind == "webhook", AT_ONCE_A_CHANNEL), else_=IN_ONE_MAIL)
    query = select(listed).where(listed.c.place <= most)
    rows = connection.execute(query.order_by(listed.c.channel_id, listed.c.place)).all()
    if not rows:
        return []
    by_number = {each.id: each for each in alerts(connection)}
    ways = {each.id: each for each in channels(connection, list(by_number))}
    messages = [
        _message(part, by_number, ways)
        for _channel, found in groupby(rows, key=lambda row: row.channel_id)
        for part in _parts(list(found))
    ]
    return sorted(messages, key=lambda each: each.id)


def _parts(rows: Sequence[Row[Any]]) -> list[Sequence[Row[Any]]]:
    """Return the rows of one channel by message; a retried mail has the same items as before."""
    if rows[0].kind == "webhook":
        return [[row] for row in rows]
    first = rows[0].message_id
    return [[row for row in rows if row.message_id == first]]


def _message(
    ordered: Sequence[Row[Any]], by_number: Mapping[int, Alert], ways: Mapping[int, Channel]
) -> Message:
    items = tuple(
        OutboxItem(
            row.id, row.article_id, row.wording_id, row.before_id, row.occurrence,
            is_correction(row.turn), row.corrects, row.version, tuple(row.why), row.attempts,
            row.made_at,
        )
        for row in ordered
    )  # fmt: skip
    first = ordered[0]
    number = first.message_id or first.id
    return Message(number, by_number[first.alert_id], ways[first.channel_id], items)
