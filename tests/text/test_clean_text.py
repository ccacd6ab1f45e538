"""Cleaning: each step by example; all steps are idempotent and replayable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.draft import CleaningStep
from worker.text.formats.clean_text import CONTROL, STEPS, clean_text

ODD = st.text(
    st.sampled_from(
        "aÖ1. \t\n\r\x0b\x0c\x85\u2028\u2029\x00\x1b[m0;\x07]\x08\x9f\x80Ã\x7f\xa0\u200b"
    )
)


@pytest.mark.parametrize(
    ("text", "expected", "steps"),
    [
        ("Öl\nbrennt", "Öl\nbrennt", []),
        ("Öl\r\n\r\nbrennt", "Öl\n\nbrennt", ["line_endings"]),
        ("Öl\r\rbrennt", "Öl\n\nbrennt", ["line_endings"]),
        ("Öl\u2029brennt\x85hier\u2028da", "Öl\nbrennt\nhier\nda", ["line_endings"]),
        ("Öl\n\x0c\nbrennt", "Öl\n\n\nbrennt", ["line_endings"]),
        ("\x1b[2J\x1b[31;1mÖl\x1b[0m", "Öl", ["terminal_sequences"]),
        ("\x1b]0;Titel\x07Öl", "Öl", ["terminal_sequences"]),
        ("Ö\x08l\x7f \x9d2", "Öl 2", ["control_characters"]),
        ("Öl \t\n \nbrennt ", "Öl\n\nbrennt", ["trailing_blanks"]),
        ("StraÃ\x9fe und Ã\x85rger", "StraÃ\x9fe und Ã\x85rger", []),
        ("Öl\xa0ist\u200cteu\xader", "Öl\xa0ist\u200cteu\xader", []),
        ("Öl\u200blager", "Öllager", ["unseen_characters"]),
    ],
    ids=[
        "nothing",
        "windows",
        "old mac",
        "unicode line ends",
        "page break",
        "colours",
        "window title",
        "control characters",
        "trailing blanks",
        "halves of mojibake stay",
        "blanks, soft hyphens and joints stay",
        "what nobody sees",
    ],
)
def test_only_steps_that_changed_the_text_are_recorded(
    text: str, expected: str, steps: list[str]
) -> None:
    assert clean_text(text) == (expected, tuple(CleaningStep(name) for name in steps))


@given(ODD)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    expected, _ = clean_text(text)
    assert clean_text(expected) == (expected, ())


@given(ODD)
def test_the_recorded_steps_replay_to_the_same_text(text: str) -> None:
    expected, steps = clean_text(text)
    for step in steps:
        text = STEPS[step.name](text)
    assert text == expected


@pytest.mark.slow
@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_letters_digits_and_signs_are_never_touched(text: str) -> None:
    assert clean_text(text) == (text, ())


def test_every_control_character_is_found_next_to_any_text() -> None:
    controls = [chr(code) for code in range(0x2100) if CONTROL.match(chr(code))]
    assert len(controls) > 60
    for control in controls:
        text, steps = clean_text(f"Am Pegel{control} „Öl“ – 3 °C")
        assert control not in text
        assert steps
