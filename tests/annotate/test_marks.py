"""Marks inside a paragraph, and flags of suspicious characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.draft import Paragraph
from worker.text.annotate.marks import (
    agencies,
    credited_publishers,
    is_plain,
    marks,
    suspicious_character_flags,
)


def spans(text: str, kind: str) -> list[str]:
    return [text[m.start : m.end] for m in marks(text) if m.kind == kind]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('Er sagte "ja" und "nein".', ['"ja"', '"nein"']),
        ("Er sagte „ja“.", ["„ja“"]),
        ('Er sagte „ja".', ['„ja"']),
        ("Er sagte »ja«.", ["»ja«"]),
        ("Il dit «oui».", ["«oui»"]),
        ("He said “yes”.", ["“yes”"]),
        ('Ein Zoll " und mehr', []),
        ("Er sagte „ja „ja „ja", []),
        ("It's the county's", []),
    ],
)
def test_quotations_are_marked_by_their_own_pair(text: str, found: list[str]) -> None:
    assert spans(text, "quote") == found


@pytest.mark.parametrize(
    ("text", "found", "named"),
    [
        ("Lang (t-online berichtete).", ["(t-online berichtete)"], ("t-online",)),
        ("Lang (der Deichbote berichtete).", ["(der Deichbote berichtete)"], ("Deichbote",)),
        ("Lang (wir berichteten).", ["(wir berichteten)"], ()),
        ("Lang (mehrere Medien berichteten).", ["(mehrere Medien berichteten)"], ()),
        (
            "Long (as the Eldergate Post reported).",
            ["(as the Eldergate Post reported)"],
            ("Eldergate Post",),
        ),
        ("Long (as we have reported).", ["(as we have reported)"], ()),
        ("Er (62) berichtete davon.", [], ()),
        ("Es hieß (berichtete die Zeitung).", [], ()),
    ],
)
def test_asides_are_marked_and_name_outlets(
    text: str, found: list[str], named: tuple[str, ...]
) -> None:
    assert spans(text, "aside") == found
    assert credited_publishers([Paragraph("text", text)]) == named


@pytest.mark.parametrize(
    ("text", "found", "named"),
    [
        ("Köln (dpa) - Ein Zug", ["(dpa)"], ("dpa",)),
        ("Köln (dpa/lnw) - Ein Zug", ["(dpa/lnw)"], ("dpa",)),
        ("Berlin (AFP, Reuters) Es", ["(AFP, Reuters)"], ("AFP", "Reuters")),
        ("So sagt er. dpa/lno", ["dpa/lno"], ("dpa",)),
        ("dpa", ["dpa"], ("dpa",)),
        ("Quelle: t-online/dpa", ["dpa"], ("dpa",)),
        ("Die dpa meldet das.", [], ()),
        ("Das Attentat (APEC)", [], ()),
    ],
)
def test_agencies_are_marked(text: str, found: list[str], named: tuple[str, ...]) -> None:
    assert spans(text, "agency") == found
    assert agencies([Paragraph("text", text, marks(text))]) == named


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("a\u200bb", "invisible", ["\u200b"]),
        ("a\ufe0fb", "invisible", ["\ufe0f"]),
        ("Karte\U000e0041\U000e0042", "invisible", ["\U000e0041\U000e0042"]),
        ("Herz ❤\ufe0f und 👩\u200d👧", "invisible", []),
        ("Sil\xadbe", "invisible", []),
        ("Preis \u202e5\u202c", "bidi", ["\u202e", "\u202c"]),
        ("P\u0430norama", "mixed_script", ["P\u0430norama"]),
        ("Панорама and Panorama", "mixed_script", []),
        ("5 \u03bcm und \u03bcg", "mixed_script", []),
    ],
    ids=str,
)
def test_odd_characters_are_marked(text: str, kind: str, found: list[str]) -> None:
    assert spans(text, kind) == found


def test_a_title_is_checked_too() -> None:
    assert suspicious_character_flags(["P\u0430norama", "\u200bx", "y\u2067"]) == (
        "bidi_control",
        "invisible_chars",
        "mixed_script",
    )
    assert suspicious_character_flags(["Öl", "Łódź"]) == ()


@given(st.text(st.sampled_from('aÖ"„“”»«() \u200b\u202e\u0430/.dpAP(dpa)'), max_size=80))
def test_marks_lie_in_their_paragraph_in_order(text: str) -> None:
    found = marks(text)
    assert all(0 <= mark.start < mark.end <= len(text) for mark in found)
    assert [mark.start for mark in found] == sorted(mark.start for mark in found)


@given(st.text(max_size=80))
def test_a_plain_text_has_no_odd_marks(text: str) -> None:
    if is_plain(text):
        assert marks(text) == marks(text, plain=True)
        assert suspicious_character_flags([text]) == ()


def test_no_character_that_is_marked_passes_as_plain() -> None:
    marked = 0
    for code in (*range(0x20, 0x3200), *range(0xFE00, 0x10000), *range(0xE0000, 0xE1000)):
        text = f"„Öl{chr(code)}P“ – 3 €"
        if any(mark.kind != "quote" for mark in marks(text)):
            marked += 1
            assert not is_plain(text)
    assert marked > 4_000
