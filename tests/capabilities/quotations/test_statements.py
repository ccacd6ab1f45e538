"""Who said that the bridge costs 36 million, and who had it first: statements across articles and outlets."""

import html
import re
from typing import Any

import pytest
from sqlalchemy import Engine

from storage.capabilities.quotations import answers, quotes
from storage.read.archive import open_archive
from tests.flow.driver import hour, page, seed
from tests.plans import whole_scans_of
from tests.serve.conftest import served

BRIDGE = "Die Brücke über die Lohe wird im Mai gebaut, sagt der Rat der Stadt."
TOLD = (
    ("Bote", 1, "„Die Brücke kostet 36 Millionen Euro und wird im Mai gebaut“, sagte Ada Kern am Montag."),
    ("Kurier", 2, "„Die Brücke kostet 36 Millionen Euro“, sagte Ada Kern dem Kurier."),
    ("Anzeiger", 3, "„Die Brücke kostet 38 Millionen Euro und wird im Mai gebaut“, sagte Ada Kern am Montag."),
    ("Post", 4, "„Die Brücke kostet 36 Millionen Euro“, sagte Bo Lind. „Das ist viel zu teuer für uns“, sagte Lind."),
    ("Kurier", 5, "„Die Brücke kostet 63 Millionen Euro“, sagte Ada Kern dem Kurier."),
)  # fmt: skip


@pytest.fixture
def told(room) -> Any:
    """Give a newsroom with what five captures of four outlets quote."""
    for number, (outlet, at, text) in enumerate(TOLD):
        address = f"https://{outlet.lower()}.example/bruecke"
        room.write(
            f"{number}.md",
            page(f"{BRIDGE}\n\n{text}", url=address, observed_at=hour(at), publisher=outlet),
        )
    room.scan(9)
    return room


def test_one_command_says_who_said_it_and_who_had_it_first(told, lesart):
    rows = lesart("statements", "--about", "Brücke 36 Millionen", "--speaker", "Kern")
    (first,) = (row for row in rows if row["name"] == "Ada Kern")
    assert (first["first_outlet"], first["first_seen"][11:16], first["outlets"]) == (
        "Bote",
        "07:00",
        2,
    )
    assert [each["outlet"] for each in first["wordings"]] == ["Bote", "Kurier"]
    assert first["reworded"] is False, "the second wording is a shorter one"


def test_a_person_has_statements_in_time_and_other_persons_theirs(told, lesart):
    (kern,) = lesart("person", "Ada Kern")
    assert [(each["outlet"], each["text"][18:20]) for each in kern["wordings"]] == [
        ("Bote", "36"), ("Kurier", "36"), ("Anzeiger", "38"), ("Kurier", "63"),
    ]  # fmt: skip
    assert (kern["articles"], kern["outlets"], kern["reworded"]) == (3, 3, True)
    assert [each["reworded"] for each in kern["wordings"]] == [False, False, True, True]
    lind = lesart("person", "lind")
    assert [(row["name"], row["first_outlet"]) for row in lind] == [("Bo Lind", "Post")] * 2
    statements = lesart("statements")
    assert [row["kind"] for row in statements].count("direct") == 3
    page_one = lesart("statements", "--limit", "1")
    assert lesart("statements", "--after", page_one[0]["cursor"]) == statements[1:]
    assert [(row["name"], row["articles"]) for row in lesart("persons")] == [
        ("Ada Kern", 3), ("Bo Lind", 1),
    ]  # fmt: skip


SPOKEN = {
    "Nach Angaben der Geschädigten habe der Mann das Fenster eingeschlagen. Die Geschädigten sagten: "
    "„Wir haben alles gesehen.“": None,
    "Erste Zeugen sagten am Montag: „Das Dach hat gebrannt.“ Ersten Ermittlungen zufolge sei der Schaden hoch.": None,
    "„Die Brücke bleibt gesperrt“, meldete die Nachrichtenagentur LPA am Montag.": None,
    "Die Auflagen der LEBA sind streng. „Wir prüfen das“, teilte die LEBA am Montag mit.": None,
    "„Wir bauen im Mai“, sagte Bürgermeisterin Tomke Lind. Lind dankte dem Rat.": "Tomke Lind",
    "“The ferry is late,” said Isbert Rohde, a spokesman. Rohde was in the harbour.": "Isbert Rohde",
}
"""A text, and the name of the person who speaks in it: an office, an agency and a noun are none."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_persons_are_those_whom_the_texts_show_to_be_persons(room, lesart):
    for number, text in enumerate(SPOKEN):
        room.write(f"{number}.txt", seed(f"Meldung Nummer {number}", text))
    room.scan(0)
    found = {row["name"] for row in lesart("persons")}
    assert found == {name for name in SPOKEN.values() if name}
    assert lesart("quotes", "--speaker", "LPA")[0]["speaker_kind"] == "organisation"


def test_a_part_of_the_names_counts_their_quotations_alone(told, lesart, monkeypatch):
    names = lesart("persons")
    for number in (1, 2):
        monkeypatch.setattr(quotes, "NAMES_AT_ONCE", number)
        assert lesart("persons") == names
        (first,) = lesart("persons", "--limit", "1")
        assert [first, *lesart("persons", "--after", first["cursor"])] == names
    with open_archive(told.url) as archive, whole_scans_of(Engine) as scans:
        assert len(list(answers.PersonsQuery().rows(archive, (None, 1)))) == 1
    assert {"quotation", "version", "article"}.isdisjoint(name for name, _statement in scans)


@pytest.mark.parametrize(("options", "expected"), [
    ((), [("Kurier", "63", "36")]),
    (("--speaker", "Kern"), [("Kurier", "63", "38"), ("Anzeiger", "38", "36")]),
    (("--about", "Brücke"), [("Kurier", "63", "38"), ("Anzeiger", "38", "36")]),
    (("--speaker", "Lind"), []),
])  # fmt: skip
def test_a_quotation_that_changes_is_shown_with_both_wordings_and_times(
    told, lesart, options, expected
):
    rows = lesart("quotes", "--changed", *options)
    outlets = {row["article"]: row["publisher"] for row in lesart("list")}
    assert sorted((outlets[row["article"]], row["text"][18:20], row["before"][18:20])
                  for row in rows) == sorted(expected)  # fmt: skip
    assert all(row["before_seen"] < row["changed_by"] for row in rows)
    first = lesart("quotes", "--changed", *options, "--limit", "1")
    if first:
        assert lesart("quotes", "--changed", *options, "--after", first[0]["cursor"]) == rows[1:]


def test_three_clicks_lead_to_the_article_that_had_it_first(told):
    with served(told.url) as client:
        client.headers["accept"] = "text/html"
        assert 'href="/statements"' in client.get("/").text  # the first click: the main menu
        found = client.get("/statements", params={"about": "Brücke 36 Millionen"}).text
        link = re.search(r'<q><a href="(/statement\?of=[^"]+)">Die Brücke kostet 36', found)
        assert link is not None, found
        shown = client.get(html.unescape(link[1])).text  # the second one: the statement
        wordings = re.findall(r"<h2[^>]*><q>Die Brücke kostet (\d+)", shown)
        assert wordings == ["36", "36", "38", "63"]
        assert "Direct quotations differ in a number" in shown
        assert shown.count('<span class="tag loud">misquoted or corrected: number</span>') == 2
        places = re.findall(r'<a href="(/a/[^"]+)">(\w+): ', shown)
        assert [outlet for _link, outlet in places] == ["Bote", "Kurier", "Anzeiger", "Kurier"]
        assert "Brücke kostet 36" in client.get(places[0][0]).text  # the third one: the article
        german = client.get("/statements", params={"speaker": "Lind", "lang": "de"}).text
        assert "Die früheste Aussage steht zuerst." in german
        assert "Ada Kern" in client.get("/persons").text
        assert "Das ist viel zu teuer" in client.get("/statements").text
        for wrong in ("x", "nirgendwo@1.0", f"{link[1].partition('=')[2]}9"):
            assert client.get("/statement", params={"of": wrong}).status_code == 404


def test_the_api_gives_the_rows_of_the_commands(told, lesart):
    with served(told.url) as client:
        for path, options in (
            ("quotes", {"speaker": "Kern", "changed": "true"}), ("statements", {"about": "Brücke"}),
            ("persons", {}), ("person", {"name": "Bo Lind"}),
        ):  # fmt: skip
            words = [
                w
                for k, v in options.items()
                for w in (("--changed",) if k == "changed" else (f"--{k}", v))
            ]
            words = ["Bo Lind"] if path == "person" else words
            items = client.get(f"/api/{path}", params=options).json()["items"]
            assert items == lesart(path, *words), path
        assert client.get("/api/quotes", params={"kind": "x"}).status_code == 400
