"""Bytes are deleted after their retention period; texts, digests and proofs stay, and repetitions are recognised."""

from datetime import timedelta

import pytest

from storage.read.archive import open_archive
from storage.values.errors import RedactedError
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import drop_overdue_bytes, redact_articles
from tests.flow.driver import Newsroom, seed

DAY = 86_400.0
VERSIONS = "SELECT article, version, wording, text, raw_digest FROM versions ORDER BY 1, 2"
PUMPED = "Die Feuerwehr kam am Morgen und pumpte Keller leer."


@pytest.fixture
def kept(room: Newsroom) -> Newsroom:
    room.write("a.txt", seed("Pegel steigt", "Der Pegel stieg.", PUMPED))
    room.write("leer.txt", "")
    room.scan(0)
    room.write("a.txt", seed("Pegel fällt", "Der Pegel fiel.", PUMPED))
    room.write("b.txt", seed("Ganz anderes", "Davon steht hier nichts."))
    room.scan(48)
    room.now += timedelta(hours=1)
    return room


def with_bytes(room: Newsroom) -> int:
    return room.number("SELECT count(*) FROM capture WHERE data IS NOT NULL")


def test_bytes_whose_time_is_over_go_and_the_rest_stays(kept):
    before = kept.rows(VERSIONS)
    held = with_bytes(kept)
    (told,) = [
        each for each in drop_overdue_bytes(kept.archive, DAY, dry_run=True) if each["captures"]
    ]
    assert (told["captures"], with_bytes(kept)) == (1, held), "nothing was changed"
    assert drop_overdue_bytes(kept.archive, None) == [], "without a rule all is kept"
    drop_overdue_bytes(kept.archive, DAY)
    assert with_bytes(kept) == held - 1, "one is old and was read; an empty file is kept"
    assert kept.rows(VERSIONS) == before
    assert kept.findings() == []
    reasons = kept.rows("SELECT DISTINCT reason, table_name FROM redaction")
    assert reasons == [{"reason": "retention", "table_name": "capture"}]
    with open_archive(kept.url) as archive:
        assert archive.version("seed:presse/a.txt@1").text is not None
        with pytest.raises(RedactedError):
            archive.raw("seed:presse/a.txt@1")


def test_the_rule_of_a_source_goes_before_that_of_all(kept):
    kept.archive.change_source("presse", options={"retain_captures": 30 * DAY})
    assert sum(each["captures"] for each in drop_overdue_bytes(kept.archive, DAY)) == 0
    kept.archive.change_source("presse", options={"retain_captures": DAY})
    assert sum(each["captures"] for each in drop_overdue_bytes(kept.archive, None)) == 1


LEAPS = {
    "an hour": (1,),
    "a day": (24,),
    "20 days": (480,),
    "400 days": (9600,),
    "400 days, and again": (9600, 9636, 9638.4),
    "400 days, then right": (9600, 2),
    "400 days, then back": (9600, -48),
}


@pytest.mark.few_cases
@pytest.mark.parametrize("hours", LEAPS.values(), ids=LEAPS)
def test_a_clock_that_leaps_deletes_nothing_that_is_new(room, hours):
    room.write("a.txt", seed("Pegel steigt", "Der Pegel stieg.", PUMPED))
    room.scan(0)
    for at in hours:
        room.scan(at)
        assert drop_overdue_bytes(room.archive, 20 * DAY) == [
            {"source": "presse", "captures": 0, "bytes": 0}
        ]
    assert with_bytes(room) == 1


def test_bytes_go_when_the_archive_worked_on_for_their_time_and_by_command_by_the_clock(room):
    room.write("a.txt", seed("Pegel steigt", "Der Pegel stieg.", PUMPED))
    room.write("b.txt", seed("Ganz anderes", "Davon steht hier nichts."))
    room.scan(0)
    room.remove("b.txt")
    for day in (2, 4, 6, 8):
        assert sum(x["captures"] for x in drop_overdue_bytes(room.archive, 7 * DAY)) == 0
        room.scan(24 * day)
    dropped = drop_overdue_bytes(room.archive, 7 * DAY)
    assert sum(each["captures"] for each in dropped) == 2
    room.write("c.txt", seed("Noch etwas", "Das steht erst seit heute da."))
    room.scan(24 * 9)
    room.scan(24 * 29)
    assert sum(x["captures"] for x in drop_overdue_bytes(room.archive, 7 * DAY)) == 0
    assert sum(x["captures"] for x in drop_overdue_bytes(room.archive, 7 * DAY, by_clock=True)) == 1


def test_bytes_that_a_clock_ahead_captured_go_in_time(room):
    room.write("a.txt", seed("Pegel steigt", "Der Pegel stieg.", PUMPED))
    room.scan(0)
    room.write("a.txt", seed("Pegel fällt", "Der Pegel fiel.", PUMPED))
    room.scan(9600)
    for day in (1, 2, 3):
        room.scan(24 * day)
    assert sum(x["captures"] for x in drop_overdue_bytes(room.archive, 1.5 * DAY)) == 2


@pytest.mark.slow
def test_bytes_that_come_back_are_known_by_the_text_that_was_read(kept):
    drop_overdue_bytes(kept.archive, DAY)
    kept.write("a.txt", seed("Pegel steigt", "Der Pegel stieg.", PUMPED))
    assert kept.scan(72).new_versions == 1
    steigt, faellt = "Der Pegel stieg.\n\n" + PUMPED, "Der Pegel fiel.\n\n" + PUMPED
    told = kept.rows(
        "SELECT v.text FROM versions v JOIN articles a ON a.article = v.article "
        "WHERE a.origin = 'seed:presse/a.txt' ORDER BY v.version"
    )
    assert [row["text"] for row in told] == [steigt, faellt, steigt]
    waiting = "SELECT count(*) FROM observation o LEFT JOIN verdict d ON d.observation_id = o.id "
    assert kept.number(waiting + "WHERE d.id IS NULL AND o.outcome = 'captured'") == 0
    assert kept.number("SELECT count(*) FROM derivation WHERE wording_id IS NOT NULL") == 3
    assert kept.findings() == []


@pytest.mark.slow
def test_what_lost_its_bytes_can_still_be_redacted_whole(kept):
    drop_overdue_bytes(kept.archive, DAY)
    article = kept.number(
        "SELECT a.id FROM article a JOIN origin o ON o.id = a.origin_id "
        "WHERE o.origin = 'seed:presse/a.txt'"
    )
    digest = "SELECT count(*) FROM capture WHERE length(digest) = 32 AND data IS NULL"
    assert kept.number(digest) == 1
    redact_articles(kept.archive, [RedactionTarget(article)], RedactionReason.GDPR_ERASURE, "ada")
    kept.write("a.txt", seed("Pegel steigt", "Der Pegel stieg.", PUMPED))
    assert kept.scan(72).refused == 2, "the same bytes do not come back; the empty file is refused"
    assert kept.findings() == []
