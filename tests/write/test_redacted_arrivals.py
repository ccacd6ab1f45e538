"""What was redacted is refused before it is stored, and a redaction does no more than it must."""

from collections import Counter

import pytest

from storage.history.changes import CaptureComparer
from storage.language.passage import Passage
from storage.record.reading import CapturedItem, Reading
from storage.record.suppression import SuppressionLookup
from storage.schedule import queue
from storage.values.arrivals.arrival import Arrival, FileStamp
from storage.values.net.addresses import AddressList, ListedAddress
from storage.write.redaction.passage import find_passage
from storage.write.redaction.plan import plan_of
from storage.write.redaction.scrub import due, scrub
from storage.write.redaction.without_redacted import (
    readings_without_redacted,
    refusal_of_redacted,
)
from tests.flow.driver import newsroom_at, seed
from tests.write.test_redaction import NAME, PUMPED, redact, target
from worker.cli.redactions import prepare_reading

GONE, EMPTIED = f"seed:presse/{NAME}.txt", "seed:presse/b.txt"


@pytest.fixture
def redacted_room(room):
    """Give a newsroom of two redacted articles, of which one has lost its address, too."""
    room.write(f"{NAME}.txt", seed("Wer da war", "Jemand sah es.", "Niemand sonst."))
    room.write("b.txt", seed("Ganz anderes", "Davon steht hier nichts."))
    room.scan(0)
    redact(room, [target(room, EMPTIED)])
    redact(room, [target(room, GONE)], with_addresses=True)
    return room


def test_a_cancelled_job_keeps_no_address_that_was_redacted(redacted_room):
    late = redacted_room.ordered(redacted_room.places(f"{NAME}.txt", "b.txt"))
    assert redacted_room.archive.transact(queue.cancel, late) == 1
    left = redacted_room.one("SELECT arguments FROM job WHERE id = :n", n=late)["arguments"]
    assert [each["locator"] for each in left["places"]] == [str(redacted_room.folder / "b.txt")]


@pytest.mark.parametrize(("origin", "is_refused"), [(GONE, True), (EMPTIED, False)])
def test_a_file_is_refused_by_its_address_without_a_name(redacted_room, origin, is_refused):
    with redacted_room.archive.read_connection() as connection:
        redacted = SuppressionLookup(connection).all_addresses()
    arrival = Arrival(origin, origin, origin, "", FileStamp(1, 1, 1, 1), redacted_room.now)
    bare = refusal_of_redacted(arrival, redacted)
    assert (bare is not None) == is_refused
    if bare is not None:
        assert bare.refused is not None
        assert bare.refused.code == "redacted"
        assert NAME not in str(bare)


def test_a_list_with_a_redacted_title_is_stored_without_it_and_reported(redacted_room):
    entries = {EMPTIED: "Ganz anderes", "https://zeitung.example/c": "Meldung"}
    named = tuple(ListedAddress(at, at, "page", hints={"title": t}) for at, t in entries.items())
    item = CapturedItem(5, 4, 1, 1, "https://zeitung.example/feed.xml", redacted_room.now, {}, b"")
    reading = Reading(item, AddressList("feed", named), "feed")
    with redacted_room.archive.read_connection() as connection:
        (left,), returned = readings_without_redacted(connection, [reading])
    assert isinstance(left.outcome, AddressList)
    assert [each.hints for each in left.outcome.named] == [{}, {"title": "Meldung"}]
    act = redacted_room.number("SELECT min(id) FROM redaction")
    assert [(each.capture_id, each.observation_id) for each in returned] == [(4, 5)]
    assert returned[0].act_id == act


def test_only_steps_next_to_a_redacted_passage_are_compared_again(room, monkeypatch):
    for hour, who in enumerate(("Ada Zwölfkern", "Jemand", "Niemand", "Keiner")):
        room.write("a.txt", seed("Am Pegel", f"{who} sagte: Der Pegel steigt.", PUMPED))
        room.scan(hour)
    compared: Counter[str] = Counter()
    monkeypatch.setattr(CaptureComparer, "compare", lambda *_: compared.update(["step"]))
    with room.archive.read_connection() as connection:
        one = [target(room, "seed:presse/a.txt")]
        plan = plan_of(connection, one, with_copies=False)
        hits = find_passage(connection, plan, Passage.parse("Ada Zwölfkern"), prepare_reading)
    assert (len(hits.readings), compared["step"]) == (1, 1)


def test_the_index_is_merged_in_portions_before_the_file_is_rewritten(tmp_path):
    """The last merge would else hold the lock for as long as the whole index takes."""
    told: list[tuple[str, int]] = []
    with newsroom_at(f"sqlite:///{tmp_path / 'lesart.sqlite3'}", tmp_path) as room:
        for hour in range(2):
            room.write(f"{hour}.txt", seed(f"Am Pegel {hour}", f"Um {hour} Uhr. {PUMPED}"))
            room.scan(hour)
        redact(room, [target(room, "seed:presse/0.txt")])
        scrub(room.archive.engine, lambda what, number: told.append((what, number)))
        assert due(room.archive.engine) is None
    assert told[0][0] == "index merged"
    assert told[0][1] > 1, "two parts were there"
