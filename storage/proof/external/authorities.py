"""Request stamps of time-stamping authorities on the newest checkpoint, and store them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, select, text

from storage.database.columns import UtcTime
from storage.database.engine import read_connection
from storage.database.outgoing import STAMPS, free_abandoned
from storage.database.tables import LOG_STAMP, STAMP_REQUEST
from storage.database.unit import Clock
from storage.proof import checkpoints
from storage.proof.calendar_stamp import is_calendar_stamp
from storage.proof.checkpoints import SignedCheckpoint
from storage.proof.external.exchange import exchange
from storage.proof.external.requests import (
    StampAnswer,
    StampRequest,
    drop_unlisted,
    request_state,
    send_requests,
)
from storage.proof.stamp import Authority, StampError, read_stamp_time, stamp_request
from storage.values.messages import message_text

KIND = "application/timestamp-query"


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
    drop_unlisted(engine, authorities)
    free_abandoned(engine, STAMPS)
    with read_connection(engine) as connection:
        newest = checkpoints.latest(connection)
        if newest is None:
            return []
        on_newest = select(LOG_STAMP.c.authority).where(LOG_STAMP.c.checkpoint_id == newest.id)
        stamped = set(connection.execute(on_newest).scalars())
    answers: list[StampAnswer] = []
    for each in authorities:
        if not each.is_calendar and each.name not in stamped:
            requests = [StampRequest(each.name, newest, partial(_request, newest, each))]
            answers += send_requests(engine, clock, each.name, requests, at_once=at_once)
    return answers


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
            "state": "stamped" if is_stamped else request.state if request else "waiting",
            "entries": stamp.signed.size if stamp else None,
            "stamped_at": stamp.stamped_at if stamp else None,
            **request_state(request),
        }


def _request(newest: SignedCheckpoint, authority: Authority) -> tuple[bytes, datetime]:
    status, body = exchange(authority.url, stamp_request(newest.note), KIND)
    if status != 200:
        raise StampError(message_text("answered", status=status))
    return body, read_stamp_time(body, newest.note, authority)
