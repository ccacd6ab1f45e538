import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.language.sentences import (
    DOTTED,
    END,
    IN_PARTS,
    NEXT,
    sentence_keys,
    sentences,
)
from storage.values.digest import canonical_all

CASES = {
    "two sentences": "Der Damm hält. | Helfer füllten Säcke.",
    "a question, a shout, an ellipsis": "Hält er? | Er hält! | Er hielt … | Dann brach er…",
    "two marks": "Wirklich?! | Ja.",
    "a title": "Dr. Lohe und Prof. Wiek kamen. | Frau Dr. Mühlan ging.",
    "an English title": "Mr. Smith met Mrs. Jones at St. Paul's. | They left.",
    "a million": "Die Brücke kostet 3,6 Mio. Euro. | Das sind 2 Mrd. Cent.",
    "a million at the end": "Sie kostet 3,6 Mio. | Das ist viel.",
    "for example": "Am Ufer, z. B. Die Wiese, steht Wasser. | Am Deich, d. h. Im Polder, auch.",
    "for example without a blank": "Am Ufer, z.B. Der Wiese, steht Wasser.",
    "an abbreviation at the beginning": "Vgl. Abb. 3 und S. 12 oben. | Ca. 200 Helfer kamen.",
    "a date": "Am 18. Juni fiel der Pegel. | Am 18. 6. 2024 stieg er.",
    "an ordinal in a name": "Der 1. FC Lohe siegte am 3. Spieltag. | Es war der 2. Sieg.",
    "an age at the end": "Er wurde 18. | Die Mutter war stolz.",
    "a year at the end": "Der Deich stammt von 1962. | Menschen bauten ihn.",
    "a decimal at the end": "Der Pegel fiel auf 3,6. | Helfer gingen.",
    "a number at the beginning": "Es regnete. | 36 Menschen kamen.",
    "a king": "Papst Johannes XXIII. besuchte Ludwig XIV. nie. | Es war spät.",
    "a list": "1. Der Damm hält. | A. Die Frage bleibt.",
    "initials": "J. R. Lohe sprach. | Bo K. Wiek schwieg.",
    "and so on": "Säcke, Sand usw. | Die Helfer hatten alles.",
    "letters with dots": "The U.S. Army came. | He left the U.S. | The army stayed.",
    "a time": "It began at 5 p.m. on Monday. | It ended at 6 a.m. | The crowd left.",
    "no, and number": "No. | That is wrong. | No. 5 is right.",
    "a paragraph of a law": "Es gilt Art. 5 Abs. 2 GG. | Kunst einer Art. | Mehr nicht.",
    "a street": "Er wohnt Hauptstr. 5. | Das Haus steht.",
    "an address": "Siehe https://lohe.example/a.b und www.lohe.example. | Dort steht es.",
    "quoted, low and high marks": "Er sagte: „Der Damm hält.“ | Dann ging er.",
    "quoted, straight marks": 'He said: "The dam holds." | Then he left.',
    "quoted, guillemets": "Sie rief: »Nein!« | »Doch«, sagte er.",
    "quoted, single marks": "‚Es hält.‘ | Er ging.",
    "the speech goes on in lower case": "„Halt!“ rief er. | „Warum?“ fragte sie.",
    "the speech goes on behind a comma": "„Es hält.“, sagte er. | Sie nickte.",
    "several sentences in a quotation": "„Es hält. | Wir bleiben“, sagte sie.",
    "a quotation begins": "Er ging. | „Nein“, sagte sie. | (So war es.) | Er kam.",
    "a dash begins": "Er ging. | – Dann kam sie.",
    "an ellipsis inside": "Wir … Menschen sind müde. | Und … Schluss.",
    "lower case goes on": "Die Firma Lohe.net und yahoo! sind groß. | Er las. und schlief.",
    "no mark at the end": "Er ging. | Pegel bei 3,6",
    "line breaks": "Er ging.\n | Sie kam.",
    "months": "On Aug. 5 it rained. | Im Sept. Anfang war es trocken.",
    "no capital letter at all": "the dam holds. | dr. lohe left. | it rained, e.g. on 18. june. | so it was.",
    "a company": "Lohe Inc. Boats sank. | He runs Lohe Inc. | The boats sank.",
}  # fmt: skip


@pytest.mark.parametrize("told", CASES.values(), ids=CASES)
def test_a_paragraph_is_split(told):
    expected = told.split(" | ")
    assert [each.strip() for each in sentences(" ".join(expected))] == [
        each.strip() for each in expected
    ]


PIECES = st.sampled_from(
    ["Der", "Damm", "hält", ".", "!", "?", "…", "...", " ", "  ", "\n", "\u00a0", '"', "„", "“", "'",
     ")", "(", "»", "«", "18", "3,6", "z. B.", "Dr.", "U.S.", "Mio.", "–", "\0", "\ud800", "💥"]
)  # fmt: skip
PARAGRAPHS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60)


@given(PARAGRAPHS)
def test_joined_sentences_are_the_paragraph_again(paragraph):
    assert "".join(sentences(paragraph)) == paragraph


@given(PARAGRAPHS)
def test_no_sentence_is_empty_or_blank_but_a_blank_paragraph(paragraph):
    found = sentences(paragraph)
    assert all(found)
    assert all(each.strip() for each in found) or not paragraph.strip()


@given(PARAGRAPHS)
def test_a_sentence_is_one_sentence_on_its_own(paragraph):
    for each in sentences(paragraph)[1:]:
        assert len(sentences(each)) == 1 or each.islower()


@given(st.lists(PARAGRAPHS, max_size=3))
def test_a_text_has_all_keys_of_each_sentence_that_it_has(paragraphs):
    canon = canonical_all(paragraphs)
    found = {*sentence_keys(canon)}
    for paragraph in canon:
        for each in sentences(paragraph):
            assert {*sentence_keys([each.strip()])} <= found


def test_other_words_or_other_letters_make_another_key():
    told = ["Der Damm hält.", "Der Damm hielt.", "der Damm hält.", "Der Damm, er hält."]
    assert len({*sentence_keys(told)}) == len(told)
    assert sentence_keys(["Nein. Der Damm hält!"]) == sentence_keys(["Der Damm hält."])


@pytest.mark.parametrize("text", ["." * 50_000, '."' * 50_000, ". " * 50_000, "a. " * 50_000])
def test_long_rows_of_marks_are_split_all_the_same(text):
    assert "".join(sentences(text)) == text


def test_the_expressions_find_what_their_examples_say():
    assert END.search("Er sagte: „Nein!“ Dann ging er.")[0] == "!“ "
    assert NEXT.match("„Die Brücke hält“")["word"] == "Die"
    assert [bool(DOTTED.fullmatch(each)) for each in ("18", "XXIII", "2024", "3,6")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [bool(DOTTED.fullmatch(each)) for each in ("U.S", "J", "Damm")] == [True, True, False]
    assert IN_PARTS.search("am Ufer, z. B")
