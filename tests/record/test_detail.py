"""The stored detail of a draft gives back all of its paragraphs and quotations."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from storage.record.derivation_detail import detail_of
from storage.values.draft import (
    Draft,
    Extractor,
    Mark,
    NamedSpeaker,
    Paragraph,
    Quote,
    Role,
    all_quotes_in,
    as_dict,
    paragraphs_in,
    quote_parts,
    quotes_in,
)

TEXTS = st.text("abc „“.", min_size=1, max_size=8).map(str.strip).filter(bool)
ROLES: st.SearchStrategy[Role] = st.sampled_from(["lead", "text", "list", "aside", "caption"])
MARK_KINDS = st.sampled_from(["quote", "bidi"])
MARKS = st.lists(st.builds(Mark, MARK_KINDS, st.just(0), st.integers(1, 3)), max_size=2).map(tuple)
PARAGRAPHS = st.lists(st.builds(Paragraph, ROLES, TEXTS, MARKS), min_size=1, max_size=6)
NAMES = st.one_of(st.none(), st.just("er"), st.just("Bo Lind"))
KINDS_OF_QUOTES = ("direct", "indirect")
KINDS = st.sampled_from(KINDS_OF_QUOTES)
SPEAKER_KINDS = st.sampled_from(["person", "organisation"])
SPEAKERS = st.lists(st.builds(NamedSpeaker, NAMES, NAMES, SPEAKER_KINDS), max_size=2).map(tuple)


def draft_of(paragraphs, quotes=()):
    return Draft("T", tuple(paragraphs), Extractor("x", "1", ""), {}, quotes=tuple(quotes))


def kept(draft: Draft, stored) -> dict:
    return json.loads(json.dumps(detail_of(draft, stored)))


@given(PARAGRAPHS, st.data())
def test_a_draft_comes_back_whichever_wording_it_is_kept_next_to(paragraphs, data):
    quotes = data.draw(
        st.lists(
            st.builds(
                Quote,
                TEXTS,
                NAMES,
                NAMES,
                st.integers(0, len(paragraphs) - 1),
                NAMES,
                KINDS,
                SPEAKERS,
                st.sampled_from([None, 0.9]),
            ),
            max_size=3,
        )
    )
    quotes.sort(key=lambda quote: quote.paragraph)
    direct, indirect = ([each for each in quotes if each.kind == kind] for kind in KINDS_OF_QUOTES)
    draft = replace(draft_of(paragraphs, direct), indirect_quotes=tuple(indirect))
    own = draft.text_paragraphs()
    changed = data.draw(st.lists(st.booleans(), min_size=len(own), max_size=len(own)))
    stored = [f"{each}!" if other else each for each, other in zip(own, changed, strict=True)]
    detail = kept(draft, stored)
    found = paragraphs_in(detail, "\n\n".join(stored))
    assert found == draft.paragraphs
    assert quotes_in(detail, found) == draft.quotes
    assert quotes_in(detail, found, "indirect") == draft.indirect_quotes
    named = json.loads(json.dumps(as_dict(draft.all_quotes())))
    assert all_quotes_in({"quotes": named}, found) == draft.all_quotes()


def test_a_plain_paragraph_is_kept_as_its_role_alone():
    detail = kept(draft_of([Paragraph("lead", "a"), Paragraph("text", "b")]), ("a", "b"))
    assert detail["paragraphs"] == ["lead", "text"]


def test_a_name_is_stored_once():
    speaker = NamedSpeaker("Bo Lind", None, "person")
    quote = Quote("Es hält.", "Bo Lind", "sagte", 0, "Bo Lind", "direct", (speaker,))
    text = Paragraph("text", "„Es hält.“, sagte Bo Lind.", (Mark("quote", 0, 10),))
    detail = kept(draft_of([text], [quote]), (text.text,))
    assert detail["paragraphs"] == [[0, 10]]
    assert detail["quotes"] == [[0, 1, 9, "Bo Lind", "sagte", 0, [[0]]]]
    earlier = [0, 1, 9, "Bo Lind", "sagte", "Bo Lind", [["Bo Lind", None, "person"]]]
    assert all_quotes_in({"quotes": [earlier]}, (text,)) == (quote,)
    assert quote_parts(earlier) == quote_parts(detail["quotes"][0])


def test_rows_of_before_name_each_paragraph_and_each_part_of_a_quotation():
    detail = {
        "paragraphs": [{"role": "text", "w": 1}, {"role": "aside", "text": "x"}],
        "quotes": [
            {"at": [0, 1, 2], "speaker": "er", "cue": None, "speaker_resolved": "Bo"},
            {"text": "q", "speaker": None, "cue": None, "paragraph": 0, "speaker_resolved": None},
        ],
    }  # fmt: skip
    found = paragraphs_in(detail, "abc\n\ndef")
    assert found == (Paragraph("text", "def"), Paragraph("aside", "x"))
    assert quotes_in(detail, found) == (Quote("e", "er", None, 0, "Bo"), Quote("q", None, None, 0))
