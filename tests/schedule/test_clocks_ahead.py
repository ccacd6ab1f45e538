"""Effects of a fast clock after its correction: intervals, proofs, stored bytes, plans."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Float, String, func, insert, select, text

from storage.database.columns import JSON_TYPE, UtcTime
from storage.database.planned_times import LONGEST, is_ahead, is_due, move_back
from storage.database.schema import upgrade
from storage.database.table_facts import RECORD
from storage.database.tables import JOB, VERSION
from storage.database.tables.metadata import METADATA
from storage.proof import checkpoints
from storage.read.archive import open_archive
from storage.values.redaction import RedactionReason
from storage.write.redaction.restrict import lift, restrict
from storage.write.submissions import Submission, store_submission
from tests.capabilities.front_pages.test_front_pages import FRONT, LONG, SHORT, front, teaser
from tests.database.older import restore_old_tables
from tests.flow.driver import SENTENCES, Newsroom, hour, seed
from tests.flow.whole_record import KEY
from tests.web.desk import HIGHER, PEGEL, Desk
from tests.web.desk import A as A_PAGE
from tests.web.site import Reply, page
from tests.write.follower import SHARED_SEQ, Follower
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


@pytest.mark.slow
@pytest.mark.few_cases
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


@pytest.mark.few_cases
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
    corrected = "SELECT count(*) FROM corrected_scan"
    assert room.number(corrected) == 2, "those of the fast clock, and no other one"
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
        restore_old_tables(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    assert room.versions_of_all() != before
    upgrade(room.archive.engine)
    assert room.versions_of_all() == before


# ----------------------------------------------------------------- times that the views derive

PARTED = ("\n".join(PEGEL[:2]), *PEGEL[2:])
"""The same text in other paragraphs: this is noise."""


def look(desk: Desk, at: float, paragraphs: Sequence[str], headline: str, usage: str) -> None:
    """Check a page and a front page, which are answered with 304 if nothing changed."""
    raw = page("Pegel der Lohe steigt", paragraphs)
    desk.web.put(A_PAGE, Reply(raw, has_validators=True).with_header("Content-Usage", usage))
    desk.web.put(FRONT, front(teaser(A_PAGE, headline)))
    desk.fetch(A_PAGE, at=at)
    source = next((each for each in desk.archive.sources() if each.name == "front"), None)
    desk.look(source or desk.watch_page(FRONT, kind="front", name="front"), at=at)


def intervals(desk: Desk) -> dict[str, list[tuple[datetime | None, datetime, datetime]]]:
    """Return `changed_after`, first and last sight in the rows of each view, in order."""
    queries = {
        "versions": "SELECT changed_after, changed_by, last_seen FROM versions ORDER BY version",
        "fronts": "SELECT changed_after, first_seen, last_seen FROM fronts ORDER BY first_seen",
        "rights": "SELECT changed_after, first_seen, last_seen FROM rights "
        f"WHERE name = 'content-usage' AND origin = '{A_PAGE}' ORDER BY first_seen",
    }
    return {
        view: [
            tuple(each and datetime.fromisoformat(each) for each in row.values()) for row in rows
        ]
        for view, query in queries.items()
        if (rows := desk.rows(query))
    }


@pytest.mark.parametrize("hours", [1, pytest.param(9600, marks=pytest.mark.slow)])
def test_what_each_view_reports_ends_and_begins_where_the_clock_leapt(desk, hours):
    look(desk, 0, PEGEL, LONG, "train-ai=n")
    look(desk, 0.1 + hours, PEGEL, LONG, "train-ai=n")
    look(desk, 0.2 + hours, PEGEL, LONG, "train-ai=n")
    look(desk, 0.4, HIGHER, SHORT, "train-ai=y")
    assert desk.number("SELECT count(*) FROM clock_correction") == 1
    for view, (old, new) in intervals(desk).items():
        assert old == (None, hour(0), hour(0)), view
        assert new[0] == hour(0), view
        assert hour(0.4) <= new[1] <= new[2] < hour(0.5), view
    with open_archive(desk.url) as archive:
        assert [each.headline for each in archive.front(FRONT)] == [SHORT]


@pytest.mark.slow
def test_each_view_orders_rows_of_a_fast_clock_before_later_ones(desk):
    look(desk, 0, PEGEL, LONG, "train-ai=n")
    look(desk, 480, HIGHER, SHORT, "train-ai=y")
    look(desk, 480.1, HIGHER, SHORT, "train-ai=y")
    look(desk, 0.4, PEGEL, LONG, "train-ai=n")
    for view, found in intervals(desk).items():
        assert [each[1] <= hour(0.4) for each in found[:2]] == [True, True], view
        assert [each[0] for each in found] == [None, hour(0), hour(0)], view
        assert found[2][1] >= hour(0.4), view
    assert desk.rows("SELECT observed_at FROM transfers WHERE article IS NOT NULL ORDER BY 1") == (
        desk.rows("SELECT observed_at FROM observations WHERE article IS NOT NULL ORDER BY 1")
    )
    latest = "SELECT count(*) FROM {} WHERE observed_at > '2025-01-01'"
    assert [desk.number(latest.format(view)) for view in ("observations", "transfers", "teasers")] \
        == [0, 0, 0]  # fmt: skip


CLOCKS = {
    "one leap": (0, 480, 480.1, 0.4, 0.6),
    "two leaps": (0, 480, 480.1, 0.4, 300, 300.1, 1, 2),
    "put back twice": (0, 10, 480, 480.1, 12, 0.4, 0.6, 1),
    "three leaps": (0, 480, 0.4, 480, 0.5, 480, 0.6, 0.7),
    "no leap": (0, 1, 2, 3),
}
"""Hours of checks by clocks that run ahead and are put back."""


@pytest.mark.few_cases
@pytest.mark.slow
@pytest.mark.parametrize("hours", CLOCKS.values(), ids=CLOCKS)
def test_a_reader_that_follows_seq_gets_each_row_whatever_the_clock_does(desk, hours):
    follower = Follower(desk.url, None)
    for number, at in enumerate(hours):
        paragraphs, headline, usage = (
            (HIGHER, SHORT, "train-ai=y") if number % 3 == 1 else (PEGEL, LONG, "train-ai=n")
        )
        look(desk, at, paragraphs, headline, usage)
        follower.poll()
        for view, got in follower.got.items():
            rows = follower.whole(view)
            assert [row for row in rows if row not in got] == [], (view, number)
            numbers = {row["seq"] for row in rows}
            assert view in SHARED_SEQ or len(numbers) == len(rows), (view, number)
    follower.engine.dispose()


def test_a_reader_that_follows_seq_gets_each_row_that_is_hidden_and_shown_again(desk):
    follower = Follower(desk.url, None)
    look(desk, 0, PEGEL, LONG, "train-ai=n")
    look(desk, 1, PARTED, LONG, "train-ai=n")
    query = "SELECT ao.article_id FROM article_origin ao JOIN origin o ON o.id = ao.origin_id "
    article = desk.number(f"{query} WHERE o.origin = :address", address=A_PAGE)
    desk.archive.transact(restrict, [article], RedactionReason.GDPR_RESTRICTION, "ada")
    follower.poll()
    look(desk, 2, HIGHER, SHORT, "train-ai=y")
    follower.poll()
    hidden = {"transfers", "rights", "teasers", "fronts", "noise", "fields"}
    assert not any(row.get("origin") == A_PAGE for view in hidden for row in follower.got[view])
    desk.archive.transact(lift, [article], "ada")
    follower.poll()
    for view, got in follower.got.items():
        assert [row for row in follower.whole(view) if row not in got] == [], view
    assert [view for view in hidden if not follower.got[view]] == []
    follower.engine.dispose()


def test_a_transfer_returns_once_its_article_is_known(desk):
    follower = Follower(desk.url, None)
    raw = page("Pegel der Lohe steigt", PEGEL)
    job = store_submission(desk.archive, Submission(A_PAGE, A_PAGE, raw, "redaktion"))
    follower.poll()
    desk.done(job)
    assert follower.losses() == []
    assert [row["article"] is None for row in follower.got["transfers"]] == [True, False]
    follower.engine.dispose()


@pytest.mark.slow
def test_the_interval_of_a_chosen_wording_begins_and_ends_where_the_clock_leapt(desk):
    look(desk, 0, PEGEL, LONG, "")
    look(desk, 480, PEGEL, LONG, "")
    look(desk, 0.4, PARTED, LONG, "")
    look(desk, 480, PARTED, LONG, "")
    look(desk, 0.6, HIGHER, LONG, "")
    query = "SELECT DISTINCT wording, min(observed_at) AS at FROM observations WHERE version = 1 "
    wordings = [each["wording"] for each in desk.rows(f"{query} GROUP BY wording ORDER BY at")]
    with open_archive(desk.url) as archive:
        found = archive.version(f"{A_PAGE}@{wordings[1]}").observed
    assert found.changed_after == hour(0)
    assert hour(0.4) <= found.changed_by <= found.last_seen < hour(0.5)


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
        "change_event.changed_after",
        "change_event.changed_by",
        "change_event.recorded_at",
        "copy_request.made_at",
        "corrected_scan.started_at",
        "host.robots_fetched_at",
        "job.created_at",
        "job.finished_at",
        "job.started_at",
        "job.woken_at",
        "picture_request.made_at",
        "presence.missing_since",
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
SHARES = frozenset({"quotation.confidence"})


def test_each_stored_time_is_of_the_past_or_has_its_longest_wait():
    found = {
        f"{table.name}.{column.name}"
        for table in METADATA.tables.values()
        if table.name not in RECORD
        for column in table.columns
        if isinstance(column.type, (UtcTime, Float))
    }
    assert found - SHARES == PAST | LENGTHS | {str(column) for column in LONGEST}


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


@pytest.mark.few_cases
@pytest.mark.parametrize("hours", AHEAD.values(), ids=AHEAD)
def test_a_plan_of_a_fast_clock_does_not_wait_once_the_clock_is_right(room, hours):
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
