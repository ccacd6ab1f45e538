"""Which facts a text states, and which of them are equal whatever way they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.language.facts import facts_in

FACTS = {
    "a date in words": ("am 3. Februar 2024", [("date", "2-3")]),
    "a date in digits": ("am 03.02.2024", [("date", "2-3")]),
    "a short date": ("vom 3.2. bis", [("date", "2-3")]),
    "a date with a short year": ("am 3.2.24 fand", [("date", "2-3")]),
    "an ISO date": ("on 2024-02-03", [("date", "2-3")]),
    "an English date": ("on February 3, 2024", [("date", "2-3")]),
    "a British date": ("on 3 February 2024", [("date", "2-3")]),
    "an abbreviated month": ("on Feb. 3", [("date", "2-3")]),
    "a range of days": ("vom 12. bis 16. August", [("number", "12"), ("date", "8-16")]),
    "a time with a dot": ("gegen 14.30 Uhr", [("time", "14:30")]),
    "a time with a colon": ("gegen 14:30 Uhr", [("time", "14:30")]),
    "a time without minutes": ("um 9 Uhr", [("time", "9:00")]),
    "an English time": ("at 2:30 p.m. on", [("time", "14:30")]),
    "noon": ("at 12 p.m.", [("time", "12:00")]),
    "a week": ("in der 34. Kalenderwoche", [("week", "34")]),
    "a week by its letters": ("KW 34", [("week", "34")]),
    "a weekday": ("am Montagabend", [("weekday", "0")]),
    "an English weekday": ("on Tuesday", [("weekday", "1")]),
    "Saturday has two names": ("Sonnabend, Samstag", [("weekday", "5"), ("weekday", "5")]),
    "a month": ("im Juni", [("month", "6")]),
    "a year": ("seit 2019", [("year", "2019")]),
    "thousands in German": ("1.250.000 Euro", [("number", "1250000")]),
    "thousands in English": ("1,250,000 dollars", [("number", "1250000")]),
    "a decimal": ("3,6 Prozent", [("number", "3.6")]),
    "a number in words": ("zwei Verletzte", [("number", "2")]),
    "tens in words": ("einundzwanzig Verletzte, dreißig", [("number", "21"), ("number", "30")]),
    "hundreds in words": ("zweihundertfünfzig, tausend", [("number", "250"), ("number", "1000")]),
    "English tens in words": ("forty-two hurt", [("number", "42")]),
    "a scale": ("zwei Milliarden", [("number", "2"), ("number", "1000000000")]),
    "a fraction in words": ("zwei Drittel", [("number", "2"), ("number", "1/3")]),
    "a half in words": ("die Hälfte, anderthalb", [("number", "1/2"), ("number", "1.5")]),
    "a fraction in one sign": ("2½ Liter, ¼ Pfund", [("number", "2½"), ("number", "¼")]),
    "an ordinal in words": ("die dritte Runde", [("number", "3")]),
    "an English ordinal": ("the fourth round", [("number", "4")]),
    "an ordinal date in words": ("am dritten Februar", [("date", "2-3")]),
    "a late ordinal date": ("vom einunddreißigsten Mai", [("date", "5-31")]),
    "words that hold a number": ("einzig, Leipzig, Achtung, Dreieck, Jahrhundert, Hunderte", []),
    "an age": ("ein 54-Jähriger", [("number", "54")]),
    "a leading zero is no digit of a number": ("Nr. 0512", [("number", "512")]),
    "a telephone number is no fact": ("Telefon: 0621 174-1111", [("contact", None)]),
    "a number with its area": ("(040) 4286-56789", [("contact", None)]),
    "an international number": ("+49 40 123456", [("contact", None)]),
    "an American number": ("call 555-0134", [("contact", None)]),
    "an address of mail": ("presse@polizei.example", [("contact", None)]),
    "an address of the web": ("https://www.lohe.example/a?b=1", [("contact", None)]),
    "an indefinite article is no number": ("ein Haus, eine Tür", []),
    "a word that holds a month": ("der Maibaum und Augustinus", []),
    "digits within a word": ("B27 und A20", []),
}


@pytest.mark.parametrize(("text", "expected"), FACTS.values(), ids=FACTS.keys())
def test_facts_are_reported_in_a_form_in_which_equal_ones_are_equal(text, expected):
    found = [(f.kind, None if f.kind == "contact" else f.value) for f in facts_in(text)]
    assert found == expected


@given(st.text(alphabet=st.sampled_from("0123456789.:,- ()Juni Uhrapm@/"), max_size=60))
def test_facts_are_in_their_order_and_never_overlap(text):
    ends = [0]
    for fact in facts_in(text):
        assert ends[-1] <= fact.start < fact.end <= len(text)
        ends.append(fact.end)
