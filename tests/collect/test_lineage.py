"""Articles that move: one history under several addresses, joined with a reason, parted on demand."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from storage.cli.exits import run
from storage.similarity.signature import signature
from storage.values.redaction import RedactionReason
from storage.values.verdict import Counts
from storage.write.redaction.restrict import lift, restrict
from storage.write.undo import undo
from tests.collect.test_lists import rss
from tests.flow.driver import hour
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import Reply, page, redirect
from worker.cli.commands import app

SITE = "https://zeitung.example"
B = f"{SITE}/lokales/pegel-steigt-weiter"
C = f"{SITE}/archiv/pegel"
OTHER = (
    "Im Rathaus wird am Donnerstag über den Haushalt gestritten, es fehlen drei Millionen Euro.",
    "Die Opposition verlangt, das Schwimmbad zu schließen, die Mehrheit will es behalten.",
    "Entschieden wird erst nach der Sommerpause, sagte der Kämmerer am Rande der Sitzung.",
)


def pegel(paragraphs=PEGEL, title="Pegel der Lohe steigt", head: str = "") -> bytes:
    return page(title, paragraphs, head)


def articles(desk) -> list[tuple[str, list[str], int]]:
    query = "SELECT origin, origins, versions FROM articles ORDER BY origin"
    return [(r["origin"], sorted(r["origins"]), r["versions"]) for r in desk.rows(query)]


def lineages(desk) -> list[tuple[str, str, str]]:
    query = (
        "SELECT l.kind, a.origin AS a, b.origin AS b FROM lineage l JOIN origin a ON a.id = l.origin_id "
        "JOIN origin b ON b.id = l.to_origin_id ORDER BY l.id"
    )
    return [(r["kind"], r["a"], r["b"]) for r in desk.rows(query)]


def told(moment: float) -> str:
    return hour(moment).isoformat(timespec="microseconds")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_address_that_leads_on_is_the_article_it_leads_to(desk, status):
    desk.web.put(A, redirect(B, status))
    desk.web.put(B, pegel())
    assert desk.fetch(A, at=1) == Counts(new_articles=1)
    assert articles(desk) == [(B, sorted([A, B]), 1)]
    assert lineages(desk) == [("redirect", A, B)]
    found = {
        (o["origin"], o["outcome"], o["http_status"])
        for o in desk.observations()
        if "robots" not in o["origin"]
    }
    assert found == {(A, "redirected", status), (B, "content", 200)}
    hops = desk.one("SELECT hops FROM transfer WHERE address = :b", b=B)["hops"]
    assert hops == [{"address": A, "status": status, "location": B}]


def test_each_step_of_a_redirect_is_kept(desk):
    http = A.replace("https:", "http:")
    desk.web.put(http, redirect(A, 301))
    desk.web.put(
        "https://zeitung.example/lokales/pegel",
        lambda r: redirect(A, 301) if not r.is_tls else redirect(C, 302),
    )
    desk.web.put(C, pegel())
    assert desk.fetch(http, at=1) == Counts(new_articles=1)
    assert articles(desk) == [(C, sorted([http, A, C]), 1)]
    assert [o for o in desk.outcomes() if o == "redirected"] == ["redirected"] * 2


def test_a_slug_that_changes_goes_on_with_the_history(desk):
    desk.web.put(A, pegel())
    desk.fetch(A, at=1)
    desk.web.put(A, redirect(B, 301))
    desk.web.put(B, pegel(HIGHER))
    assert desk.fetch(A, at=2) == Counts(new_versions=1)
    assert articles(desk) == [(A, sorted([A, B]), 2)]
    (change,) = desk.rows("SELECT changed_after, changed_by FROM changes")
    assert (change["changed_after"], change["changed_by"]) == (told(1), told(2))


def test_an_address_that_leads_to_another_text_is_no_longer_the_article(desk):
    desk.web.put(A, pegel())
    desk.fetch(A, at=1)
    desk.web.put(A, redirect(f"{SITE}/politik/haushalt"))
    desk.web.put(f"{SITE}/politik/haushalt", page("Streit um den Haushalt", OTHER))
    assert desk.fetch(A, at=2) == Counts(new_articles=1)
    assert [each[2] for each in articles(desk)] == [1, 1]
    assert lineages(desk) == []
    assert desk.outcomes(A)[-1] == "redirected"


def test_two_articles_become_one_when_one_address_begins_to_lead_to_the_other(desk):
    desk.web.put(A, pegel())
    desk.web.put(B, pegel())
    desk.fetch(A, at=1)
    assert desk.fetch(B, at=2) == Counts(copies=1)
    desk.web.put(A, redirect(B, 301))
    assert desk.fetch(A, at=3) == Counts(unchanged=1)
    assert articles(desk) == [(A, sorted([A, B]), 1)]
    assert desk.one("SELECT first_seen, last_seen FROM articles") == {
        "first_seen": told(1),
        "last_seen": told(3),
    }
    assert desk.rows("SELECT * FROM relations WHERE a = b") == []


def test_the_cluster_of_copies_follows_an_article_that_moves_and_one_that_is_parted(desk):
    def together() -> list[str]:
        query = "SELECT origin FROM articles WHERE cluster IS NOT NULL ORDER BY origin"
        return [row["origin"] for row in desk.rows(query)]

    for at, address in enumerate((A, B, C), 1):
        desk.web.put(address, pegel())
        desk.fetch(address, at=at)
    assert together() == sorted([A, B, C])
    desk.web.put(B, redirect(C, 301))
    desk.fetch(B, at=4)
    assert articles(desk) == [(A, [A], 1), (B, sorted([B, C]), 1)]
    assert together() == [A, B]
    desk.web.put(A, redirect(C, 301))
    desk.fetch(A, at=5)
    assert together() == []
    assert desk.number("SELECT count(*) FROM cluster_member") == 0
    desk.archive.transact(undo, desk.number("SELECT max(id) FROM lineage"))
    assert articles(desk) == [(A, [A], 1), (B, sorted([B, C]), 1)]
    assert together() == [A, B]


def test_a_moved_article_is_asked_for_where_it_is(desk):
    desk.web.put(A, redirect(B, 301))
    desk.web.put(B, Reply(pegel(), has_validators=True))
    desk.watch_page(A)
    desk.due(at=1)
    desk.due(at=2)
    assert [(r.path, r.status) for r in desk.web.asked()] == [
        ("/lokales/pegel", 301), ("/lokales/pegel-steigt-weiter", 200), ("/lokales/pegel-steigt-weiter", 304),
    ]  # fmt: skip
    desk.web.put(B, Reply(b"", 410))
    desk.web.put(A, redirect(C, 301))
    desk.web.put(C, pegel())
    desk.due(at=10)
    assert desk.article(B)["state"] == "gone"
    desk.due(at=30)
    assert articles(desk) == [(B, sorted([A, B, C]), 1)]
    assert desk.article(B)["state"] == "present"


def test_a_canonical_link_is_believed_where_the_texts_agree(desk):
    link = f'<link rel="canonical" href="{B}">'
    desk.web.put(A, pegel(head=link))
    desk.fetch(A, at=1)
    assert articles(desk) == [(A, [A], 1)]
    desk.web.put(B, pegel(head=link))
    desk.fetch(B, at=2)
    desk.web.put(A, pegel(head=link + " "))
    desk.fetch(A, at=3)
    assert articles(desk) == [(A, sorted([A, B]), 1)]
    assert lineages(desk) == [("canonical", A, B)]


@pytest.mark.parametrize("order", [(A, B), (B, A)], ids=["claim first", "claim last"])
def test_a_canonical_link_to_an_equal_text_joins_in_either_order(desk, order):
    desk.web.put(A, pegel(head=f'<link rel="canonical" href="{B}">'))
    desk.web.put(B, pegel())
    for at, address in enumerate(order, 1):
        desk.fetch(address, at=at)
    assert articles(desk) == [(order[0], sorted([A, B]), 1)]
    assert lineages(desk) == [("canonical", A, B)]
    assert desk.rows("SELECT * FROM relations") == []
    desk.archive.transact(undo, desk.number("SELECT id FROM lineage"))
    assert len(articles(desk)) == 2
    desk.fetch(A, B, at=3)
    assert len(articles(desk)) == 2


def test_equal_texts_that_name_no_one_stay_two_articles(desk):
    for at, address in enumerate((A, B), 1):
        desk.web.put(address, pegel())
        desk.fetch(address, at=at)
    assert [each[2] for each in articles(desk)] == [1, 1]


def test_texts_at_two_addresses_are_signed_before_the_lock_is_taken(desk, monkeypatch):
    signed, units, real = [], [], desk.archive.unit

    @contextmanager
    def unit():
        with real() as each:
            units.append(each)
            yield each
        units.pop()

    def made(words):
        signed.append(bool(units))
        return signature(words)

    link = f'<link rel="canonical" href="{B}">'
    desk.web.put(A, pegel((*PEGEL, "Dies steht nur hier."), head=link))
    desk.web.put(B, pegel((*PEGEL, "Dies steht nur dort."), head=link))
    desk.fetch(B, at=1)
    monkeypatch.setattr(desk.archive, "unit", unit)
    monkeypatch.setattr("storage.similarity.signature.signature", made)
    monkeypatch.setattr("storage.similarity.signature._signed", OrderedDict())
    desk.fetch(A, at=2)
    assert articles(desk) == [(B, sorted([A, B]), 2)]
    assert signed
    assert not any(signed)


def test_a_canonical_link_to_another_text_is_not_believed(desk):
    desk.web.put(B, page("Streit um den Haushalt", OTHER))
    desk.fetch(B, at=1)
    desk.web.put(A, pegel(head=f'<link rel="canonical" href="{B}">'))
    assert desk.fetch(A, at=2) == Counts(new_articles=1)
    assert len(articles(desk)) == 2


def test_an_id_of_a_feed_joins_the_old_and_the_new_address(desk):
    feed = f"{SITE}/feed.xml"
    item = "<item><title>M</title><link>{}</link><guid isPermaLink='false'>urn:1</guid></item>"
    content_of_draft = (
        "<?xml version='1.0'?><rss version='2.0'><channel><title>Z</title>{}</channel></rss>"
    )
    desk.web.put(A, pegel())
    desk.web.put(feed, content_of_draft.format(item.format(A)))
    desk.watch_page(feed)
    desk.due(at=1)
    desk.web.remove(A)
    desk.web.put(B, pegel(HIGHER, title="Pegel steigt weiter"))
    desk.web.put(feed, content_of_draft.format(item.format(B)))
    desk.due(at=1.5)
    assert articles(desk) == [(A, sorted([A, B]), 2)]
    assert lineages(desk) == [("guid", A, B)]


def test_joined_articles_can_be_separated_and_stay_separate(desk):
    desk.web.put(A, pegel())
    desk.fetch(A, at=1)
    desk.web.put(A, redirect(B))
    desk.web.put(B, pegel(HIGHER))
    desk.fetch(A, at=2)
    number = desk.number("SELECT id FROM lineage")
    desk.archive.transact(undo, number, "eine andere Meldung")
    assert articles(desk) == [(A, [A], 1), (B, [B], 1)]
    assert desk.outcomes(A) == ["content", "redirected"]
    desk.archive.transact(undo, number)
    assert desk.number("SELECT count(*) FROM lineage_undone") == 1
    assert desk.fetch(A, at=3) == Counts(unchanged=1)
    assert articles(desk) == [(A, [A], 1), (B, [B], 1)]


def test_a_chain_parted_in_the_middle_falls_into_two(desk):
    for start, end in ((A, B), (B, C)):
        desk.web.put(start, redirect(end))
    desk.web.put(C, pegel())
    desk.fetch(A, at=1)
    joined = desk.rows("SELECT l.id, o.origin FROM lineage l JOIN origin o ON o.id = l.origin_id")
    assert {row["origin"] for row in joined} == {A, B}
    desk.archive.transact(undo, next(row["id"] for row in joined if row["origin"] == A))
    assert (C, sorted([B, C]), 1) in articles(desk)


def test_a_separated_part_is_named_after_the_address_where_its_text_was_first(desk):
    desk.web.put(C, pegel())
    desk.fetch(C, at=1)
    desk.web.put(A, redirect(B))
    desk.web.put(B, pegel(HIGHER))
    desk.fetch(A, at=2)
    desk.web.put(B, pegel(HIGHER, head=f'<link rel="canonical" href="{C}">'))
    desk.fetch(B, at=3)
    assert articles(desk) == [(C, sorted([A, B, C]), 2)]
    number = desk.number("SELECT id FROM lineage WHERE kind = 'canonical'")
    desk.archive.transact(undo, number)
    assert sorted(articles(desk)) == sorted([(C, [C], 1), (B, sorted([A, B]), 1)])


def test_an_entry_that_moved_in_a_feed_is_one_article(desk):
    feed = f"{SITE}/feed.xml"
    desk.web.put(A, pegel())
    desk.web.put(feed, rss(("M", A)))
    desk.watch_page(feed)
    desk.due(at=1)
    desk.web.put(A, redirect(B, 301))
    desk.web.put(B, pegel())
    desk.web.put(feed, rss(("M", B)))
    desk.due(at=1.5)
    assert articles(desk) == [(A, sorted([A, B]), 1)]


@contextmanager
def searches() -> Iterator[list[int]]:
    """Give a list that fills with the numbers after which versions are searched for titles."""
    known: list[int] = []

    def note(_connection, _cursor, statement, _parameters, context, _many) -> None:
        if "v.seq > " in statement:
            known.append(context.compiled_parameters[0]["known"])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield known
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [(A,), (B,), (A, B), ()], ids=["old", "new", "both", "none"])
def test_what_names_a_hidden_article_is_searched_before_the_lock_that_joins_it(desk, hidden):
    for address in (A, B):
        desk.web.put(address, pegel())
        desk.fetch(address, at=1)
    for address in hidden:
        article = desk.number(
            "SELECT article_id FROM article_origin ao JOIN origin o ON o.id = ao.origin_id "
            "WHERE o.origin = :address",
            address=address,
        )
        desk.archive.transact(restrict, [article], RedactionReason.MISTAKE, "ada")
    newest = desk.number("SELECT max(seq) FROM version")
    desk.web.put(A, redirect(B, 301))
    with searches() as known:
        desk.fetch(A, at=2)
    assert len(articles(desk)) == 1
    before, within = [each for each in known if each == 0], [each for each in known if each]
    assert (len(before), within) == ((2, [newest]) if hidden else (0, []))


@pytest.mark.slow
@pytest.mark.parametrize("is_lifted", [False, True], ids=["hidden", "shown again"])
def test_what_names_a_hidden_article_is_searched_before_the_lock_that_parts_it(desk, is_lifted):
    for at, reply in ((1, pegel()), (2, redirect(B, 301))):
        desk.web.put(A, reply)
        desk.web.put(B, pegel())
        desk.fetch(A, at=at)
    (article,) = desk.rows("SELECT id FROM article")
    desk.archive.transact(restrict, [article["id"]], RedactionReason.MISTAKE, "ada")
    if is_lifted:
        desk.archive.transact(lift, [article["id"]], "ada")
    number = desk.number("SELECT max(id) FROM lineage")
    with searches() as known:
        assert run(app, ["undo", str(number), "--archive", desk.url]) == 0
    assert len(articles(desk)) == 2
    newest = desk.number("SELECT max(seq) FROM version")
    before, *within = known or [0]
    assert before == 0
    assert len(within) == (0 if is_lifted else 2)
    assert all(0 < each < newest for each in within), "only what came in meanwhile is read"
