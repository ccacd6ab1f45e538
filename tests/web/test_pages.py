"""Watched pages: the outcome of each check, and its effect on the history."""

import pytest

from storage.read.archive import open_archive
from storage.values.verdict import Counts
from tests.flow.driver import hour
from tests.formats.pdfs import Line, pdf, text_lines
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import Reply, page, redirect
from worker.flow.order import target_at
from worker.flow.run_jobs import run_next_job

pytestmark = pytest.mark.starts_first


def told(moment: float) -> str:
    return hour(moment).isoformat(timespec="microseconds")


def pegel(paragraphs=PEGEL, **more) -> Reply:
    return Reply(page("Pegel der Lohe steigt", paragraphs), **more)


def test_a_page_is_fetched_read_and_kept_with_its_transfer(desk):
    desk.web.put(A, pegel(headers=(("X-Robots-Tag", "noai"),)))
    assert desk.fetch(A, at=1) == Counts(new_articles=1)
    article = desk.article(A)
    assert (article["title"], article["state"]) == ("Pegel der Lohe steigt", "present")
    assert article["first_seen"] == told(1)
    (row,) = desk.rows(
        "SELECT t.*, o.http_status FROM transfer t JOIN observation o ON o.id = t.observation_id "
        "WHERE o.outcome = 'captured'"
    )
    assert (row["address"], row["http_status"], row["tls_version"]) == (A, 200, "TLSv1.3")
    sent = dict(map(tuple, row["request"]["headers"]))
    assert sent["User-Agent"].startswith("Lesart/")
    assert "redaktion@archiv.example" in sent["User-Agent"]
    assert row["rights"]["x_robots_tag"] == ["noai"]
    assert row["rights"]["robots"]["allowed"] is True
    assert row["response_headers"][0] == [":status", "HTTP/1.1 200 Says So"]


def test_a_pdf_at_an_address_has_versions(desk):
    address = "https://zeitung.example/amtsblatt.pdf"

    def edition(level: str) -> Reply:
        lines = [f"Der Pegel der Lohe stieg am Dienstag auf {level} Meter.", "", "Der Deich hält."]
        raw = pdf([Line("Pegel der Lohe steigt", 780, size=18), *text_lines(lines)])
        return Reply(raw, type="application/pdf")

    desk.web.put(address, edition("3,6"))
    assert desk.fetch(address, at=1) == Counts(new_articles=1)
    desk.web.put(address, edition("36"))
    assert desk.fetch(address, at=2) == Counts(new_versions=1)
    (change,) = desk.rows("SELECT * FROM changes")
    assert (change["removed"], change["added"]) == (["3,6"], ["36"])
    assert desk.article(address)["title"] == "Pegel der Lohe steigt"


def test_a_change_lies_between_the_last_snapshot_of_the_old_and_the_first_of_the_new(desk):
    desk.web.put(A, pegel())
    desk.fetch(A, at=1)
    desk.fetch(A, at=2)
    desk.web.put(A, pegel(HIGHER))
    assert desk.fetch(A, at=3) == Counts(new_versions=1)
    desk.fetch(A, at=4)
    (change,) = desk.rows("SELECT * FROM changes")
    assert (change["changed_after"], change["changed_by"]) == (told(2), told(3))
    assert (change["removed"], change["added"], change["last_seen"]) == (["3,6"], ["36"], told(4))
    assert desk.outcomes(A) == ["content", "unchanged", "content", "unchanged"]


def test_a_page_that_shows_the_beginning_of_a_paid_text_is_kept_and_flagged(desk):
    locked = '<script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": false}</script>'
    title = "Pegel der Lohe steigt"
    desk.web.put(A, Reply(page(title, PEGEL[:1], locked)))
    assert desk.fetch(A, at=1) == Counts(new_articles=1)
    desk.web.put(A, Reply(page(title, PEGEL, locked)))
    assert desk.fetch(A, at=2) == Counts(new_versions=1)
    assert desk.outcomes(A) == ["content", "content"]
    with open_archive(desk.url) as archive:
        versions = [archive.version(f"{A}@{number}") for number in (1, 2)]
        assert desk.article(A)["state"] == "present"
    assert [v.fields["accessible_for_free"].value for v in versions] == [False, False]
    assert "teaser" in versions[0].flags


def test_a_server_with_validators_is_asked_only_for_changes(desk):
    desk.web.put(A, pegel(has_validators=True, changed_at=hour(0)))
    desk.fetch(A, at=1)
    assert desk.fetch(A, at=2) == Counts(unchanged=1)
    first, second = desk.web.asked("/lokales/pegel")
    assert second.headers["if-none-match"]
    assert second.headers["if-modified-since"]
    assert (first.status, second.status, second.sent) == (200, 304, 0)
    assert desk.outcomes(A) == ["content", "not_modified"]
    (observation,) = [o for o in desk.observations(A) if o["outcome"] == "not_modified"]
    assert (observation["version"], observation["http_status"]) == (1, 304)
    assert desk.one("SELECT last_seen FROM versions")["last_seen"] == told(2)


def test_the_same_bytes_are_not_read_again(desk):
    desk.web.put(A, pegel())
    desk.fetch(A, at=1)
    assert desk.fetch(A, at=2) == Counts(unchanged=1)
    assert desk.number("SELECT count(*) FROM derivation") == 1
    assert desk.number("SELECT count(*) FROM job WHERE kind = 'read'") == 1
    assert desk.outcomes(A) == ["content", "unchanged"]


@pytest.mark.parametrize("has_validators", [True, False], ids=["304", "same bytes"])
def test_a_page_that_no_one_has_read_is_not_unchanged(desk, has_validators):
    desk.web.put(A, pegel(has_validators=has_validators, changed_at=hour(0)))

    def fetched(at: float) -> int:
        desk.now = hour(at)
        job = desk.ordered([target_at(desk.archive, desk.settings, A)])
        for kind in ("ingest", "fetch"):
            assert run_next_job(desk.archive, desk.settings, desk.reader, families=job, kind=kind)
        return job

    first, second = fetched(1), fetched(2)
    assert desk.counts(second) == Counts()
    assert desk.done(first) == Counts(new_articles=1)
    assert desk.fetch(A, at=3) == Counts(unchanged=1)


def test_a_text_that_comes_back_is_a_third_version_of_the_first_wording(desk):
    for moment, paragraphs in enumerate((PEGEL, HIGHER, PEGEL), 1):
        desk.web.put(A, pegel(paragraphs, has_validators=True))
        desk.fetch(A, at=moment)
    versions = desk.rows("SELECT version, wording FROM versions ORDER BY version")
    assert [v["version"] for v in versions] == [1, 2, 3]
    assert versions[0]["wording"] == versions[2]["wording"] != versions[1]["wording"]


def test_tracking_parameters_make_no_second_article(desk):
    desk.web.put(A, pegel())
    desk.fetch(A, at=1)
    desk.fetch(f"{A}?utm_source=feed&fbclid=x#oben", at=2)
    assert desk.number("SELECT count(*) FROM articles") == 1
    assert [each.path for each in desk.web.asked()] == ["/lokales/pegel"] * 2


STATES = {
    "gone": (Reply(b"weg", 404), "gone", "gone", Counts(gone=1)),
    "gone for good": (Reply(b"weg", 410), "gone", "gone", Counts(gone=1)),
    "taken away by law": (Reply(b"weg", 451), "gone", "gone", Counts(gone=1)),
    "forbidden": (Reply(b"nein", 403), "blocked", "blocked", Counts(refused=1)),
    "asked for a password": (Reply(b"nein", 401), "blocked", "blocked", Counts(refused=1)),
    "throttled": (Reply(b"", 429), "rate_limited", "unreachable", Counts(failed=1)),
    "broken": (Reply(b"", 500), "unreachable", "unreachable", Counts(failed=1)),
    "down": (Reply(b"", 503), "unreachable", "unreachable", Counts(failed=1)),
    "hangs up": (Reply(pieces=[(0.0, b"")]), "unreachable", "unreachable", Counts(failed=1)),
    "breaks off": (Reply(pieces=[(0.0, b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<p>Der")]),
                   "unreachable", "unreachable", Counts(failed=1)),
    "leads to the front page": (redirect("/"), "not_article", "blocked", Counts(refused=1)),
    "leads in circles": (redirect("/lokales/pegel"), "refused", "present", Counts(refused=1)),
    "leads out of https": (redirect("http://bote.example/a"), "refused", "present", Counts(refused=1)),
    "leads to a file": (redirect("file:///etc/passwd"), "refused", "present", Counts(refused=1)),
    "leads nowhere": (Reply(b"", 302), "unreachable", "unreachable", Counts(failed=1)),
    "a check for robots": (Reply(page("Just a moment...", ["Checking your browser before accessing the site."])),
                           "blocked", "blocked", Counts(refused=1)),
    "a request for consent": (Reply(page("Zustimmung", ["Wir und unsere 247 Partner verwenden Cookies und brauchen Ihre Zustimmung."])),
                              "blocked", "blocked", Counts(refused=1)),
    "a soft 404": (Reply(page("Seite nicht gefunden", ["Die gesuchte Seite konnte leider nicht gefunden werden."])),
                   "not_article", "blocked", Counts(refused=1)),
    "nothing at all": (Reply(b""), "not_article", "blocked", Counts(refused=1)),
    "an empty page": (Reply(b"<html><body></body></html>"), "not_article", "blocked", Counts(refused=1)),
    "a document that is no page": (Reply(b"%PDF-1.7 ...", type="application/pdf"), "refused", "present", Counts(refused=1)),
    "a picture": (Reply(bytes(4000), type="image/png"), "refused", "present", Counts(refused=1)),
}  # fmt: skip


WALLS = {
    "forbidden": "it forbids it (403)",
    "a check for robots": "robot",
    "a request for consent": "consent",
    "a soft 404": "error page",
}


@pytest.mark.few_cases
@pytest.mark.parametrize("behaviour", STATES)
def test_a_page_without_an_article_is_a_typed_observation_and_no_version(desk, behaviour):
    reply, outcome, state, counts = STATES[behaviour]
    desk.web.put(A, pegel())
    desk.web.put("https://zeitung.example/", page("Die Zeitung", PEGEL))
    desk.fetch(A, at=1)
    desk.web.put(A, reply)
    assert desk.fetch(A, at=2) == counts
    article = desk.article(A)
    assert (article["versions"], article["state"]) == (1, state)
    assert article["last_seen"] == told(1)
    assert desk.outcomes(A)[-1] == outcome
    note = desk.observations(A)[-1]["note"]
    assert note, "it is said what stood in the way"
    if behaviour in WALLS:
        assert WALLS[behaviour] in note
    desk.web.put(A, pegel())
    assert desk.fetch(A, at=60) == Counts(unchanged=1)
    assert (desk.article(A)["state"], desk.article(A)["versions"]) == ("present", 1)


@pytest.mark.few_cases
@pytest.mark.parametrize("behaviour", STATES)
def test_an_address_that_never_was_an_article_is_listed_without_one(desk, behaviour):
    reply, outcome, _state, counts = STATES[behaviour]
    desk.web.put(A, reply)
    assert desk.fetch(A, at=1) == counts
    assert desk.number("SELECT count(*) FROM articles") == 0
    assert desk.outcomes(A)[-1] == outcome
    assert len(desk.codes()) == (0 if counts.gone else 1)
    assert [each["note"] for each in desk.observations(A) if each["origin"] == A][-1]
    desk.web.put(A, pegel())
    assert desk.fetch(A, at=60) == Counts(new_articles=1)
    assert desk.outcomes(A) == [outcome, "content"] if outcome != "refused" else True


def test_far_less_text_than_before_is_a_failure_of_reading_and_no_edit():
    from storage.values.draft import Draft, Extractor, Field, Paragraph
    from storage.values.verdict import NewVersion, OriginKnowledge, Refuse
    from worker.flow.decide import decide

    def draft(words: int, *flags: str) -> Draft:
        return Draft("Pegel", (Paragraph("text", "Der Pegel steigt."),), Extractor("a", "1", ""),
                     fields={"word_count": Field(words, "body")}, flags=flags)  # fmt: skip

    known = OriginKnowledge(True, is_version=True, elsewhere=None, words=300)
    verdict = decide(draft(60, "extraction_short"), known)
    assert isinstance(verdict, Refuse)
    assert verdict.refused.code == "not_article"
    assert decide(draft(60), known) == NewVersion(), "a text may become short"
    assert decide(draft(200, "extraction_loss"), known) == NewVersion()
    unfetched = OriginKnowledge(True, is_version=True, elsewhere=None)
    assert decide(draft(60, "extraction_short"), unfetched) == NewVersion()
