"""The figures of all that is sent to others: alerts, copies at other archives, stamps."""

from datetime import UTC, datetime

from sqlalchemy import Connection, and_, case, func, select

from storage.database.outgoing import QUEUES, OutgoingQueue
from storage.read.answers import OutgoingFigures


def outgoing_figures(connection: Connection) -> tuple[OutgoingFigures, ...]:
    """Return the figures of each kind that was ever to be sent."""
    found = (_figures(connection, queue) for queue in QUEUES)
    return tuple(each for each in found if each is not None)


def _figures(connection: Connection, queue: OutgoingQueue) -> OutgoingFigures | None:
    columns = queue.table.c
    group = case(
        (and_(queue.is_open, columns.note.is_(None)), "waiting"),
        (queue.is_open, "failing"),
        (columns.state == queue.sent, "sent"),
        (columns.state == queue.given_up, "given_up"),
        else_="dropped",
    )
    next_at = func.min(case((queue.is_open, columns.next_at)))
    query = select(group.label("part"), func.count().label("number"), next_at.label("next_at"))
    rows = connection.execute(query.group_by("part")).all()
    if not rows:
        return None
    numbers = {row.part: row.number for row in rows}
    first = min((row.next_at for row in rows if row.next_at is not None), default=None)
    return OutgoingFigures(
        kind=queue.kind,
        **{part: numbers.get(part, 0) for part in OutgoingFigures.PARTS},
        next_at=None if first is None else datetime.fromtimestamp(first, UTC),
    )
