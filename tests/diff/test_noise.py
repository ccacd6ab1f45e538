"""Noise and changes are distinguished by their content; differences in running text are changes."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.diff.change import CaptureContent, TextChange, change
from storage.diff.classes import DETECTORS
from storage.diff.noise import RULES
from storage.diff.word_diff import Text
from storage.values.digest import wording_digest
from storage.values.net.site import paragraph_key

FIRST = "Der Pegel der Lohe stieg in der Nacht um einen halben Meter."
SECOND = "Am Morgen zählte die Feuerwehr vierzig nasse Keller und fuhr dann heim."


def told(*paragraphs: str, title: str = "Pegel steigt", **more) -> CaptureContent:
    return CaptureContent(Text(title, tuple(("text", each) for each in paragraphs)), **more)


def step(a: str | None, b: str | None) -> TextChange:
    """The changes where a last paragraph is replaced, added or removed."""
    before, after = ([each] if each is not None else [] for each in (a, b))
    return change(told(FIRST, SECOND, *before), told(FIRST, SECOND, *after))


@pytest.mark.parametrize(
    ("a", "b", "rule"),
    [
        pytest.param("Kontakt: redaktion@bote.example", "Kontakt: [email protected]", "email", id="protected"),
        pytest.param("Hinweise an redaktion (at) bote (dot) example oder per Post.", "Hinweise an redaktion@bote.example oder per Post.", "email", id="at and dot in words"),
        pytest.param("Hinweise an redaktion at bote dot example oder per Post.", "Hinweise an redaktion@bote.example oder per Post.", "email", id="words without brackets"),
        pytest.param("Kontakt: elpmaxe.etob@noitkader", "Kontakt: redaktion@bote.example", "email", id="backwards"),
        pytest.param("E-Mail: redaktion@nospam.bote.example", "E-Mail: redaktion@bote.example", "email", id="against spam"),
        pytest.param("Mail: redaktion&#64;bote.example", "Mail: redaktion@bote.example", "email", id="reference"),
        pytest.param("This email address is being protected from spambots. You need JavaScript enabled to view it.", "desk@bote.example", "email", id="spambots"),
        pytest.param("© 2024 Lohebote", "© 2025 Lohebote", "copyright", id="copyright"),
        pytest.param("Copyright (c) 2010-2024 Lohebote. Alle Rechte vorbehalten.", "Copyright (c) 2010-2025 Lohebote. Alle Rechte vorbehalten.", "copyright", id="years of a copyright"),
        pytest.param("vor 5 Minuten", "vor einer Stunde", "age", id="age"),
        pytest.param("Updated 5 minutes ago", "Updated an hour ago", "age", id="age in English"),
        pytest.param("Heute, 14:05 Uhr", "Gestern, 14:05 Uhr", "age", id="midnight"),
        pytest.param("1.234 Aufrufe", "1.310 Aufrufe", "counter", id="views"),
        pytest.param("1 Kommentar", "2 Kommentare", "counter", id="comments"),
        pytest.param("Dieser Artikel wurde 87 mal gelesen.", "Dieser Artikel wurde 93 mal gelesen.", "counter", id="readings"),
        pytest.param("17 Kommentare", None, "counter", id="a counter goes"),
        pytest.param("Es ist jetzt 14:05 Uhr", "Es ist jetzt 14:25 Uhr", "clock", id="clock"),
        pytest.param("14:05:33", "14:09:12", "clock", id="seconds"),
        pytest.param("Dienstag, 18. Juni 2024, 14:05 Uhr", "Mittwoch, 19. Juni 2024, 08:00 Uhr", "moment", id="day and time"),
        pytest.param("Stand: 18.06.2024, 13:34 Uhr", "Aktualisiert am 19. Juni 2024", "stamp", id="stamp"),
        pytest.param("Mehr auf https://bote.example/damm?utm_source=rss&id=7 im Netz.", "Mehr auf https://bote.example/damm?utm_source=mail&id=7 im Netz.", "address", id="tracking"),
        pytest.param("Siehe www.bote.example/a;jsessionid=4F2A im Netz.", "Siehe www.bote.example/a;jsessionid=99AA im Netz.", "address", id="session"),
        pytest.param("Request-ID: 8f3a91c2", "Request-ID: 77bb0121", "artefact", id="request"),
        pytest.param("Page generated in 0.12 seconds", "Page generated in 0.08 seconds", "artefact", id="render time"),
        pytest.param("Startseite | Politik | Wirtschaft | Sport", "Startseite | Politik | Panorama | Sport", "navigation", id="menu"),
        pytest.param("Von Anna Muster | vor 5 Minuten", "Von Anna Muster | vor 9 Minuten", "age", id="behind a byline"),
    ],
)  # fmt: skip
def test_this_is_noise_there_and_back(a, b, rule):
    for found in (step(a, b), step(b, a)):
        assert (found.is_noise, [each.rule for each in found.noise]) == (True, [rule])
        assert found.classes == ()


@pytest.mark.parametrize(
    ("a", "b", "classes"),
    [
        pytest.param("Es kamen 1,5 Millionen.", "Es kamen 15 Millionen.", {"number"}, id="millions"),
        pytest.param("Um 3,6 Prozent mehr.", "Um 36 Prozent mehr.", {"number"}, id="percent"),
        pytest.param("Sie sprach von „Befreiung“ dort.", "Sie sprach von Befreiung dort.", {"quote"}, id="marks"),
        pytest.param("Hat sie gelogen?", "Hat sie gelogen.", {"punctuation"}, id="question"),
        pytest.param("„So nicht“, sagte er.", "So nicht, sagte er.", {"quote"}, id="quotation"),
        pytest.param("Das war „nicht“ gut.", "Das war nicht gut.", {"quote"}, id="not in marks"),
        pytest.param("Das war nicht gut.", "Das war gut.", {"wording"}, id="not"),
        pytest.param("Vor 5 Minuten kam der Zug.", "Vor 7 Minuten kam der Zug.", {"number"}, id="age in a sentence"),
        pytest.param("Der Artikel hatte 17 Kommentare.", "Der Artikel hatte 18 Kommentare.", {"number"}, id="counter in a sentence"),
        pytest.param("Um 14:05 Uhr brach der Damm.", "Um 14:15 Uhr brach der Damm.", {"number"}, id="time in a sentence"),
        pytest.param("Es ist 5:30 Uhr, als der Damm bricht.", "Es ist 5:45 Uhr, als der Damm bricht.", {"number"}, id="clock in a sentence"),
        pytest.param("Schreiben Sie an presse@bote.example.", "Schreiben Sie an info@bote.example.", {"wording"}, id="another address"),
        pytest.param("Mehr auf https://bote.example/x?id=1.", "Mehr auf https://bote.example/x?id=2.", {"number"}, id="another page"),
        pytest.param("Im Jahr 2024 stieg der Pegel.", "Im Jahr 2025 stieg der Pegel.", {"number"}, id="year"),
        pytest.param("© 2024 dpa", "© 2024 AFP", {"wording"}, id="whose copyright"),
        pytest.param("Von Anna Muster | vor 5 Minuten", "Von Hanna Muster | vor 5 Minuten", {"name"}, id="byline"),
        pytest.param("Von Anna Muster | vor 5 Minuten", "Von Hanna Muster | Halle | vor 6 Minuten", {"number", "name", "wording"}, id="a place before an age"),
        pytest.param("Ort: Halle | Samstag, 22. Juni", "Ort: Halle | Samstag, 29. Juni", {"number", "date"}, id="event"),
        pytest.param("Beginn: 19:30 Uhr", "Beginn: 20:30 Uhr", {"number"}, id="beginning"),
        pytest.param("17 Tote", "18 Tote", {"number"}, id="dead"),
        pytest.param("Stand: 3,6 Prozent", "Stand: 36 Prozent", {"number"}, id="a stand that is no date"),
        pytest.param("Kandidaten: Anna | Ben | Carla", "Kandidaten: Anna | Ben | Clara", {"wording"}, id="list of names"),
        pytest.param("Das Spiel endete 2:1.", "Das Spiel endete 3:1.", {"number"}, id="result"),
    ],
)  # fmt: skip
def test_this_is_a_change_there_and_back(a, b, classes):
    for found in (step(a, b), step(b, a)):
        assert (found.is_noise, found.noise) == (False, ())
        assert set(found.classes) == classes


def test_times_of_a_ticker_are_no_clocks():
    entries = ["14:05 Uhr", FIRST, "13:40 Uhr", SECOND]
    later = ["14:15 Uhr", *entries[1:]]
    assert change(told(*entries), told(*later)).classes == ("number",)


def test_a_time_in_the_middle_is_no_clock():
    a, b = (
        told(FIRST, SECOND, each, FIRST + " Ja.", SECOND + " Ja.")
        for each in ("14:05 Uhr", "14:15 Uhr")
    )
    assert change(a, b).classes == ("number",)


def test_the_same_words_in_other_paragraphs_are_noise():
    a, b = told(f"{FIRST} {SECOND}", "Ende."), told(FIRST, SECOND, "Ende.")
    assert [each.rule for each in change(a, b).noise] == ["breaks"]
    assert change(a, told(SECOND, FIRST, "Ende.")).noise == ()


def test_other_breaks_hide_no_edit_next_to_them():
    a = told(f"{FIRST} {SECOND}", "Von Anna Muster | vor 5 Minuten", "Ende.")
    b = told(FIRST, SECOND, "Von Hanna Muster | vor 6 Minuten", "Ende.")
    assert "name" in change(a, b).classes
    a, b = told("Stand: 18.06.2024, 13:34 Uhr", "13 Kommentare"), told(FIRST)
    assert not change(a, b).is_noise
    assert not change(b, a).is_noise


def test_a_paragraph_that_is_next_to_the_text_was_not_taken_away():
    a, b = told(FIRST, SECOND), told(FIRST, beside=(SECOND,))
    assert [each.rule for each in change(a, b).noise] == ["beside"]
    assert [each.rule for each in change(b, a).noise] == ["beside"]
    around = told(FIRST, around=frozenset([paragraph_key(SECOND)]))
    assert change(a, around).is_noise
    assert not change(a, told(FIRST)).is_noise


def test_what_other_articles_say_of_a_paragraph_is_heeded():
    a, b = told(FIRST), told(FIRST, SECOND)
    assert change(a, b).boilerplate_candidates == (SECOND,)
    assert [each.rule for each in change(a, b, {SECOND: "box"}).noise] == ["box"]
    assert change(a, b, {SECOND: "box"}, heed_noise=False).classes == ("paragraph_added",)


def test_noise_and_change_in_one_paragraph_are_distinguished():
    a = told(FIRST, "Von Anna Muster | 3 Kommentare")
    b = told(FIRST, "Von Hanna Muster | 12 Kommentare")
    found = change(a, b)
    assert (found.classes, found.removed, found.added) == (("name",), ("Anna",), ("Hanna",))
    assert [(each.rule, each.removed, each.added) for each in found.noise] == [
        ("counter", ("3",), ("12",))
    ]


BASES = Path(__file__).parents[1] / "revisions" / "bases"
PARAGRAPHS = [
    paragraph.strip()
    for name in ("werk.txt", "kita.txt", "library.txt", "zug.md", "strike.json")
    for paragraph in (BASES / name).read_text("utf-8").replace("\\n", "\n").split("\n\n")[1:]
    if len(paragraph) > 60
]


def edited(text: str, chance: random.Random) -> str:
    """Return a text with one edit: a letter, a mark, a digit, a word less, two words swapped."""
    words, at = text.split(), chance.randrange(len(text))
    match chance.randrange(5):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at] + chance.choice('0123456789,.?!"„“a -') + text[at:]
        case 2:
            digits = [place for place, letter in enumerate(text) if letter.isdigit()] or [at]
            at = chance.choice(digits)
            return text[:at] + chance.choice("0123456789") + text[at + 1 :]
        case 3:
            del words[chance.randrange(len(words))]
            return " ".join(words)
        case _:
            at = chance.randrange(len(words) - 1)
            words[at : at + 2] = words[at : at + 2][::-1]
            return " ".join(words)


@given(st.randoms(use_true_random=False))
def test_no_edit_of_running_text_is_ever_noise(chance):
    before = chance.sample(PARAGRAPHS, 4)
    place = chance.randrange(4)
    after = [*before[:place], edited(before[place], chance), *before[place + 1 :]]
    found = change(told(*before), told(*after))
    same = wording_digest("", before) == wording_digest("", after)
    assert (found.is_noise, bool(found.classes)) == (False, not same)
    assert set(found.classes) <= set(DETECTORS)


def test_every_rule_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "codes.md").read_text("utf-8")
    for rule, says in RULES.items():
        assert f"| `{rule}` | {says} |" in page
