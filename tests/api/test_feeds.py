"""Feeds hold the change itself, validate, and name each change for ever the same."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import feedparser
import pytest

from storage.read.render.change_html import clean
from storage.web.feeds import ATOM, Feed, FeedEntry, _atom
from tests.serve.hostile import payloads

NAMES = {"a": ATOM}


def test_an_entry_of_the_atom_feed_holds_the_changed_words_and_the_interval(client):
    answer = client.get("/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    read = feedparser.parse(answer.content)
    assert not read.bozo
    (entry,) = read.entries
    (change,) = client.get("/api/changes").json()["items"]
    assert entry.title == change["title"]
    assert {tag.term for tag in entry.tags} >= set(change["changes"])
    content = entry.content[0].value
    for passage in (*change["removed"], *change["added"]):
        assert all(word in content for word in passage.split())
    assert "<ins>" in content or "<del>" in content
    seen = datetime.fromisoformat(change["changed_by"])
    assert datetime.fromisoformat(entry.updated) == seen.replace(microsecond=0)
    assert seen.astimezone(UTC).strftime("%Y-%m-%d") in content


def test_both_feeds_have_the_same_entries_and_lead_to_the_comparison(client):
    entries = feedparser.parse(client.get("/feed.atom").content).entries
    items = client.get("/feed.json").json()["items"]
    assert [each.id for each in entries] == [each["id"] for each in items]
    assert [each.link for each in entries] == [each["url"] for each in items]
    for each in items:
        assert client.get(each["url"]).status_code == 200


def test_ids_stay_the_same_under_another_host_and_another_limit(client):
    ids = [each["id"] for each in client.get("/feed.json").json()["items"]]
    port = client.base_url.port
    other = client.get("/feed.json?limit=5", headers={"Host": f"localhost:{port}"}).json()
    assert [each["id"] for each in other["items"]] == ids
    assert other["feed_url"].startswith("http://localhost")


def test_filters_count_and_unknown_ones_are_refused(client):
    assert client.get("/feed.json?class=reversion").json()["items"] == []
    assert client.get("/feed.json?nothing=1").status_code == 400
    assert feedparser.parse(client.get("/feed.atom?class=reversion").content).bozo is False


def test_the_elements_that_atom_requires_exist(client):
    root = ET.fromstring(client.get("/feed.atom").content)
    assert root.tag == f"{{{ATOM}}}feed"
    for parent in (root, *root.findall("a:entry", NAMES)):
        for name in ("id", "title", "updated"):
            (found,) = parent.findall(f"a:{name}", NAMES)
            assert found.text
    assert len({each.text for each in root.iterfind("a:entry/a:id", NAMES)}) == len(
        root.findall("a:entry", NAMES)
    )
    assert root.find("a:author/a:name", NAMES).text
    assert root.find("a:link[@rel='self']", NAMES).get("href").endswith("/feed.atom")


@pytest.mark.parametrize("payload", list(payloads())[::5])
def test_a_hostile_text_makes_no_other_xml(payload):
    entry = FeedEntry("urn:x", payload, "http://h/", datetime.fromisoformat("2024-06-18T12:00Z"),
                  clean(payload), ())  # fmt: skip
    root = ET.fromstring(_atom(Feed("urn:f", "t", "http://h/f", "http://h/", "de", (entry,))))
    assert [each.tag.rpartition("}")[2] for each in root.find("a:entry", NAMES)] == [
        "id", "title", "updated", "link", "content",
    ]  # fmt: skip
