"""Shared passages of two texts, and the replacements between them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.similarity.overlap import WordSequence, slots, word_count

A = (
    "Am Montag brannte in der Mühlenstraße in Lohetal eine Scheune aus. Die Feuerwehr war mit 40 "
    "Kräften im Einsatz und konnte ein Übergreifen auf das Wohnhaus verhindern."
)
B = (
    "Die Feuerwehr war mit 40 Kräften im Einsatz und konnte ein Übergreifen auf das Wohnhaus "
    "verhindern. Wie es zu dem Feuer kam, weiß man noch nicht."
)

words = st.lists(
    st.sampled_from(["Damm", "Pegel", "Lohe", "steigt", "hält", "3,6", "am", "Montag"]), max_size=60
)


def test_a_shared_passage_is_found_wherever_it_is():
    one, other = WordSequence(A), WordSequence(B)
    ((first, last),) = one.passages(other)
    assert one.text_of(first, last) == B.split(". ", maxsplit=1)[0]
    assert word_count(other.passages(one)) == last - first


def test_case_quotes_and_punctuation_do_not_count():
    changed = A.upper().replace(".", " –").replace("40", "„40“")
    assert word_count(WordSequence(A).passages(WordSequence(changed))) == WordSequence(A).size


def test_a_stock_phrase_is_no_passage():
    one = WordSequence(
        "Er wurde in der Nacht zum Montag in ein Krankenhaus gebracht und starb dort."
    )
    other = WordSequence(
        "In der Nacht zum Montag fiel Schnee, der Verkehr kam bis zum Morgen nicht voran."
    )
    assert one.passages(other) == []


def test_slots_show_the_replaced_words():
    one, other = (
        WordSequence("Es sind 36 Betten in Lohetal frei"),
        WordSequence("Es sind 48 Betten in Eller frei"),
    )
    assert [(one.text_of(*a), other.text_of(*b)) for a, b in slots(one, other)] == [
        ("36", "48"),
        ("Lohetal", "Eller"),
    ]


def test_an_omission_is_no_slot():
    assert (
        slots(
            WordSequence("Es sind nur noch 36 Betten frei"), WordSequence("Es sind 36 Betten frei")
        )
        == []
    )


def test_words_of_the_sender_are_outside_of_the_story():
    text = f"{A}\n\nRückfragen bitte an:\nPolizei Lohe\nTelefon 0421 555100"
    assert WordSequence(text).size == WordSequence(A).size
    assert WordSequence(text).values == WordSequence(A).values


def test_words_that_everybody_has_are_outside_of_the_story():
    start = A.index("Die Feuerwehr")
    assert WordSequence(A, [(start, len(A))]).passages(WordSequence(B)) == []


@given(words, words)
def test_as_many_words_are_shared_as_the_text_has_at_most(a, b):
    one, other = WordSequence(" ".join(a)), WordSequence(" ".join(b))
    found = one.passages(other)
    assert 0 <= word_count(found) <= len(one.folded)
    assert all(first < last for first, last in found)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(found))


@given(words)
def test_a_text_shares_all_of_itself_and_differs_nowhere(a):
    one = WordSequence(" ".join(a))
    assert slots(one, one) == []
    assert word_count(one.passages(one)) in {0, len(one.folded)}


@pytest.mark.parametrize("text", ["", " ", "…", "\n\n"], ids=["empty", "blank", "dots", "lines"])
def test_a_text_without_words_shares_nothing(text):
    assert (
        WordSequence(text).passages(WordSequence(A))
        == WordSequence(A).passages(WordSequence(text))
        == []
    )
