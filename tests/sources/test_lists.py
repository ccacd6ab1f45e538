"""Sitemaps, lists of addresses and subscription lists."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.refusals import RefusalReason
from worker.sources.listings.feed import Entry
from worker.sources.listings.sitemap import Sitemap, read_sitemap
from worker.sources.listings.url_list import OpmlFeed, looks_like_url_list, read_opml, read_url_list

BASE = "https://zeitung.example/sitemap.xml"
NAMESPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
)


def urlset(inner: str) -> bytes:
    return f"<?xml version='1.0' encoding='UTF-8'?>\n<urlset {NAMESPACES}>{inner}</urlset>".encode()


def read(raw: bytes) -> Sitemap:
    sitemap = read_sitemap(raw, BASE)
    assert isinstance(sitemap, Sitemap), sitemap
    return sitemap


def test_a_sitemap_lists_addresses_and_when_they_changed():
    sitemap = read(
        urlset(
            "<url><loc> /2024/brand </loc><lastmod>2024-06-18</lastmod></url><url><loc>https://b.example/2</loc></url><url/>"
        )
    )
    assert sitemap.entries == (
        Entry("https://zeitung.example/2024/brand", updated="2024-06-18"),
        Entry("https://b.example/2"),
    )


def test_news_sitemaps_report_title_day_and_language():
    (entry,) = read(
        urlset("""<url><loc>https://zeitung.example/1</loc><news:news><news:publication>
        <news:name>Zeitung</news:name><news:language>de</news:language></news:publication>
        <news:publication_date>2024-06-18T13:34+02:00</news:publication_date>
        <news:title>Brand im Hafen</news:title><news:keywords>Hafen, Feuer</news:keywords></news:news></url>""")
    ).entries
    assert (entry.title, entry.published) == ("Brand im Hafen", "2024-06-18T13:34+02:00")
    assert (entry.language, entry.tags) == ("de", ("Hafen", "Feuer"))


def test_translations_are_listed_once():
    links = """<xhtml:link rel="alternate" hreflang="de" href="https://a.example/de"/>
        <xhtml:link rel="alternate" hreflang="en" href="https://a.example/en"/>
        <xhtml:link rel="alternate" hreflang="x-default" href="https://a.example/"/>"""
    sitemap = read(
        urlset(
            f"<url><loc>https://a.example/de</loc>{links}</url><url><loc>https://a.example/en</loc>{links}</url>"
        )
    )
    assert [(e.address, e.language) for e in sitemap.entries] == [
        ("https://a.example/de", "de"), ("https://a.example/en", "en"), ("https://a.example/", None)
    ]  # fmt: skip


def test_an_index_names_other_sitemaps():
    raw = f"<sitemapindex {NAMESPACES}><sitemap><loc>a.xml.gz</loc></sitemap><sitemap><loc>b.xml</loc></sitemap></sitemapindex>".encode()
    assert read(raw) == Sitemap(
        ("https://zeitung.example/a.xml.gz", "https://zeitung.example/b.xml"), ()
    )


def test_gzip_is_looked_through():
    raw = urlset("<url><loc>https://a.example/1</loc></url>")
    assert read(gzip.compress(raw)) == read(raw)


def test_a_text_of_addresses_and_a_feed_are_sitemaps_too():
    assert [e.address for e in read(b"https://a.example/1\nhttps://a.example/2\n").entries] == [
        "https://a.example/1",
        "https://a.example/2",
    ]
    feed = (
        b"<rss version='2.0'><channel><item><link>https://a.example/3</link></item></channel></rss>"
    )
    assert [e.address for e in read(feed).entries] == ["https://a.example/3"]


def test_a_truncated_sitemap_yields_the_complete_entries():
    raw = urlset(
        "<url><loc>https://a.example/1</loc></url><url><loc>https://a.example/2</loc></url>"
    )
    assert read(raw[:-30]).entries[0].address == "https://a.example/1"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "sitemap_invalid"),
        (b"<html><p>Nicht gefunden</p></html>", "sitemap_invalid"),
        (b"just words", "sitemap_invalid"),
        (gzip.compress(urlset(""))[:-9], "archive_unsafe"),
        (b'<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + urlset("<url><loc>&x;</loc></url>")[38:], "xml_unsafe"),
        (b"<?xml version='1.0' encoding='utf-7'?><urlset/>", "xml_unsafe"),
    ],
)  # fmt: skip
def test_a_malformed_sitemap_is_refused_with_a_code(raw, code):
    refused = read_sitemap(raw, BASE)
    assert isinstance(refused, RefusalReason)
    assert refused.code == code


def test_a_sitemap_that_unpacks_to_far_too_much_is_refused():
    refused = read_sitemap(gzip.compress(b"x" * 60_000_000, 1), BASE)
    assert isinstance(refused, RefusalReason)
    assert refused.code == "archive_unsafe"


@given(st.binary(max_size=300))
def test_no_bytes_of_a_sitemap_raise(raw):
    for wrapped in (raw, urlset("").replace(b"</urlset", raw)):
        assert isinstance(read_sitemap(wrapped, BASE), (Sitemap, RefusalReason))


# ------------------------------------------------------------------------ lists


def test_a_list_gives_each_address_once_and_names_the_lines_that_are_none():
    found = read_url_list(
        "\ufeff# beobachtet\nhttps://a.example/1#teil\n\n https://a.example/2 # zwei\nhttps://a.example/1#teil\nftp://a.example/\nwww.a.example\n"
    )
    assert found.addresses == ("https://a.example/1#teil", "https://a.example/2")
    assert [bad.line for bad in found.rejected] == [6, 7]
    assert {bad.refused.code for bad in found.rejected} == {"record_invalid"}


@pytest.mark.parametrize(
    ("text", "is_list"),
    [
        ("https://a.example/1\n", True),
        ("# nur\nHTTPS://A.example/1\r\nhttp://b.example\r\n", True),
        ("# nur ein Kommentar\n", False),
        ("", False),
        ("date 2024-06 Brand im Hafen\nhttps://a.example/1\n", False),
        ("https://a.example/1 https://a.example/2\n", False),
        ("https:///ohne-host\n", False),
        ("http://[::1\n", False),
    ],
)
def test_a_list_is_nothing_but_addresses(text, is_list):
    assert looks_like_url_list(text) is is_list


@given(st.text(max_size=200))
def test_what_looks_like_a_list_has_no_bad_lines(text):
    found = read_url_list(text)
    assert looks_like_url_list(text) is (bool(found.addresses) and not found.rejected)


def test_subscriptions_are_read_from_all_levels():
    raw = """<opml version="2.0"><body><outline text="Nah"><outline text="Zeitung" title="Die Zeitung"
        xmlUrl="https://a.example/feed?a=1&amp;b=2"/></outline><outline xmlURL="https://b.example/rss"/>
        <outline xmlUrl="https://a.example/feed?a=1&amp;b=2"/><outline xmlUrl="javascript:alert(1)"/></body></opml>"""
    assert read_opml(raw.encode()) == (
        OpmlFeed("Die Zeitung", "https://a.example/feed?a=1&b=2"),
        OpmlFeed(None, "https://b.example/rss"),
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "opml_invalid"),
        (b"<rss/>", "opml_invalid"),
        (b"<opml><body/></opml>", "opml_invalid"),
        (b'<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml/>', "xml_unsafe"),
    ],
)
def test_a_malformed_subscription_list_is_refused(raw, code):
    refused = read_opml(raw)
    assert isinstance(refused, RefusalReason)
    assert refused.code == code
