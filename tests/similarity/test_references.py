"""References of a text to an earlier one, and texts that only use the same words."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.similarity.references import core, day_in_month, numbers_of_text, reference, serial

DAY = date(2024, 2, 5)
THIRD = date(2024, 2, 3)

MARKED = {
    "a supplement with number and day": (
        "Nachtrag zu Nr. 512 vom 3.2.: Unfall auf der B 27", "",
        ("supplement", (512,), (THIRD,), "unfall auf der b 27"),
    ),
    "behind the name of the sender": (
        "POL-LO: Nachtrag: Unfall auf der B 27", "",
        ("supplement", (), (), "unfall auf der b 27"),
    ),
    "the second one": ("2. Nachtrag - Brand in Lohetal", "", ("supplement", (), (), "brand in lohetal")),
    "behind the title": ("Brand in Lohetal - Nachtrag", "", ("supplement", (), (), "brand in lohetal")),
    "in the text, with the title quoted": (
        "Berichtigung",
        'In der Mitteilung "Wochenmarkt fällt aus" vom 3. Februar wurde ein falscher Tag genannt.',
        ("correction", (), (THIRD,), "wochenmarkt fällt aus"),
    ),
    "by a numbered section": (
        "Nachtrag zur Pressemeldung Ziffer 4 vom 3. Februar", "",
        ("supplement", (4,), (THIRD,), None),
    ),
    "a corrected version": (
        "Korrigierte Fassung: Brand in Lohetal", "", ("correction", (), (), "brand in lohetal"),
    ),
    "a rectification": (
        "++++ RICHTIGSTELLUNG ++++",
        "In unserer Pressemitteilung vom 03.02.2024 berichteten wir unter der Überschrift:\n\n"
        "Brand in Lohetal",
        ("correction", (), (THIRD,), None),
    ),
    "an update": ("+++ Update +++ Brand in Lohetal", "", ("update", (), (), "brand in lohetal")),
    "of today": (
        "Nachtrag zur heutigen Pressemeldung - Brand", "", ("supplement", (), (DAY,), "brand"),
    ),
    "of yesterday": (
        "Ergänzung zur gestrigen Meldung: Brand", "",
        ("supplement", (), (date(2024, 2, 4),), "brand"),
    ),
    "withdrawn": (
        "Rücknahme der Öffentlichkeitsfahndung", "Die mit Meldung vom 3. Februar gesuchte Frau ist da.",
        ("withdrawal", (), (THIRD,), None),
    ),
    "an English update": (
        "UPDATE 2-Dax falls after rate decision", "",
        ("update", (), (), "dax falls after rate decision"),
    ),
    "an English correction": (
        "CORRECTED-Dax falls after rate decision", "(Feb 3 story corrects figure in first paragraph)",
        ("correction", (), (THIRD,), "dax falls after rate decision"),
    ),
    "behind a serial number and a place": (
        "POL-LO: 240205 - 0519 Ahlenau: Nachtrag zu unserer Meldung Nr. 0512 vom 03.02.2024 (Brand)", "",
        ("supplement", (512,), (THIRD,), None),
    ),
    "behind its own story": (
        "POL-LO: 240205 - 519 Ahlenau: Brand gelöscht - Ergänzung zum PB v.03.02.2024, Nr. 512", "",
        ("supplement", (512,), (THIRD,), "ahlenau brand gelöscht"),
    ),
    "by a number that begins with its day": (
        "POL-LO: 240205 - 519 Brand gelöscht (Nachtrag zur PM 240203-512)", "",
        ("supplement", (512,), (THIRD,), "brand gelöscht"),
    ),
    "by several numbers": (
        "POL-LO: 240205 - 519 Nachtrag zu den Meldungen Nr. 511 und 514 vom 3.2.2024: Brand", "",
        ("supplement", (511, 514), (THIRD,), None),
    ),
    "by a hint to look there": (
        "Ahlenau: Brand gelöscht, s. PB vom 03.02.2024, Nr. 512", "",
        ("supplement", (512,), (THIRD,), "ahlenau brand gelöscht"),
    ),
    "told in the first line": (
        "Radfahrer verstorben",
        "Mit der Polizeimeldung Nr. 512 vom 3. Februar 2024 berichtete die Polizei über einen Sturz.",
        ("supplement", (512,), (THIRD,), None),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("title", "text", "expected"), MARKED.values(), ids=MARKED.keys())
def test_a_text_that_follows_another_says_which(title, text, expected):
    mark, numbers, days, named = expected
    found = reference(title, text, DAY)
    assert found is not None
    assert (found.mark, found.numbers, found.days) == (mark, numbers, days)
    if named is not None:
        assert named in found.titles


LOOKALIKES = {
    "a supplementary budget": ("Nachtragshaushalt beschlossen", "Der Rat begründet den Nachtrag mit Löhnen."),
    "a correction of prices": ("Korrektur an der Börse", "Eine Korrektur von zehn Prozent gilt als gesund."),
    "an app is brought up to date": ("Update für die Warn-App", "Das Update ergänzt eine Karte."),
    "a plan is mended": ("Berichtigung des Flächennutzungsplans", "Die Unterlagen liegen aus."),
    "a house is extended": ("Ergänzungsneubau eingeweiht", "Er kostete vier Millionen Euro."),
    "a first report": ("Erstmeldung: Feuer in Lohetal", "Es wird nachberichtet."),
    "a header of its own": ("Raub auf Spätkauf", "Polizeimeldung vom 03.02.2024\nMitte\nNr. 512\nGestern"),
    "a follow-up clinic": ("Follow-up clinic opens", "It updates an older facility."),
    "a part of several": ("POL-LO: 240205 - 519 Ahlenau: Brand (Meldung 3 von 4)", "Es brannte."),
    "its own number": ("POL-LO: Pressemitteilung Nr. 12 - Brand", "Es brannte am Deich."),
    "an ordinary title": ("Brand in Lohetal", "Die Feuerwehr löschte den Brand."),
}  # fmt: skip


@pytest.mark.parametrize(("title", "text"), LOOKALIKES.values(), ids=LOOKALIKES.keys())
def test_a_text_that_follows_none_says_nothing(title, text):
    assert reference(title, text, DAY) is None


@pytest.mark.parametrize(
    ("title", "ordinal"),
    [("Nachtrag: Brand", 1), ("2. Nachtrag: Brand", 2), ("UPDATE 3-Dax falls", 3)],
    ids=["first", "second", "third"],
)
def test_follow_ups_are_counted(title, ordinal):
    found = reference(title, "", DAY)
    assert found is not None
    assert found.ordinal == ordinal


CORES = {
    "POL-LO: Nachtrag: Unfall auf der B 27": "unfall auf der b 27",
    "Nachtrag: POL-LO: Unfall auf der B 27": "unfall auf der b 27",
    "„Unfall auf der B 27“": "unfall auf der b 27",
    "UPDATE 1-Dax fällt": "dax fällt",
    "Brand in Lohetal (Update)": "brand in lohetal",
    "Brand": "brand",
    "": "",
}


@pytest.mark.parametrize(("title", "expected"), CORES.items(), ids=[*[*CORES][:-1], "none"])
def test_the_core_of_a_title_is_its_story(title, expected):
    assert core(title) == expected


def test_a_number_of_its_own_is_in_the_first_lines():
    text = "Polizeimeldung vom 03.02.2024\nMitte\nNr. 0512\nGestern fiel in der Lindenstraße Nr. 7 Schnee."
    assert numbers_of_text("Schnee", text, None)[0] == 512


def test_the_number_that_is_meant_is_not_the_own_one():
    told = reference("Nachtrag zu Nr. 512 vom 3.2.", "", DAY)
    assert numbers_of_text("Nachtrag zu Nr. 512 vom 3.2.", "Nr. 530", told) == (530,)


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("POL-LO: 240203 - 0512 Ahlenau: Brand", 512),
        ("240203-512 Ahlenau: Brand", 512),
        ("POL-LO: 512/24 Brand", 512),
        ("POL-LO: 240203  512 Nachtrag zu Nr. 510", 512),
        ("54-Jähriger stürzt", 0),
        ("3 Verletzte bei Brand", 0),
        ("Brand in Lohetal", 0),
    ],
)
def test_a_sender_counts_its_titles(title, number):
    assert serial(title) == number
    assert numbers_of_text(title, "", reference(title, "", DAY)) == ((number,) if number else ())


DATED = {
    "in the header": ("Polizeimeldung vom 18.06.2024. Gestern", date(2024, 6, 18)),
    "in words": ("Am 18. Juni kam es", date(2024, 6, 18)),
    "of another month": ("Am 18. Mai kam es", None),
    "no day of the month": ("Am 31.6. kam es", None),
    "nowhere": ("Es kam zu einem Unfall", None),
}


@pytest.mark.parametrize(("text", "expected"), DATED.values(), ids=DATED.keys())
def test_the_day_of_a_month_follows_from_the_text(text, expected):
    assert day_in_month(text, date(2024, 6, 30)) == expected


@given(st.text(max_size=80), st.text(max_size=200))
def test_any_text_can_be_checked_for_its_predecessor(title, text):
    found = reference(title, text, DAY)
    assert found is None or all(day <= DAY for day in found.days)
