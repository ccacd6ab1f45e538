"""Feeds, sitemaps, subscription lists and robots rules that others wrote."""

from collections import Counter
from pathlib import Path

import pytest

from storage.values.refusals import RefusalReason
from tests.web.robots_cases import robots_cases
from worker.sources.listings.feed import Feed, read_feed
from worker.sources.listings.sitemap import Sitemap, read_sitemap
from worker.sources.listings.url_list import read_opml
from worker.web.robots import decide

pytestmark = pytest.mark.real

BASE = "https://example.com/feed"
NO_FEEDS = frozenset({"empty_feed.xml", "unknown_feed.xml", "rss_empty_document.xml", "version_rdf_090.xml"})  # fmt: skip


@pytest.fixture
def data(real_data) -> Path:
    return real_data / "data"


@pytest.mark.slow
def test_every_feed_is_read_or_refused_with_a_code(data):
    outcomes = Counter()
    for path in sorted((data / "feeds").rglob("*.xml")):
        feed = read_feed(path.read_bytes(), BASE)
        if isinstance(feed, RefusalReason):
            assert path.name in NO_FEEDS, (path.name, feed)
            outcomes[feed.code] += 1
        else:
            outcomes["entries"] += len(feed.entries)
            outcomes["dated"] += sum(bool(e.published or e.updated) for e in feed.entries)
    assert outcomes["feed_invalid"] == len(NO_FEEDS)
    assert outcomes["entries"] > 600
    assert outcomes["dated"] > 30
    for path in (data / "feeds").rglob("*.json"):
        feed = read_feed(path.read_bytes(), BASE)
        assert isinstance(feed, Feed) or feed.code == "feed_invalid"


def test_entries_with_a_date_have_it(data):
    for name in ("entry_issued.xml", "entry_modified.xml", "entry_created.xml"):
        feed = read_feed((data / "feeds" / "feedparser_atom" / name).read_bytes(), BASE)
        assert isinstance(feed, Feed)
        assert (feed.entries[0].published or feed.entries[0].updated).startswith(
            "2004-01-01T19:48:21"
        )


def test_every_sitemap_is_read(data):
    counts = {}
    for path in sorted((data / "sitemaps").iterdir()):
        sitemap = read_sitemap(path.read_bytes(), "https://example.com/sitemap.xml")
        assert isinstance(sitemap, Sitemap), (path.name, sitemap)
        counts[path.name] = len(sitemap.entries) + len(sitemap.children)
    assert all(counts.values()), counts
    assert counts["sitemap.xml"] == counts["sitemap.xml.gz"]


def test_every_subscription_list_gives_feeds(data):
    for path in sorted((data / "opml").glob("*.opml")):
        feeds = read_opml(path.read_bytes())
        assert not isinstance(feeds, RefusalReason), (path.name, feeds)
        assert len(feeds) >= 3


def test_every_case_of_the_robots_specification_passes(data):
    cases = robots_cases(data / "robots_spec")
    assert len(cases) == 400
    wrong = [
        c for c in cases if decide(200, c.robotstxt, c.address, c.agent).allowed is not c.allowed
    ]
    assert wrong == []
