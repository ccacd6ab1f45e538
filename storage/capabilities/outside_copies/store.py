"""Requests to other archives to copy the pages of new versions, and their answers.

A request is marked before it is sent; if its process ends before the answer is recorded, the page
is not sent again (`storage.database.outgoing`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, literal_column, select, update

from storage.capabilities.outside_copies.tables import COPY_REQUEST, OUTSIDE_COPY
from storage.database import outgoing
from storage.database.engine import database_epoch, read_connection
from storage.database.outgoing import Lease, queue_of
from storage.database.planned_times import end_of
from storage.database.tables import (
    ARTICLE,
    OBSERVATION,
    ORIGIN,
    SNAPSHOT,
    SOURCE,
    TRANSFER,
    VERSION,
    WORDING,
)
from storage.database.unit import Clock, Unit, rows_in, writing
from storage.database.view_queries.sql_words import RESTRICTED
from storage.history.totals import store_fact, stored_fact
from storage.proof.log import numbers
from storage.record.observations import add_refusal
from storage.values.messages import message_text
from storage.values.redaction import is_emptied
from storage.values.refusals import RefusalReason

COPIES = queue_of("copies")
PLANNED = "copies_planned"
"""Key of the fact that states up to which `seq` new versions were examined."""
BATCH = 500
"""Maximum number of versions whose requests are inserted in one transaction."""
EXAMINE_AGAIN = 10_000
"""Numbers that are examined again before it is stored that they have no version to copy."""
GONE = message_text("copy_gone")


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """The wish of a source: copies at `archive` of versions found after the number `since`."""

    archive: str
    since: int


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """A claimed request; `job` is the number of the archive's job once it accepted the page."""

    id: int
    observation_id: int
    archive: str
    source_id: int
    state: str
    job: str | None
    attempts: int
    token: str

    @property
    def lease(self) -> Lease:
        return Lease(COPIES, (self.id,), self.token, self.attempts)


@dataclass(frozen=True, slots=True)
class SeenPage:
    """The page of a version: its requested address, its declared rights, and when it was seen."""

    address: str
    rights: Mapping[str, Any]
    seen_at: datetime


def copy_orders(connection: Connection) -> dict[int, CopyOrder]:
    """Return the wishes of the sources by their number."""
    query = select(SOURCE.c.id, SOURCE.c.options).where(SOURCE.c.removed_at.is_(None))
    wishes = {row.id: (row.options or {}).get("copy_to") for row in connection.execute(query)}
    return {number: CopyOrder(**wish) for number, wish in wishes.items() if wish}


def plan(engine: Engine, clock: Clock) -> int:
    """Insert requests for the current versions found since the last time; return their number."""
    number, is_complete = 0, False
    while not is_complete:
        inserted, is_complete = _plan_batch(engine, clock)
        number += inserted
    return number


def _plan_batch(engine: Engine, clock: Clock) -> tuple[int, bool]:
    """Insert requests for the first new versions; return their number, and if there are no more."""
    with read_connection(engine) as connection:
        orders = copy_orders(connection)
        done = stored_fact(connection, PLANNED)
        upto = numbers(connection)[0]
        first = min((each.since for each in orders.values()), default=upto)
        begin = max(int(done or 0), first)
        rows = _new_versions(connection, orders, begin, upto) if begin < upto else []
    is_complete = len(rows) < BATCH
    if not is_complete:
        upto = rows[-1].seq
    if not rows:
        if upto - begin > EXAMINE_AGAIN:
            with engine.begin() as connection:
                store_fact(connection, PLANNED, str(upto))
        return 0, True
    with writing(engine, clock) as unit:
        wanted = [row.observation_id for row in rows]
        query = select(COPY_REQUEST.c.observation_id)
        held = rows_in(unit.connection, query, COPY_REQUEST.c.observation_id, wanted)
        known = {each.observation_id for each in held}
        new = [
            row for row in rows
            if row.observation_id not in known
            and row.observation_id > orders[row.source_id].since
        ]  # fmt: skip
        now = database_epoch(unit.connection)
        for row in new:
            unit.add(COPY_REQUEST, {
                "id": unit.number(), "observation_id": row.observation_id,
                "archive": orders[row.source_id].archive, "source_id": row.source_id,
                "state": "waiting", "job": None, "attempts": 0, "next_at": now,
                "lease_until": None, "token": None, "note": None, "made_at": unit.now,
            })  # fmt: skip
        store_fact(unit.connection, PLANNED, str(upto))
    return len(new), is_complete


def _new_versions(
    connection: Connection, orders: Mapping[int, CopyOrder], begin: int, upto: int
) -> list[Any]:
    """Return the first observations of a batch of new current versions that were fetched here."""
    query = (
        select(OBSERVATION.c.source_id, VERSION.c.observation_id, VERSION.c.seq)
        .join(ARTICLE, ARTICLE.c.head_version_id == VERSION.c.id)
        .join(OBSERVATION, OBSERVATION.c.id == VERSION.c.observation_id)
        .join(TRANSFER, TRANSFER.c.observation_id == OBSERVATION.c.id)
        .where(VERSION.c.seq > begin, VERSION.c.seq <= upto, TRANSFER.c.is_foreign.is_(False))
        .where(OBSERVATION.c.source_id.in_(orders))
        .order_by(VERSION.c.seq)
        .limit(BATCH)
    )
    return list(connection.execute(query))


def claim(engine: Engine, archive: str) -> CopyRequest | None:
    """Claim the request to an archive that has been due for the longest time."""
    is_wanted = COPY_REQUEST.c.archive == archive
    _token, rows = outgoing.claim(engine, COPIES, is_wanted, most=1)
    return next((CopyRequest(**{name: row[name] for name in _NAMES}) for row in rows), None)


def page_of(connection: Connection, request: CopyRequest) -> SeenPage | str:
    """Return the page of a request, or the reason why it is not to be copied any more.

    A page that was submitted is copied even if it changed since.
    """
    query = (
        select(
            TRANSFER.c.address, TRANSFER.c.rights, OBSERVATION.c.observed_at, ORIGIN.c.origin,
            ARTICLE.c.state, VERSION.c.observation_id,
            literal_column(f"article.id IN {RESTRICTED} OR wording.text IS NULL").label("hidden"),
        )
        .join(OBSERVATION, OBSERVATION.c.id == TRANSFER.c.observation_id)
        .join(ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id)
        .join(SNAPSHOT, SNAPSHOT.c.observation_id == OBSERVATION.c.id)
        .join(WORDING, WORDING.c.id == SNAPSHOT.c.wording_id)
        .join(ARTICLE, ARTICLE.c.id == SNAPSHOT.c.article_id)
        .join(VERSION, VERSION.c.id == ARTICLE.c.head_version_id)
        .where(TRANSFER.c.observation_id == request.observation_id)
    )  # fmt: skip
    row = connection.execute(query).first()
    order = copy_orders(connection).get(request.source_id)
    if row is None or row.hidden or is_emptied(row.address) or is_emptied(row.origin):
        return message_text("copy_hidden")
    if request.state != "waiting":
        return SeenPage(row.address, row.rights or {}, row.observed_at)
    if order is None or order.archive != request.archive:
        return message_text("copy_unwanted")
    if row.observation_id != request.observation_id:
        return message_text("copy_outdated")
    if row.state != "present":
        return GONE
    return SeenPage(row.address, row.rights or {}, row.observed_at)


def postpone(engine: Engine, archive: str, seconds: float) -> None:
    """Send nothing to an archive for some seconds."""
    with read_connection(engine) as connection:
        until = end_of(COPY_REQUEST.c.next_at, database_epoch(connection), seconds)
    is_earlier = (COPY_REQUEST.c.archive == archive) & (COPY_REQUEST.c.next_at < until)
    with engine.begin() as connection:
        connection.execute(
            update(COPY_REQUEST).where(COPIES.is_open, is_earlier).values(next_at=until)
        )


def store_copy(unit: Unit, request: CopyRequest, address: str, captured_at: datetime) -> bool:
    """Store the answer of an archive: it has a copy at `address`, made at `captured_at`.

    False if the page was redacted, or the lease was lost, meanwhile.
    """
    page = page_of(unit.connection, replace(request, state="submitted"))
    if isinstance(page, str):
        outgoing.record(unit.connection, request.lease, state="dropped", note=page)
        return False
    if not outgoing.record(unit.connection, request.lease, state=COPIES.sent):
        return False
    unit.add(OUTSIDE_COPY, {
        "id": unit.number(), "observation_id": request.observation_id, "archive": request.archive,
        "address": address, "captured_at": captured_at, "recorded_at": unit.now,
    })  # fmt: skip
    return True


def refuse_copy(unit: Unit, request: CopyRequest, reason: RefusalReason) -> None:
    """Record that an archive makes no copy of a page, and why."""
    page = select(TRANSFER.c.address).where(TRANSFER.c.observation_id == request.observation_id)
    address = unit.connection.execute(page).scalar()
    if outgoing.record(unit.connection, request.lease, state=COPIES.given_up):
        add_refusal(
            unit, reason, str(address), job_id=None, source_id=request.source_id,
            observation_id=None, capture_id=None,
        )  # fmt: skip


def open_requests(connection: Connection) -> list[Any]:
    """Return for each archive the number of open requests, and the newest reason of a delay."""
    query = (
        select(
            COPY_REQUEST.c.archive, func.count().label("number"),
            func.max(COPY_REQUEST.c.note).label("reason"),
        )
        .where(COPIES.is_open)
        .group_by(COPY_REQUEST.c.archive)
        .order_by(COPY_REQUEST.c.archive)
    )  # fmt: skip
    return list(connection.execute(query))


_NAMES = tuple(CopyRequest.__annotations__)
