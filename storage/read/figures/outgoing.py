"""The figures of all that is sent to others: alerts, copies at other archives, stamps."""

from datetime import UTC, datetime

from sqlalchemy import Connection, and_, case, func, not_, or_, select

from storage.database.outgoing import QUEUES, OutgoingQueue
from storage.read.answers import OutgoingFigures


def outgoing_figures(connection: Connection) -> tuple[OutgoingFigures, ...]:
    """Return the figures of each kind that was ever to be sent."""
    found = (_figures(connection, queue) for queue in QUEUES)
    return tuple(each for each in found if each is not None)


def _figures(connection: Connection, queue: OutgoingQueue) -> OutgoingFigures | None:
    columns = queue.table.c
    is_sent, is_given_up = columns.state == queue.sent, columns.state == queue.given_up
    parts = {
        "waiting": and_(queue.is_open, columns.note.is_(None)),
        "failing": and_(queue.is_open, columns.note.is_not(None)),
        "sent": is_sent,
        "given_up": is_given_up,
        "dropped": not_(or_(queue.is_open, is_sent, is_given_up)),
    }
    sums = [func.sum(case((condition, 1), else_=0)) for condition in parts.values()]
    next_at = func.min(case((queue.is_open, columns.next_at)))
    *numbers, first = connection.execute(select(*sums, next_at)).one()
    if numbers[0] is None:
        return None
    next_time = None if first is None else datetime.fromtimestamp(first, UTC)
    counts = {part: int(number) for part, number in zip(parts, numbers, strict=True)}
    return OutgoingFigures(queue.kind, **counts, next_at=next_time)
