"""What a clock that ran ahead leaves once it is right: intervals, proofs, stored bytes, plans."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from storage.database.schema import upgrade
from storage.database.tables import VERSION
from storage.proof import checkpoints
from tests.flow.driver import SENTENCES, Newsroom, hour, seed
from tests.flow.whole_record import KEY

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
