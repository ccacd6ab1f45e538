"""Find captures whose bytes exceed the retention period of each source; texts remain."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from storage.database.tables import CAPTURE, DERIVATION, OBSERVATION, TRANSFER
from storage.values.arrivals.source import Source

OPTION = "retain_captures"
"""The option of a source with its retention period in seconds."""


def limits(sources: Iterable[Source], otherwise: float | None, now: datetime) -> dict[int, Any]:
    """Return by source the time before which bytes are deleted; `otherwise` is the default
    period.
    """
    rules = {each.id: each.options.get(OPTION, otherwise) for each in sources}
    return {
        number: now - timedelta(seconds=seconds)
        for number, seconds in rules.items()
        if seconds is not None
    }


def captures_due(connection: Connection, before: dict[int, Any]) -> list[tuple[int, int, int]]:
    """Return captures with source and size whose bytes are to be deleted.

    A text was extracted from each, and only sources with a retention period observed it, none
    of them recently. Lists of addresses and refused documents are retained.
    """
    if not before:
        return []
    is_old = or_(
        *(
            and_(OBSERVATION.c.source_id == number, OBSERVATION.c.observed_at < moment)
            for number, moment in before.items()
        )
    )
    as_body = select(TRANSFER.c.body_capture_id).where(TRANSFER.c.body_capture_id.is_not(None))
    query = (
        select(OBSERVATION.c.capture_id, func.max(OBSERVATION.c.source_id), CAPTURE.c.size)
        .join(CAPTURE, CAPTURE.c.id == OBSERVATION.c.capture_id)
        .where(is_old, CAPTURE.c.data.is_not(None), _is_read(), ~_is_seen_otherwise(is_old))
        .where(CAPTURE.c.id.not_in(as_body))
        .group_by(OBSERVATION.c.capture_id, CAPTURE.c.size)
        .order_by(OBSERVATION.c.capture_id)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def _is_read() -> ColumnElement[bool]:
    of_capture = DERIVATION.c.capture_id == OBSERVATION.c.capture_id
    return exists().where(of_capture, DERIVATION.c.wording_id.is_not(None))


def _is_seen_otherwise(is_old: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the SQL condition that another source observed a capture, or one recently."""
    seen = select(OBSERVATION.c.capture_id).where(OBSERVATION.c.capture_id.is_not(None), ~is_old)
    return CAPTURE.c.id.in_(seen)
