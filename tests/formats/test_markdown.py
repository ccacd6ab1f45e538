"""Markdown: front matter as written, paragraphs without syntax, all digits retained."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.draft import Draft
from tests.text.cases import draft, hints, outcome, refusal
from worker.text.formats.markdown import markdown_blocks, split_front_matter
from worker.text.hints import TextSettings
from worker.text.read import read_document

ARTICLE = """---
title: "Kanalbrücke gesperrt: 3,6 Tonnen sind zu viel"
url: https://deichbote.example/kanalbruecke
date: 2024-06-18
updated: 18.06.2024, 13:34 Uhr
observed_at: 2024-06-18T11:30:00+02:00
author: [Anna Muster, Jo Beispiel]
lang: de-DE
publisher: Deichbote
section: Lokales
keywords: Brücke, Verkehr
version: 1.10
---

# Kanalbrücke gesperrt: 3,6 Tonnen sind zu viel

Die Brücke über den Kanal ist *seit Montag* gesperrt.

## Was der Rat sagt

Der Rat rechnet mit **14 Wochen** und [120.000 Euro](https://deichbote.example/kosten).

> Es geht nicht anders.

1. Juni: Prüfung
2. Juli: Bau

- Umleitung über Niederlohe
- Fähre
"""


def test_an_article_in_markdown_is_read_whole() -> None:
    found = draft(ARTICLE, "markdown")
    values = {name: field.value for name, field in found.fields.items()}
    assert found.title == "Kanalbrücke gesperrt: 3,6 Tonnen sind zu viel"
    assert found.address == "https://deichbote.example/kanalbruecke"
    assert found.observed_at == datetime(2024, 6, 18, 9, 30, tzinfo=UTC)
    assert (values["published"]["value"], values["published"]["precision"]) == ("2024-06-18", "day")
    assert values["modified"]["value"] == "2024-06-18T13:34"
    assert values["authors"] == ["Anna Muster", "Jo Beispiel"]
    assert (values["language"], values["publisher"], values["section"]) == (
        "de",
        "Deichbote",
        "Lokales",
    )
    assert values["tags"] == ["Brücke", "Verkehr"]
    assert found.fields["authors"].found_in == "front matter: author"
    assert [(p.role, p.text) for p in found.paragraphs] == [
        ("headline", "Kanalbrücke gesperrt: 3,6 Tonnen sind zu viel"),
        ("lead", "Die Brücke über den Kanal ist seit Montag gesperrt."),
        ("subheading", "Was der Rat sagt"),
        ("text", "Der Rat rechnet mit 14 Wochen und 120.000 Euro."),
        ("quote", "Es geht nicht anders."),
        ("list", "1. Juni: Prüfung"),
        ("list", "2. Juli: Bau"),
        ("list", "Umleitung über Niederlohe"),
        ("list", "Fähre"),
    ]
    assert found.flags == ()


def test_an_unknown_key_is_kept_as_it_was_written() -> None:
    version = draft(ARTICLE, "markdown").fields["version"]
    assert (version.value, version.found_in) == ("1.10", "front matter: version")


@pytest.mark.parametrize(
    ("date", "value"),
    [
        ("2024", "2024"),
        ("2024-06", "2024-06"),
        ("Juni 2024", "2024-06"),
        ("'2024-06-18'", "2024-06-18"),
    ],
)
def test_yaml_makes_no_date_more_precise(date: str, value: str) -> None:
    found = draft(f"---\ntitle: A\ndate: {date}\n---\nText.", "markdown")
    assert found.fields["published"].value["value"] == value


@pytest.mark.parametrize(
    ("yaml", "flag", "field"),
    [
        ("date: 2024-13", "date_invalid", "published"),
        ("date: gestern", "date_invalid", "published"),
        ("observed_at: 2024-06", "observed_at_invalid", "observed_at"),
        ("observed_at: bald", "observed_at_invalid", "observed_at"),
        ("url: deichbote", "address_invalid", "url"),
        ("url: javascript:alert(1)", "address_invalid", "url"),
        ("lang: {a: b}", "metadata_broken", "language"),
    ],
)
def test_a_value_that_does_not_fit_is_flagged_and_stays_a_candidate(
    yaml: str, flag: str, field: str
) -> None:
    found = draft(f"---\ntitle: A\n{yaml}\n---\nText.", "markdown")
    assert flag in found.flags
    assert found.fields[field].value is None or field == "language"
    assert found.fields[field].candidates
    assert (found.address, found.observed_at) == (None, None)


def test_a_time_without_a_zone_is_in_the_zone_of_the_settings() -> None:
    raw = b"---\ntitle: A\nobserved_at: 2024-06-18T12:00\n---\nText."
    found = read_document(raw, hints("markdown"), TextSettings(timezone="Europe/Berlin"))
    assert isinstance(found, Draft)
    assert found.observed_at == datetime(2024, 6, 18, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "yaml",
    [
        "title: 'offen",
        "title: a\ntitle: b",
        "a: &a [1, 1]\n" + "".join(f"b{i}: [*a, *a]\n" for i in range(20)),
        "a: " + "[" * 40 + "]" * 40,
        "a: " + "[" * 20_000,
        "a: &a [*a]",
        "- a: b\nc: d",
        "a: b: c",
        "x: " + "y" * 300_000,
    ],
    ids=["open", "twice", "bomb", "deep", "very deep", "itself", "mixed", "colons", "long"],
)
def test_front_matter_that_cannot_be_trusted_is_refused(yaml: str) -> None:
    assert refusal(f"---\n{yaml}\n---\nText.", "markdown") == "front_matter_invalid"


def test_a_yaml_tag_is_ignored_and_flagged() -> None:
    found = draft("---\ntitle: !!python/unicode 'Öl'\nn: !!int 007\n---\nText.", "markdown")
    assert (found.title, found.fields["n"].value) == ("Öl", "007")
    assert "yaml_tag_ignored" in found.flags
    assert "yaml_tag_ignored" not in draft("---\ntitle: !!str 7\n---\nText.", "markdown").flags


def test_a_text_between_two_rules_is_no_front_matter() -> None:
    found = draft("---\n\nNur ein Satz.\n\n---\n\nUnd noch einer.", "markdown")
    assert "Nur ein Satz." in "".join(found.text_paragraphs())
    assert "title_missing" in found.flags


def test_the_first_heading_is_the_title_where_none_is_named() -> None:
    found = draft("# Öl *brennt*\n\nSeit Montag.", "markdown")
    assert (found.title, found.fields["title"].found_in) == ("Öl brennt", "first heading")


def test_a_heading_that_differs_from_the_title_stays_in_the_text() -> None:
    found = draft("---\ntitle: Gesetz\n---\n# Gesetz (VIG)\n\nText.", "markdown")
    assert found.text_paragraphs() == ("Gesetz (VIG)", "Text.")
    assert "title_conflict" in found.flags
    assert [c.value for c in found.fields["title"].candidates] == ["Gesetz (VIG)"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("5*3*2 und 2**3**4", "5*3*2 und 2**3**4"),
        ("a_b_c und 1_000_000", "a_b_c und 1_000_000"),
        ("*3* von **4**", "3 von 4"),
        ("`x*3` bleibt", "x*3 bleibt"),
        ("2024. Das war ein Jahr", "2024. Das war ein Jahr"),
        ("+ 3 Prozent", "+ 3 Prozent"),
        ("- 3 Grad", "- 3 Grad"),
        ("- Grad", "Grad"),
        ("[1]: 2024", "[1]: 2024"),
        ("&lt;3 &amp; 4", "<3 & 4"),
        ("    vier Blanks davor", "vier Blanks davor"),
        ("```\n36 Zeilen\n```", "36 Zeilen"),
        ("Öl\n===", "Öl"),
        ("![Ein Bild 3](a.png)", "Ein Bild 3"),
        ("<b>3</b>", "<b>3</b>"),
        ("10\\. Mai", "10. Mai"),
        ("Zeile  \nzwei\ndrei", "Zeile\nzwei drei"),
    ],
)
def test_no_digit_and_no_sign_is_lost_to_the_syntax(source: str, text: str) -> None:
    assert [block for block, _ in markdown_blocks(source)] == [text]


def test_escapes_and_entities_are_cleaned_too() -> None:
    found = draft('---\ntitle: "A\\0B"\n---\nEins&#10;&#10;Zwei', "markdown")
    assert (found.title, found.text_paragraphs()) == ("AB", ("Eins", "Zwei"))


def test_very_deep_nesting_is_read_without_parsing() -> None:
    found = draft("# A\n\n" + ">" * 500 + " Text 42", "markdown")
    assert any("Text 42" in text for text in found.text_paragraphs())


@given(
    st.lists(
        st.sampled_from(
            [
                "1. Mai",
                "# 3",
                "> 4",
                "- 5",
                "*6*",
                "7*8*9",
                "",
                "",
                "**10** und 11",
                "`12`",
                "13\\. x",
                "+14",
                "| 15 |",
                "16)",
                "---",
                "***",
                "=== 17",
            ]
        ),
        max_size=12,
    )
)
def test_all_digits_of_a_body_come_through_in_order(lines: list[str]) -> None:
    source = "\n".join(lines)
    found = "".join(block for block, _ in markdown_blocks(source))
    assert [c for c in found if c.isdigit()] == [c for c in source if c.isdigit()]


@given(st.text(st.sampled_from("ab1 \n*_`#>-+[]()!\\<&;:.\t~|\"'"), max_size=120))
def test_no_markdown_makes_reading_fail(text: str) -> None:
    outcome("---\ntitle: A\n---\n" + text, "markdown")


@pytest.mark.real
def test_no_digit_of_a_law_is_lost(real_data: Path) -> None:
    folder = real_data / "data" / "gesetze_versions"
    for path in sorted(folder.glob("*/*.md"))[::8]:
        found = draft(path.read_bytes(), "markdown")
        assert found.title
        _, body = split_front_matter(path.read_text())
        digits = [c for c in body if c.isdigit()]
        assert [c for p in found.paragraphs for c in p.text if c.isdigit()] == digits, path
