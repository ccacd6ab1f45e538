"""Corrections of alerts: a change that was reported, and turned out not to exist, is taken back.

A correction is a delivery of its own, written in the unit of work that withdraws the change. So it
is sent once, also by an alert that was paused meanwhile.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select, update

from storage.database.engine import database_epoch
from storage.database.outgoing import ALERTS
from storage.database.tables import ALERT, ALERT_DELIVERY
from storage.database.unit import Unit, rows_in
from storage.history.alerts.lists import is_correction

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
