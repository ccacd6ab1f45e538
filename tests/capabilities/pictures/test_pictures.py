"""The photos of an article are stored once, and what became of each is stated."""

from hashlib import sha256

import pytest

from storage.language.passage import Passage
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles, redact_passage
from tests.capabilities.pictures.photos import (
    CAPTION,
    LEAD,
    PAGE,
    SECOND,
    PictureDesk,
    page_with,
    photo,
    picture,
    small_bomb,
)
from tests.web.desk import HIGHER, PEGEL
from tests.web.site import redirect
from worker.capabilities.pictures import requests
from worker.cli.redactions import prepare_reading


@pytest.fixture
def room(desk):
    return PictureDesk(desk)


def test_a_picture_is_stored_with_size_hash_caption_and_credit(room):
    raw = photo()
    room.desk.web.put(LEAD, picture(raw))
    (found,) = room.see(page_with())
    assert (found["event"], found["position"], found["version"]) == ("first", 0, 1)
    assert (found["caption"], found["credit"]) == (CAPTION, "Ada Kern")
    assert (found["width"], found["height"], found["media_type"]) == (960, 640, "image/jpeg")
    assert found["digest"] == sha256(raw).hexdigest()
    assert len(found["pdq"]) == 64


CHANGES = {
    "same": (photo(), {}),
    "scaled": (photo(quality=40), {}),
    "cropped": (photo(part=True), {}),
    "swapped": (photo(2), {}),
    "caption": (photo(), {"caption": "Der Deich am Morgen."}),
    "unread": (b"<html>", {}),
}


@pytest.mark.few_cases
@pytest.mark.parametrize("event", CHANGES)
def test_each_new_version_states_what_became_of_the_picture(room, event):
    room.desk.web.put(LEAD, picture(photo()))
    (first,) = room.see(page_with())
    raw, words = CHANGES[event]
    room.desk.web.put(LEAD, picture(raw))
    (second,) = room.see(page_with(*HIGHER, **words))
    assert (second["event"], second["before"], second["version"]) == (event, first["id"], 2)


def test_a_photo_is_swapped_without_a_word_and_an_unread_one_hides_no_swap(room):
    room.desk.web.put(LEAD, picture(photo()))
    room.see(page_with())
    other = LEAD.replace("pegel", "anderes")
    (unread,) = room.see(page_with(lead=other))
    assert (unread["event"], unread["refused"], unread["version"]) == ("unread", "answered_404", 1)
    room.desk.web.put(SECOND, picture(photo(2)))
    assert room.events(page_with(lead=SECOND)) == ["swapped"]


def test_pictures_are_added_and_removed_and_an_unchanged_page_requests_nothing(room):
    room.desk.web.put(LEAD, picture(photo()))
    room.desk.web.put(SECOND, picture(photo(2)))
    assert room.events(page_with(second=SECOND)) == ["first", "first"]
    asked = len(room.desk.web.asked())
    assert room.events(page_with(second=SECOND)) == []
    assert len(room.desk.web.asked()) == asked + 1  # the page alone
    assert room.events(page_with()) == ["same", "removed"]
    assert room.events(page_with(second=SECOND)) == ["same", "added"]
    assert room.desk.number("SELECT count(DISTINCT capture_id) FROM article_picture") == 2
    assert room.events(page_with(lead=None)) == ["removed", "removed"]


def test_pictures_obey_robots_declarations_sizes_and_redirects(room):
    web = room.desk.web
    web.put("http://zeitung.example/robots.txt", "User-agent: *\nDisallow: /geheim/")
    secret = "http://zeitung.example/geheim/bild"
    web.put(secret, picture(photo()))
    (found,) = room.see(page_with(lead=secret))
    assert found["refused"] == "disallowed_by_robots"
    assert web.asked("/geheim/bild") == []
    web.put(LEAD, redirect(SECOND))
    web.put(SECOND, picture(photo()))
    (found,) = room.see(page_with(lead=LEAD))
    assert found["digest"] == sha256(photo()).hexdigest()
    web.put(SECOND, picture(photo(2)).with_header("X-Robots-Tag", "noimageindex"))
    (found,) = room.see(page_with(*HIGHER, lead=SECOND))
    assert found["refused"] == "declared"
    (found,) = room.see(page_with(lead="http://127.0.0.1:9/bild"))
    assert found["refused"] is not None


@pytest.mark.parametrize(
    ("raw", "code"),
    [(small_bomb(), "too_many_pixels"), (photo()[:900], "unreadable"), (b"<svg/>", "unreadable")],
    ids=["bomb", "cut", "svg"],
)
def test_what_cannot_be_decoded_within_bounds_is_not_stored(room, raw, code):
    room.desk.web.put(LEAD, picture(raw))
    (found,) = room.see(page_with())
    assert (found["event"], found["refused"], found["digest"]) == ("unread", code, None)
    assert room.desk.number("SELECT count(*) FROM capture WHERE size > 5000 OR size < 10") == 0


def test_nothing_is_requested_without_the_setting_beyond_the_day_or_for_private_pages(desk):
    room = PictureDesk(desk, budget=None)
    room.desk.web.put(LEAD, picture(photo()))
    assert room.see(page_with()) == []
    room = PictureDesk(desk, budget=1000)
    room.hours = 4
    *_earlier, found = room.see(page_with(*HIGHER))
    assert (found["event"], found["refused"]) == ("unread", "too_large")
    declared = page_with(*HIGHER).replace(
        b"<head>", b'<head><meta name="robots" content="noimageindex">'
    )
    assert room.see(declared, "http://zeitung.example/rechte") == []


@pytest.mark.slow
def test_a_redaction_empties_pictures_and_bytes_that_no_other_page_shows(room):
    room.desk.web.put(LEAD, picture(photo()))
    room.desk.web.put(SECOND, picture(photo(2)))
    room.see(page_with(second=SECOND))
    other = "http://zeitung.example/zwei"
    room.see(page_with(*reversed(PEGEL), lead=SECOND), other)

    def kept() -> list[str]:
        held = room.desk.rows("SELECT digest FROM capture WHERE data IS NOT NULL")
        return [
            n for n in (1, 2) if sha256(photo(n)).digest() in {bytes(r["digest"]) for r in held}
        ]

    assert kept() == [1, 2]
    numbers = {
        row["origin"]: row["id"] for row in room.desk.rows(
            "SELECT a.id, o.origin FROM article a JOIN article_origin ao ON ao.article_id = a.id "
            "JOIN origin o ON o.id = ao.origin_id"
        )
    }  # fmt: skip
    erase = (RedactionReason.COURT_ORDER, "ada")
    redact_articles(room.desk.archive, [RedactionTarget(numbers[PAGE])], *erase)
    assert kept() == [2]
    (left,) = room.desk.rows("SELECT * FROM pictures")
    assert left["origin"] == other
    redact_articles(room.desk.archive, [RedactionTarget(numbers[other])], *erase)
    assert (kept(), room.desk.rows("SELECT * FROM pictures")) == ([], [])
    third = "http://zeitung.example/drei"
    seen = room.see(
        page_with("Ein anderer Text über den Hafen der Stadt.", *PEGEL[2:], lead=LEAD), third
    )
    assert (seen, kept()) == ([], [])  # redacted bytes do not return


def test_a_caption_that_is_redacted_during_the_request_is_not_stored(room, monkeypatch):
    room.desk.web.put(LEAD, picture(photo()))
    fetched = requests._PageWork._fetch_all

    def redact_meanwhile(work, *given):
        found = fetched(work, *given)
        monkeypatch.setattr(requests._PageWork, "_fetch_all", fetched)
        (article,) = room.desk.rows("SELECT id FROM article")
        redact_passage(
            room.desk.archive, [RedactionTarget(article["id"])], Passage.parse(CAPTION),
            RedactionReason.COURT_ORDER, "ada", prepare_reading,
        )  # fmt: skip
        return found

    monkeypatch.setattr(requests._PageWork, "_fetch_all", redact_meanwhile)
    room.check(page_with())
    (found,) = room.desk.rows("SELECT 'Caption: ' || caption AS words, digest FROM pictures")
    assert CAPTION not in found["words"]
    assert found["digest"] == sha256(photo()).hexdigest()
