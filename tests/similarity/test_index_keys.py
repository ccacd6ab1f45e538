"""The numbers by which texts find each other: golden values, and the texts that must share one."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.language.vocabulary import vocabulary
from storage.similarity.index_keys import (
    MOST_PASSAGES,
    bands,
    clause_spans,
    clauses,
    index_keys,
    kind_of,
    passages,
)
from storage.similarity.signature import signature as signature_of_hashes

TEXT = (
    "In der Nacht brannte in Lohetal eine Scheune aus, den Schaden schätzt die Polizei auf 85.000 "
    "Euro. Verletzt wurde niemand. Die Straße blieb bis zum Vormittag gesperrt."
)
DAY = date(2024, 6, 18)


def signature(words: list[str]):
    return signature_of_hashes(vocabulary("de").cut(words).hashes)


def of(text: str = TEXT, title: str = "Scheune brennt", **more):
    given = {"site": "lohe.example", "day": DAY, "is_exact": True, **more}
    return index_keys([text], signature(text.split()), title=title, **given)


def test_index_keys_are_those_that_archives_have_stored():
    assert bands(signature(TEXT.split()))[:2] == GOLDEN_BANDS
    assert passages([TEXT])[:2] == GOLDEN_PASSAGES


GOLDEN_BANDS = [1303873799926, 17729980483265]
GOLDEN_PASSAGES = [36422278730053, 44156877713795]


def test_a_passage_is_found_in_another_text_whatever_its_case_and_quotes():
    other = 'Er sagte: "DEN SCHADEN SCHÄTZT DIE POLIZEI AUF 85.000 EURO."'.replace("Ä", "ä")
    assert set(passages([TEXT])) & set(passages([other]))


def test_a_short_text_in_which_each_clause_was_edited_is_found_by_its_words():
    edited = TEXT.replace("In der Nacht", "Am Morgen").replace("den Schaden", "die Schäden")
    edited = edited.replace("bis zum Vormittag", "lange").replace("niemand", "keiner")
    assert not set(clauses([TEXT])) & set(clauses([edited]))
    assert set(passages([TEXT])) & set(passages([edited]))


def test_a_text_leaves_a_bounded_number_of_index_keys():
    long = " ".join(
        f"Der {n}. Satz sagt etwas Neues über den Damm an der Lohe." for n in range(500)
    )
    assert len(passages([long])) == MOST_PASSAGES
    assert len(of(long).kept) < 40


def test_texts_that_share_a_part_choose_the_same_passages_of_it():
    part = [
        f"Im Jahr {n} stieg der Pegel der Lohe um {n % 97} Zentimeter" for n in range(1900, 1960)
    ]
    one, other = (
        passages(part),
        passages([*part, "Ein Satz mehr, der sonst nirgends zu lesen steht"]),
    )
    assert len(set(one) & set(other)) >= MOST_PASSAGES - 1


def test_a_common_passage_is_found_again_in_the_text():
    wanted = frozenset(passages(["Die Straße blieb bis zum Vormittag gesperrt."]))
    ((start, end),) = clause_spans(TEXT, wanted)
    assert TEXT[start:end].startswith("Die Straße blieb bis zum Vormittag")


FOLLOWING = {
    "by its number": (
        of("Polizeimeldung vom 18.06.2024\nNr. 0512\nEs brannte in Lohetal.", "Brand"),
        of("Weiteres folgt.", "Nachtrag zu Nr. 512 vom 18.6.", day=date(2024, 6, 20)),
    ),
    "by its title": (of(), of("Weiteres folgt.", "Nachtrag: Scheune brennt")),
    "by its title, a month later": (of(), of("x", "Update: Scheune brennt", day=date(2024, 7, 2))),
    "by its day": (of(), of("Weiteres folgt.", "Ergänzung zur Pressemitteilung vom 18. Juni",
                            day=date(2024, 6, 20))),
    "where the source told the month alone": (
        of("Polizeimeldung vom 18.06.2024. Es brannte.", "Brand", day=date(2024, 6, 30), is_exact=False),
        of("Weiteres folgt.", "Ergänzung zur Pressemitteilung vom 18. Juni", day=date(2024, 6, 20)),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second"), FOLLOWING.values(), ids=FOLLOWING.keys())
def test_a_text_and_the_one_that_follows_it_find_each_other_in_either_order(first, second):
    assert set(second.sought) & set(first.kept)
    assert set(first.sought) & set(second.kept)


def test_texts_with_the_same_title_do_not_meet_by_it():
    a, b = of("Es brannte in Lohetal.", "Verkehrsunfall"), of("Glatteis im Tal.", "Verkehrsunfall")
    assert not set(a.sought) & set(b.kept)


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_leaves_index_keys_of_known_kinds_within_48_bits(text, title):
    left = of(text, title)
    assert all(0 <= each < 2**48 and kind_of(each) < 8 for each in (*left.kept, *left.sought))
    assert len(set(left.kept)) == len(left.kept)
