"""The outbox: senders claim deliveries with a lease and record the results.

A message is sent outside any transaction. If a sender is killed before it records the result,
the lease expires and the message is sent again under the same id, so receivers can detect it.
"""

import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, case, func, or_, select, text, update

from storage.database.engine import database_epoch, read_connection
from storage.database.planned_times import LONGEST, is_due
from storage.database.process_identity import identity_in_token, is_dead, process_identity
from storage.database.tables import ALERT, ALERT_DELIVERY
from storage.database.unit import Clock
from storage.history.alerts.lists import Alert, Channel, OutboxItem, alerts, channels

LEASE_SECONDS = LONGEST[ALERT_DELIVERY.c.lease_until]
MOST_ATTEMPTS = 10
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 36_000.0
"""The pauses are about 5 s, 15 s, 45 s … 10 h; a message is given up after about a day."""
IN_ONE_MAIL = 50
AT_ONCE_A_CHANNEL = 4
AT_ONCE = 16
IS_OPEN = text("alert_delivery.state IN ('waiting', 'failed')")
"""With literals, because SQLite otherwise does not use the partial index."""


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
    def attempts(self) -> int:
        return max(each.attempts for each in self.items)


def claim(engine: Engine, most: int = AT_ONCE) -> list[Message]:
    """Claim due messages, a few per channel, so that an unavailable receiver delays no other
    one.
    """
    with read_connection(engine) as connection:
        found = _due(connection)[:most]
    if not found:
        return []
    token = f"{process_identity()}#{secrets.token_hex(8)}"
    with engine.begin() as connection:
        taken = [_claim_items(connection, each, token) for each in found]
    return [each for each in taken if each is not None]


def pause_after(attempts: int, asked: float | None = None) -> float:
    """Return the pause in seconds after a number of attempts.

    A longer pause requested by the receiver is respected, up to ten hours.
    """
    longest = min(FIRST_PAUSE_SECONDS * 3.0 ** max(0, attempts - 1), LONGEST_PAUSE_SECONDS)
    pause = longest * random.uniform(0.5, 1.0)  # noqa: S311  # so that not all come back at once
    return max(pause, min(asked or 0.0, LONGEST_PAUSE_SECONDS))


def sent(engine: Engine, clock: Clock, message: Message) -> bool:
    """Record that a message was delivered; False if the lease was lost meanwhile."""
    values = {"state": "sent", "sent_at": clock(), "note": None}
    return _record_values(engine, message, values)


def failed(
    engine: Engine, message: Message, reason: str, pause: float, *, is_final: bool = False
) -> bool:
    """Record why a message failed; it is retried after a pause (s), or given up."""
    is_dead_now = is_final or message.attempts >= MOST_ATTEMPTS
    with read_connection(engine) as connection:
        now = database_epoch(connection)
    state = "dead" if is_dead_now else "failed"
    return _record_values(
        engine, message, {"state": state, "next_at": now + pause, "note": reason[:300]}
    )


def drop(engine: Engine, message: Message, items: Iterable[OutboxItem], reason: str) -> None:
    """Record that some items of a message are obsolete."""
    gone = replace(message, items=tuple(items))
    _record_values(engine, gone, {"state": "damped", "note": reason})


def free_abandoned(engine: Engine) -> None:
    """End the leases of processes of this machine that no longer exist."""
    with read_connection(engine) as connection:
        query = select(ALERT_DELIVERY.c.token).where(IS_OPEN, ALERT_DELIVERY.c.lease_until > 0)
        tokens = set(connection.execute(query).scalars())
    dead = [each for each in tokens if each and is_dead(identity_in_token(each))]
    if dead:
        with engine.begin() as connection:
            connection.execute(
                update(ALERT_DELIVERY)
                .where(ALERT_DELIVERY.c.token.in_(dead), IS_OPEN)
                .values(lease_until=None)
            )


def waits(engine: Engine) -> bool:
    """Check whether a message could be sent now."""
    with read_connection(engine) as connection:
        return bool(_due(connection))


def _is_free(now: float) -> ColumnElement[bool]:
    lease = ALERT_DELIVERY.c.lease_until
    return or_(lease.is_(None), is_due(lease, now))


def _due(connection: Connection) -> list[Message]:
    """Return due messages, the oldest first, a few per channel; all items of a mail together."""
    now = database_epoch(connection)
    is_free = _is_free(now)
    place = func.row_number().over(
        partition_by=ALERT_DELIVERY.c.channel_id,
        order_by=(
            func.coalesce(ALERT_DELIVERY.c.message_id, ALERT_DELIVERY.c.id),
            ALERT_DELIVERY.c.id,
        ),
    )
    listed = (
        select(ALERT_DELIVERY, place.label("place"))
        .join(ALERT, ALERT.c.id == ALERT_DELIVERY.c.alert_id)
        .where(IS_OPEN, is_due(ALERT_DELIVERY.c.next_at, now), is_free)
        .where(ALERT.c.paused.is_(False))
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
            row.id, row.article_id, row.wording_id, row.occurrence, row.version, tuple(row.why),
            row.attempts, row.made_at,
        )
        for row in ordered
    )  # fmt: skip
    first = ordered[0]
    number = first.message_id or first.id
    return Message(number, by_number[first.alert_id], ways[first.channel_id], items)


def _claim_items(connection: Connection, message: Message, token: str) -> Message | None:
    """Claim the items of a message that no other sender claimed meanwhile."""
    now = database_epoch(connection)
    is_free = _is_free(now)
    done = connection.execute(
        update(ALERT_DELIVERY)
        .where(ALERT_DELIVERY.c.id.in_([each.id for each in message.items]))
        .where(IS_OPEN, is_free)
        .values(
            lease_until=now + LEASE_SECONDS, token=token, message_id=message.id,
            attempts=ALERT_DELIVERY.c.attempts + 1,
        )
        .returning(ALERT_DELIVERY.c.id)
    )  # fmt: skip
    ours = set(done.scalars())
    items = tuple(
        replace(each, attempts=each.attempts + 1) for each in message.items if each.id in ours
    )
    return replace(message, items=items, token=token) if items else None


def _record_values(engine: Engine, message: Message, values: dict[str, object]) -> bool:
    with engine.begin() as connection:
        done = connection.execute(
            update(ALERT_DELIVERY)
            .where(ALERT_DELIVERY.c.id.in_([each.id for each in message.items]))
            .where(ALERT_DELIVERY.c.token == message.token, IS_OPEN)
            .values(lease_until=None, **values)
        )
    return done.rowcount == len(message.items)
