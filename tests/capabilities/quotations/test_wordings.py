"""Direct and reported speech look different at every door, and only direct speech is misquoted."""

import html
import re
from typing import Any

import pytest

from storage.cli.exits import run
from storage.read.archive import open_archive
from tests.flow.driver import hour, page
from tests.serve.conftest import served
from worker.cli.commands import app

PAIRS = {
    "number": ("„Der Deich am Hafen kostet 36 Millionen Euro“, sagte Ada Kern am Montag.",
               "„Der Deich am Hafen kostet 38 Millionen Euro“, sagte Ada Kern am Montag."),
    "negation": ("„Wir werden die Schule im Ort schließen“, sagte Bo Lind am Montag.",
                 "„Wir werden die Schule im Ort nicht schließen“, sagte Bo Lind am Montag."),
    "name": ("„Der neue Zug fährt ab Mai nach Hamburg weiter“, sagte Jens Vogt am Montag.",
             "„Der neue Zug fährt ab Mai nach Bremen weiter“, sagte Jens Vogt am Montag."),
    "noun": ("„Im Haushalt fehlt das Geld für eine Fähre“, sagte Clara Harms am Montag.",
             "„Im Haushalt fehlt das Geld für eine Klinik“, sagte Clara Harms am Montag."),
    "marks": ("„Die Halle bleibt zu, leider bis in den Herbst“, sagte Paul Rohde am Montag.",
              "„Die Halle bleibt zu – leider bis in den Herbst!“, sagte Paul Rohde am Montag."),
    "words": ("„Die Wache im Hafen braucht dringend 14 neue Wagen für alle“, sagte Ines Brandt am Montag.",
              "„Die Wache im Hafen braucht sofort vierzehn neue Wagen für alle“, sagte Ines Brandt am Montag."),
    "reported": ("„Die Mole kostet 21 Millionen Euro“, sagte Karl Ohlsen am Montag.",
                 "Karl Ohlsen sagte am Montag, dass die Mole 21 Millionen Euro koste."),
    "both reported": ("Maria Dircks sagte am Montag, dass die Schleuse 55 Millionen Euro koste.",
                      "Maria Dircks sagte am Montag, dass die Schleuse 57 Millionen Euro koste."),
    "number, en": ("“The old pier costs 36 million euros,” said Peter Boysen on Monday.",
                   "“The old pier costs 38 million euros,” said Peter Boysen on Monday."),
    "negation, en": ("“We will close the school in the village,” said Anna Marten on Monday.",
                     "“We won’t close the school in the village,” said Anna Marten on Monday."),
    "name, en": ("“The new train runs on to Hamburg in May,” said Ruth Ahrens on Monday.",
                 "“The new train runs on to Bremen in May,” said Ruth Ahrens on Monday."),
    "noun, en": ("“There is no money left for the ferry now,” said Hans Peters on Monday.",
                 "“There is no money left for the clinic now,” said Hans Peters on Monday."),
    "marks, en": ("“The hall stays shut, sadly until the autumn,” said Emma Thomsen on Monday.",
                  "“The hall stays shut – sadly until the autumn!” said Emma Thomsen on Monday."),
    "words, en": ("“The old tunnel needs repairs at once,” said Otto Claasen on Monday.",
                  "“The old tunnel requires repairs at once,” said Otto Claasen on Monday."),
    "reported, en": ("“The bridge costs 21 million euros,” said Lena Reimers on Monday.",
                     "Lena Reimers said on Monday that the bridge costs 21 million euros."),
}  # fmt: skip
"""Two texts of one person each, by what their words have to do with each other."""
DIFFERENCE = {"number": "number", "negation": "negation", "name": "noun", "noun": "noun"}
MISQUOTED = {
    "en": "misquoted or corrected: {}",
    "de": "falsch zitiert oder berichtigt: {}",
}
ENGLISH = {"number": "number", "negation": "negation", "noun": "name or noun"}
GERMAN = {"number": "Zahl", "negation": "Verneinung", "noun": "Name oder Substantiv"}
SAME = {"en": "the same in other words", "de": "dasselbe in anderen Worten"}
LEADS = {
    "de": ("Der Rat der Stadt traf sich heute im Saal.", "Viele Leute kamen in das Rathaus."),
    "en": ("The council of the town met in the hall.", "Many people came to the old house."),
}


@pytest.fixture
def told(room) -> Any:
    """Give a newsroom with the two texts of each pair, in two outlets."""
    for at, (name, texts) in enumerate(PAIRS.items()):
        leads = LEADS["en" if name.endswith(", en") else "de"]
        for n, (outlet, text) in enumerate(zip(("Bote", "Kurier"), texts, strict=True)):
            room.write(
                f"{at}-{n}.md",
                page(f"{leads[n]}\n\n{text}", url=f"https://{outlet.lower()}.example/{at}",
                     observed_at=hour(n + 1), publisher=outlet, title=f"Rat {at} {outlet}"),
            )  # fmt: skip
    room.scan(9)
    return room


def speaker_of(pair: str) -> str:
    names = re.findall(r"[A-Z]\w+ [A-Z]\w+(?= (?:am|on) M|\Z| sag| said)", PAIRS[pair][0])
    return next(each for each in names if each.split()[0] not in ("Der", "The"))


@pytest.mark.slow
def test_only_direct_quotations_with_another_number_negation_name_or_noun_are_misquoted(
    told, lesart
):
    found = {row["name"]: row for row in lesart("statements") if row["articles"] == 2}
    assert found.keys() == {speaker_of(pair) for pair in PAIRS}
    with served(told.url) as client:
        client.headers["accept"] = "text/html"
        for pair in PAIRS:
            kind = pair.removesuffix(", en")
            row, expected = found[speaker_of(pair)], DIFFERENCE.get(kind)
            assert row["contradicted"] == (expected is not None), pair
            if expected is not None:
                _first, other = row["wordings"]
                assert (other["difference"], other["contradicts"]) == (expected, True), pair
            for lang in ("en", "de"):
                asked = {"of": row["statement"], "lang": lang}
                shown = html.unescape(client.get("/statement", params=asked).text)
                word = MISQUOTED[lang].format(
                    (ENGLISH if lang == "en" else GERMAN).get(expected, "")
                )
                assert (word in shown) == (expected is not None), (pair, lang)
                is_same = kind in {"words", "reported"}
                assert (SAME[lang] in shown) == (is_same and row["reworded"]), (pair, lang)
                assert shown.count("<q>") == len(
                    [each for each in row["wordings"] if each["kind"] == "direct"]
                )
                reported = len([each for each in row["wordings"] if each["kind"] == "indirect"])
                assert shown.count('<h2 class="text old"') == reported
                assert (
                    shown.count({"en": "reported speech", "de": "indirekte Rede"}[lang]) == reported
                )
    assert {w["kind"] for w in found["Karl Ohlsen"]["wordings"]} == {"direct", "indirect"}
    assert {w["kind"] for w in found["Maria Dircks"]["wordings"]} == {"indirect"}


@pytest.mark.slow
def test_each_entry_has_its_title_and_outlet_at_each_door(told, lesart):
    expected = {("Rat 6 Bote", "Bote"), ("Rat 6 Kurier", "Kurier")}
    name = "Karl Ohlsen"
    with served(told.url) as client, open_archive(told.url) as archive:
        asked = {
            "quotes": ({"speaker": name}, archive.rows("quotes", speaker=name)),
            "statements": ({"speaker": name}, archive.rows("statements", speaker=name)),
            "person": ({"name": name}, archive.rows("person", name=name)),
            "identities": ({"name": name}, archive.rows("identities", name=name)),
        }
        for path, (options, records) in asked.items():
            items = client.get(f"/api/{path}", params=options).json()["items"]
            words = [name] if "name" in options else ["--speaker", name]
            assert items == lesart(path, *words) == [each.to_dict() for each in records]
            if path in ("quotes", "identities"):
                assert {(each["title"], each["outlet"]) for each in items} == expected, path
            else:
                (row,) = items
                found = {(each["title"], each["outlet"]) for each in row["wordings"]}
                assert found | {(row["first_title"], row["first_outlet"])} <= expected
                assert ("Rat 6 Bote", "Bote") in found


@pytest.mark.slow
def test_each_list_states_direct_or_reported_beside_the_words(told, lesart, capsys):
    for words in (("quotes", "--speaker", "Ohlsen"), ("statements",), ("person", "Karl Ohlsen")):
        assert run(app, [*words, "--format", "table", "--archive", told.url]) == 0
        heading, *rows = capsys.readouterr().out.splitlines()
        assert heading.index("kind") < heading.index("text"), words
        assert any("direct" in row for row in rows)
    changed = lesart("quotes", "--changed", "--speaker", "Kern")
    assert [row["difference"] for row in changed] == ["number"]
    assert [row["difference"] for row in lesart("quotes", "--changed", "--speaker", "Dircks")] == [
        None
    ]
    with served(told.url) as client:
        entries = client.get("/quotes.json?speaker=Karl+Ohlsen").json()["items"]
        shown = sorted(each["content_html"].partition("</p>")[0] for each in entries)
        assert [each.startswith("<p><q>") for each in shown] == [True, False]
        assert shown[1].startswith("<p>reported speech: ")
