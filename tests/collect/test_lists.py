"""Entries of feeds, sitemaps and lists of addresses are checked, repeatedly."""

import gzip

import pytest

from storage.database.capture_store import StoredBytes, load
from storage.values.redaction import RedactionReason
from storage.values.verdict import Counts
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from tests.flow.driver import hour
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import Reply, page, redirect
from worker.errors import LocatorError
from worker.flow.standing_sources import watch_feeds

SITE = "https://zeitung.example"
FEED = f"{SITE}/feed.xml"
TEXTS = {
    n: [f"In Lohsand wurden am Montag {n} Körbe Krabben angelandet, sagte die Genossenschaft.",
        f"Vor einer Woche waren es {n + 40} gewesen; der Preis stieg um {n} Cent je Kilo.",
        f"Die Kutter fahren wieder aus, sobald der Wind unter Stärke {n % 4 + 3} sinkt, hieß es."]
    for n in range(1, 9)
}  # fmt: skip


def address(n: int) -> str:
    return f"{SITE}/fischerei/meldung-{n}"


def publish(desk, *numbers: int) -> None:
    for n in numbers:
        desk.web.put(
            address(n), Reply(page(f"Meldung {n} vom Hafen", TEXTS[n]), has_validators=True)
        )


def rss(*items: tuple[str, str], **more: str) -> bytes:
    told = "".join(
        f"<item><title>{title}</title><link>{link}</link><guid isPermaLink='false'>{link}</guid>"
        f"<pubDate>Tue, 18 Jun 2024 05:30:00 +0200</pubDate><author>red@zeitung.example (Ada Kern)</author>"
        f"<category>Fischerei</category></item>"
        for title, link in items
    )  # fmt: skip
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>Zeitung</title>{told}</channel></rss>".encode()


def atom(*links: str) -> bytes:
    told = "".join(
        f"<entry><title>M</title><id>{e}</id><link href='{e}'/><updated>2024-06-18T05:00:00Z</updated></entry>"
        for e in links
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Zeitung</title>{told}</feed>".encode()


def json_feed(*links: str) -> bytes:
    items = ",".join(f'{{"id": "{e}", "url": "{e}", "title": "M"}}' for e in links)
    return f'{{"version": "https://jsonfeed.org/version/1.1", "title": "Z", "items": [{items}]}}'.encode()


def sitemap(*links: str, lastmod: str = "2024-06-18T05:00:00Z") -> bytes:
    told = "".join(f"<url><loc>{e}</loc><lastmod>{lastmod}</lastmod></url>" for e in links)
    return f"<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{told}</urlset>".encode()


def index(*links: str) -> bytes:
    told = "".join(f"<sitemap><loc>{e}</loc></sitemap>" for e in links)
    return f"<?xml version='1.0'?><sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{told}</sitemapindex>".encode()


def opml(*links: str) -> str:
    told = "".join(
        f"<outline type='rss' text='Feed {n}' xmlUrl='{e}'/>" for n, e in enumerate(links)
    )
    return f"<?xml version='1.0'?><opml version='2.0'><body>{told}</body></opml>"


def titles(desk) -> list[str]:
    return [row["title"] for row in desk.rows("SELECT title FROM articles ORDER BY title")]


LISTS = {
    "RSS": lambda *links: Reply(rss(*(("M", e) for e in links)), type="application/rss+xml"),
    "Atom": lambda *links: Reply(atom(*links), type="application/atom+xml"),
    "a JSON feed": lambda *links: Reply(json_feed(*links), type="application/feed+json"),
    "RSS called a page": lambda *links: Reply(rss(*(("M", e) for e in links)), type="text/html"),
    "a sitemap": lambda *links: Reply(sitemap(*links), type="application/xml"),
    "a gzipped sitemap": lambda *links: Reply(gzip.compress(sitemap(*links)), type="application/x-gzip"),
    "a list of addresses": lambda *links: Reply("\n".join(["# Hafen", *links]).encode(), type="text/plain"),
}  # fmt: skip


@pytest.mark.few_cases
@pytest.mark.parametrize("kind", LISTS)
def test_the_entries_of_a_list_are_checked(desk, kind):
    publish(desk, 1, 2, 3)
    desk.web.put(FEED, LISTS[kind](address(1), address(2), address(3)))
    assert desk.fetch(FEED, at=1) == Counts(new_articles=3)
    assert titles(desk) == [f"Meldung {n} vom Hafen" for n in (1, 2, 3)]
    assert "content" in desk.outcomes(FEED)


@pytest.mark.few_cases
@pytest.mark.parametrize("kind", LISTS)
def test_a_watched_list_yields_new_entries(desk, kind):
    publish(desk, 1, 2)
    desk.web.put(FEED, LISTS[kind](address(1)))
    desk.watch_page(FEED)
    assert desk.due(at=1) == Counts(new_articles=1)
    desk.web.put(FEED, LISTS[kind](address(1), address(2)))
    assert desk.due(at=3).new_articles == 1
    assert len(titles(desk)) == 2


def test_a_value_of_a_feed_is_a_candidate_and_never_part_of_the_wording(desk):
    publish(desk, 1)
    desk.web.put(FEED, rss(("Andere Überschrift", address(1))))
    desk.fetch(FEED, at=1)
    (article,) = desk.rows("SELECT title, published FROM articles")
    assert (article["title"], article["published"]) == (
        "Meldung 1 vom Hafen",
        "2024-06-18T05:30:00",
    )
    fields = {row["name"]: row for row in desk.rows("SELECT * FROM fields")}
    assert {"value": "Andere Überschrift", "found_in": "feed title"} in fields["title"][
        "candidates"
    ]
    assert (fields["authors"]["value"], fields["authors"]["found_in"]) == (
        ["Ada Kern"],
        "feed authors",
    )
    assert fields["published"]["found_in"] == "feed published"


def test_a_date_beyond_the_calendar_does_not_stop_a_feed(desk):
    publish(desk, 1)
    last = b"Fri, 31 Dec 9999 23:30:00 -0200"
    raw = rss(("M", address(1))).replace(b"Tue, 18 Jun 2024 05:30:00 +0200", last)
    desk.web.put(FEED, raw)
    assert desk.fetch(FEED, at=1) == Counts(new_articles=1)


def test_an_index_of_sitemaps_leads_to_all_of_them(desk):
    publish(desk, 1, 2)
    desk.web.put(
        f"{SITE}/sitemap.xml", index(f"{SITE}/a.xml", f"{SITE}/b.xml", f"{SITE}/sitemap.xml")
    )
    desk.web.put(f"{SITE}/a.xml", sitemap(address(1)))
    desk.web.put(f"{SITE}/b.xml", sitemap(address(2)))
    assert desk.fetch(f"{SITE}/sitemap.xml", at=1) == Counts(new_articles=2)


def test_a_sitemap_that_reports_a_change_makes_the_page_due(desk):
    publish(desk, 1)
    desk.web.put(FEED, sitemap(address(1), lastmod="2024-01-01T00:00:00Z"))
    desk.watch_page(FEED, every_seconds=3600.0)
    desk.due(at=1)
    desk.web.put(FEED, sitemap(address(1), lastmod="2024-01-02T00:00:00Z"))
    asked = len(desk.web.asked("/fischerei/meldung-1"))
    desk.due(at=2.5)
    assert len(desk.web.asked("/fischerei/meldung-1")) == asked
    desk.web.put(FEED, sitemap(address(1), lastmod=hour(3).isoformat()))
    desk.due(at=4)
    assert len(desk.web.asked("/fischerei/meldung-1")) == asked + 1


def test_a_feed_that_did_not_change_costs_no_body_and_is_not_read_again(desk):
    publish(desk, 1)
    desk.web.put(FEED, Reply(rss(("M", address(1))), has_validators=True))
    desk.watch_page(FEED, options={"recheck": {"off": True}})
    desk.due(at=1)
    desk.due(at=2)
    assert [each.status for each in desk.web.asked("/feed.xml")] == [200, 304]
    assert desk.outcomes(FEED) == ["content", "not_modified"]
    assert desk.number("SELECT count(*) FROM verdict WHERE kind = 'listed'") == 1


BROKEN = {
    "no feed any more": (b"<rss", "feed_invalid"),
    "a page": (page("Wartung", ["Wir sind gleich wieder da."]), "feed_invalid"),
    "a bomb": (b"<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;'>]><rss>&d;</rss>", "xml_unsafe"),
    "an entity that reads a file": (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><rss>&b;</rss>", "xml_unsafe"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_feed_that_cannot_be_read_is_refused_with_a_code_and_its_bytes_kept(desk, kind):
    raw, code = BROKEN[kind]
    publish(desk, 1)
    desk.web.put(FEED, rss(("M", address(1))))
    desk.watch_page(FEED)
    desk.due(at=1)
    desk.web.put(FEED, raw)
    assert desk.due(at=3).refused == 1
    (refusal,) = desk.rows("SELECT code, kept, locator FROM refusals")
    assert (refusal["code"], bool(refusal["kept"]), refusal["locator"]) == (code, True, FEED)
    desk.web.put(FEED, rss(("M", address(1))))
    desk.due(at=30)
    assert desk.outcomes(FEED)[-1] == "content"


def test_bad_entries_are_refused_alone(desk):
    publish(desk, 1)
    desk.web.put(
        FEED,
        rss(
            ("M", address(1)),
            ("böse", "file:///etc/passwd"),
            ("schlau", "http://a:b@zeitung.example/"),
        ),
    )
    assert desk.fetch(FEED, at=1) == Counts(new_articles=1, refused=2)
    assert sorted(desk.codes()) == ["url_invalid", "url_scheme"]


def test_a_public_feed_names_no_server_of_ones_own(desk):
    from worker.sources.listings.listing import read_listing

    own = {("wiki.intern", 443)}
    listing = read_listing("feed", rss(("M", "https://wiki.intern/geheim")), "https://oeffentlich.example/feed", None,
                           lambda host, port: (host, port) in own)  # fmt: skip
    assert [refused.code for _n, refused in listing.rejected] == ["address_not_public"]
    inside = read_listing("feed", rss(("M", "https://wiki.intern/a")), "https://wiki.intern/feed", None,
                          lambda host, port: (host, port) in own)  # fmt: skip
    assert [each.origin for each in inside.named] == ["https://wiki.intern/a"]


# ---------------------------------------------------------------------------- files of addresses


def test_a_file_of_nothing_but_addresses_in_a_watched_folder_is_a_list(desk):
    publish(desk, 1, 2)
    desk.write("adressen.txt", f"# der Hafen\n{address(1)}\n{address(2)}\n")
    assert desk.scan(at=1) == Counts(new_articles=2)
    (source,) = desk.rows("SELECT name, kind, standing FROM source WHERE kind = 'list'")
    assert (source["name"], bool(source["standing"])) == ("seed:presse/adressen.txt", True)
    desk.web.put(address(1), page("Meldung 1 vom Hafen", TEXTS[5]))
    assert desk.due(at=3).new_versions == 1


def test_scans_of_the_folder_say_nothing_of_the_addresses(desk):
    publish(desk, 1)
    desk.write("adressen.txt", f"{address(1)}\n")
    desk.scan(at=1)
    desk.scan(at=5)
    assert desk.one("SELECT last_seen FROM articles")["last_seen"] == hour(1).isoformat(
        timespec="microseconds"
    )


def test_an_address_that_is_taken_off_the_list_is_watched_no_longer(desk):
    publish(desk, 1, 2)
    desk.write("adressen.txt", f"{address(1)}\n{address(2)}\n")
    desk.scan(at=1)
    desk.write("adressen.txt", f"{address(2)}\n")
    desk.scan(at=2)
    before = len(desk.web.asked("/fischerei/meldung-1"))
    desk.due(at=40)
    assert len(desk.web.asked("/fischerei/meldung-1")) == before
    assert not desk.watched(address(1))["active"]
    desk.remove("adressen.txt")
    desk.scan(at=41)
    assert not desk.watched(address(2))["active"]
    assert len(titles(desk)) == 2


def test_lines_that_are_no_addresses_make_it_a_text(desk):
    desk.write("notiz.txt", f"{address(1)}\nDas ist zu prüfen.\n")
    assert desk.scan(at=1).new_articles == 1
    assert desk.web.asked() == []


def test_a_list_of_subscriptions_adds_each_of_its_feeds(desk, tmp_path):
    publish(desk, 1, 2)
    for n in (1, 2):
        desk.web.put(f"{SITE}/feed{n}.xml", rss(("M", address(n))))
    path = tmp_path / "abos.opml"
    path.write_text(opml(f"{SITE}/feed1.xml", f"{SITE}/feed2.xml"))
    watched = watch_feeds(desk.archive, desk.settings, path)
    assert [each.name for each in watched] == ["Feed 0", "Feed 1"]
    assert watch_feeds(desk.archive, desk.settings, path) == watched
    assert desk.due(at=1) == Counts(new_articles=2)


def test_a_page_that_a_feed_no_longer_lists_is_checked_all_the_same(desk):
    publish(desk, 1)
    desk.web.put(FEED, rss(("M", address(1))))
    desk.watch_page(FEED)
    desk.due(at=1)
    desk.web.put(FEED, rss())
    desk.web.put(address(1), page("Meldung 1 vom Hafen", HIGHER))
    assert desk.due(at=30).unconfirmed == 1
    desk.due(at=31)
    assert desk.number("SELECT count(*) FROM versions") == 2


@pytest.mark.few_cases
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_that_answers_without_entries_ends_no_watch_and_makes_nothing_gone(kind, desk):
    publish(desk, 1, 2)
    desk.web.put(FEED, LISTS[kind](address(1), address(2)))
    desk.watch_page(FEED)
    desk.due(at=1)
    desk.web.put(FEED, LISTS[kind]())
    desk.due(at=30)
    assert [desk.watched(address(n))["active"] for n in (1, 2)] == [True, True]
    assert {row["state"] for row in desk.rows("SELECT state FROM articles")} == {"present"}


def test_pages_of_the_front_are_watched_as_they_are_named(desk):
    desk.web.put(f"{SITE}/", page("Die Zeitung", PEGEL))
    assert desk.fetch(f"{SITE}/", at=1) == Counts(new_articles=1)
    assert A not in [row["origin"] for row in desk.rows("SELECT origin FROM articles")]


def test_a_feed_does_not_bring_a_redacted_title_back(desk):
    publish(desk, 1, 2, 3)
    items = [("Meldung 1 vom Hafen", address(1)), ("Zwölfkern warnt", address(2))]
    desk.web.put(FEED, rss(*items))
    desk.watch_page(FEED)
    assert desk.due(at=1).new_articles == 2
    wanted = "SELECT a.id FROM article a JOIN origin o ON o.id = a.origin_id WHERE o.origin = :o"
    article = desk.one(wanted, o=address(2))["id"]
    redact_articles(desk.archive, [RedactionTarget(article)], RedactionReason.GDPR_ERASURE, "ada")
    desk.web.put(FEED, rss(*items, ("Meldung 3 vom Hafen", address(3))))
    assert desk.due(at=3).new_articles == 1, "what is new in it is taken"
    told = str(desk.rows("SELECT hints FROM watch")) + str(
        desk.rows("SELECT hints FROM observation")
    )
    assert "Meldung 3 vom Hafen" in told
    assert "kern warnt" not in told
    held = desk.rows("SELECT digest, encoding, data FROM capture WHERE data IS NOT NULL")
    raws = [
        load(desk.archive.engine, StoredBytes(bytes(e["digest"]), e["encoding"], bytes(e["data"])))
        for e in held
    ]
    assert len(raws) > 2
    assert not [raw for raw in raws if b"kern warnt" in raw], "the bytes went again"
    desk.due(at=6)
    assert "kern warnt" not in str(desk.rows("SELECT * FROM watch"))


def test_a_redacted_title_leaves_each_feed_that_lists_the_article(desk):
    publish(desk, 1, 2)
    moved, feeds = f"{SITE}/n/2", [f"{SITE}/eins.xml", f"{SITE}/zwei.xml", f"{SITE}/drei.xml"]
    desk.web.put(moved, redirect(address(2)))
    for feed, named in zip(feeds, (address(2), address(2), moved), strict=True):
        told = rss(("Meldung 1 vom Hafen", address(1)), ("Meldung 2 vom Hafen", named))
        about = b"<description>Zwoelfkern warnt</description><copyright>Ada Zwoelfkern</copyright>"
        desk.web.put(feed, told.replace(b"</item></c", about + b"</item></c"))
        desk.watch_page(feed) if feed == feeds[2] else None
    desk.web.put(f"{SITE}/listen.txt", Reply("\n".join(feeds[:2]).encode(), type="text/plain"))
    desk.watch_page(f"{SITE}/listen.txt")
    desk.due(at=1)
    desk.due(at=2)
    assert "Zwoelfkern" not in str(desk.rows("SELECT value FROM rights")), "not of the whole feed"
    wanted = "SELECT a.id FROM article a JOIN origin o ON o.id = a.origin_id WHERE o.origin = :o"
    target = RedactionTarget(desk.one(wanted, o=address(2))["id"])
    redact_articles(desk.archive, [target], RedactionReason.GDPR_ERASURE, "ada")
    held = desk.rows("SELECT digest, encoding, data FROM capture WHERE data IS NOT NULL")
    raws = [
        load(desk.archive.engine, StoredBytes(bytes(e["digest"]), e["encoding"], bytes(e["data"])))
        for e in held
    ]
    assert not [raw for raw in raws if b"Zwoelfkern" in raw]
    assert "Zwoelfkern" not in str(desk.rows("SELECT rights, response_headers FROM transfer"))


def test_an_article_whose_checks_confirmed_it_verifies_after_its_address_was_redacted(desk):
    publish(desk, 1)
    desk.fetch(address(1), at=1)
    assert desk.fetch(address(1), at=2).unchanged == 1
    target = RedactionTarget(desk.one("SELECT id FROM article")["id"])
    why = RedactionReason.GDPR_ERASURE
    redact_articles(desk.archive, [target], why, "ada", with_addresses=True)
    assert desk.findings() == []


@pytest.mark.slow
def test_no_feed_and_no_redirect_brings_a_redacted_address_back(desk):
    person, named = f"{SITE}/person/ada-zwoelfkern", "zwoelfkern"
    publish(desk, 1, 3)
    desk.web.put(person, Reply(page("Meldung vom Hafen", TEXTS[2])))
    items = [("Meldung 1 vom Hafen", address(1)), ("Meldung vom Hafen", person)]
    desk.web.put(FEED, rss(*items))
    desk.watch_page(FEED)
    desk.watch_page(person)
    assert desk.due(at=1).new_articles == 2
    wanted = "SELECT a.id FROM article a JOIN origin o ON o.id = a.origin_id WHERE o.origin = :o"
    target = RedactionTarget(desk.one(wanted, o=person)["id"])
    why = RedactionReason.GDPR_ERASURE
    redact_articles(desk.archive, [target], why, "ada", with_addresses=True)
    assert named not in told_anywhere(desk)
    desk.web.put(address(4), redirect(person))
    desk.web.put(person, Reply(page("Alles ist neu am Hafen", TEXTS[5])))
    desk.web.put(FEED, rss(*items, ("Meldung 3", address(3)), ("Meldung 4", address(4))))
    assert desk.due(at=3).new_articles == 1, "what is new in it is taken"
    desk.due(at=6)
    assert desk.one("SELECT count(*) AS n FROM watch WHERE address = :a", a=address(4))["n"] == 1
    assert desk.fetch(person, address(3), at=7, source="leute").refused == 1, "nor does a hand"
    assert desk.codes()[-1] == "redacted"
    with pytest.raises(LocatorError, match="redacted here"):
        desk.watch_page(person)
    assert named not in told_anywhere(desk)
    assert desk.findings() == []


def told_anywhere(desk) -> str:
    """Return the values of rows with addresses, and the bytes of captures."""
    tables = ("origin", "article", "watch", "observation", "transfer", "refusal", "job", "source")
    held = desk.rows("SELECT digest, encoding, data FROM capture WHERE data IS NOT NULL")
    raws = [
        load(desk.archive.engine, StoredBytes(bytes(e["digest"]), e["encoding"], bytes(e["data"])))
        for e in held
    ]
    return str([desk.rows(f"SELECT * FROM {table}") for table in tables]) + str(raws)
