"""What a clock that ran ahead leaves once it is right: intervals, proofs, stored bytes, plans."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Float, String, func, insert, select, text

from storage.database.columns import JSON_TYPE, UtcTime
from storage.database.planned_times import LONGEST, is_ahead, is_due, move_back
from storage.database.schema import upgrade
from storage.database.tables import JOB, METADATA, RECORD, VERSION
from storage.proof import checkpoints
from tests.flow.driver import SENTENCES, Newsroom, hour, seed
from tests.flow.whole_record import KEY
from worker.flow.order import target_of

A, B, C, D = SENTENCES
AHEAD = {"an hour": 1, "a day": 24, "20 days": 480, "400 days": 9600}
JUMPS = {**AHEAD, "a day back": -24, "an hour back": -1}


def edit(room: Newsroom, text: str, at: float) -> None:
    room.write("pegel.txt", seed("Pegel steigt", text))
    room.scan(at)


def sign(room: Newsroom) -> None:
    checkpoints.make(room.archive.engine, room.archive.clock, KEY)


def moments(room: Newsroom) -> list[dict[str, datetime]]:
    names = ("changed_after", "changed_by", "last_seen")
    rows = room.rows(f"SELECT {', '.join(names)} FROM versions ORDER BY version")
    return [
        {name: datetime.fromisoformat(row[name]) for name in names if row[name]} for row in rows
    ]


@pytest.mark.parametrize("hours", JUMPS.values(), ids=JUMPS)
def test_checkpoints_signed_by_a_wrong_clock_verify_once_it_is_right(room, hours):
    edit(room, A, at=0)
    sign(room)
    edit(room, B, at=0.1 + hours)
    sign(room)
    edit(room, C, at=0.2 + hours)
    sign(room)
    edit(room, D, at=0.3)
    assert room.findings() == []
    sign(room)
    edit(room, A, at=0.4)
    sign(room)
    assert room.findings() == []
    assert [text for _version, text in room.versions()] == [A, B, C, D, A]


@pytest.mark.parametrize("hours", AHEAD.values(), ids=AHEAD)
def test_an_interval_contains_a_change_that_was_made_while_the_clock_ran_ahead(room, hours):
    edit(room, A, at=0)
    room.scan(0.1 + hours)  # A is seen for the last time
    room.scan(0.2 + hours)
    edited_at = hour(0.3)
    edit(room, B, at=0.4)
    (first, second) = moments(room)
    assert second["changed_after"] < edited_at < second["changed_by"] == hour(0.4)
    assert first["last_seen"] == second["changed_after"] == hour(0)
    room.scan(0.5)
    assert moments(room)[1]["last_seen"] == hour(0.5)
    assert room.findings() == []


def test_an_interval_contains_two_changes_while_the_clock_ran_ahead(room):
    edit(room, A, at=0)
    edit(room, B, at=0.1 + 480)
    edit(room, C, at=0.3 + 480)
    edit(room, D, at=0.4)
    found = moments(room)[1:]
    for version, (low, high) in zip(found, ((0, 0.1), (0.1, 0.3), (0.3, 0.4)), strict=True):
        assert version["changed_after"] <= hour(low) < hour(high) <= version["changed_by"]
        assert version["changed_by"] <= hour(0.4)
    assert room.findings() == []


def test_an_older_archive_gets_the_intervals_that_contain_the_change(room):
    edit(room, A, at=0)
    room.scan(480)
    edit(room, B, at=0.4)
    before = room.versions_of_all()
    late = hour(0.4) - timedelta(microseconds=5)
    with room.archive.engine.begin() as connection:
        for name, number in (("last_seen", 1), ("changed_after", 2)):
            connection.execute(
                VERSION.update().where(VERSION.c.number == number).values({name: late})
            )
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    assert room.versions_of_all() != before
    upgrade(room.archive.engine)
    assert room.versions_of_all() == before


# ------------------------------------------------------------------- stored times of the future

PAST = frozenset(
    [
        "access_token.created_at",
        "access_token.revoked_at",
        "alert.created_at",
        "alert_delivery.made_at",
        "alert_delivery.sent_at",
        "article.content_at",
        "article.first_seen",
        "article.last_seen",
        "article.latest_at",
        "copy_request.made_at",
        "corrected_scan.started_at",
        "host.robots_fetched_at",
        "job.created_at",
        "job.finished_at",
        "job.started_at",
        "job.woken_at",
        "rights_file.fetched_at",
        "snapshot.observed_at",
        "source.created_at",
        "source.removed_at",
        "version.changed_after",
        "version.changed_by",
        "version.last_seen",
        "watch.changed_at",
        "watch.checked_at",
        "watch.listed_at",
        "watch.reached_at",
    ]
)
"""Times at which something happened: whoever compares one with now asks `is_fresh`."""
LENGTHS = frozenset({"host.delay", "source.every_seconds", "watch.interval_seconds"})


def test_each_stored_time_is_of_the_past_or_has_its_longest_wait():
    found = {
        f"{table.name}.{column.name}"
        for table in METADATA.tables.values()
        if table.name not in RECORD
        for column in table.columns
        if isinstance(column.type, (UtcTime, Float))
    }
    assert found == PAST | LENGTHS | {str(column) for column in LONGEST}


def fill(column: Column[Any]) -> Any:
    """Return some value for a column of a row that only has to be there."""
    if isinstance(column.type, UtcTime):
        return hour(0)
    if isinstance(column.type, String):
        return "x"
    return {} if column.type is JSON_TYPE else 0


@contextmanager
def stored(connection: Connection, column: Column[Any], moment: datetime) -> Iterator[None]:
    """Have a row with a time of the future, in seconds where the column has them."""
    needed = {each.name: fill(each) for each in column.table.columns if not each.nullable}
    given = moment.timestamp() if isinstance(column.type, Float) else moment
    connection.execute(column.table.delete())
    connection.execute(insert(column.table).values(needed | {column.name: given}))
    yield
    connection.execute(column.table.delete())


@pytest.mark.parametrize("column", LONGEST, ids=str)
def test_a_time_that_is_further_away_than_its_longest_wait_is_due(room, column):
    now, longest = hour(0), timedelta(seconds=LONGEST[column])
    at = now.timestamp() if isinstance(column.type, Float) else now
    waits = {"over": timedelta(0), "soon": longest / 2, "at its end": longest}
    waits |= {f"{hours} h later": longest + timedelta(hours=hours) for hours in AHEAD.values()}
    with room.archive.engine.begin() as connection:
        for what, wait in waits.items():
            with stored(connection, column, now + wait):
                for condition, expected in (
                    (is_due, what not in {"soon", "at its end"}),
                    (is_ahead, what in {"soon", "at its end"}),
                ):
                    query = select(func.count()).where(condition(column, at))
                    found = connection.execute(query.select_from(column.table)).scalar_one()
                    assert bool(found) == expected, (what, condition)


@pytest.mark.parametrize("hours", AHEAD.values(), ids=AHEAD)
def test_what_was_planned_by_a_clock_ahead_waits_no_longer_once_it_is_right(room, hours):
    edit(room, A, at=0)
    edit(room, B, at=0.1 + hours)
    late, now = timedelta(hours=hours), hour(0.2)
    plans = {column: timedelta(seconds=LONGEST[column] / 2) for column in LONGEST}
    with room.archive.engine.begin() as connection, ExitStack() as rows:
        for column, wait in plans.items():
            rows.enter_context(stored(connection, column, hour(0.1) + late + wait))
            move_back(connection, hour(0.1) + late, now, hour(0.1) + late - now)
            (moved,) = connection.execute(select(column)).one()
            moment = datetime.fromtimestamp(moved, UTC) if isinstance(moved, float) else moved
            assert abs(moment - now - wait) < timedelta(seconds=1), column
    job = room.ordered([target_of(room.source)])
    with room.archive.engine.begin() as connection:
        later = (hour(0.1) + late + timedelta(minutes=1)).timestamp()
        connection.execute(JOB.update().where(JOB.c.id == job).values(run_after=later))
    room.now = hour(0.2)
    room.archive.follow_clock()
    (row,) = room.rows(f"SELECT run_after FROM job WHERE id = {job}")
    assert hour(0.2).timestamp() <= row["run_after"] <= hour(0.2).timestamp() + 60
    assert room.number("SELECT count(*) FROM clock_correction") == 1
