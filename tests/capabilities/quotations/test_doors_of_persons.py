"""An order about a person holds at every door: command, route, tool, page, view, feed and file."""

import re
from typing import Any

import feedparser
import pytest
from pyarrow import parquet

from storage.capabilities.alert_sending.store import match
from storage.capabilities.quotations import QUOTATIONS, doors
from storage.values.redaction import RedactionReason
from storage.write.redaction.restrict import restrict
from tests.api.tool_calls import within
from tests.flow.driver import hour, page
from tests.serve.conftest import served

SAID = "„Die Brücke kostet 36 Millionen Euro und wird im Mai gebaut“, sagte Ada Kern am Montag."
ASKED: dict[str, dict[str, str]] = {
    "quotes": {"speaker": "Ada Kern"},
    "statements": {"about": "Brücke"},
    "persons": {},
    "person": {"name": "Ada Kern"},
    "identities": {"name": "Ada Kern"},
}
"""What each list is asked; a further list needs a row here, and in `JOINED`."""
JOINED = {"quotes": 3, "statements": 1, "persons": 1, "person": 1, "identities": 3}
PARTED = JOINED | {"statements": 2, "person": 2}
"""The number of rows before and after one article is parted from another one."""
PAGES = (
    "/quotes.atom?speaker=Ada+Kern", "/quotes.json?speaker=Ada+Kern", "/quotes.json",
    "/quotes.json?about=Brücke", "/statements", "/statements?speaker=Ada+Kern",
    "/statements?about=Brücke", "/identities?name=Ada+Kern", "/persons",
)  # fmt: skip
"""The feeds and pages that show names; that of a statement has its place in its address."""
SHOWN = re.compile(r'36 Millionen|href="/a/|>Ada Kern</a>')


@pytest.fixture
def told(room) -> Any:
    """Give a newsroom in which three outlets quote the same words of one name."""
    for at, outlet in enumerate(("bote", "kurier", "anzeiger"), 1):
        address = f"https://{outlet}.example/bruecke"
        text = f"Die Brücke war Thema im {outlet.title()}.\n\n{SAID}"
        story = page(text, url=address, observed_at=hour(at), publisher=outlet)
        room.write(f"{outlet}.md", story)
    room.scan(9)
    return room


def rows_at_doors(name: str, lesart: Any, client: Any, url: str) -> list[list[dict[str, Any]]]:
    """Return the rows of a list by command, route and tool."""
    asked = ASKED[name]
    words = [asked[key] if key == "name" else f"--{key}={asked[key]}" for key in asked]
    is_error, answer = within(url, name, **asked)
    assert not is_error, answer
    return [
        lesart(name, *words),
        client.get(f"/api/{name}", params=asked).json()["items"],
        answer["answer"]["items"],
    ]


@pytest.mark.slow
def test_parted_persons_share_no_statement_at_any_door(told, lesart):
    assert ASKED.keys() == JOINED.keys() == {each.name for each in doors.DOORS}
    articles = {row["outlet"]: row["article"] for row in lesart("identities", "Ada Kern")}
    with served(told.url) as client:
        for numbers in (JOINED, PARTED):
            for name, number in numbers.items():
                found = rows_at_doors(name, lesart, client, told.url)
                assert [len(rows) for rows in found] == [number] * 3, name
                assert found[0] == found[1], name
            shown = client.get("/statements?speaker=Ada+Kern", headers={"accept": "text/html"}).text
            assert shown.count('<article class="card"') == numbers["statements"]
            if numbers is JOINED:
                lesart("part-persons", "Ada Kern", articles["bote"], articles["kurier"])
        (first, second) = lesart("statements")
        assert [each["outlet"] for each in (*first["wordings"], *second["wordings"])] == [
            "bote",
            "kurier",
        ]
        for statement, outlets in ((first, {"bote", "anzeiger"}), (second, {"kurier"})):
            one = client.get(
                "/statement", params={"of": statement["statement"]}, headers={"accept": "text/html"}
            ).text
            assert {each for each in articles if f">{each}: " in one} == outlets


def find_shown(url: str, lesart: Any, client: Any, folder: Any) -> dict[str, bool]:
    """Return for each door whether it shows the name, a quotation or an article of the speaker."""
    found: dict[str, Any] = {}
    for name, asked in ASKED.items():
        rows = rows_at_doors(name, lesart, client, url)
        found |= {f"{name} at door {number}": each for number, each in enumerate(rows)}
        words = [asked["name"]] if "name" in asked else []
        lesart(name, *words, "-o", str(folder / f"{name}.parquet"))
        found[f"{name}.parquet"] = parquet.read_table(folder / f"{name}.parquet").to_pylist()
    for name in QUOTATIONS.views:
        found[f"view {name}"] = lesart("sql", f"SELECT * FROM {name}")
    found["search --speaker"] = lesart("search", "Brücke", "--speaker", "Ada Kern")
    for path in PAGES:
        answer = client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 200, path
        found[path] = SHOWN.findall(answer.text)
    return {door: bool(each) for door, each in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "order",
    [
        "redact-person",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("redact", "restrict")),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_left_out_is_at_no_door(told, lesart, tmp_path, order):
    articles = [row["article"] for row in lesart("identities", "Ada Kern")]
    why = ("--reason", "gdpr_objection", "--by", "eva")
    with served(told.url) as client:
        before = find_shown(told.url, lesart, client, tmp_path)
        assert [door for door, is_shown in before.items() if not is_shown] == []
        if order == "redact-person":
            lesart(order, "Ada Kern", *why)
        elif order == "redact":
            for article in articles:
                lesart(order, article, *why)
        else:
            numbers = [row["id"] for row in told.rows("SELECT id FROM article")]
            told.archive.transact(restrict, numbers, RedactionReason.GDPR_RESTRICTION, "eva")
        after = find_shown(told.url, lesart, client, tmp_path)
    assert [door for door, is_shown in after.items() if is_shown] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_alert_reports_no_later_text_of_a_name_that_is_left_out(told, lesart, monkeypatch):
    monkeypatch.setenv("LESART_ALLOW_HOSTS", "127.0.0.1:9")
    hook = ("--webhook", "http://127.0.0.1:9/hook")
    lesart("alert", "add", "kern", "--speaker", "Ada Kern", *hook)
    for at, outlet in enumerate(("post", "woche"), 10):
        story = page(
            f"Neues aus {outlet}.\n\n{SAID}",
            url=f"https://{outlet}.example/a",
            observed_at=hour(at),
        )
        told.write(f"{outlet}.md", story)
        told.scan(at + 1)
        match(told.archive.engine, told.archive.clock)
        lesart("redact-person", "Ada Kern", "--reason", "gdpr_objection")
    assert told.number("SELECT count(*) FROM alert_delivery") == 1


def test_an_entry_of_the_feed_is_new_in_its_article_and_keeps_its_id(told, lesart):
    with served(told.url) as client:
        first = client.get("/quotes.json?speaker=Ada+Kern").json()["items"]
        assert [each["title"] for each in first] == ["Ada Kern"] * 3
        assert "36 Millionen" in first[0]["content_html"]
        assert client.get(first[0]["url"]).status_code == 200
        other = page(
            f"Die Brücke war wieder Thema.\n\n{SAID}",
            url="https://bote.example/bruecke",
            observed_at=hour(12),
        )
        told.write("again.md", other)
        told.scan(13)
        assert len(lesart("quotes", "--speaker", "Ada Kern")) == 4
        again = client.get("/quotes.json?speaker=Ada+Kern").json()["items"]
        assert [each["id"] for each in again] == [each["id"] for each in first]
        entries = feedparser.parse(client.get("/quotes.atom?speaker=Ada+Kern&limit=2").content)
        assert (entries.bozo, [each.id for each in entries.entries]) == (
            False,
            [each["id"] for each in first[:2]],
        )
        assert 'href="/quotes.atom?speaker=Ada' in client.get("/identities?name=Ada+Kern").text
        assert client.get("/quotes.json?kind=x").status_code == 400
        assert client.get("/quotes.json?changed=true").json()["items"] == []
