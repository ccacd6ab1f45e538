"""Correction and editorial notices, on passages labelled by hand."""

from pathlib import Path

import pytest

from storage.values.draft import Notice, Paragraph
from tests.text.cases import draft
from worker.text.annotate.notices import notices
from worker.text.annotate.roles import notice_kind


def passages(name: str) -> list[tuple[str, ...]]:
    lines = (Path(__file__).parent / name).read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines]


LABELLED = passages("notices.tsv")
UNSEEN = passages("notices_unseen.tsv")
"""Labelled after the rules were written; one rule was corrected since, which missed one of 21."""
POSITIVE = [(kind, text) for kind, text in LABELLED if kind != "-"]
NEGATIVE = [text for kind, text in LABELLED if kind == "-"]


def test_notices_are_distinguished_from_text() -> None:
    assert min(len(POSITIVE), len(NEGATIVE)) >= 80
    precision, recall = reached(LABELLED)
    assert min(precision, recall) >= 0.95


def test_notices_are_detected_in_passages_labelled_after_the_rules() -> None:
    precision, recall = reached(UNSEEN)
    assert min(precision, recall) >= 0.95


def reached(labelled: list[tuple[str, ...]]) -> tuple[float, float]:
    """Return precision and recall."""
    told = [kind for kind, text in labelled if notice_kind(text)]
    right = sum(kind != "-" for kind in told)
    return right / len(told), right / sum(kind != "-" for kind, _ in labelled)


def test_notice_kinds_are_distinguished() -> None:
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
def test_a_note_in_brackets_is_reported_and_remains_in_its_sentence(
    text: str, found: list[str]
) -> None:
    assert [notice.text for notice in notices([Paragraph("text", text)])] == found


def test_a_draft_carries_its_notices_with_kind_and_text() -> None:
    said = "Korrektur: Der Deich ist 1,9 Kilometer lang."
    read = draft(f"2024-06 Deich\n\nDer Rat tagte am Montag bis in die Nacht hinein.\n\n{said}")
    assert read.notices == (Notice("correction", said),)


TEXT = [
    Paragraph("lead", "Der Rat von Lohe hat am Montag über den neuen Deich beraten."),
    Paragraph("text", "Der Deich soll 1,9 Kilometer lang werden. Er kostet 7,3 Millionen Euro."),
    Paragraph(
        "text", "Bürgermeister Bo Lind sprach von einem Kompromiss. Die Linde bleibt stehen."
    ),
    Paragraph("text", "The vote on the ferry line was held on Tuesday, the captain said."),
]


@pytest.mark.parametrize(
    ("notice", "passage"),
    [
        ("Korrektur: Der Deich ist nicht 19, sondern 1,9 Kilometer lang.", "Der Deich soll 1,9 Kilometer lang werden."),
        ("In einer früheren Version hieß es, der Deich koste 73 Millionen Euro. Es sind 7,3 Millionen.", "Er kostet 7,3 Millionen Euro."),
        ("Korrektur: Bürgermeister Bo Lind hat nicht von einer Niederlage gesprochen.", "Bürgermeister Bo Lind sprach von einem Kompromiss."),
        ("Correction: the vote on the ferry was held on Tuesday, not Monday.", "The vote on the ferry line was held on Tuesday, the captain said."),
        ("Dieser Artikel wurde am 3. Mai korrigiert.", None),
        ("Korrektur: Ein Name war falsch geschrieben.", None),
        ("Transparenzhinweis: Der Autor kommt aus Lohe und kennt den Deich.", None),
    ],
)  # fmt: skip
def test_a_notice_is_reported_with_the_passage_that_it_refers_to(notice, passage) -> None:
    (found,) = notices([*TEXT, Paragraph("notice", notice)])
    assert found.passage == passage
