"""A first is never stated against the full text: stories of five outlets, of which the first is known."""

import html
import re
from random import Random
from typing import Any

import pytest

from storage.cli.exits import run
from storage.values.redaction import RedactionReason
from storage.write.redaction.restrict import restrict
from tests.flow.driver import hour, page
from tests.serve.conftest import served
from worker.cli.commands import app

OUTLETS = ("Nordblatt", "Kreisbote", "Anzeiger", "Kurier", "Post")
THINGS = ("Brücke", "Schule", "Klinik", "Halle", "Fähre", "Wache", "Mole", "Schleuse")
VERBS = (("kostet", "koste"), ("braucht", "brauche"), ("verschlingt", "verschlinge"))
FIRST_NAMES = ("Ada", "Bo", "Anna", "Jens", "Clara", "Paul", "Maria", "Peter", "Ines", "Karl")
LAST_NAMES = (
    "Kern", "Lind", "Vogt", "Rohde", "Behrens", "Lüders", "Köster", "Harms", "Petersen", "Ahrens",
    "Brandt", "Ohlsen", "Reimers", "Thomsen", "Marten", "Claasen", "Boysen", "Hinrichs", "Dircks",
    "Peters",
)  # fmt: skip
GERMAN = "„Die {thing} {verb} {figure} Millionen Euro“, sagte {name} am Montag."
GERMAN_WITHOUT = (
    "Die {thing} {told} {figure} Millionen Euro, wie man in {place} hört.",
    "In {place} heißt es, dass die {thing} {figure} Millionen Euro {verb}.",
    "Wer die {thing} will, zahlt viel: {figure} Millionen Euro {verb} die {thing}.",
    "Die {thing} {verb} nach allem, was man weiß, {figure} Mio. Euro.",
    "Die {thing} {told} {figure} Millionen Euro, hört man von {name}.",
    "Für {name} steht fest, dass die {thing} {figure} Millionen Euro {verb}.",
)
ENGLISH_THINGS = ("bridge", "school", "clinic", "ferry", "pier", "tunnel")
ENGLISH = "“The {thing} costs {figure} million euros,” said {name} on Monday."
ENGLISH_WITHOUT = (
    "People in {place} have heard that the {thing} costs {figure} million euros.",
    "The {thing} would cost {figure} million, if what one hears in {place} is right.",
    "It is an old story: {figure} million is what a {thing} costs.",
    "The {thing} costs {figure} million euros, people heard from {name}.",
    "For {name} there is no doubt: the {thing} costs {figure} million euros.",
)
"""The claim in other forms and orders, which name nobody or do not say clearly who speaks."""


def write_stories(room: Any, number: int, seed: int) -> dict[str, str]:
    """Write stories in five outlets each; return the outlet that had it first by the figure."""
    random, firsts = Random(seed), {}
    for story in range(number):
        is_german = story % 3 != 2
        thing = random.choice(THINGS if is_german else ENGLISH_THINGS)
        (verb, told), place = random.choice(VERBS), random.choice(("Lohe", "Rade"))
        quoted, without = (GERMAN, GERMAN_WITHOUT) if is_german else (ENGLISH, ENGLISH_WITHOUT)
        figure = f"{story + 21}{',' if is_german else '.'}{random.randint(1, 9)}"
        name = f"{FIRST_NAMES[story % 10]} {LAST_NAMES[story // 10]}"
        outlets = random.sample(OUTLETS, len(OUTLETS))
        with_name = set(random.sample(outlets, random.randint(1, 4)))
        for at, outlet in enumerate(outlets):
            form = quoted if outlet in with_name else random.choice(without)
            text = form.format(
                thing=thing, verb=verb, told=told, figure=figure, name=name, place=place
            )
            address = f"https://{outlet.lower()}.example/{story}"
            lead = f"Der Rat von {place} traf sich am Montag zum {story + 1}. Mal in Saal {outlet}."
            if not is_german:
                lead = (
                    f"The council of {place} had its meeting {story + 1} in the hall of {outlet}."
                )
            room.write(
                f"{story}-{at}.md",
                page(f"{lead}\n\n{text}", url=address, observed_at=hour(at), publisher=outlet,
                     title=f"Rat {story} im {outlet}"),
            )  # fmt: skip
        firsts[figure] = outlets[0]
    room.scan(9)
    return firsts


@pytest.mark.parametrize(("number", "seed"), [
    (12, 1),
    pytest.param(200, 2, marks=pytest.mark.slow),
])  # fmt: skip
def test_no_first_is_stated_that_the_full_text_contradicts(room, lesart, number, seed):
    firsts = write_stories(room, number, seed)
    stated: dict[str, list[dict[str, Any]]] = {figure: [] for figure in firsts}
    for row in lesart("statements"):
        stated[re.search(r"\d+[.,]\d", row["text"])[0]].append(row)
    assert all(stated.values())
    wrong = []
    for figure, outlet in firsts.items():
        (row,) = stated[figure]
        assert row["articles"] + row["unattributed"] == len(OUTLETS), row
        if row["first_outlet"] == outlet:
            assert row["doubt"] is None, row
        elif row["doubt"] is None or row["unattributed_first"]["outlet"] != outlet:
            wrong.append(row)
        else:
            assert row["doubt"].startswith(f"earliest text with these words: {outlet}, ")
            assert row["doubt"].endswith(", speaker not recognised")
    assert wrong == []
    assert any(row["doubt"] for rows in stated.values() for row in rows)


TOLD = "Die Brücke koste 36 Millionen Euro, hört man von Vogt."
QUOTES = "„Die Brücke kostet 36 Millionen Euro“, sagte Jens Vogt am Montag."


@pytest.fixture
def told(room) -> Any:
    """Give a newsroom in which an outlet has the words of a later quotation without a speaker."""
    for at, (outlet, text) in enumerate((("Kreisbote", TOLD), ("Nordblatt", QUOTES))):
        address = f"https://{outlet.lower()}.example/bruecke"
        room.write(
            f"{at}.md",
            page(f"Der Rat tagt in {outlet}.\n\n{text}", url=address, observed_at=hour(at + 1),
                 publisher=outlet, title=f"Rat im {outlet}"),
        )  # fmt: skip
    room.scan(9)
    return room


ASKED = {
    "de": ("Brücke 36 Millionen", "Die Brücke {} 36 Millionen Euro{}", "Der Rat tagt in {}.",
           "„{}“, sagte Jens Vogt am Montag.",
           ("koste", ", sagte Vogt."), ("koste", ", hört man von Vogt."), "kostet"),
    "en": ("bridge 36 million", "The bridge {} 36 million euros{}", "The council met in {}.",
           "“{},” said Jens Vogt on Monday.",
           ("costs", ", Vogt said."), ("costs", ", people heard from Vogt."), "costs"),
}  # fmt: skip
"""For each language the words of the question, and texts of Kreisbote that state it before."""


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("form", [4, 5])
@pytest.mark.slow
def test_the_question_is_answered_by_one_command_and_in_three_clicks(room, lesart, lang, form):
    asked = ASKED[lang]
    words, claim, lead, said = asked[:4]
    earlier = claim.format(*asked[form])
    later = said.format(claim.format(asked[6], ""))
    for at, (outlet, text) in enumerate((("Kreisbote", earlier), ("Nordblatt", later))):
        address = f"https://{outlet.lower()}.example/bruecke"
        room.write(
            f"{at}.md",
            page(f"{lead.format(outlet)}\n\n{text}", url=address, observed_at=hour(at + 1),
                 publisher=outlet, title=f"Rat {at}"),
        )  # fmt: skip
    room.scan(9)
    row = lesart("statements", "--about", words)[0]
    is_first = row["first_outlet"] == "Kreisbote" and row["first_seen"][11:16] == "07:00"
    assert is_first or row["doubt"] == LINE
    assert form == 4 or not is_first, "the second form is not recognised"
    with served(room.url) as client:
        client.headers["accept"] = "text/html"
        menu = client.get("/", params={"lang": lang}).text
        link = html.unescape(re.search(r'href="(/statements[^"]*)"', menu)[1])
        found = client.get(link, params={"about": words, "lang": lang}).text
        card = html.unescape(found[found.index('<article class="card"') :])
        named = {"de": "zuerst:", "en": "first:"}[lang] + ' <span class="outlet">Kreisbote'
        doubt = {"de": "Frühester Text mit diesen Worten", "en": "earliest text with these words"}
        assert named in card if is_first else f"{doubt[lang]}: Kreisbote" in card
        link = re.search(r'href="(/statement\?of=[^"]+)"', card)[1]
        shown = html.unescape(client.get(link).text)
        place = re.search(r'href="(/a/[^"]+)">Kreisbote', shown)[1]
        assert earlier.partition(",")[0] in client.get(place).text


LINE = "earliest text with these words: Kreisbote, 2024-06-18 07:00Z, speaker not recognised"


def test_each_door_begins_with_the_earlier_text(told, lesart):
    first = {"outlet": "Kreisbote", "text": TOLD, "name": None, "version": 1}
    for words in (
        ("statements", "--about", "Brücke 36 Millionen"), ("person", "Jens Vogt"),
        ("quotes", "--about", "Brücke"),
    ):  # fmt: skip
        (row,) = lesart(*words)
        assert (row["doubt"], row["unattributed"]) == (LINE, 1), words
        assert row["unattributed_first"].items() >= first.items()
    (listed,) = lesart("quotes")
    assert listed["unattributed"] is None, "nothing was sought"
    with served(told.url) as client:
        (item,) = client.get("/api/statements", params={"about": "Brücke"}).json()["items"]
        assert item["doubt"] == LINE
        client.headers["accept"] = "text/html"
        shown = client.get("/statements", params={"about": "Brücke"}).text
        assert shown.index(LINE) < shown.index("Die Brücke kostet 36")
        link = html.unescape(re.search(r'href="(/statement\?of=[^"]+)"', shown)[1])
        assert LINE in client.get(link).text
        german = client.get(f"{link}&lang=de").text
        assert "Frühester Text mit diesen Worten: Kreisbote, 2024-06-18 07:00Z" in german
        assert TOLD in german


def test_the_table_of_a_terminal_begins_with_the_earlier_text(told, lesart, capsys):
    for words in (("statements", "--about", "Brücke"), ("person", "Jens Vogt")):
        assert run(app, [*words, "--format", "table", "--archive", told.url]) == 0
        heading, row, *_more = capsys.readouterr().out.splitlines()
        assert (heading.split()[0], row.startswith(LINE)) == ("doubt", True), words


def test_restricted_texts_and_names_left_out_are_not_shown(told, lesart):
    lesart("redact-person", "Vogt", "--reason", "gdpr_objection", "--by", "eva", "--yes")
    for row in lesart("statements"):
        assert "Vogt" not in str(row["unattributed_first"])
    (number,) = (
        row["id"] for row in told.rows("SELECT id FROM article ORDER BY first_seen LIMIT 1")
    )
    told.archive.transact(restrict, [number], RedactionReason.GDPR_RESTRICTION, "ada")
    assert [row["doubt"] for row in lesart("statements")] == [None]


@pytest.mark.parametrize(("other", "is_doubt"), [
    ("Die Brücke wird 36 Millionen Euro kosten, sagt man.", True),
    ("Die Brücke, sagt man, koste wohl 36 Mio. Euro.", True),
    ("Die Schule kostet 36 Millionen Euro.", False),
    ("Die Brücke kostet 38 Millionen Euro.", False),
    ("„Die Brücke kostet 36 Millionen Euro“, sagte Bo Lind am Montag.", False),
    ("„Die Brücke kostet 36 Millionen Euro“, sagte Vogt am Montag.", True),
])  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_same_figures_and_words_are_a_doubt_unless_somebody_else_says_them(
    room, lesart, other, is_doubt
):
    for at, text in enumerate((other, QUOTES)):
        room.write(
            f"{at}.md",
            page(f"Saal {at} war voll.\n\n{text}", url=f"https://bote.example/{at}",
                 observed_at=hour(at + 1), title=f"Rat {at}"),
        )  # fmt: skip
    room.scan(9)
    (row,) = (row for row in lesart("statements") if row["name"] == "Jens Vogt")
    assert (row["doubt"] is not None) == is_doubt


def test_reported_speech_is_marked_on_both_pages(room):
    said = (
        "Jens Vogt sagte am Montag, dass die Brücke 36 Millionen Euro koste und bald gebaut werde."
    )
    address = "https://bote.example/bruecke"
    body = f"Der Rat tagt in der Stadt und berät über die Brücke.\n\n{said}"
    room.write("1.md", page(body, url=address, observed_at=hour(1), title="Rat"))
    room.scan(9)
    with served(room.url) as client:
        client.headers["accept"] = "text/html"
        shown = client.get("/statements", params={"about": "Brücke"}).text
        link = html.unescape(re.search(r'href="(/statement\?of=[^"]+)"', shown)[1])
        for each in (shown, client.get(link).text):
            assert "reported speech" in each
            assert "<q>" not in each
        assert "indirekte Rede" in client.get(f"{link}&lang=de").text
