"""What timed out, or whose process was killed, is read again, alone and later, before it is refused."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.schedule import queue
from storage.values.verdict import Counts
from storage.write.readings.store import load_unread, store_readings
from tests.flow.driver import Newsroom, newsroom_at, seed
from tests.page.conftest import html
from worker.text.hints import Hints

QUICK = {"document_seconds": "1s", "batch_seconds": "3s", "lease_seconds": "9s"}


@pytest.fixture
def room(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    """Give a newsroom that tries nothing again before a test says `later`."""
    monkeypatch.setattr("storage.write.readings.store.AGAIN_AFTER_SECONDS", 600.0)
    with newsroom_at(database_url, tmp_path, **QUICK) as newsroom:
        yield newsroom


def heavy() -> bytes:
    return html(paragraphs=tuple(f"Zeile <b>{i}</b> der Tabelle." for i in range(60_000)))


def later(room: Newsroom) -> None:
    """Let the pauses of waiting jobs be over."""
    with room.archive.engine.begin() as connection:
        connection.execute(text("UPDATE job SET run_after = 0 WHERE state = 'ready'"))


def waiting(room: Newsroom) -> list[dict]:
    return room.rows("SELECT * FROM job WHERE state = 'ready' AND kind = 'read'")


def stop_the_child(room: Newsroom, by: signal.Signals = signal.SIGSTOP) -> None:
    """Read a page, and make the child of the reader hang or end from then on."""
    room.write("erste.html", html())
    assert room.scan() == Counts(new_articles=1)
    os.kill(room.reader._document_reader().child_pid, by)


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGSTOP, signal.SIGKILL])
def test_a_good_page_that_a_busy_machine_did_not_read_is_read_later(room, by):
    stop_the_child(room, by)
    room.write("zweite.html", html(h1="Der Deich hält"))
    room.write("dritte.txt", seed("Pegel", "Der Pegel der Lohe steigt."))
    job = room.ordered(room.places("zweite.html", "dritte.txt"))
    assert room.worked(job) == Counts(new_articles=1)
    (second,) = waiting(room)
    assert (second["single"], second["arguments"]["again"]) == (True, 1)
    later(room)
    assert room.worked(job) == Counts(new_articles=2)
    assert room.rows("SELECT * FROM refusals") == []


@pytest.mark.slow
def test_a_page_whose_process_was_killed_twice_is_read_in_the_end(room):
    room.write("seite.html", html())
    job = room.ordered(room.places("seite.html"))
    for _ in range(2):
        children = room.reader._document_reader()
        children.read(html(), Hints("html", "other.html", None, room.now, None))
        os.kill(children.child_pid, signal.SIGKILL)
        assert room.worked(job) == Counts()
        later(room)
    assert room.worked(job) == Counts(new_articles=1)
    assert room.rows("SELECT * FROM refusals") == []


@pytest.mark.slow
def test_a_page_that_is_late_twice_is_refused_and_kept_and_costs_no_other_one(room):
    raw = heavy()
    room.write("schwer.html", raw)
    room.write("leicht.html", html())
    job = room.ordered(room.places("schwer.html", "leicht.html"))
    assert room.worked(job) == Counts(new_articles=1)
    assert room.rows("SELECT * FROM refusals") == []
    later(room)
    assert room.worked(job) == Counts(new_articles=1, refused=1)
    refusal = room.one("SELECT * FROM refusals")
    assert (refusal["code"], refusal["kept"]) == ("resource_time", True)
    # on a busy machine the limit of the clock is reached before that of processor time
    assert re.search(r"\b\d+ s (of processor time|by the clock)", refusal["message"])
    assert waiting(room) == []


@pytest.mark.slow
def test_what_waits_for_its_second_try_is_not_read_by_the_rest_of_its_batch(room):
    """The batch is given back in the middle, with a late document behind it."""
    stop_the_child(room)
    for number in range(3):
        room.write(f"seite{number}.html", html(h1=f"Der Deich hält, Tag {number}"))
    job = room.ordered(room.places(""))
    room.collected(job)
    (batch,) = waiting(room)
    held = room.claimed(batch["id"])
    captured, are_all = load_unread(room.archive, held)
    assert (len(captured), are_all) == (3, True)
    late = captured[0].observation_id
    store_readings(room.archive, held, [], decide_nothing, done=False, later=[late])
    rest = next(each for each in waiting(room) if each["id"] == batch["id"])
    assert late not in rest["arguments"]["items"]
    assert len(waiting(room)) == 2
    later(room)
    room.worked(job)
    later(room)
    assert room.worked(job) == Counts(new_articles=3, unchanged=1)


def decide_nothing(*_: object) -> None:
    raise AssertionError("nothing was read")


def test_a_worker_has_a_bounded_number_of_bytes_in_its_hands(room, monkeypatch):
    monkeypatch.setattr("storage.record.unread.MOST_UNREAD_BYTES", 300)
    for number in range(5):
        room.write(f"m{number}.txt", seed(f"Meldung {number}", "Wasser. " * 15 + str(number)))
    job = room.ordered(room.places(""))
    room.collected(job)
    (batch,) = waiting(room)
    held = room.claimed(batch["id"])
    captured, are_all = load_unread(room.archive, held)
    assert 0 < sum(len(each.raw) for each in captured) <= 300
    assert not are_all
    with room.archive.unit() as unit:
        queue.release(unit, held)
    assert room.worked(job) == Counts(new_articles=5)
