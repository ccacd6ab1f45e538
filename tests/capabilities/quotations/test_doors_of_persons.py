"""An order about a person holds at every door: command, route, tool, page, view, feed and file."""

from typing import Any

import pytest

from storage.capabilities.quotations import doors
from tests.api.test_mcp import within
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
