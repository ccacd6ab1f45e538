"""Request stamps of time-stamping authorities on the newest checkpoint, and store them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, text

from storage.database.columns import UtcTime
from storage.database.engine import read_connection
from storage.database.planned_times import LONGEST, still_waits
from storage.database.tables import LOG_STAMP, STAMP_REQUEST
from storage.database.unit import Clock, Unit, writing
from storage.proof import checkpoints
from storage.proof.calendar_stamp import is_calendar_stamp
from storage.proof.checkpoints import SignedCheckpoint
from storage.proof.external.exchange import ExchangeError, exchange
from storage.proof.stamp import Authority, StampError, read_stamp_time, stamp_request
from storage.values.messages import message_text

KIND = "application/timestamp-query"
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(seconds=LONGEST[STAMP_REQUEST.c.next_at])


@dataclass(frozen=True, slots=True)
class StampAnswer:
    """The result of a request: the time `at` of the stamp, or the `reason` of a failure."""

    authority: str
    stamp: bytes | None
    at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class StoredStamp:
    """A stored stamp with its checkpoint."""

    id: int
    authority: str
    stamp: bytes
    stamped_at: datetime
    signed: SignedCheckpoint


def request_stamps(
    engine: Engine, clock: Clock, authorities: Sequence[Authority], *, at_once: bool = False
) -> list[StampAnswer]:
    """Request a stamp from each authority that has not stamped the newest checkpoint.

    After a failure the next request follows after a minute, then after twice the time, at most a
    day; `at_once` ignores these pauses. No transaction is open during a request.
    """
    with read_connection(engine) as connection:
        newest = checkpoints.latest(connection)
        if newest is None:
            return []
        due = [each for each in authorities if not each.is_calendar
               and _is_due(connection, each, newest, None if at_once else clock())]  # fmt: skip
    reply = [_request(newest, each) for each in due]
    for each in reply:
        with writing(engine, clock) as unit:
            _store(unit, newest, each)
    return reply


def authority_stamps(connection: Connection) -> Iterator[StoredStamp]:
    """Yield the stamps of time-stamping authorities in their order."""
    return (each for each in _all_stamps(connection) if not is_calendar_stamp(each.stamp))


def calendar_stamps(connection: Connection) -> Iterator[StoredStamp]:
    """Yield the stamps of OpenTimestamps calendars in their order."""
    return (each for each in _all_stamps(connection) if is_calendar_stamp(each.stamp))


def _all_stamps(connection: Connection) -> Iterator[StoredStamp]:
    notes = {each.id: each for each in checkpoints.checkpoints(connection)}
    query = text(
        "SELECT id, checkpoint_id, authority, stamp, stamped_at FROM log_stamp ORDER BY id"
    ).columns(stamped_at=UtcTime())
    for row in connection.execute(query):
        if row.checkpoint_id in notes:
            signed = notes[row.checkpoint_id]
            yield StoredStamp(row.id, row.authority, bytes(row.stamp), row.stamped_at, signed)


def states(connection: Connection, authorities: Sequence[Authority]) -> Iterator[dict[str, Any]]:
    """Yield for each authority its latest stamp, and its state for the newest checkpoint."""
    newest = checkpoints.latest(connection)
    last = {each.authority: each for each in authority_stamps(connection)}
    asked = {row.authority: row for row in connection.execute(select(STAMP_REQUEST))}
    for each in (one for one in authorities if not one.is_calendar):
        stamp, request = last.get(each.name), asked.get(each.name)
        is_stamped = stamp is not None and newest is not None and stamp.signed.id == newest.id
        yield {
            "authority": each.name,
            "state": "stamped" if is_stamped else "failed" if request else "waiting",
            "entries": stamp.signed.size if stamp else None,
            "stamped_at": stamp.stamped_at if stamp else None,
            "attempts": request.attempts if request else 0,
            "next_at": request.next_at if request else None,
            "reason": request.reason if request else None,
        }


def store_stamp(
    unit: Unit, signed: SignedCheckpoint, authority: str, stamp: bytes, at: datetime
) -> None:
    """Store a stamp on a checkpoint, unless this authority has one already."""
    if not _is_stamped(unit.connection, authority, signed):
        unit.add(
            LOG_STAMP,
            {
                "id": unit.number(), "checkpoint_id": signed.id, "authority": authority,
                "stamp": stamp, "stamped_at": at, "received_at": unit.now,
            },
        )  # fmt: skip


def _is_stamped(connection: Connection, authority: str, signed: SignedCheckpoint) -> bool:
    query = select(LOG_STAMP.c.id).where(
        LOG_STAMP.c.checkpoint_id == signed.id, LOG_STAMP.c.authority == authority
    )
    return connection.execute(query).first() is not None


def _is_due(
    connection: Connection, authority: Authority, newest: SignedCheckpoint, now: datetime | None
) -> bool:
    if _is_stamped(connection, authority.name, newest):
        return False
    return now is None or is_request_due(connection, authority.name, now)


def is_request_due(connection: Connection, name: str, now: datetime) -> bool:
    """Check whether the next request after a failure is due."""
    query = select(STAMP_REQUEST.c.next_at).where(STAMP_REQUEST.c.authority == name)
    after = connection.execute(query).scalar()
    return not still_waits(STAMP_REQUEST.c.next_at, after, now)


def _request(newest: SignedCheckpoint, authority: Authority) -> StampAnswer:
    try:
        status, body = exchange(authority.url, stamp_request(newest.note), KIND)
        at = read_stamp_time(body, newest.note, authority) if status == 200 else None
    except (ExchangeError, StampError) as error:
        return StampAnswer(authority.name, None, None, str(error)[:300])
    if at is None:
        return StampAnswer(authority.name, None, None, message_text("answered", status=status))
    return StampAnswer(authority.name, body, at, None)


def _store(unit: Unit, newest: SignedCheckpoint, reply: StampAnswer) -> None:
    if reply.stamp is None or reply.at is None:
        record_failure(unit, reply)
        return
    unit.connection.execute(
        delete(STAMP_REQUEST).where(STAMP_REQUEST.c.authority == reply.authority)
    )
    store_stamp(unit, newest, reply.authority, reply.stamp, reply.at)


def record_failure(unit: Unit, reply: StampAnswer) -> None:
    """Record a failure and the time of the next request."""
    mine = STAMP_REQUEST.c.authority == reply.authority
    before = unit.connection.execute(select(STAMP_REQUEST.c.attempts).where(mine)).scalar() or 0
    unit.connection.execute(delete(STAMP_REQUEST).where(mine))
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(before, 20))
    unit.add(
        STAMP_REQUEST,
        {
            "authority": reply.authority, "attempts": before + 1, "next_at": unit.now + pause,
            "reason": reply.reason,
        },
    )  # fmt: skip
    unit.flush()
