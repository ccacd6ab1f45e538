"""Correction and editorial notices, on passages labelled by hand."""

from pathlib import Path

import pytest

from storage.record import Notice, Paragraph
from tests.text.cases import draft
from worker.text.notices import notices
from worker.text.roles import notice_kind

LABELLED = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "notices.tsv").read_text("utf-8").splitlines()
]
POSITIVE = [(kind, text) for kind, text in LABELLED if kind != "-"]
NEGATIVE = [text for kind, text in LABELLED if kind == "-"]


def test_notices_are_told_from_text() -> None:
    assert min(len(POSITIVE), len(NEGATIVE)) >= 40
    found = [text for _, text in POSITIVE if notice_kind(text)]
    wrong = [text for text in NEGATIVE if notice_kind(text)]
    assert len(found) / len(POSITIVE) >= 0.95
    assert len(found) / (len(found) + len(wrong)) >= 0.95


def test_kinds_of_notices_are_told_apart() -> None:
    right = [text for kind, text in POSITIVE if notice_kind(text) == kind]
    assert len(right) / len(POSITIVE) >= 0.95


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Er (der Minister, Anm. d. Red.) kam zu spät.", ["(der Minister, Anm. d. Red.)"]),
        ("Das [Anm. der Redaktion: die Brücke] hält.", ["[Anm. der Redaktion: die Brücke]"]),
        ("Er kam (wie die Redaktion hörte) zu spät.", []),
        ("Er (62) legte eine note vor.", []),
    ],
)
def test_a_note_in_brackets_is_told_and_stays_in_its_sentence(text: str, found: list[str]) -> None:
    assert [notice.text for notice in notices([Paragraph("text", text)])] == found


def test_a_draft_carries_its_notices_with_kind_and_text() -> None:
    said = "Korrektur: Der Deich ist 1,9 Kilometer lang."
    read = draft(f"2024-06 Deich\n\nDer Rat tagte am Montag bis in die Nacht hinein.\n\n{said}")
    assert read.notices == (Notice("correction", said),)
