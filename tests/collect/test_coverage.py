"""Coverage of the watched places: hours, outages, silent feeds."""

from datetime import timedelta

import pytest

from storage.read.archive import open_archive
from storage.verify.doctor import _sources
from tests.collect.test_lists import FEED, address, publish, rss
from tests.flow.driver import hour
from tests.web.desk import PEGEL, A
from tests.web.site import Reply, page
from worker.flow.order import order, target_at
from worker.flow.run_jobs import run_next_job


def figures(desk, name: str, at: float):
    with open_archive(desk.url) as archive:
        return next(each for each in archive.stats(hour(at)).sources if each.source == name)


def complaints(desk, at: float) -> list[str]:
    with open_archive(desk.url) as archive:
        found = _sources(archive.stats(hour(at)).sources)
        return [
            each.message
            for each in found
            if each.state == "warning" and "presse" not in each.message
        ]


def hours(desk, until: float, **asked):
    with open_archive(desk.url) as archive:
        rows = archive.coverage(until=hour(until), **asked)
        return [
            ((r.hour - hour(0)) / timedelta(hours=1), r.checks, r.answered, r.failed, r.barred)
            for r in rows
        ]


def test_each_hour_reports_the_checks_that_were_made_and_those_without_any(desk):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.fetch(A, at=1)
    desk.fetch(A, at=1.5)
    desk.web.put(A, Reply(b"", 500))
    desk.fetch(A, at=2)
    desk.web.put(A, Reply(b"", 403))
    desk.fetch(A, at=4)
    name = "https://zeitung.example"
    assert hours(desk, 5, source=name) == [
        (1.0, 2, 2, 0, 0), (2.0, 1, 0, 1, 0), (3.0, 0, 0, 0, 0), (4.0, 1, 0, 0, 1), (5.0, 0, 0, 0, 0),
    ]  # fmt: skip
    assert hours(desk, 3, source=name, since=hour(3)) == [(3.0, 0, 0, 0, 0)]


WALL = "Wir und unsere 247 Partner verwenden Cookies und brauchen Ihre Zustimmung."


def test_a_wall_is_no_snapshot_of_a_page_or_of_a_list(desk):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.watch_page(A, name="pegel")
    desk.due(at=1)
    desk.web.put(A, page("Zustimmung", [WALL]))
    desk.look(desk.archive.source("pegel"), at=2)
    desk.fetch("https://zeitung.example/neu", at=2.1)
    desk.web.put("https://bote.example/", page("Zustimmung", [WALL]))
    desk.fetch("https://bote.example/", at=3)
    assert hours(desk, 3, source="pegel") == [
        (1.0, 1, 1, 0, 0),
        (2.0, 1, 0, 0, 1),
        (3.0, 0, 0, 0, 0),
    ]
    assert hours(desk, 3, source="https://bote.example") == [(3.0, 1, 0, 0, 1)]
    assert figures(desk, "pegel", 3).last_answer == hour(1)


def test_a_source_that_shows_nothing_but_a_wall_is_missed(desk):
    desk.web.put(FEED, rss())
    desk.watch_page(FEED, name="feed")
    desk.due(at=1)
    desk.web.put(FEED, page("Zustimmung", [WALL]))
    for moment in (2, 3, 4):
        desk.due(at=moment)
    assert figures(desk, "feed", 4).missing_since == hour(1)


def test_what_waits_to_be_read_is_no_wall_yet(desk):
    desk.web.put(A, page("Pegel", PEGEL))
    desk.now = hour(1)
    number = order(desk.archive, [target_at(desk.archive, desk.settings, A)], "command")
    while not desk.rows("SELECT * FROM observation WHERE outcome = 'captured' AND capture_id > 0"):
        run_next_job(desk.archive, desk.settings, desk.reader, families=number)
    (row,) = hours(desk, 1, source="https://zeitung.example")
    assert row == (1.0, 1, 1, 0, 0)


def test_scans_of_a_folder_are_checks_too(desk):
    desk.write("a.txt", " date 2024-06-18 Pegel\nDer Pegel steigt.")
    desk.scan(at=1)
    desk.scan(at=1.2)
    assert hours(desk, 2, source="presse") == [(1.0, 2, 2, 0, 0), (2.0, 0, 0, 0, 0)]


def test_a_source_that_does_not_answer_for_its_usual_interval_is_reported(desk):
    desk.web.put(FEED, rss())
    desk.watch_page(FEED, name="feed")
    desk.due(at=1)
    assert complaints(desk, 1.1) == []
    desk.web.put(FEED, Reply(b"", 503))
    for moment in (2, 3):
        desk.due(at=moment)
    assert figures(desk, "feed", 3).missing_since == hour(1)
    assert any(
        "has not been reached since 2024-06-18 07:00" in each for each in complaints(desk, 3)
    )
    desk.web.put(FEED, rss())
    desk.due(at=30)
    assert complaints(desk, 30) == []


def test_a_source_that_was_never_checked_is_reported(desk):
    desk.now = hour(0)
    desk.watch_page(A, name="pegel")
    told = complaints(desk, 5)
    assert any("has not been reached" in each for each in told)
    assert any("overdue" in each for each in told)


def test_a_feed_that_falls_silent_is_reported(desk):
    publish(desk, *range(1, 7))
    desk.watch_page(FEED, name="feed", options={"recheck": {"off": True}})
    for n in range(1, 7):
        desk.web.put(FEED, rss(*((f"M{m}", address(m)) for m in range(1, n + 1))))
        desk.due(at=n)
    assert figures(desk, "feed", 8).last_news == hour(6)
    assert complaints(desk, 6.1) == []
    for moment in (20, 40, 60):
        desk.due(at=moment)
    assert [each for each in complaints(desk, 60.1) if "nothing new since 2024-06-18 12:00" in each]


@pytest.mark.parametrize("act", ["paused", "removed"])
def test_a_source_that_is_not_to_be_checked_is_not_missed(desk, act):
    desk.watch_page(A, name="pegel")
    values = {"paused": {"paused": True}, "removed": {"removed_at": hour(0), "standing": False}}[
        act
    ]
    desk.archive.change_source("pegel", **values)
    assert complaints(desk, 100) == []
    assert desk.due(at=100).seen == 0
