"""Times in the log: what is backdated, and what a corrected clock explains.

A clock that ran ahead leaves checkpoints of a time that has not come yet. A correction explains
them, and everything after it may be earlier than they are. So each correction is checked itself.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select, text

from storage.database.tables import CLOCK_CORRECTION
from storage.database.tables.kept import logged_tables, table_named
from storage.history.corrected_times import ClockCorrection, clock_corrections
from storage.proof import checkpoints as kept
from storage.proof.external.authorities import authority_stamps
from storage.proof.leaf import SHAPES
from storage.proof.note import Note, NoteError
from storage.verify.finding import PASSED, BrokenObject, Findings, Scope

TOLERANCE = timedelta(minutes=5)
"""Maximum age of a row that a checkpoint signed before it may have missed, because it waited for
the lock.
"""
TIMES = ("recorded_at", "decided_at", "undone_at", "at", "made_at", "received_at")
"""Columns with the time of writing; each table has one of them."""


class EarliestTimes:
    """The time before which no row can have been added: that of the checkpoints before it.

    A correction puts it back to the time that it states.
    """

    def __init__(self, connection: Connection) -> None:
        signed = ((each.id + 1, each.made_at) for each in kept.checkpoints(connection))
        corrected = ((each.id, each.at) for each in clock_corrections(connection))
        self._limits = sorted(
            [*((*each, max) for each in signed), *((*each, min) for each in corrected)],
            key=lambda limit: limit[:2],
        )
        self._next = 0
        self._latest: datetime | None = None

    def find(self, seq: int) -> datetime | None:
        """Return the earliest possible time of the row with this number; call it with rising
        numbers.
        """
        while self._next < len(self._limits) and self._limits[self._next][0] <= seq:
            _number, moment, choose = self._limits[self._next]
            self._latest = choose(moment - TOLERANCE, self._latest or moment - TOLERANCE)
            self._next += 1
        return self._latest


def earliest(corrections: list[ClockCorrection], number: int, moment: datetime) -> datetime:
    """Return the earliest time at which row `number`, which says `moment`, can have been added."""
    return min([moment, *(each.since for each in corrections if each.applies_to(number, moment))])


def corrections(connection: Connection, scope: Scope) -> Findings:
    """Check that the clock ran ahead before each correction, and that nobody saw a later time."""
    del scope  # there are few of them
    columns = CLOCK_CORRECTION.c
    query = select(columns.id, columns.at, columns.since, columns.was).order_by(columns.id)
    before = 0
    for row in connection.execute(query):
        correction = ClockCorrection(row.id, row.at, row.since)
        wrong = [
            *_wrong_leap(connection, correction, row.was, before),
            *_find_later_witnesses(connection, correction),
        ]
        yield from (
            BrokenObject("clock_correction", row.id, "correction_wrong", each) for each in wrong
        )
        if not wrong:
            yield PASSED
        before = row.id


def _wrong_leap(
    connection: Connection, correction: ClockCorrection, was: datetime, before: int
) -> Iterator[str]:
    """Check that the stored times leapt, by more than what was recorded after the leap."""
    if not correction.since <= correction.at <= was:
        yield f"it says {correction.at}, not between {correction.since} and {was}"
        return
    found = list(_times_after(connection, correction, before))
    if not found:
        return
    first, last = min(low for low, _high in found), max(was, *(high for _low, high in found))
    if first - correction.since <= last - first:
        yield (
            f"it says that the clock ran ahead since {correction.since}, but the archive went on "
            f"at {first}: it corrects times that were right"
        )


def _times_after(
    connection: Connection, correction: ClockCorrection, before: int
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the first and last time after the start of a leap, for each table with such rows."""
    for name in logged_tables(connection):
        table = table_named(name)
        columns = table.c
        key = columns[SHAPES[name].key]
        moment = next(columns[each] for each in TIMES if each in columns)
        query = select(func.min(moment), func.max(moment)).select_from(table)
        query = query.where(key > before, key < correction.id, moment > correction.since)
        low, high = connection.execute(query).one()
        if low is not None:
            yield low, high


def _find_later_witnesses(connection: Connection, correction: ClockCorrection) -> Iterator[str]:
    """Find stamps and cosignatures that came in before a correction and are later than it."""
    for who, moment in _witness_times(connection, correction.id):
        if moment > correction.at + TOLERANCE:
            yield f"it says that it was {correction.at}, {who} had signed at {moment} before"


def _witness_times(connection: Connection, before: int) -> Iterator[tuple[str, datetime]]:
    for stamp in authority_stamps(connection):
        if stamp.id < before:
            yield stamp.authority, stamp.stamped_at
    notes = {each.id: each.note for each in kept.checkpoints(connection)}
    query = text("SELECT checkpoint_id, line FROM log_cosignature WHERE id < :id")
    for row in connection.execute(query, {"id": before}):
        try:
            signed = Note.parse(notes[row.checkpoint_id] + row.line).signatures[-1]
            moment = datetime.fromtimestamp(signed.at, UTC)
        except (KeyError, NoteError, ValueError, OverflowError):
            continue  # the check of the checkpoints reports it
        yield signed.name, moment
