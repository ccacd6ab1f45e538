"""The wording digest ignores the differences in its docstring, and no others."""

import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values import digest
from storage.values.digest import (
    DOUBLE_QUOTES,
    SINGLE_QUOTES,
    WHITE_SPACE,
    canonical,
    origin_id,
    raw_digest,
    wording_digest,
    wording_name,
)

MARKED = st.text(
    st.sampled_from("ab1 2.,*_-+#[]()/!>\"„“'’\n\u00a0\u00ad\u0308\u0338\0=<ä\ud800")
    | st.characters(),
    max_size=40,
) | st.lists(
    st.sampled_from(
        ["*", "**", "_", "__", " ", "a", "[", "](/x)", "](https://x)", "- ", "# ", "b1"]
    ),
    max_size=14,
).map("".join)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param("Köln", "Ko\u0308ln", id="composition"),
        pytest.param("Donau\u00addampfer", "Donaudampfer", id="soft hyphen"),
        pytest.param("a\r\nb", "a\nb", id="line endings"),
        pytest.param("a\n  b", "a b", id="wrapped line"),
        pytest.param("10\u202f000\u00a0Euro", "10 000 Euro", id="thin and no-break space"),
        pytest.param("a\u2028b\fc", "a b c", id="line separator and form feed"),
        pytest.param("  a \t", "a", id="ends"),
        pytest.param("„Ja“, sagte er", '"Ja", sagte er', id="German quotes"),
        pytest.param("»Ja«", "«Ja»", id="guillemets"),
        pytest.param("‚so‘ und ›so‹", "'so' und `so´", id="single quotes"),
        pytest.param("geht’s", "geht's", id="apostrophe"),
        pytest.param("## Die Lage ##", "Die Lage", id="heading with closing hashes"),
        pytest.param("# 5 Fragen", "5 Fragen", id="heading before a digit"),
        pytest.param("- Brot", "Brot", id="bullet"),
        pytest.param("* **Brot** kaufen", "Brot kaufen", id="bullet and bold"),
        pytest.param("Das ist _sehr_ *schön*.", "Das ist sehr schön.", id="emphasis"),
        pytest.param("**Wer *das* liest**", "Wer das liest", id="nested emphasis"),
        pytest.param("***wichtig***", "wichtig", id="strong and emphasised"),
        pytest.param("„**Nein**“", '"Nein"', id="bold in quotes"),
        pytest.param("**Leser*innen**", "**Leser*innen**", id="doubtful emphasis stays"),
        pytest.param("siehe [hier](https://example.org/a_(b)?c=1).", "siehe hier.", id="link"),
        pytest.param("[*hier*](/a)", "hier", id="emphasis in a link"),
    ],
)
def test_forgives(a: str, b: str) -> None:
    assert canonical(a) == canonical(b)
    assert wording_digest(a, [a]) == wording_digest(b, [b])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param("1,5 Millionen", "15 Millionen", id="decimal comma"),
        pytest.param("3.6", "3,6", id="decimal mark"),
        pytest.param("„Befreiung“", "Befreiung", id="removed quotation marks"),
        pytest.param("„so“", "‚so‘", id="double and single quotes"),
        pytest.param("gelogen?", "gelogen.", id="question mark"),
        pytest.param("Die", "die", id="case"),
        pytest.param("a – b", "a - b", id="dash length"),
        pytest.param("…", "...", id="ellipsis"),
        pytest.param("Haus tür", "Haustür", id="a blank at all"),
        pytest.param("sagte .", "sagte.", id="blank before a full stop"),
        pytest.param("a\u200bb", "ab", id="zero width"),
        pytest.param("Straße", "Strasse", id="sharp s"),
        pytest.param("- 5 Grad", "5 Grad", id="minus sign"),
        pytest.param("+ 3 Prozent", "3 Prozent", id="plus sign"),
        pytest.param("5*3", "53", id="times"),
        pytest.param("snake_case", "snakecase", id="underscore in a word"),
        pytest.param("Leser*innen und Autor*innen", "Leserinnen und Autorinnen", id="gender star"),
        pytest.param("Anna* und Max*", "Anna und Max", id="footnote stars"),
        pytest.param("so ein f***", "so ein f", id="swearing"),
        pytest.param("1. FC Köln", "FC Köln", id="ordinal"),
        pytest.param("2024. Ein Jahr", "Ein Jahr", id="year that looks like a list number"),
        pytest.param("#Aufschrei", "Aufschrei", id="hashtag"),
        pytest.param("@_max_", "@max", id="handle"),
        pytest.param("https://example.org/_a_/b", "https://example.org/a/b", id="address"),
        pytest.param("a [sic](sic)", "a sic", id="brackets that are no link"),
        pytest.param("![Bild](/a.jpg)", "Bild", id="image"),
        pytest.param("* * *", "", id="row of stars"),
        pytest.param("+++ Eil +++", "Eil", id="ticker marks"),
        pytest.param("> Zitat", "Zitat", id="block quote"),
        pytest.param("2 * 3 * 4", "2 3 4", id="product"),
        pytest.param("a - b", "a b", id="dash within"),
        pytest.param("H\u2082O", "H2O", id="compatibility characters"),
    ],
)
def test_keeps_apart(a: str, b: str) -> None:
    assert canonical(a) != canonical(b)
    assert wording_digest(None, ["x", a]) != wording_digest(None, ["x", b])


@pytest.mark.parametrize("quote", DOUBLE_QUOTES)
def test_every_double_shape_is_one(quote: str) -> None:
    assert canonical(f"a {quote}b{quote}") == 'a "b"'


@pytest.mark.parametrize("quote", SINGLE_QUOTES)
def test_every_single_shape_is_one(quote: str) -> None:
    assert canonical(f"a {quote}b{quote}") == "a 'b'"


def test_white_space_is_all_that_python_takes_for_it() -> None:
    known = {chr(code) for code in range(0x110000) if chr(code).isspace()}
    assert known == set(WHITE_SPACE) | {" "}


@given(MARKED)
def test_canonical_is_idempotent(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once


@given(MARKED)
def test_a_line_break_is_a_blank_anywhere(text: str) -> None:
    assert canonical(text.replace("\n", " ")) == canonical(text)


@given(MARKED)
def test_digits_and_letters_survive(text: str) -> None:
    if "](" in text:
        return
    composed = unicodedata.normalize("NFC", text.replace("\u00ad", ""))
    kept = [c for c in canonical(text) if c.isalnum()]
    assert unicodedata.normalize("NFC", "".join(kept)) == unicodedata.normalize(
        "NFC", "".join(c for c in composed if c.isalnum() and c not in SINGLE_QUOTES)
    )


@given(st.lists(MARKED, max_size=5))
def test_all_at_once_is_one_by_one(texts: list[str]) -> None:
    assert digest.canonical_all(["t", *texts]) == [canonical(text) for text in ["t", *texts]]


@given(
    st.lists(st.text("ab \n", max_size=4), max_size=4),
    st.lists(st.text("ab \n", max_size=4), max_size=4),
)
def test_equal_digests_mean_equal_paragraphs(a: list[str], b: list[str]) -> None:
    same = [c for t in a if (c := canonical(t))] == [c for t in b if (c := canonical(t))]
    assert (wording_digest("t", a) == wording_digest("t", b)) is same


def test_where_a_paragraph_ends_counts() -> None:
    assert wording_digest(None, ["a b"]) != wording_digest(None, ["a", "b"])
    assert wording_digest(None, ["ab", "c"]) != wording_digest(None, ["a", "bc"])


def test_a_title_is_no_paragraph() -> None:
    assert wording_digest("a", ["b"]) != wording_digest(None, ["a", "b"])


def test_empty_paragraphs_and_an_empty_title_do_not_count() -> None:
    assert wording_digest(" ", ["", "a", "\n"]) == wording_digest(None, ["a"])


def test_a_lone_surrogate_has_a_digest_of_its_own() -> None:
    assert wording_digest("\ud800", ["\udfff"]) != wording_digest("\ufffd", ["\ufffd"])


def test_deep_nesting_is_plain_text_and_fast() -> None:
    deep = "[x " * 20_000 + "a" + "](/b)" * 20_000
    assert canonical(deep) == deep


@pytest.mark.parametrize(
    ("title", "paragraphs", "expected"),
    [
        pytest.param(
            None,
            [],
            "97cc798de914c7590a01836b9728fb85b918bf22b5f2df89ee41a6772322910b",
            id="nothing",
        ),
        pytest.param(
            "Die Lage",
            [],
            "cb6d3f25a7027d9a5f7952c1a1354bd09b608d13af78196b792d54aa5a01b110",
            id="title alone",
        ),
        pytest.param(
            None,
            ["Die Lage"],
            "535227d09a7b25f8423dcae6caca857239afba83d1c0f7459b36b79b34b70485",
            id="paragraph alone",
        ),
        pytest.param(
            "Brand im Öllager: 3,6 Prozent",
            ["„Das war knapp“, sagte sie.", "Es brannte 1,5 Stunden – bis 12:30 Uhr."],
            "6e6c45a8b57937c928e1eb35aad7d5316a927c02f74b92609a36d5059161b464",
            id="article",
        ),
        pytest.param(
            "\ud800",
            ["\U0001f600"],
            "f4b42cce601ccb4f2a07788178277fb9c55bfad04752fabbbbbcd98191f2ff23",
            id="beyond the basic plane",
        ),
        pytest.param(
            "# Über **uns**",
            ["- [Mehr](https://example.org/)", "a\u00a0b\u00adc"],
            "d545f237141c3e8ee7909cd2f37ee4f635f1abc9c0b90b549e9009e8e625116a",
            id="Markdown",
        ),
    ],
)
def test_golden_vectors_are_permanent(
    title: str | None, paragraphs: list[str], expected: str
) -> None:
    assert wording_digest(title, paragraphs).hex() == expected


def test_the_encoding_is_as_written_down() -> None:
    data = b"".join(len(p).to_bytes(8, "big") + p for p in (b"T", b'"a"', b"b"))
    expected = hashlib.sha256(b"lesart w1\0" + data).digest()
    assert wording_digest("T", ["„a“", "  ", "b"]) == expected


def test_raw_digest_is_sha256() -> None:
    assert raw_digest(b"").hex().startswith("e3b0c44298fc1c149afbf4c8996fb924")


def test_a_wording_is_named_by_its_digest() -> None:
    assert wording_name(b"\x5f\x3a") == "w1:5f3a"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        pytest.param("https://example.org/a", "0zfme61hjyre0a76", id="address"),
        pytest.param("seed:seeds/öl.txt", "vkt5k31g5hpmr7fw", id="seed file"),
        pytest.param("file:///tmp/%FF", "r7kz4aw0xsjxbtx3", id="file"),
    ],
)
def test_ids_are_permanent(origin: str, expected: str) -> None:
    assert origin_id(origin) == expected


@given(st.text())
def test_an_id_is_sixteen_plain_characters_and_no_number(origin: str) -> None:
    found = origin_id(origin)
    assert len(found) == 16
    assert set(found) <= set("0123456789abcdefghjkmnpqrstvwxyz")
    assert set(found) - set("0123456789e")


@pytest.mark.parametrize(
    ("name", "reads"),
    [("0123456789012345", True), ("1234567e89012345", True), ("1234567x89012345", False)],
    ids=["digits", "exponent", "letter"],
)
def test_a_name_of_digits_is_hashed_again(name: str, reads: bool) -> None:
    assert digest._reads_as_number(name) is reads
