"""The queue of requests for stamps: one row for each authority, calendar and its promises."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, select, text

from storage.database import outgoing
from storage.database.engine import database_epoch
from storage.database.outgoing import STAMPS, Lease
from storage.database.tables import LOG_STAMP, STAMP_REQUEST
from storage.database.unit import Clock, Unit, writing
from storage.proof.checkpoints import SignedCheckpoint
from storage.proof.external.exchange import SECONDS
from storage.proof.stamp import Authority, StampError

MOST_SECONDS = 2 * SECONDS
"""Seconds after which a row sends no further request in a cycle."""
_PLAN = (
    "INSERT INTO stamp_request (authority, state, attempts, next_at) "
    "VALUES (:name, 'waiting', 0, :now) ON CONFLICT (authority) DO UPDATE SET next_at = :now, "
    "state = CASE stamp_request.state WHEN 'stamped' THEN 'waiting' ELSE stamp_request.state END"
)


class StampPendingError(StampError):
    """There is no stamp yet, and the request did not fail."""


@dataclass(frozen=True, slots=True)
class StampRequest:
    """A request: `send` returns the stamp of an authority on a checkpoint and its time.

    The time is None if the stamp does not state one.
    """

    authority: str
    signed: SignedCheckpoint
    send: Callable[[], tuple[bytes, datetime | None]]


@dataclass(frozen=True, slots=True)
class StampAnswer:
    """The result of a request: the time `at` of the stamp, or the `reason` of a failure."""

    authority: str
    at: datetime | None
    reason: str | None
    is_pending: bool = False


def send_requests(
    engine: Engine, clock: Clock, name: str, requests: Sequence[StampRequest], *, at_once: bool
) -> list[StampAnswer]:
    """Send the requests of the row `name` if it is due, and store the stamps.

    `at_once` ignores its pause, but not that another process sends them now. No transaction is open
    during a request.
    """
    plan_requests(engine, name, at_once=at_once)
    token, rows = outgoing.claim(engine, STAMPS, STAMP_REQUEST.c.authority == name)
    if not rows:
        return []
    end = time.monotonic() + MOST_SECONDS
    answers, stamps = [], []
    for each in requests:
        try:
            stamp, at = each.send()
        except Exception as error:  # noqa: BLE001  # a failing authority must not stop the others
            is_pending = isinstance(error, StampPendingError)
            reason = str(error) or type(error).__name__
            answers.append(StampAnswer(each.authority, None, reason, is_pending))
        else:
            answers.append(StampAnswer(each.authority, at, None))
            stamps.append((each, stamp, at))
        if time.monotonic() > end:
            break
    with writing(engine, clock) as unit:
        for request, stamp, at in stamps:
            store_stamp(unit, request.signed, request.authority, stamp, at or unit.now)
        lease = Lease(STAMPS, (name,), token, rows[0]["attempts"])
        _record(unit.connection, lease, answers)
    return answers


def _record(connection: Connection, lease: Lease, answers: Sequence[StampAnswer]) -> None:
    if all(each.reason is None for each in answers):
        outgoing.record(connection, lease, state=STAMPS.sent, attempts=0, note=None)
        return
    reasons = [each.reason for each in answers if each.reason and not each.is_pending]
    note, state = (reasons[-1], "failed") if reasons else (None, "waiting")
    outgoing.retry_later(
        connection, lease, note, STAMPS.pauses.seconds_after(lease.attempts), state=state
    )


def plan_requests(engine: Engine, name: str, *, at_once: bool) -> None:
    """Insert the row `name` if it is missing; let it be due if it was stamped, or `at_once`."""
    statement = text(_PLAN if at_once else f"{_PLAN} WHERE stamp_request.state = 'stamped'")
    with engine.begin() as connection:
        connection.execute(statement, {"name": name, "now": database_epoch(connection)})


def promises_of(name: str) -> str:
    """Return the name of the row for the promises of a calendar."""
    return f"{name}#promises"


def drop_unlisted(engine: Engine, authorities: Sequence[Authority]) -> None:
    """Delete the rows of authorities and calendars that are not listed any more."""
    names = [name for each in authorities for name in (each.name, promises_of(each.name))]
    with engine.begin() as connection:
        connection.execute(delete(STAMP_REQUEST).where(STAMP_REQUEST.c.authority.not_in(names)))


def request_state(request: Row[Any] | None) -> dict[str, Any]:
    """Return how often a request failed, why, and when it is sent again."""
    if request is None or request.state == STAMPS.sent:
        return {"attempts": 0, "next_at": None, "reason": None}
    next_at = datetime.fromtimestamp(request.next_at, UTC)
    return {"attempts": request.attempts, "next_at": next_at, "reason": request.note}


def store_stamp(
    unit: Unit, signed: SignedCheckpoint, authority: str, stamp: bytes, at: datetime
) -> None:
    """Store a stamp on a checkpoint, unless this authority gave the same one before."""
    same = (LOG_STAMP.c.checkpoint_id == signed.id) & (LOG_STAMP.c.authority == authority)
    known = unit.connection.execute(select(LOG_STAMP.c.stamp).where(same)).scalars()
    if stamp not in {bytes(each) for each in known}:
        unit.add(
            LOG_STAMP,
            {
                "id": unit.number(), "checkpoint_id": signed.id, "authority": authority,
                "stamp": stamp, "stamped_at": at, "received_at": unit.now,
            },
        )  # fmt: skip
