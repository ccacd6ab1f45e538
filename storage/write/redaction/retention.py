"""Find captures whose bytes exceed the retention period of each source; texts remain."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, or_, select

from storage.database.tables import CAPTURE, CLOCK_CORRECTION, DERIVATION, OBSERVATION, TRANSFER
from storage.database.tables.kept import table_named
from storage.database.unit import LONG_PAUSE
from storage.values.arrivals.source import Source
from storage.write.redaction.plan import find_beside

OPTION = "retain_captures"
"""The option of a source with its retention period in seconds."""


Pauses = Sequence[tuple[datetime, datetime]]


def limits(
    sources: Iterable[Source], otherwise: float | None, now: datetime, pauses: Pauses = ()
) -> dict[int, datetime]:
    """Return by source the time before which bytes are deleted; `otherwise` is the default
    period.
    """
    rules = {each.id: each.options.get(OPTION, otherwise) for each in sources}
    return {
        number: moment_before(now, timedelta(seconds=seconds), pauses)
        for number, seconds in rules.items()
        if seconds is not None
    }


def moment_before(
    now: datetime, period: timedelta, pauses: Pauses, counted: timedelta = LONG_PAUSE
) -> datetime:
    """Return the moment since which `period` has passed, of each of the `pauses` only `counted`.

    The clock alone does not prove that time passed: it may have leapt. That the archive worked on
    does.

    >>> day, now = timedelta(days=1), datetime(2026, 11, 29)
    >>> leap = [(now - 400 * day, now - day)]
    >>> [(now - moment_before(now, period * day, leap)).days for period in (1, 4, 5)]
    [1, 400, 401]
    """
    moment, left = now, period
    for start, end in reversed(pauses):
        if moment - left >= end:
            break
        left -= moment - end + counted
        moment = start
        left = max(left, timedelta(0))
    return moment - left


def captures_due(connection: Connection, before: dict[int, datetime]) -> list[tuple[int, int, int]]:
    """Return captures with source and size whose bytes are to be deleted.

    A text was extracted from each, and only sources with a retention period observed it, none
    of them recently. Lists of addresses and refused documents are retained.
    """
    if not before:
        return []
    is_old = or_(
        *(
            and_(OBSERVATION.c.source_id == number, _is_seen_before(moment))
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
    found = [(row[0], row[1], row[2]) for row in connection.execute(query)]
    for table in map(table_named, find_beside(connection)):
        if "capture_id" in table.c:
            found += _files_due(connection, table, is_old)
    return found


def _files_due(
    connection: Connection, table: Table, is_old: ColumnElement[bool]
) -> list[tuple[int, int, int]]:
    """Return the captures of a capability, such as pictures, that only old checks found."""
    joined = OBSERVATION.c.id == table.c.observation_id
    recent = select(table.c.capture_id).join(OBSERVATION, joined)
    recent = recent.where(table.c.capture_id.is_not(None), ~is_old)
    captured = select(OBSERVATION.c.capture_id).where(OBSERVATION.c.capture_id.is_not(None))
    query = (
        select(table.c.capture_id, func.max(OBSERVATION.c.source_id), CAPTURE.c.size)
        .join(OBSERVATION, joined)
        .join(CAPTURE, CAPTURE.c.id == table.c.capture_id)
        .where(is_old, CAPTURE.c.data.is_not(None))
        .where(CAPTURE.c.id.not_in(recent), CAPTURE.c.id.not_in(captured))
        .group_by(table.c.capture_id, CAPTURE.c.size)
        .order_by(table.c.capture_id)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def _is_seen_before(moment: datetime) -> ColumnElement[bool]:
    """Return the SQL condition that an observation is older, by its corrected time."""
    correction = CLOCK_CORRECTION.c
    is_corrected = exists().where(
        correction.id > OBSERVATION.c.id, correction.at < OBSERVATION.c.observed_at,
        correction.at < moment,
    )  # fmt: skip
    return or_(OBSERVATION.c.observed_at < moment, is_corrected)


def _is_read() -> ColumnElement[bool]:
    of_capture = DERIVATION.c.capture_id == OBSERVATION.c.capture_id
    return exists().where(of_capture, DERIVATION.c.wording_id.is_not(None))


def _is_seen_otherwise(is_old: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the SQL condition that another source observed a capture, or one recently."""
    seen = select(OBSERVATION.c.capture_id).where(OBSERVATION.c.capture_id.is_not(None), ~is_old)
    return CAPTURE.c.id.in_(seen)
