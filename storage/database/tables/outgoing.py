"""The state of what is sent out: stamps, alerts; and the tokens of clients."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlmodel import Field

from storage.database.tables.row import (
    Row,
    big_column,
    json_column,
    key_column,
    partial_index,
    text_column,
    time_column,
)


class StampRequestRow(Row, table=True):
    """The next request to a time-stamping authority or a calendar, or for the promises of one.

    `state` is `waiting`, `failed` (retried) or `stamped`; `note` is the reason of the last failure.
    `next_at` and `lease_until` are seconds since 1970 by the database's clock.
    """

    authority: str = Field(primary_key=True, max_length=120)
    state: str = Field(max_length=16)
    attempts: int = 0
    next_at: float = Field(sa_column=Column(Float, nullable=False))
    lease_until: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    token: str | None = Field(default=None, max_length=200)
    note: str | None = text_column()


class AccessTokenRow(Row, table=True):
    """A token that authorises requests over HTTP: only its digest is stored."""

    id: int = key_column()
    name: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    scope: str = Field(max_length=16)
    created_at: datetime = time_column()
    revoked_at: datetime | None = time_column(nullable=True)


class AlertRow(Row, table=True):
    """An alert; `rule` selects changes (`storage.history.alerts.rule`).

    Changes up to the `seq` in `cursor` were matched. Readings before `since` are not new.
    `daily_at` is the time of a digest (HH:MM in `timezone`), null if messages are sent immediately.
    """

    id: int = key_column()
    name: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    rule: Any = json_column(nullable=False)
    daily_at: str | None = Field(default=None, max_length=5)
    timezone: str = Field(max_length=64)
    cursor: int = big_column()
    since: int = big_column()
    paused: bool = False
    created_at: datetime = time_column()


class AlertChannelRow(Row, table=True):
    """Where an alert goes: `target` is an address, or where it is read from (`@FILE`, `$NAME`).

    `secrets` are the keys that sign a webhook, the newest first.
    """

    __table_args__ = (UniqueConstraint("alert_id", "kind", "target"),)
    id: int = key_column()
    alert_id: int = big_column()
    kind: str = Field(max_length=16)
    target: str = text_column(nullable=False)
    secrets: Any = json_column()


class AlertDeliveryRow(Row, table=True):
    """One change sent through one channel of an alert, at most once, or its correction.

    The change is that to the `occurrence`-th version of the article with that wording, which is
    independent of late documents; `before_id` is the wording before it. `message_id` is the
    delivery that gives its id to the message with this one. An odd `turn` corrects the delivery
    before it, an even one above 0 reports the change again. `next_at` and `lease_until` are
    seconds since 1970 by the database's clock. It contains no text of an article.
    """

    __table_args__ = (
        UniqueConstraint(
            "alert_id", "article_id", "wording_id", "occurrence", "channel_id", "turn"
        ),
        partial_index(
            "alert_delivery_open", "channel_id", "next_at", where="state IN ('waiting', 'failed')"
        ),
    )
    id: int = key_column()
    alert_id: int = big_column()
    channel_id: int = big_column()
    kind: str = Field(max_length=16)
    article_id: int = big_column()
    wording_id: int = big_column()
    before_id: int | None = big_column(nullable=True)
    occurrence: int
    turn: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    version: int
    why: Any = json_column(nullable=False)
    state: str = Field(max_length=16)
    attempts: int = 0
    next_at: float = Field(sa_column=Column(Float, nullable=False))
    lease_until: float | None = Field(default=None, sa_column=Column(Float, nullable=True))
    token: str | None = Field(default=None, max_length=200)
    message_id: int | None = big_column(nullable=True)
    note: str | None = text_column()
    made_at: datetime = time_column()
    sent_at: datetime | None = time_column(nullable=True)
