"""The seed format: header, headline, paragraphs and their roles."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.draft import TEXT_ROLES, Draft
from tests.text.cases import BRAND, SEEN, by_role, draft, letters, outcome, refusal
from worker.text.decode import decode
from worker.text.formats.clean_text import clean_text
from worker.text.hints import EXTRACTOR, Hints, TextSettings, extractor
from worker.text.read import read_document


def test_a_seed_is_read_whole() -> None:
    found = draft(BRAND)
    assert found.title == "Großbrand im Tanklager von Marschfelde"
    assert found.fields["published"].value == {
        "value": "2024-06-18",
        "precision": "day",
        "zone": None,
        "found_in": "seed header",
    }
    assert [paragraph.role for paragraph in found.paragraphs] == [
        "lead",
        "text",
        "subheading",
        "text",
        "promo",
        "text",
    ]
    assert found.fields["lead"].value.startswith("Im Tanklager von Marschfelde")
    assert found.fields["language"].value == "de"
    assert found.fields["agency"].value == ["dpa"]
    assert found.fields["word_count"].value == sum(
        len(text.split()) for text in found.text_paragraphs()
    )
    assert found.flags == ()
    assert found.extractor == EXTRACTOR
    assert found.raw_output is None


def test_an_outlet_that_is_said_to_have_reported_is_only_a_candidate() -> None:
    publisher = draft(BRAND).fields["publisher"]
    assert publisher.value is None
    assert [(c.value, c.found_in) for c in publisher.candidates] == [("Deichbote", "body: aside")]


@pytest.mark.parametrize(
    ("header", "value", "precision"),
    [
        (" date 2024-06 Feuer", "2024-06", "month"),
        ("date 2024 Feuer", "2024", "year"),
        ("\tdate 2024-06-18 Feuer", "2024-06-18", "day"),
        (" date 18.06.2024 Feuer", "2024-06-18", "day"),
        (" date Juni 2024 Feuer", "2024-06", "month"),
        (" date 18. Juni 2024, 13:34 Uhr Feuer", "2024-06-18T13:34", "minute"),
    ],
)
def test_a_header_keeps_the_precision_of_its_date(header: str, value: str, precision: str) -> None:
    found = draft(f"{header}\n\nEs brennt seit Montag.")
    assert found.title == "Feuer"
    assert found.fields["published"].value["value"] == value
    assert found.fields["published"].value["precision"] == precision


@pytest.mark.parametrize(
    ("line", "flag", "title"),
    [
        ("Feuer im Hafen", "date_missing", "Feuer im Hafen"),
        ("date night im Hafen", "date_missing", "date night im Hafen"),
        (" date 2024-13 Feuer im Hafen", "date_invalid", "Feuer im Hafen"),
        (" date 0000-00 Feuer im Hafen", "date_invalid", "Feuer im Hafen"),
        (" date 9999 Feuer im Hafen", "date_invalid", "Feuer im Hafen"),
        (" date 2026-01 Feuer im Hafen", "date_invalid", "Feuer im Hafen"),
        (" date 31.02.2024 Feuer im Hafen", "date_invalid", "Feuer im Hafen"),
    ],
)
def test_a_date_is_never_guessed(line: str, flag: str, title: str) -> None:
    found = draft(f"{line}\n\nEs brennt seit Montag im alten Hafen.")
    assert found.title == title
    assert flag in found.flags
    published = found.fields.get("published")
    assert published is None or published.value is None


def test_an_invalid_date_stays_as_a_candidate() -> None:
    published = draft(" date 2024-13 Feuer\n\nEs brennt.").fields["published"]
    assert [c.value for c in published.candidates] == ["2024-13"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b" \n\t\r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        ("\u200b\n\ufeff".encode(), "empty"),
        (b" date 2024-06 Feuer im Hafen", "no_body"),
        (b"Feuer im Hafen\n", "no_body"),
        (b" date 2024-06\n", "empty"),
        (b" date 2024-06 Feuer\n\nLesen Sie auch: Feuer im Lager", "no_body"),
        (b"a\0\1\2b", "binary"),
    ],
)
def test_texts_without_an_article_are_refused(raw: bytes, code: str) -> None:
    assert refusal(raw) == code


def test_a_header_without_a_headline_takes_the_first_paragraph() -> None:
    found = draft(" date 2024-06\n\nFeuer im Hafen\n\nEs brennt seit Montag.")
    assert (found.title, by_role(found, "text")) == ("Feuer im Hafen", ["Es brennt seit Montag."])


def test_a_long_headline_stays_and_is_flagged() -> None:
    line = "Wort " * 2_000
    found = draft(f"{line}\n\nEin Text steht darunter.")
    assert found.title == line.strip()
    assert "headline_long" in found.flags


def test_a_single_long_line_is_a_body_that_names_itself() -> None:
    line = "Wort " * 2_000
    found = draft(line)
    assert found.text_paragraphs() == (line.strip(),)
    assert found.title is not None
    assert len(found.title) <= 300
    assert {"headline_long", "date_missing"} <= set(found.flags)


def test_single_line_ends_part_paragraphs_where_no_blank_line_does() -> None:
    spaced = draft(" date 2024 Feuer\n\nErster Satz.\n\nZweiter Satz.\n\nDritter Satz.")
    tight = draft(" date 2024 Feuer\nErster Satz.\nZweiter Satz.\nDritter Satz.")
    assert spaced.paragraphs == tight.paragraphs
    assert len(tight.paragraphs) == 3


@pytest.mark.parametrize("end", ["\r\n", "\r", "\u2028", "\u2029", "\x85"])
def test_the_kind_of_line_end_makes_no_other_text(end: str) -> None:
    plain = draft(BRAND)
    other = draft(BRAND.replace("\n", end))
    assert (other.title, other.paragraphs) == (plain.title, plain.paragraphs)


def test_a_repeated_headline_appears_once_in_the_text() -> None:
    found = draft(' date 2024 „Feuer“ im Hafen\n\n"Feuer" im Hafen\n\nEs brennt.\n\nNoch immer.')
    assert by_role(found, "headline") == ['"Feuer" im Hafen']
    assert found.text_paragraphs() == ("Es brennt.", "Noch immer.")


def test_markup_stays_text_and_is_flagged() -> None:
    found = draft(" date 2024 Feuer\n\n<p>Es <b>brennt</b>.</p>\n\nNoch immer.")
    assert "markup_in_text" in found.flags
    assert "<p>Es <b>brennt</b>.</p>" in found.text_paragraphs()


def test_a_comparison_is_no_markup() -> None:
    assert "markup_in_text" not in draft(" date 2024 Pegel\n\nEs gilt a < b und <Name> > 3.").flags


def test_notices_are_reported_with_their_kind() -> None:
    found = draft(BRAND + "\n\nKorrektur: In einer früheren Version stand 36 Millionen Euro.")
    assert [(n.kind, n.text[:10]) for n in found.notices] == [("correction", "Korrektur:")]
    assert found.text_paragraphs()[-1].startswith("Korrektur:")


def test_a_byline_names_the_authors_and_is_no_lead() -> None:
    found = draft(
        " date 2024 Feuer\n\nVon Anna Muster und Jo Beispiel\n\nEs brennt.\n\nNoch immer."
    )
    assert found.fields["authors"].value == ["Anna Muster", "Jo Beispiel"]
    assert by_role(found, "lead") == ["Es brennt."]


def test_the_settings_are_part_of_the_extractor_name() -> None:
    other = TextSettings(languages=("fr",), timezone="Europe/Paris")
    assert extractor(other).config == "languages=fr;timezone=Europe/Paris"
    assert extractor(other) != EXTRACTOR


@pytest.mark.parametrize("type_", ["seed", "markdown", "json", "csv"])
@given(raw=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_bytes_make_reading_fail(type_: str, raw: bytes) -> None:
    found = outcome(raw, type_)
    if isinstance(found, Draft):
        assert any(paragraph.role in TEXT_ROLES for paragraph in found.paragraphs)
        for paragraph in found.paragraphs:
            assert all(0 <= m.start < m.end <= len(paragraph.text) for m in paragraph.marks)
            assert "\n\n" not in paragraph.text


SIGNS = '( " „ / a/ <p Ã dpa/ aа [ ![ *a > 1. a, •'
LINES = st.lists(
    st.one_of(
        st.text(st.sampled_from('abÖ 13.,-–„“"()/•<>\u200b\u202e\xa0'), max_size=60),
        st.sampled_from(
            ["", "", "Mehr zum Thema", "• Punkt", "1. Punkt", "(wir berichteten)", "dpa"]
        ),
    ),
    max_size=12,
)


@given(LINES)
def test_every_character_of_the_body_is_in_a_paragraph_in_order(lines: list[str]) -> None:
    body = "\n".join(lines)
    found = outcome(" date 2024-06 Feuer im Hafen\n" + body)
    if isinstance(found, Draft):
        clean_address, _ = clean_text(body)
        assert letters("".join(p.text for p in found.paragraphs)) == letters(clean_address)


@pytest.mark.parametrize("type_", ["seed", "markdown", "json"])
@pytest.mark.parametrize(
    "unit",
    [
        *SIGNS.split(),
        " ",
        "\n",
        " \n",
        "\n- a",
        "a\n\n",
        "Von Aa Bb, ",
        "(a bericht",
        "\x1b[",
        "\x9f",
    ],
)
def test_long_runs_of_one_sign_are_read_in_time(type_: str, unit: str) -> None:
    """Regular expressions take linear time; a quadratic one would take minutes here."""
    run = unit * (20_000 // len(unit))
    raw = json.dumps({"title": "A", "text": run, "author": run}) if type_ == "json" else run
    outcome(f"---\ntitle: A\n---\n{run}" if type_ == "markdown" else raw, type_)


@pytest.mark.real
def test_the_real_seed_is_read_as_promised(real_data: Path) -> None:
    path = real_data / "seed" / "000_10dcc7e113d1df78.txt"
    found = read_document(
        path.read_bytes(), Hints("seed", path.name, None, SEEN, None), TextSettings()
    )
    assert isinstance(found, Draft)
    assert found.title == "Angriff: Großbrand in russischem Öllager"
    assert found.flags == ("headline_not_in_body",)
    assert found.fields["published"].value["value"] == "2024-06"
    assert found.fields["language"].value == "de"
    assert len(by_role(found, "lead")) == 1
    assert len(by_role(found, "subheading")) == 3
    assert [text[:12] for text in by_role(found, "promo")] == ["Newsblog zum"]
    asides = [
        p.text[m.start : m.end] for p in found.paragraphs for m in p.marks if m.kind == "aside"
    ]
    assert asides == ["(t-online berichtete)"]
    assert [c.value for c in found.fields["publisher"].candidates] == ["t-online"]
    assert decode(path.read_bytes()).text.count("\n\n") == len(found.paragraphs)


@pytest.mark.real
def test_each_quotation_of_the_real_seed_has_its_speaker(real_data: Path) -> None:
    path = real_data / "seed" / "000_10dcc7e113d1df78.txt"
    found = read_document(
        path.read_bytes(), Hints("seed", path.name, None, SEEN, None), TextSettings()
    )
    assert isinstance(found, Draft)
    speakers = [
        (quote.paragraph, quote.text.split()[0], quote.speaker_resolved) for quote in found.quotes
    ]
    assert speakers == [
        (1, "freundschaftlichen", "beide Regierungschefs"),
        (4, "die", "Kremlchef Putin"),
        (4, "Russlands", "Kremlchef Putin"),
        (6, "ein", "Kremlchef Putin"),
        (7, "Wir", "russischer Kriegsherr"),
        (7, "alternative", "russischer Kriegsherr"),
        (7, "vom", "russischer Kriegsherr"),
        (13, "unipolare", None),
    ]
