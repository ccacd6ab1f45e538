"""Correct the archive's time after a clock that ran ahead.

Own observations are ordered by their numbers. While the archive's time ran ahead, they got times
that are too late. A correction states between which moments they were made; this module stores
the corrected times, which still rise with the numbers, and rebuilds the histories concerned.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, insert, or_, select, union

from storage.database.planned_times import move_back
from storage.database.table_facts import RECORD_TABLES, STATE_TABLES
from storage.database.tables import (
    ARCHIVE,
    ARTICLE,
    CLOCK_CORRECTION,
    CORRECTED_SCAN,
    COUNTER,
    JOB,
    OBSERVATION,
    SCAN,
    SNAPSHOT,
    SOURCE,
    TRANSFER,
    VERSION,
)
from storage.database.tables.metadata import METADATA
from storage.database.unit import LEAP_FROM, LEAP_TO, PAUSE, Unit, rows_in, update_rows
from storage.database.view_facts import SNAPSHOT_BLOCK
from storage.history.corrected_times import (
    ClockCorrection,
    clock_corrections,
    time_after_corrections,
)
from storage.history.versions import rebuild_all
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.history import renewals
else:
    renewals = LazyModule("storage.history.renewals")

ARTICLES_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class StoredCorrection:
    """The latest correction: the archive's time was `was` when the clock displayed `at`."""

    at: datetime
    was: datetime
    recorded_at: datetime


def latest_correction(connection: Connection) -> StoredCorrection | None:
    table = CLOCK_CORRECTION.c
    query = select(table.at, table.was, table.recorded_at).order_by(table.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else StoredCorrection(*row)


def correct_clock(unit: Unit) -> None:
    """Set the archive's time back to the clock if it ran ahead.

    It waits until as many microseconds of the leap are over as the observations need that get
    corrected times: those of one time would be ordered by their texts, not by their numbers.
    """
    time = unit.time
    if not time.was_ahead_of(unit.clock):
        return
    assert time.latest is not None
    assert time.leap_from is not None
    assert time.leap_to is not None
    first, newest = _numbers_ahead(unit)
    between = newest - first + 2
    if unit.clock - time.leap_from < timedelta(microseconds=unit.since - first + 1 + between):
        return
    unit.set_back()
    before = unit.number()
    correction = ClockCorrection(unit.number(between), unit.now, time.leap_from)
    unit.number(before - newest)  # the numbers of the rows that it changes, see `_numbers_ahead`
    unit.add(
        CLOCK_CORRECTION,
        {
            "id": correction.id, "at": correction.at, "since": correction.since,
            "was": time.latest, "recorded_at": unit.now,
        },
    )  # fmt: skip
    leap = COUNTER.c.name.in_((LEAP_FROM, LEAP_TO))
    unit.connection.execute(delete(COUNTER).where(leap))
    is_ahead = ARCHIVE.c.key.between(f"{PAUSE}{unit.now:%Y-%m-%dT%H:%M:%S}", f"{PAUSE}9")
    unit.connection.execute(delete(ARCHIVE).where(is_ahead))
    unit.store_pause(time.leap_from, unit.now)
    articles = _articles_ahead(unit, correction)
    _correct_snapshots(unit, correction)
    _correct_scans(unit, correction)
    _correct_moments(unit, correction)
    _free_slots(unit, correction)
    move_back(unit.connection, time.leap_to, unit.now, time.latest - unit.now)
    unit.flush()
    articles = sorted({*articles, *_renew_acts(unit, correction)})
    for start in range(0, len(articles), ARTICLES_AT_A_TIME):
        rebuild_all(unit, dict.fromkeys(articles[start : start + ARTICLES_AT_A_TIME], True))


def _numbers_ahead(unit: Unit) -> tuple[int, int]:
    """Return the numbers of the first observation that a correction changes, and of the newest.

    The id of a correction lies amid unused numbers for the rows that it changes, from which the
    views compute their `seq`: see `correction_seq` in `storage.database.view_queries.own_times`.
    """
    now, earlier = unit.clock, clock_corrections(unit.connection)
    table, is_foreign = OBSERVATION.c, TRANSFER.c.is_foreign.is_(True)
    foreign = select(TRANSFER.c.observation_id).where(is_foreign)
    query = (
        select(table.id, table.observed_at)
        .where(table.observed_at > now, table.id.not_in(foreign))
        .order_by(table.id)
    )
    newest = unit.connection.execute(select(func.max(table.id))).scalar() or unit.since + 1
    first = next(
        (
            number for number, moment in unit.connection.execute(query)
            if not any(k.applies_to(number, moment) and k.at <= now for k in earlier)
        ),
        newest,
    )  # fmt: skip
    return first, newest


def _articles_ahead(unit: Unit, correction: ClockCorrection) -> list[int]:
    """Return the articles whose history contains a time after the correction."""
    at = correction.at
    own = SNAPSHOT.c.is_foreign.is_(False)
    query = union(
        select(SNAPSHOT.c.article_id).where(own, SNAPSHOT.c.observed_at > at),
        select(VERSION.c.article_id).where(VERSION.c.last_seen > at),
        select(ARTICLE.c.id).where(or_(ARTICLE.c.last_seen > at, ARTICLE.c.latest_at > at)),
    )
    return sorted(unit.connection.execute(query).scalars())


def _correct_snapshots(unit: Unit, correction: ClockCorrection) -> None:
    query = select(SNAPSHOT.c.observation_id).where(
        SNAPSHOT.c.is_foreign.is_(False), SNAPSHOT.c.observed_at > correction.at
    )
    rows = [
        {
            "observation_id": number, "seq": unit.number(SNAPSHOT_BLOCK),
            "observed_at": correction.correct_time(number),
        }
        for number in unit.connection.execute(query).scalars()
    ]  # fmt: skip
    update_rows(unit.connection, SNAPSHOT, ("observation_id",), rows)


def _correct_scans(unit: Unit, correction: ClockCorrection) -> None:
    query = (
        select(SCAN.c.id, SCAN.c.started_at, SOURCE.c.places)
        .join(SOURCE, SOURCE.c.id == SCAN.c.source_id)
        .where(SCAN.c.started_at > correction.at)
        .order_by(SCAN.c.id)
    )
    corrections = [*clock_corrections(unit.connection), correction]
    rows = [
        {
            "scan_id": number, "seq": unit.number(places + 1),
            "started_at": time_after_corrections(corrections, number, moment),
        }
        for number, moment, places in unit.connection.execute(query)
    ]  # fmt: skip
    known = CORRECTED_SCAN.c.scan_id.in_([each["scan_id"] for each in rows])
    unit.connection.execute(delete(CORRECTED_SCAN).where(known))
    if rows:
        unit.connection.execute(insert(CORRECTED_SCAN), rows)


def correct_scan(unit: Unit, scan_id: int, seq: int, started_at: datetime) -> None:
    """Store the corrected start of a scan that ran while the archive's time was corrected."""
    corrected = time_after_corrections(clock_corrections(unit.connection), scan_id, started_at)
    if corrected != started_at:
        unit.add(CORRECTED_SCAN, {"scan_id": scan_id, "seq": seq, "started_at": corrected})


def _free_slots(unit: Unit, correction: ClockCorrection) -> None:
    """Give the slots of jobs that were inserted too early to the jobs that are due then."""
    is_early = (JOB.c.created_at > correction.at, JOB.c.slot.is_not(None))
    unit.connection.execute(JOB.update().where(*is_early).values(slot=None))


def _correct_moments(unit: Unit, correction: ClockCorrection) -> None:
    """Correct the times of acts in the state, such as checks of addresses and new tokens.

    `move_back` corrects the times of the future.
    """
    for table in STATE_TABLES:
        rows = METADATA.tables[table.name]
        for column in (rows.c[name] for name in table.moments):
            late = rows.update().where(column > correction.at)
            unit.connection.execute(late.values({column: correction.at}))


def _renew_acts(unit: Unit, correction: ClockCorrection) -> set[int]:
    """Give the rows of views with corrected times of acts a new `seq`; return their articles.

    These are the row of an act, or of the one that it undoes, and the article that it is about.
    """
    timed = {facts.name: facts for facts in RECORD_TABLES if facts.acts}
    observed: set[int] = set()
    for facts in timed.values():
        table = METADATA.tables[facts.name]
        late = or_(*(table.c[name] > correction.at for name in facts.acts))
        rows = unit.connection.execute(select(table).where(late)).mappings().all()
        if not timed.keys() & facts.references.values():
            renewals.renew_rows(unit, facts.name, [row["id"] for row in rows])
        for name, target in facts.references.items():
            named = {row[name] for row in rows if row[name] is not None}
            if target in timed:
                renewals.renew_rows(unit, target, named)
            elif target == OBSERVATION.name:
                observed |= named
    shown = select(SNAPSHOT.c.article_id)
    articles = rows_in(unit.connection, shown, SNAPSHOT.c.observation_id, observed)
    found = {row[0] for row in articles}
    renewals.renew_articles(unit, found)
    return found
