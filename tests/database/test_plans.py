"""Repeated queries are answered by indexes, so that they cost the same at any size."""

import pytest

from storage.capabilities.alert_sending import outbox
from storage.database.outgoing import QUEUES, claim, free_abandoned
from storage.database.unit import utc_now
from storage.history.lineages import regroup
from storage.proof import log
from storage.schedule.wake import wake_due
from storage.schedule.watches import due_watches
from storage.write.index import index_backlog, relate_backlog
from tests.flow.driver import SENTENCES, Newsroom, seed
from tests.history.test_noise import BOX, others, see, see_page, text
from tests.plans import whole_scans_of

pytestmark = pytest.mark.postgresql("fast")

SMALL = frozenset(
    {
        "archive",
        "clock_correction",
        "counter",
        "person_redaction",
        "relation_due",
        "search_due",
        "source",
        "stamp_request",
        "suppression",
    }
)
"""Tables that do not grow with what an archive holds, or are emptied as the work goes on; that of
redacted contents grows with redactions alone."""
FILES = 12


def write(room: Newsroom, edit: int) -> None:
    for number in range(FILES):
        own = f"Am Damm {number} stieg der Pegel um {edit + number} Zentimeter."
        room.write(f"{number}.txt", seed(f"Pegel am Damm {number}", own, SENTENCES[number % 3]))


def scanned(
    scans: list[tuple[str, str]], more: frozenset[str] = frozenset()
) -> set[tuple[str, str]]:
    return {(name, statement) for name, statement in scans if name not in SMALL | more}


def test_a_batch_is_kept_without_reading_any_table_whole(room):
    write(room, 0)
    room.scan(0)
    with whole_scans_of(room.archive.engine) as scans:
        write(room, 1000)
        room.write("neu.txt", seed("Neues vom Damm", SENTENCES[1], SENTENCES[3]))
        assert room.scan(1).new_versions == FILES
        with room.archive.engine.begin() as connection:
            wake_due(connection, 10)
        index_backlog(room.archive)
        relate_backlog(room.archive)
        log.append(room.archive.engine, room.archive.clock)
    assert scanned(scans) == set()


def test_a_site_is_asked_about_a_box_without_reading_any_table_whole(room):
    others(room, 0)
    see_page(room, 0, text(*SENTENCES[:2]))
    with whole_scans_of(room.archive.engine) as scans:
        assert see_page(room, 1, text(SENTENCES[0], BOX, SENTENCES[1])).unchanged == 1
    assert scanned(scans) == set()


def test_frequent_queries_read_no_table_whole(room):
    with whole_scans_of(room.archive.engine) as scans:
        with room.archive.engine.begin() as connection:
            due_watches(connection, utc_now(), 10)
        outbox.waits(room.archive.engine)
        for queue in QUEUES:
            free_abandoned(room.archive.engine, queue)
            claim(room.archive.engine, queue)
    assert scanned(scans, frozenset({"alert"})) == set()


def test_addresses_of_one_article_are_brought_together_without_reading_any_table_whole(room):
    first, second = "https://lohebote.example/a", "https://lohebote.example/b"
    see(room, 0, text(*SENTENCES[:2]), first)
    see(room, 0, text(*SENTENCES[:2]), second)
    origins = [row["id"] for row in room.rows("SELECT id FROM origin WHERE origin LIKE 'https:%'")]
    with whole_scans_of(room.archive.engine) as scans, room.archive.unit() as unit:
        regroup(unit, origins)
    assert scanned(scans) == set()
