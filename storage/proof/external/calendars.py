"""Request stamps of OpenTimestamps calendars, and later complete them."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, delete, select

from storage.database.engine import read_connection
from storage.database.tables import LOG_STAMP, STAMP_REQUEST
from storage.database.unit import Clock, Unit, writing
from storage.proof import checkpoints
from storage.proof.calendar_stamp import (
    NONCE_SIZE,
    attestations,
    calendar_request,
    complete_stamp,
    first_stamp,
    pending_promise,
)
from storage.proof.external.authorities import (
    StampAnswer,
    StoredStamp,
    calendar_stamps,
    is_request_due,
    record_failure,
)
from storage.proof.external.exchange import SECONDS, ExchangeError, exchange
from storage.proof.stamp import Authority, StampError
from storage.values.messages import message_text

KIND = "application/vnd.opentimestamps.v1"
MOST_AT_ONCE = 20
"""Maximum number of promises of a calendar per request cycle."""
MOST_SECONDS = 2 * SECONDS
"""Seconds after which no further promise of a calendar is requested in a cycle."""
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
        for answer in _request_stamps(engine, clock, each, at_once=at_once)
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
            "state": "complete" if done else "pending" if mine else "failed" if request
            else "waiting",
            "entries": shown.signed.size if shown else None,
            "stamped_at": None,
            "attempts": request.attempts if request else 0,
            "next_at": request.next_at if request else None,
            "reason": describe_block(shown) if shown else request.reason if request else None,
        }  # fmt: skip


def describe_block(stamp: StoredStamp) -> str:
    """Return the statement of a calendar stamp, which cannot be checked without the blocks."""
    for each in attestations(stamp.stamp, stamp.signed.note):
        if each.height is not None:
            root = each.message[::-1].hex()
            return f"it says that block {each.height} of Bitcoin has the root {root}: not checked"
    return STILL_PENDING


def _request_stamps(
    engine: Engine, clock: Clock, calendar: Authority, *, at_once: bool
) -> Iterator[StampAnswer]:
    with read_connection(engine) as connection:
        signed = checkpoints.latest(connection)
        if signed is None:
            return
        is_due, are_due = (
            at_once or is_request_due(connection, name, clock())
            for name in (calendar.name, _promises(calendar.name))
        )
        kept = {each.signed.id: each for each in calendar_stamps(connection)
                if each.authority == calendar.name}  # fmt: skip
    if is_due and signed.id not in kept:
        yield _store_result(
            engine, clock, signed, _request_first_stamp(calendar, signed), calendar.name
        )
    waiting = [each for each in kept.values() if pending_promise(each.stamp, each.signed.note)]
    until = time.monotonic() + MOST_SECONDS
    for each in waiting[: MOST_AT_ONCE if are_due else 0]:
        if time.monotonic() > until:
            return
        yield _store_result(
            engine,
            clock,
            each.signed,
            _request_completion(calendar, each),
            _promises(calendar.name),
        )


def _store_result(
    engine: Engine,
    clock: Clock,
    signed: checkpoints.SignedCheckpoint,
    answer: StampAnswer,
    request_name: str,
) -> StampAnswer:
    with writing(engine, clock) as unit:
        _store(unit, signed, answer, request_name)
    return answer


def _promises(name: str) -> str:
    """Return the name under which pauses of promise requests are stored."""
    return f"{name}#promises"


def _request_first_stamp(calendar: Authority, signed: checkpoints.SignedCheckpoint) -> StampAnswer:
    nonce = secrets.token_bytes(NONCE_SIZE)
    asked = calendar_request(signed.note, nonce)
    return _answer(
        calendar,
        lambda: exchange(f"{calendar.url}/digest", asked, KIND),
        lambda body: first_stamp(signed.note, nonce, body),
    )


def _request_completion(calendar: Authority, stamp: StoredStamp) -> StampAnswer:
    promise = pending_promise(stamp.stamp, stamp.signed.note)
    assert promise is not None
    return _answer(
        calendar,
        lambda: exchange(f"{calendar.url}/timestamp/{promise.message.hex()}", None, KIND),
        lambda body: complete_stamp(stamp.stamp, stamp.signed.note, body),
    )


def _answer(
    calendar: Authority,
    ask: Callable[[], tuple[int, bytes]],
    stamp_of: Callable[[bytes], bytes],
) -> StampAnswer:
    try:
        status, body = ask()
        if status == 404:
            return StampAnswer(calendar.name, None, None, STILL_PENDING)
        stamp = stamp_of(body) if status == 200 else None
    except (ExchangeError, StampError) as error:
        return StampAnswer(calendar.name, None, None, str(error)[:300])
    reason = None if stamp is not None else message_text("answered", status=status)
    return StampAnswer(calendar.name, stamp, None, reason)


def _store(
    unit: Unit, signed: checkpoints.SignedCheckpoint, answer: StampAnswer, request_name: str
) -> None:
    if answer.stamp is None:
        record_failure(unit, replace(answer, authority=request_name))
        return
    same = (LOG_STAMP.c.checkpoint_id == signed.id) & (LOG_STAMP.c.authority == answer.authority)
    held = unit.connection.execute(select(LOG_STAMP.c.stamp).where(same)).scalars()
    if answer.stamp not in {bytes(each) for each in held}:
        asked = STAMP_REQUEST.c.authority.in_([answer.authority, _promises(answer.authority)])
        unit.connection.execute(delete(STAMP_REQUEST).where(asked))
        row = {"id": unit.number(), "checkpoint_id": signed.id, "authority": answer.authority}
        times = {"stamped_at": unit.now, "received_at": unit.now}
        unit.add(LOG_STAMP, {**row, "stamp": answer.stamp, **times})
