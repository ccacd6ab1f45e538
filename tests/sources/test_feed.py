"""The entries of a feed, and feeds that are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.refusals import RefusalReason
from worker.sources.listings.feed import DEEPEST, Entry, Feed, read_feed
from worker.sources.listings.feed_dates import feed_date

BASE = "https://zeitung.example/feeds/alle.xml"


def rss(items: str, head: str = "") -> bytes:
    return f"{head}<rss version='2.0'><channel><title>Alles</title>{items}</channel></rss>".encode()


def only(raw: bytes, content_type: str | None = None) -> Entry:
    feed = read_feed(raw, BASE, content_type)
    assert isinstance(feed, Feed), feed
    (entry,) = feed.entries
    return entry


def test_an_rss_item_gives_address_title_people_dates_and_tags():
    entry = only(
        rss("""<item><title>Brand im Hafen &amp; Stau</title><link>../2024/brand</link>
        <guid isPermaLink="false">id-7</guid><author>red@zeitung.example (Ada Kern)</author>
        <pubDate>Tue, 18 Jun 2024 13:34:05 +0200</pubDate><category>Lokales</category>
        <description>&lt;p&gt;Am &lt;b&gt;Kai&lt;/b&gt;&lt;/p&gt;</description></item>""")
    )
    assert entry == Entry(
        address="https://zeitung.example/2024/brand",
        guid="id-7",
        title="Brand im Hafen & Stau",
        authors=("Ada Kern",),
        published="2024-06-18T13:34:05+02:00",
        summary="Am Kai",
        tags=("Lokales",),
    )


def test_an_atom_entry_knows_when_it_was_published_and_when_updated():
    entry = only(b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/x/">
        <title>A</title><entry><title type="html">Fire &amp;amp; <![CDATA[<i>smoke</i>]]></title>
        <link rel="alternate" href="fire"/><id>tag:a,2024:1</id>
        <author><name>Ada Kern</name></author><author><name>Bo Lind</name></author>
        <published>2024-06-18T11:34Z</published><updated>2024-06-19</updated></entry></feed>""")
    assert (entry.address, entry.guid) == ("https://a.example/x/fire", "tag:a,2024:1")
    assert entry.title == "Fire & smoke"
    assert entry.authors == ("Ada Kern", "Bo Lind")
    assert (entry.published, entry.updated) == ("2024-06-18T11:34+00:00", "2024-06-19")


def test_an_rdf_item_reports_its_day():
    entry = only(b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
        <channel><title>R</title></channel><item rdf:about="https://r.example/1"><title>Eins</title>
        <link>https://r.example/1</link><dc:date>2024-06</dc:date></item></rdf:RDF>""")
    assert (entry.address, entry.updated) == ("https://r.example/1", "2024-06")


def test_a_json_feed_is_read():
    feed = {
        "version": "https://jsonfeed.org/version/1.1", "title": "J",
        "items": [{"id": 7, "url": "/7", "title": "Sieben", "authors": [{"name": "Ada Kern"}],
                   "date_published": "2024-06-18T13:34:05.123+02:00", "tags": ["Hafen", 3]}, "no item"],
    }  # fmt: skip
    entry = only(json.dumps(feed).encode())
    assert (entry.address, entry.guid, entry.title) == ("https://zeitung.example/7", "7", "Sieben")
    assert (entry.authors, entry.tags) == (("Ada Kern",), ("Hafen",))
    assert entry.published == "2024-06-18T13:34:05+02:00"


def test_an_entry_without_an_address_says_so():
    assert only(rss("<item><title>Nur ein Titel</title></item>")).address is None


def test_a_permanent_id_is_an_address():
    assert (
        only(rss("<item><guid>https://a.example/9</guid></item>")).address == "https://a.example/9"
    )


def test_an_ill_formed_feed_is_read_as_far_as_it_goes():
    feed = read_feed(
        rss(
            "<item><title>A & B</title><link>https://a.example/1?x=1&y=2</link></item><item><title>Ende"
        ),
        BASE,
    )
    assert isinstance(feed, Feed)
    assert feed.entries[0].address == "https://a.example/1?x=1&y=2"


def test_the_encoding_of_the_transport_counts():
    raw = rss("<item><title>Öllager</title></item>").decode().encode("latin-1")
    assert only(raw, "application/rss+xml; charset=iso-8859-1").title == "Öllager"


def test_a_file_name_or_an_address_as_content_is_never_opened(tmp_path):
    secret = tmp_path / "feed.xml"
    secret.write_bytes(rss("<item><title>geheim</title></item>"))
    for raw in (str(secret).encode(), secret.as_uri().encode(), b"http://127.0.0.1:9/feed"):
        assert isinstance(read_feed(raw, BASE), RefusalReason)


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "feed_invalid"),
        (b"  \n", "feed_invalid"),
        (b"<html><body><p>Seite nicht gefunden</p></body></html>", "feed_invalid"),
        (b'{"items": []}', "feed_invalid"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 7}', "feed_invalid"),
        (b"[" * 100_000, "feed_invalid"),
        (b"\n" * 100_000 + rss(""), "feed_invalid"),
        (rss("<a>" * (DEEPEST + 1)), "feed_invalid"),
        (rss("&x;", '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "xml_unsafe"),
        (rss("&x;", '<!DOCTYPE r [<!ENTITY % x SYSTEM "http://a.example/x.dtd"> %x;]>'), "xml_unsafe"),
        (rss("&a9;", f'<!DOCTYPE r [<!ENTITY a0 "ha">{LAUGHS}]>'), "xml_unsafe"),
        (rss("&x;", '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>').decode().encode("utf-16"), "xml_unsafe"),
        (rss("", '<?xml version="1.0" encoding="UTF-7"?>'), "xml_unsafe"),
    ],
)  # fmt: skip
def test_an_unsafe_or_malformed_feed_is_refused_with_a_code(raw, code):
    refused = read_feed(raw, BASE)
    assert isinstance(refused, RefusalReason)
    assert refused.code == code


def test_an_entity_that_means_plain_text_is_read():
    entry = only(
        rss(
            "<item><title>&haus; brennt</title></item>",
            '<!DOCTYPE rss [\n<!ENTITY haus "Das Haus">\n]>',
        )
    )
    assert entry.title == "Das Haus brennt"


def test_markup_in_sections_of_characters_does_not_count_as_depth():
    inner = "<![CDATA[" + "<p>" * 1000 + "]]>"
    assert (
        only(rss(f"<item><title>T</title><description>{inner}</description></item>")).title == "T"
    )


@pytest.mark.parametrize(
    ("given_as", "told"),
    [
        ("Tue, 18 Jun 2024 13:34:05 GMT", "2024-06-18T13:34:05+00:00"),
        ("Tue, 18 Jun 2024 13:34:05 MESZ", "2024-06-18T13:34:05+02:00"),
        ("Tue, 18 Jun 2024 13:34", "2024-06-18T13:34"),
        ("Tue, 18 Jun 2024 13:34:05 EST", "2024-06-18T13:34:05-05:00"),
        ("18 Jun 2024", "2024-06-18"),
        ("2024", "2024"),
        ("2024-06", "2024-06"),
        ("2024-06-18", "2024-06-18"),
        ("2024-06-18T13:34+0200", "2024-06-18T13:34+02:00"),
        ("2024-06-18 13:34:05.5Z", "2024-06-18T13:34:05+00:00"),
        ("2024-02-30", None),
        ("2024-13", None),
        ("Tue, 31 Jun 2024 13:34:05 GMT", None),
        ("gestern", None),
        ("", None),
    ],
)
def test_a_date_keeps_its_digits_and_its_zone(given_as, told):
    assert feed_date(given_as) == told


@given(st.text(max_size=60))
def test_no_text_of_a_date_raises(text):
    told = feed_date(text)
    assert told is None or told[:4].isdigit()


@given(st.binary(max_size=300))
def test_no_bytes_raise(raw):
    for wrapped in (raw, rss("").replace(b"Alles", raw)):
        assert isinstance(read_feed(wrapped, BASE), (Feed, RefusalReason))
