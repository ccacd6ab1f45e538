import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from storage.read.answers import Citation
from storage.read.cite import find_passages
from storage.read.render.citation import bibtex, csl_json, markdown, w3c
from storage.read.render.visible import one_line
from storage.values.draft import PartialDate

pytestmark = pytest.mark.unit

TEXT = "Er sagte:  „Der Damm hält.“\n\nDann ging er. Der Damm­bruch kam."
CITATION = Citation(
    article="35xhehswnwa6vc12",
    version=2,
    revision="35xhehswnwa6vc12@w1:5f3a9c20d5f3a9c20d5f3a9c20d5f3a9",
    origin="https://lohebote.example/damm?a=1&b=2",
    title="Der Damm hält",
    authors=("Ada Lohe", "dpa, Berlin and others"),
    publisher="Lohebote",
    published=PartialDate("2024-06", "month", None, "byline"),
    language="de",
    changed_after=datetime(2024, 6, 18, 7, tzinfo=UTC),
    changed_by=datetime(2024, 6, 18, 9, 30, tzinfo=UTC),
    last_seen=datetime(2024, 6, 19, tzinfo=UTC),
    certain=True,
    wording="w1:" + "5f3a9c20d" * 8,
    raw="ab" * 32,
    start=None,
    end=None,
    exact=None,
    prefix=None,
    suffix=None,
)
PASSAGE = replace(
    CITATION, start=3, end=10, exact="Der *Damm*\n\n1. hält", prefix="Er ", suffix="."
)
BARE = replace(
    CITATION, origin="seed:seeds/Öl & {Damm}.txt", title=None, authors=(), publisher=None,
    published=None, language=None, changed_after=None,
)  # fmt: skip


# --------------------------------------------------------------------------------- passages


@pytest.mark.parametrize(
    ("passage", "found"),
    [
        ("Damm hält", ["Damm hält"]),
        ('sagte: "Der', ["sagte:  „Der"]),
        ("hält.» Dann", ["hält.“\n\nDann"]),
        ("  Dann\n ging ", ["Dann ging"]),
        ("Dammbruch", ["Damm­bruch"]),
        ("Damm", ["Damm", "Damm"]),
        ("damm hält", []),
        ("'Der Damm", []),
        ("Der Damm hält.“ dann", []),
        (" \n", []),
        ("", []),
    ],
    ids=["as it is", "white space and quotation marks", "over two paragraphs", "blanks around",
         "soft hyphens", "twice", "another case", "a single mark for a double one",
         "another word", "blanks alone", "empty"],
)  # fmt: skip
def test_a_passage_is_found_whatever_its_white_space_and_marks(passage, found):
    assert [TEXT[start:end] for start, end in find_passages(TEXT, passage)] == found


def test_an_accent_may_be_composed_or_not():
    decomposed = "Das O\u0308llager"
    assert find_passages(decomposed, "Öllager") == [(4, 12)]
    assert find_passages("Das Öllager", "O\u0308llager") == [(4, 11)]
    assert find_passages(decomposed, "O") == []


def test_places_that_overlap_are_distinguished():
    assert find_passages("ananas", "ana") == [(0, 3), (2, 5)]


@given(st.text(alphabet='aA „“".\n\xad1', max_size=40), st.data())
def test_any_piece_of_a_text_is_found_where_it_is(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    piece = text[start:end].strip(" \n\xad")
    if piece:
        begin = text.index(piece, start)
        assert (begin, begin + len(piece)) in find_passages(text, piece)


# --------------------------------------------------------------------------------- Markdown


def words_of(rendered: str) -> str:
    """Return the text that a reader sees of Markdown."""
    tokens = MarkdownIt().parse(rendered)
    inline = [child for token in tokens for child in token.children or ()]
    return " ".join("".join(c.content for c in inline).split())


def test_markdown_quotes_the_passage_and_links_the_title():
    tokens = MarkdownIt().parse(markdown(PASSAGE))
    kinds = [token.type for token in tokens if token.type.endswith("_open")]
    assert kinds == ["blockquote_open", "paragraph_open", "paragraph_open", "paragraph_open"]
    links = [c for t in tokens for c in t.children or () if c.type == "link_open"]
    assert [link.attrs["href"] for link in links] == [CITATION.origin]


def test_markdown_reports_version_interval_range_and_digest():
    seen = words_of(markdown(PASSAGE))
    for told in (
        "Ada Lohe, dpa, Berlin and others:", "Lohebote, 2024-06.", "Version 2",
        "first seen after 2024-06-18T07:00:00Z and by 2024-06-18T09:30:00Z",
        "last seen 2024-06-19T00:00:00Z", CITATION.revision, "characters 3–10 of the text",
    ):  # fmt: skip
        assert told in seen


def test_unknown_values_are_omitted():
    assert markdown(BARE) == (
        "(no title) (seed:seeds/Öl \\& {Damm}.txt). Version 2, first seen by 2024-06-18T09:30:00Z, "
        f"last seen 2024-06-19T00:00:00Z. Lesart `{CITATION.revision}`.\n"
    )


HOSTILE = st.text(
    alphabet=st.sampled_from("ab 1.)*_`[](){}<>#~|&;!$\\+-=:\"'/\n@%^é"), min_size=1, max_size=30
)


@given(HOSTILE)
def test_a_reader_of_markdown_sees_every_letter_of_title_and_passage(text):
    shown = markdown(replace(PASSAGE, title=text, exact=text, authors=(text,)))
    parsed = MarkdownIt().parse(shown)
    kinds = {t.type for t in parsed} | {c.type for t in parsed for c in t.children or ()}
    assert kinds <= {
        "blockquote_open", "blockquote_close", "paragraph_open", "paragraph_close", "inline",
        "text", "link_open", "link_close", "code_inline", "softbreak", "text_special",
    }  # fmt: skip
    inline = [token.children for token in parsed if token.type == "inline"]
    quoted = " ".join("".join(c.content for c in line) for line in inline[:-1])
    assert quoted.split() == text.split()
    reference = "".join(c.content for c in inline[-1])
    assert f"{one_line(text) or ''}" in " ".join(reference.split())


# ----------------------------------------------------------------------------------- BibTeX

FIELD = re.compile(r"^  (\w+) = (.*),$")
UNESCAPED = {
    r"\textbraceleft{}": "{", r"\textbraceright{}": "}", r"\textbackslash{}": "\\",
    r"\textasciicircum{}": "^", r"\textasciitilde{}": "~",
}  # fmt: skip


def fields_of(entry: str) -> dict[str, str]:
    first, *lines, last = entry.splitlines()
    assert re.fullmatch(r"@misc\{[a-z0-9-]+,", first)
    assert last == "}"
    matches = [FIELD.match(line) for line in lines]
    return {match[1]: match[2] for match in matches}


def unescaped(value: str) -> str:
    for command, letter in UNESCAPED.items():
        value = value.replace(command, f"\0{ord(letter)}\1")
    value = re.sub(r"\\([#$%&_])", r"\1", value)
    return re.sub("\0(\\d+)\1", lambda each: chr(int(each[1])), value)


def is_balanced(value: str) -> bool:
    """Return whether braces close as BibTeX counts them: a backslash before one does not matter."""
    depth = 0
    for letter in value:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            return False
    return depth == 0


def test_bibtex_contains_the_known_values():
    told = fields_of(bibtex(PASSAGE))
    assert told["author"] == "{{Ada Lohe} and {dpa, Berlin and others}}"
    assert told["title"] == "{{Der Damm hält}}"
    assert (told["year"], told["month"]) == ("{2024}", "jun")
    assert "day" not in told
    assert told["url"] == "{https://lohebote.example/damm?a=1&b=2}"
    assert CITATION.revision in told["note"]
    assert "characters 3–10" in told["note"]


def test_bibtex_omits_unknown_values():
    told = fields_of(bibtex(BARE))
    assert set(told) == {"howpublished", "note"}
    assert unescaped(told["howpublished"]) == "{seed:seeds/Öl & {Damm}.txt}"


@given(HOSTILE)
def test_bibtex_keeps_every_letter_and_its_braces_close(text):
    entry = bibtex(replace(PASSAGE, title=text, authors=(text,), exact=text, origin=f"seed:{text}"))
    assert is_balanced(entry)
    told = fields_of(entry)
    if one_line(text):
        assert unescaped(told["title"]) == f"{{{{{one_line(text)}}}}}"
    assert unescaped(told["howpublished"]) == f"{{{one_line('seed:' + text)}}}"


@given(HOSTILE)
def test_an_address_ends_neither_a_link_nor_a_value(text):
    found = replace(CITATION, origin=f"https://lohebote.example/{text}")
    assert is_balanced(bibtex(found))
    links = [c for t in MarkdownIt().parse(markdown(found)) for c in t.children or ()
             if c.type == "link_open"]  # fmt: skip
    assert len(links) == 1


# ------------------------------------------------------------------------------ CSL-JSON, W3C


@pytest.mark.parametrize(
    ("value", "parts"),
    [("2024", [2024]), ("2024-06", [2024, 6]), ("2024-06-18", [2024, 6, 18]),
     ("2024-06-18T07:40", [2024, 6, 18])],
    ids=["year", "month", "day", "minute"],
)  # fmt: skip
def test_csl_dates_have_only_the_known_parts(value, parts):
    date = PartialDate(value, "day", None, "byline")
    (item,) = json.loads(csl_json(replace(CITATION, published=date)))
    assert item["issued"] == {"date-parts": [parts]}


def test_csl_contains_the_known_values_and_no_others():
    (item,) = json.loads(csl_json(PASSAGE))
    assert item["author"] == [{"literal": "Ada Lohe"}, {"literal": "dpa, Berlin and others"}]
    assert (item["id"], item["URL"]) == (CITATION.revision, CITATION.origin)
    assert item["annote"] == PASSAGE.exact
    (bare,) = json.loads(csl_json(BARE))
    assert not {"title", "author", "issued", "URL", "annote", "container-title"} & set(bare)


def test_w3c_selects_the_passage_by_its_words_and_by_its_place():
    resource = json.loads(w3c(PASSAGE))
    assert resource["@context"] == "http://www.w3.org/ns/anno.jsonld"
    assert resource["type"] == "SpecificResource"
    assert resource["selector"] == [
        {"type": "TextQuoteSelector", "exact": PASSAGE.exact, "prefix": "Er ", "suffix": "."},
        {"type": "TextPositionSelector", "start": 3, "end": 10},
    ]
    assert resource["state"] == {
        "type": "TimeState",
        "sourceDateStart": "2024-06-18T09:30:00Z",
        "sourceDateEnd": "2024-06-19T00:00:00Z",
    }
    assert resource["dcterms:identifier"] == CITATION.revision


def test_w3c_of_a_whole_version_selects_nothing():
    resource = json.loads(w3c(BARE))
    assert "selector" not in resource
    assert resource["source"] == {"id": "seed:seeds/Öl%20&%20%7BDamm%7D.txt", "type": "Text"}
