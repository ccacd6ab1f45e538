"""The log at `info`: events of documents and sources, and no others."""

import pytest
from structlog.testing import capture_logs

from tests.flow.driver import SENTENCES, lines, seed
from worker.log import log_events
from worker.services.schedule.source_slots import tick

A, B, C, _ENGLISH = SENTENCES


def told(room, act) -> list[dict]:
    """Return the log at `info` and above of an act of the room."""
    log_events("info")
    with capture_logs() as events:
        act()
    log_events("warning")
    plain = ("log_level", "source")
    assert {each["source"] for each in events if each["log_level"] == "info"} <= {"presse"}
    return [
        {name: value for name, value in each.items() if name not in plain}
        for each in events
        if each["log_level"] != "debug"
    ]


def test_new_changed_refused_and_missing_articles_are_listed_with_their_source(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.write("keller.txt", seed("Keller voll", C))
    room.write("leer.txt", "")
    assert told(room, lambda: room.scan(0)) == [
        {"event": "documents_collected", "job": 2, "came_in": 3},
        {"event": "documents_read", "job": 2, "new_articles": 2, "refused": 1},
    ]
    room.write("pegel.txt", seed("Pegel steigt", B))
    room.remove("keller.txt")
    collected, read = told(room, lambda: room.scan(1))
    assert (collected["came_in"], collected["gone"], read["new_versions"]) == (1, 1, 1)


def test_a_refusal_before_the_reading_is_reported_once(room):
    room.write("bild.txt", b"\x89PNG\r\n\x1a\n" + bytes(40))
    found = told(room, lambda: room.scan(0))
    assert sum(each.get("refused", 0) for each in found) == 1
    assert told(room, lambda: room.scan(1)) == []


def test_a_scan_that_finds_nothing_new_is_not_reported(room):
    room.write("pegel.txt", seed("Pegel steigt", A))
    room.write("mehr.jsonl", lines({"1": B}))
    room.scan(0)
    assert told(room, lambda: room.scan(1)) == []


def test_a_document_that_cannot_be_kept_is_a_warning(room, monkeypatch):
    room.write("pegel.txt", seed("Pegel steigt", A))
    job = room.ordered(room.places("pegel.txt"))
    room.collected(job)
    monkeypatch.setattr("worker.flow.run_jobs.read_batch", lambda *_args: {}["no"])
    (event,) = told(room, lambda: room.worked(job))
    assert (event["event"], event["error"]) == ("job_failed", "KeyError")


@pytest.mark.parametrize("due", [True, False])
def test_the_machinery_is_not_reported(room, due):
    if due:
        assert told(room, lambda: tick(room.archive, room.settings, room.source, room.now)) == []
    assert told(room, lambda: room.worked(0)) == []
