"""Request stamps of OpenTimestamps calendars, and later complete them."""

import secrets
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, select

from storage.database.engine import read_connection
from storage.database.tables import STAMP_REQUEST
from storage.database.unit import Clock
from storage.proof import checkpoints
from storage.proof.calendar_stamp import (
    NONCE_SIZE,
    attestations,
    calendar_request,
    complete_stamp,
    first_stamp,
    pending_promise,
)
from storage.proof.external.authorities import StoredStamp, calendar_stamps
from storage.proof.external.exchange import exchange
from storage.proof.external.requests import (
    StampAnswer,
    StampPendingError,
    StampRequest,
    plan_requests,
    promises_of,
    request_state,
    send_requests,
)
from storage.proof.stamp import Authority, StampError
from storage.values.messages import message_text

KIND = "application/vnd.opentimestamps.v1"
MOST_AT_ONCE = 20
"""Maximum number of promises of a calendar per request cycle."""
STILL_PENDING = "the calendar has not made it into a block yet"


def request_calendar_stamps(
    engine: Engine, clock: Clock, calendars: Sequence[Authority], *, at_once: bool = False
) -> list[StampAnswer]:
    """Request stamps on the newest checkpoint, and complete earlier promises.

    Pauses grow as for time-stamping authorities; no transaction is open during a request.
    """
    return [
        answer
        for each in calendars
        if each.is_calendar
        for answer in _send_requests(engine, clock, each, at_once=at_once)
    ]


def calendar_states(
    connection: Connection, calendars: Sequence[Authority]
) -> Iterator[dict[str, Any]]:
    """Yield for each calendar its state: a promise, or a Bitcoin block."""
    newest = {(each.authority, each.signed.id): each for each in calendar_stamps(connection)}
    asked = {row.authority: row for row in connection.execute(select(STAMP_REQUEST))}
    for each in (one for one in calendars if one.is_calendar):
        mine = [stamp for (name, _), stamp in newest.items() if name == each.name]
        done = [stamp for stamp in mine if pending_promise(stamp.stamp, stamp.signed.note) is None]
        shown = max(done or mine, key=lambda stamp: stamp.signed.size, default=None)
        request = asked.get(each.name)
        yield {
            "authority": each.name,
            "state": "complete" if done else "pending" if mine
            else request.state if request else "waiting",
            "entries": shown.signed.size if shown else None,
            "stamped_at": None,
            **request_state(request),
            **({"reason": describe_block(shown)} if shown else {}),
        }  # fmt: skip


def describe_block(stamp: StoredStamp) -> str:
    """Return the statement of a calendar stamp, which cannot be checked without the blocks."""
    for each in attestations(stamp.stamp, stamp.signed.note):
        if each.height is not None:
            root = each.message[::-1].hex()
            return f"it says that block {each.height} of Bitcoin has the root {root}: not checked"
    return STILL_PENDING


def _send_requests(
    engine: Engine, clock: Clock, calendar: Authority, *, at_once: bool
) -> list[StampAnswer]:
    with read_connection(engine) as connection:
        newest = checkpoints.latest(connection)
        stamps = {each.signed.id: each for each in calendar_stamps(connection)
                  if each.authority == calendar.name}  # fmt: skip
    answers: list[StampAnswer] = []
    name, promises = calendar.name, promises_of(calendar.name)
    if newest is not None and newest.id not in stamps:
        first = StampRequest(name, newest, partial(_request_first_stamp, calendar, newest))
        answers += send_requests(engine, clock, name, [first], at_once=at_once)
        if any(each.reason is None for each in answers):
            plan_requests(engine, promises, at_once=True)
    waiting = [
        StampRequest(name, each.signed, partial(_request_completion, calendar, each))
        for each in stamps.values() if pending_promise(each.stamp, each.signed.note)
    ]  # fmt: skip
    if waiting:
        requests = waiting[:MOST_AT_ONCE]
        answers += send_requests(engine, clock, promises, requests, at_once=at_once)
    return answers


def _request_first_stamp(
    calendar: Authority, signed: checkpoints.SignedCheckpoint
) -> tuple[bytes, None]:
    nonce = secrets.token_bytes(NONCE_SIZE)
    body = _exchange(f"{calendar.url}/digest", calendar_request(signed.note, nonce))
    return first_stamp(signed.note, nonce, body), None


def _request_completion(calendar: Authority, stamp: StoredStamp) -> tuple[bytes, None]:
    promise = pending_promise(stamp.stamp, stamp.signed.note)
    assert promise is not None
    body = _exchange(f"{calendar.url}/timestamp/{promise.message.hex()}", None)
    return complete_stamp(stamp.stamp, stamp.signed.note, body), None


def _exchange(url: str, request: bytes | None) -> bytes:
    status, body = exchange(url, request, KIND)
    if status == 404 and request is None:
        raise StampPendingError(STILL_PENDING)
    if status != 200:
        raise StampError(message_text("answered", status=status))
    return body
