"""A split, joined or moved paragraph is shown as such, with the words that changed inside it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.cli.show.diff import diff_html, diff_text
from storage.diff.change import CaptureContent, change
from storage.diff.word_diff import Text, diff, join_text
from storage.read.answers import Diff
from storage.read.render.change_html import change_html
from storage.read.render.passages import blocks, excerpt
from tests.diff.applied import apply

FIRST = "Am Montag brannte ein Lager am Hafen, verletzt wurde niemand."
SECOND = "Die Feuerwehr war mit vierzig Leuten und zwei Booten vor Ort."
THIRD = "Warum das Feuer ausbrach, will die Polizei nun klären."
LAST = "Der Schaden beträgt nach ersten Schätzungen rund drei Millionen Euro."


def text(*paragraphs):
    return Text(None, tuple(("text", paragraph) for paragraph in paragraphs))


def operations(a, b):
    return [(op.op, op.a_text or op.b_text) for op in diff(text(*a), text(*b))]


@pytest.mark.parametrize("parts", [(FIRST, SECOND), (FIRST, SECOND, THIRD)])
def test_a_pure_split_or_join_inserts_and_deletes_no_word(parts):
    whole = (" ".join(parts), LAST)
    split = [name for name, _ in operations(whole, (*parts, LAST))]
    joined = [name for name, _ in operations((*parts, LAST), whole)]
    assert split == [*["equal", "split"] * (len(parts) - 1), "equal", "equal"]
    assert joined == [*["equal", "join"] * (len(parts) - 1), "equal", "equal"]


def test_words_that_changed_inside_a_split_paragraph_are_marked():
    edited = SECOND.replace("vierzig", "fünfzig")
    assert operations((f"{FIRST} {SECOND}", LAST), (FIRST, edited, LAST)) == [
        ("equal", FIRST + " "),
        ("split", ""),
        ("equal", "Die Feuerwehr war mit "),
        ("delete", "vierzig"),
        ("insert", "fünfzig"),
        ("equal", " Leuten und zwei Booten vor Ort."),
        ("equal", LAST),
    ]


def test_a_paragraph_that_was_moved_split_and_edited_shows_all_three():
    edited = SECOND.replace("Booten", "Kähnen")
    found = operations((LAST, f"{FIRST} {SECOND}", THIRD), (FIRST, edited, LAST, THIRD))
    assert [op for op in found if op[0] != "equal"] == [
        ("move", FIRST + " "),
        ("split", ""),
        ("move", "Die Feuerwehr war mit vierzig Leuten und zwei "),
        ("delete", "Booten"),
        ("insert", "Kähnen"),
        ("move", " vor Ort."),
    ]


def test_a_new_paragraph_next_to_an_edited_one_is_no_split():
    found = operations((f"{FIRST} {SECOND}", LAST), (f"{FIRST} {SECOND}!", THIRD, LAST))
    assert ("insert", THIRD) in found
    assert "split" not in dict(found)


def test_the_classes_are_those_of_the_words_and_the_break_is_noise():
    edited = SECOND.replace("vierzig", "50")
    a, b = (
        CaptureContent(text(f"{FIRST} {SECOND}", LAST)),
        CaptureContent(text(FIRST, edited, LAST)),
    )
    found = change(a, b)
    assert (
        found.classes == change(CaptureContent(text(SECOND)), CaptureContent(text(edited))).classes
    )
    assert (found.removed, found.added) == (("vierzig",), ("50",))
    assert [(each.rule, each.added) for each in found.noise] == [("breaks", ("¶",))]
    pure = CaptureContent(text(FIRST, SECOND, LAST))
    assert change(a, pure).is_noise
    assert change(a, pure, heed_noise=False).classes == ("punctuation",)


def test_each_output_shows_labels_and_pilcrows():
    a, b = text(f"{FIRST} {SECOND}", LAST), text(FIRST, SECOND.replace("vierzig", "50"), LAST)
    there, back = (Diff(a="x@1", b="x@2", operations=diff(*pair)) for pair in ((a, b), (b, a)))
    assert f"~ [split] {FIRST}{{+¶+}} Die Feuerwehr war mit [-vierzig-]{{+50+}}" in "\n".join(
        diff_text(there, colour=False)
    )
    assert f"~ [joined] {FIRST}[-¶-] Die" in "\n".join(diff_text(back, colour=False))
    assert "<small>(split)</small>" in "".join(diff_html(there))
    (old, _) = blocks(there.operations)
    assert "".join(piece.text for piece in old.old_pieces) == f"{FIRST} {SECOND}"
    passages = excerpt(blocks(back.operations))
    assert len(passages) == 1
    assert "<small>(zusammengefügt)</small>" in change_html(passages, "de")


WORDS = ["der", "die", "und", "in", "von", "am", "ist", "nicht", *map(str, range(40))]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=3, max_size=9).map(
    lambda words: " ".join(words).capitalize() + "."
)


@given(st.lists(SENTENCES, min_size=2, max_size=10), st.randoms(use_true_random=False))
def test_any_regrouping_leads_there_and_back(sentences: list[str], chance: random.Random):
    def paragraphs():
        found: list[str] = []
        for sentence in sentences:
            words = sentence.split(" ")
            if chance.random() < 0.3:
                words[chance.randrange(len(words))] = "„neu“"
            if found and chance.random() < 0.5:
                found[-1] += chance.choice((" ", "  ", "\n", "")) + " ".join(words)
            else:
                found.insert(chance.randint(0, len(found)), " ".join(words))
        return text(*found)

    a, b = paragraphs(), paragraphs()
    found = diff(a, b)
    assert apply(join_text(a), found) == join_text(b)
    assert all(op.a_text == op.b_text == "" for op in found if op.op in {"split", "join"})
    only_words = [op for op in found if op.op in {"equal", "insert", "delete", "move"}]
    assert apply(join_text(a), only_words) == join_text(b)
