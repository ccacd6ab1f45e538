"""The queue of messages to others: deliveries of alerts, stamps, and those of capabilities.

Each kind has a table of its own, and all have the same rules. A row is claimed with a lease and a
token, sent outside of any transaction, and its result is recorded while the token is still valid.
If the process is killed, the lease ends, and the row is sent again, or, if it may be sent at most
once, becomes uncertain. Times are those of the database's clock.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Table,
    TextClause,
    and_,
    case,
    or_,
    select,
    text,
    update,
)

from storage.capabilities import CAPABILITIES
from storage.database import planned_times
from storage.database.engine import database_epoch, read_connection
from storage.database.planned_times import LONGEST, end_of
from storage.database.process_identity import identity_in_token, is_dead, new_token
from storage.database.tables import ALERT_DELIVERY, STAMP_REQUEST
from storage.database.tables.metadata import METADATA
from storage.values.messages import message_text
from storage.values.net.pauses import ATTEMPTS_OF_A_DAY, FOR_A_DAY, Pauses

LONGEST_NOTE = 300


class OutgoingQueue(NamedTuple):
    """The rules of one kind of messages.

    Its table has the columns `state`, `attempts`, `next_at`, `lease_until`, `token` and `note`. The
    note of an open row is the reason of the last failure. `open_states` are those of the partial
    index. After `most_attempts` failed attempts a row is given up; None: never.

    `sending` is the state of a row that is sent at most once, while its answer is awaited. If the
    process ends meanwhile, the row becomes `uncertain`. Without it, a row is sent at least once.
    """

    kind: str
    table: Table
    open_states: tuple[str, ...]
    sent: str
    given_up: str | None
    pauses: Pauses
    most_attempts: int | None = None
    sending: str | None = None
    uncertain: str | None = None

    @property
    def is_open(self) -> TextClause:
        """The condition of an open row, with literals: SQLite otherwise ignores a partial index."""
        states = ", ".join(f"'{each}'" for each in self.open_states)
        return text(f"{self.table.name}.state IN ({states})")

    @property
    def key(self) -> Column[Any]:
        (column,) = self.table.primary_key.columns
        return column

    def is_due(self, now: float) -> ColumnElement[bool]:
        """Return the condition that a row may be claimed."""
        columns = self.table.c
        return and_(
            self.is_open, planned_times.is_due(columns.next_at, now), self.is_free(now),
            *([] if self.sending is None else [columns.state != self.sending]),
        )  # fmt: skip

    def is_free(self, now: float) -> ColumnElement[bool]:
        """Return the condition that no lease of a row is valid."""
        lease = self.table.c.lease_until
        return or_(lease.is_(None), planned_times.is_due(lease, now))


ALERTS = OutgoingQueue(
    "alerts", ALERT_DELIVERY, ("waiting", "failed"), "sent", "dead",
    FOR_A_DAY, ATTEMPTS_OF_A_DAY,
)  # fmt: skip
STAMPS = OutgoingQueue(
    "stamps", STAMP_REQUEST, ("waiting", "failed"), "stamped", None, Pauses(60.0, 2.0, 86_400.0),
)  # fmt: skip
_OF_CAPABILITIES = {
    each.kind: OutgoingQueue(each.kind, METADATA.tables[each.table], *each[2:])
    for own in CAPABILITIES
    for each in own.outgoing
}
QUEUES = (ALERTS, *_OF_CAPABILITIES.values(), STAMPS)


def queue_of(kind: str) -> OutgoingQueue:
    """Return the queue of a kind of messages."""
    return next(each for each in QUEUES if each.kind == kind)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of this process to send some rows, until the lease ends; all have one token."""

    queue: OutgoingQueue
    keys: tuple[Any, ...]
    token: str
    attempts: int

    @property
    def is_last(self) -> bool:
        """Whether the rows are given up if this attempt fails."""
        most = self.queue.most_attempts
        return most is not None and self.attempts >= most


def claim(
    engine: Engine,
    queue: OutgoingQueue,
    *conditions: ColumnElement[bool],
    most: int | None = None,
    **values: Any,
) -> tuple[str, list[RowMapping]]:
    """Claim due rows, those first that were due first; return the token and the rows."""
    columns, token = queue.table.c, new_token()
    with engine.begin() as connection:
        now = database_epoch(connection)
        due = select(queue.key).where(queue.is_due(now), *conditions).correlate(None)
        due = due.order_by(columns.next_at, queue.key).limit(most)
        done = connection.execute(
            update(queue.table)
            .where(queue.key.in_(due), queue.is_due(now))
            .values(
                lease_until=now + LONGEST[columns.lease_until], token=token,
                attempts=columns.attempts + 1, **values,
            )
            .returning(queue.table)
        )  # fmt: skip
        return token, list(done.mappings())


def update_claimed(place: Engine | Connection, lease: Lease, **values: Any) -> bool:
    """Change claimed rows; False if the lease of one was lost meanwhile."""
    if isinstance(place, Engine):
        with place.begin() as connection:
            return update_claimed(connection, lease, **values)
    queue = lease.queue
    ours = queue.key.in_(lease.keys) & (queue.table.c.token == lease.token)
    done = place.execute(update(queue.table).where(ours, queue.is_open).values(**values))
    return done.rowcount == len(lease.keys)


def mark_sending(engine: Engine, lease: Lease) -> bool:
    """Record that claimed rows are sent now, for a whole lease; False if it was lost meanwhile."""
    column = lease.queue.table.c.lease_until
    with engine.begin() as connection:
        until = end_of(column, database_epoch(connection), LONGEST[column])
        return update_claimed(connection, lease, state=lease.queue.sending, lease_until=until)


def record(place: Engine | Connection, lease: Lease, **values: Any) -> bool:
    """End the lease of claimed rows and change them; False if it was lost meanwhile."""
    return update_claimed(place, lease, lease_until=None, **values)


def retry_later(
    place: Engine | Connection, lease: Lease, note: str | None, pause: float, **values: Any
) -> bool:
    """Record why claimed rows were not sent, and that they are due after a pause in seconds."""
    if isinstance(place, Engine):
        with place.begin() as connection:
            return retry_later(connection, lease, note, pause, **values)
    end = end_of(lease.queue.table.c.next_at, database_epoch(place), pause)
    return record(place, lease, next_at=end, note=note and note[:LONGEST_NOTE], **values)


def free_abandoned(engine: Engine, queue: OutgoingQueue) -> None:
    """End the leases of processes of this machine that ended, and those that expired."""
    columns = queue.table.c
    with read_connection(engine) as connection:
        expired = case((queue.is_free(database_epoch(connection)), True), else_=False)
        is_held = or_(columns.lease_until > 0, columns.state == queue.sending)
        held = select(columns.token, expired).where(queue.is_open, is_held)
        tokens = {token for token, is_over in connection.execute(held)
                  if token and (is_over or is_dead(identity_in_token(token)))}  # fmt: skip
    if tokens:
        release(engine, queue, tokens, message_text("copy_no_answer"))


def release(
    engine: Engine, queue: OutgoingQueue, tokens: Collection[str], note: str, pause: float = 0.0
) -> int:
    """End leases without a result; return the number of rows that were perhaps sent.

    If they are sent at most once, they become uncertain, and are due after a pause in seconds.
    """
    change = update(queue.table).where(queue.is_open, queue.table.c.token.in_(tokens))
    sending = change.where(queue.table.c.state == queue.sending)
    number = 0
    with engine.begin() as connection:
        if queue.sending is not None:
            end = end_of(queue.table.c.next_at, database_epoch(connection), pause)
            uncertain = {"state": queue.uncertain, "attempts": 0, "next_at": end, "note": note}
            number = connection.execute(sending.values(**uncertain)).rowcount
        connection.execute(change.values(lease_until=None))
    return number
