"""The times of the archive's own rows, as the corrections of its clock state them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from storage.database.tables import CLOCK_CORRECTION


@dataclass(frozen=True, slots=True)
class ClockCorrection:
    """Observations before row `id` with a time later than `at` were made between `since` and
    `at`.
    """

    id: int
    at: datetime
    since: datetime

    def applies_to(self, number: int, moment: datetime) -> bool:
        return number < self.id and moment > self.at

    def correct_time(self, number: int) -> datetime:
        """Return the time of row `number`: as many microseconds before `at` as numbers before `id`.

        >>> from datetime import UTC
        >>> noon = datetime(2026, 11, 28, 12, tzinfo=UTC)
        >>> correction = ClockCorrection(1_000_000, noon + timedelta(hours=1), noon)
        >>> correction.correct_time(500_000).isoformat(timespec="milliseconds")
        '2026-11-28T12:59:59.500+00:00'
        """
        return max(self.since, self.at - timedelta(microseconds=self.id - number))


def clock_corrections(connection: Connection) -> list[ClockCorrection]:
    """Return all corrections of the archive's time."""
    table = CLOCK_CORRECTION.c
    rows = connection.execute(select(table.id, table.at, table.since).order_by(table.id))
    return [ClockCorrection(*row) for row in rows]


def time_after_corrections(
    corrections: Sequence[ClockCorrection], number: int, moment: datetime
) -> datetime:
    """Return the corrected time of the archive's own row `number` with the stored time `moment`."""
    for each in corrections:
        if each.applies_to(number, moment):
            moment = each.correct_time(number)
    return moment


def time_of_act(
    corrections: Sequence[ClockCorrection], number: int, moment: datetime, recorded_at: datetime
) -> datetime:
    """Return the corrected time of an act, row `number`; one of another archive states its own."""
    is_own = moment == recorded_at
    return time_after_corrections(corrections, number, moment) if is_own else moment


def last_sight(corrections: Sequence[ClockCorrection], moment: datetime) -> datetime:
    """Return the earliest time at which something was seen whose corrected time is `moment`.

    No unit ended between the start of a leap and its correction: such a time is a corrected one,
    the latest possible.
    """
    return min([moment, *(each.since for each in corrections if each.since < moment < each.at)])
