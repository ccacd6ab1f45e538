"""Copies, and texts that are only similar: differing and rare passages decide."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.similarity.near_copy import Comparison, StoryText, decide, likeness

DAY = date(2024, 6, 18)

FIRE = (
    "In der Nacht zum Dienstag ist in der Mühlenstraße in Lohetal eine Scheune ausgebrannt. Gegen "
    "2.40 Uhr meldete ein 54-jähriger Anwohner Flammen am Dach. Als die Feuerwehr mit 40 Kräften "
    "eintraf, stand das Gebäude bereits in Vollbrand. Verletzt wurde niemand, den Schaden schätzt "
    "die Polizei auf 85.000 Euro. Zwei Traktoren und 120 Strohballen wurden zerstört. Die Straße "
    "blieb bis zum Vormittag gesperrt."
)
OTHER_FIRE = (
    "In der Nacht zum Freitag ist in der Gartenstraße in Ahlenau eine Garage ausgebrannt. Gegen "
    "3.15 Uhr meldete eine 31-jährige Anwohnerin Flammen am Dach. Als die Feuerwehr mit 25 Kräften "
    "eintraf, stand das Gebäude bereits in Vollbrand. Verletzt wurde niemand, den Schaden schätzt "
    "die Polizei auf 30.000 Euro. Drei Fahrräder und ein Anhänger wurden zerstört. Die Straße "
    "blieb bis zum Vormittag gesperrt."
)
BY_ANOTHER_WRITER = (
    "Als Bauer Hinrich Tönjes in Lohetal die Sirene hörte, war vom Dach schon nichts mehr übrig. "
    "Zwei Traktoren und 120 Ballen Stroh nahm ihm das Feuer in der Mühlenstraße, 85.000 Euro an "
    "Werten, schätzen die Beamten. Sein Nachbar, 54, hatte um 2.40 Uhr angerufen; vierzig Retter "
    "konnten nichts mehr ausrichten. Erst am Vormittag rollte wieder der Verkehr."
)
BANNER = (
    "Wir und unsere Partner verwenden Cookies, um Informationen auf Ihrem Gerät zu speichern. Mit "
    "einem Klick willigen Sie in die Verarbeitung ein. Hinweise stehen in der Datenschutzerklärung."
)
ABOUT = (
    "Der Verband vertritt die Interessen von mehr als 1.500 Betrieben der Wasserversorgung im Norden. "
    "Seine Mitglieder beschäftigen rund 300.000 Menschen und setzten im Jahr 2022 insgesamt 194 "
    "Milliarden Euro um. Sitz des Verbands ist seit 1949 die alte Münze am Hafen von Harkenbrück."
)
SPEED = (
    "Das Ordnungsamt kündigt für diese Woche Geschwindigkeitsmessungen an: Montag: {}, Dienstag: {}, "
    "Mittwoch: {}, Donnerstag: {}. Darüber hinaus kann im gesamten Stadtgebiet mit Messungen gerechnet "
    "werden. Besonders vor Schulen gilt es, die zulässige Höchstgeschwindigkeit einzuhalten."
)
BLOOD = (
    "Das Rote Kreuz lädt zur Blutspende ein: am {} von 15 bis 19 Uhr in der Grundschule Lohetal. Blut "
    "spenden darf jeder Gesunde ab 18 Jahren, der mindestens 50 Kilogramm wiegt. Zwischen zwei "
    "Spenden müssen 56 Tage liegen. Ein Ausweis ist mitzubringen, ein Imbiss steht bereit. Täglich "
    "werden im Land bis zu 2.300 Spenden gebraucht, und im Sommer sind die Vorräte besonders knapp."
)
VOTE = (
    "Am Abend hat der Rat der Stadt Lohetal in {} Lesung über den Haushalt beraten. Von den "
    "Mitgliedern stimmten {} für den Entwurf der Kämmerei, der um {} Prozent gewachsen ist. Die "
    "Sitzung war öffentlich, Zuschauer waren willkommen. Das Protokoll liegt nach der Genehmigung "
    "im Rathaus aus und kann dort von allen eingesehen werden."
)
SHORT = "Die Polizei bittet um Hinweise auf den Verbleib der Räder."


def told(text: str, title: str = "", day: date | None = DAY) -> StoryText:
    return StoryText(title, text, day)


def other_day(days: int) -> date:
    return date.fromordinal(DAY.toordinal() + days)


COPIES = {
    "sent again": (told(FIRE), told(FIRE), "near_copy"),
    "with a number corrected": (told(FIRE), told(FIRE.replace("85.000", "58.000")), "near_copy"),
    "with its only date corrected at once": (
        told(BLOOD.format("12. Juni")),
        told(BLOOD.format("13. Juni"), day=other_day(1)),
        "near_copy",
    ),
    "with a name spelled right": (
        told(FIRE),
        told(FIRE.replace("Mühlenstraße", "Mühlstraße")),
        "near_copy",
    ),
    "under another headline, by an agency": (
        told(FIRE, "POL-LO: Scheunenbrand in Lohetal"),
        told(f"Lohetal (dpa) - {FIRE}", "Feuer zerstört Traktoren", other_day(1)),
        "near_copy",
    ),
    "with a sentence more": (told(FIRE), told(f"{FIRE} Die Ursache ist offen."), "near_copy"),
    "cut to its beginning": (told(FIRE), told(". ".join(FIRE.split(". ")[:3])), "contains"),
    "embedded": (told(f"{BY_ANOTHER_WRITER}\n\n{FIRE}\n\n{ABOUT}"), told(FIRE), "contains"),
    "without the block of its sender": (
        told(f"{FIRE}\n\nRückfragen bitte an:\nPolizei Lohe\nTelefon 0421 555100"),
        told(FIRE),
        "near_copy",
    ),
}


@pytest.mark.parametrize(("a", "b", "kind"), COPIES.values(), ids=COPIES.keys())
def test_a_copy_is_one(a, b, kind):
    answer, _comparison = likeness(a, b)
    assert answer.kind == kind
    assert answer.score >= answer.threshold


LOOKALIKES = {
    "another fire in the same words": (told(FIRE), told(OTHER_FIRE, day=other_day(3)), "other_facts"),
    "another fire, whenever it was": (
        told(FIRE, day=None),
        told(OTHER_FIRE, day=None),
        "other_facts",
    ),
    "the same story by another writer": (told(FIRE), told(BY_ANOTHER_WRITER), "little_shared"),
    "other streets in the same weekly list": (
        told(SPEED.format("Lindenweg, Bergstraße", "Postallee", "Am Ring", "Deichweg")),
        told(SPEED.format("Ulmenplatz, Feldgasse", "Hafendamm", "Schulberg", "Rosenweg"),
             day=other_day(7)),
        "other_facts",
    ),
    "the next date of the same series": (
        told(BLOOD.format("12. Juni")),
        told(BLOOD.format("10. Juli"), day=other_day(28)),
        "moved_dates",
    ),
    "the next ordinal date in words": (
        told(BLOOD.format("ersten Juni")),
        told(BLOOD.format("zweiten Juni"), day=other_day(28)),
        "moved_dates",
    ),
    "another number of tens in words": (
        told(VOTE.format("dritter", "einundzwanzig", "2½")),
        told(VOTE.format("dritter", "dreiundvierzig", "2½"), day=other_day(28)),
        "other_facts",
    ),
    "another number of hundreds in words": (
        told(VOTE.format("dritter", "zweihundert", "2½")),
        told(VOTE.format("dritter", "dreihundert", "2½"), day=other_day(28)),
        "other_facts",
    ),
    "another ordinal in words": (
        told(VOTE.format("dritter", "alle", "2½")),
        told(VOTE.format("vierter", "alle", "2½"), day=other_day(28)),
        "other_facts",
    ),
    "another fraction in words": (
        told(VOTE.format("dritter", "alle", "anderthalb")),
        told(VOTE.format("dritter", "alle", "zweieinhalb"), day=other_day(28)),
        "other_facts",
    ),
    "another fraction in one sign": (
        told(VOTE.format("dritter", "alle", "2½")),
        told(VOTE.format("dritter", "alle", "2¼"), day=other_day(28)),
        "other_facts",
    ),
    "the same block above two stories": (
        told(f"{BANNER}\n\n{FIRE}"),
        told(f"{BANNER}\n\n{SPEED.format('A-Weg', 'B-Weg', 'C-Weg', 'D-Weg')}"),
        "little_shared",
    ),
    "a sentence that anybody says": (
        told(SHORT, "Diebstahl in Lohetal"),
        told(SHORT, "Einbruch in Ahlenau"),
        "too_short",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b", "reason"), LOOKALIKES.values(), ids=LOOKALIKES.keys())
def test_a_similar_text_is_no_copy(a, b, reason):
    answer, _comparison = likeness(a, b)
    assert (answer.kind, answer.reason) == (None, reason)


COMPARISON = Comparison(
    a_size=100, b_size=100, a_passages=((0, 90),), b_passages=((0, 90),), conflicts=(),
    agreement=10.0, facts_shared=5.0, names_shared=20, own=0, moved=False, gap_days=1,
    same_title=False, own_beginnings=False, same_site=True,
)  # fmt: skip

DECISIONS = {
    "much shared, nothing against": ({}, "near_copy", "same_text"),
    "little shared": ({"a_passages": ((0, 39),)}, None, "little_shared"),
    "just enough": ({"a_passages": ((0, 40),), "b_passages": ((0, 40),)}, "near_copy", "same_text"),
    "half of the shorter one": (
        {"b_size": 50, "a_passages": ((0, 25),), "b_passages": ((0, 25),)},
        "contains",
        "cut_or_embedded",
    ),
    "less than half of the shorter one": (
        {"b_size": 50, "a_passages": ((0, 24),), "b_passages": ((0, 24),)},
        None,
        "little_shared",
    ),
    "dates that moved along": ({"moved": True}, None, "moved_dates"),
    "stories of their own": ({"own": 40}, None, "own_stories"),
    "a few names of their own": ({"own": 10}, "near_copy", "same_text"),
    "a few names of their own and no fact in common": (
        {"own": 10, "facts_shared": 0.5},
        None,
        "own_stories",
    ),
    "beginnings of their own, at one sender": ({"own_beginnings": True}, None, "own_stories"),
    "beginnings of their own, at two papers on one day": (
        {"own_beginnings": True, "same_site": False},
        "near_copy",
        "same_text",
    ),
    "beginnings of their own, weeks apart": (
        {"own_beginnings": True, "same_site": False, "gap_days": 20},
        None,
        "own_stories",
    ),
    "too short to say": (
        {"a_size": 11, "b_size": 11, "a_passages": ((0, 9),), "b_passages": ((0, 9),)},
        None,
        "too_short",
    ),
    "short and whole": (
        {"a_size": 11, "b_size": 11, "a_passages": ((0, 11),), "b_passages": ((0, 11),)},
        "near_copy",
        "same_text",
    ),
    "short, whole, and anybody's": (
        {"a_size": 11, "b_size": 11, "a_passages": ((0, 11),), "b_passages": ((0, 11),),
         "facts_shared": 0.0},
        None,
        "too_short",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "kind", "reason"), DECISIONS.values(), ids=DECISIONS.keys())
def test_each_rule_decides_by_its_limit(changed, kind, reason):
    answer = decide(replace(COMPARISON, **changed))
    assert (answer.kind, answer.reason) == (kind, reason)


def test_the_longer_text_holds_the_shorter_whichever_comes_first():
    whole, part = told(f"{BY_ANOTHER_WRITER}\n\n{FIRE}"), told(FIRE)
    assert likeness(whole, part)[0].holder == "a"
    assert likeness(part, whole)[0].holder == "b"


TEXTS = st.sampled_from(
    [FIRE, OTHER_FIRE, BY_ANOTHER_WRITER, ABOUT, BLOOD.format("12. Juni"), SHORT, "", "…"]
)


@given(TEXTS, TEXTS, st.integers(-40, 40))
def test_the_answer_is_the_same_from_either_side(one, other, days):
    a, b = told(one), told(other, day=other_day(days))
    forth, back = likeness(a, b)[0], likeness(b, a)[0]
    assert (forth.kind, forth.reason) == (back.kind, back.reason)
    assert forth.score == pytest.approx(back.score)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared(one, other):
    assert likeness(told(one, other), told(other, one))[0].score >= 0
