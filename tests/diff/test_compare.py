"""A diff shows the changes that a person would mark, is reversible, and every change has its class."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.diff import alignment
from storage.diff.classes import DETECTORS, classes_of
from storage.diff.edits import places
from storage.diff.operation import Operation
from storage.diff.word_diff import (
    Text,
    diff,
    join_text,
    operations_between,
    passages,
    sides,
    words_added,
    words_removed,
)
from storage.values.change_class import ChangeClass
from storage.values.digest import wording_digest
from tests.diff.applied import OperationsError, apply


def text(*paragraphs: str, title: str | None = None) -> Text:
    return Text(title, tuple(("text", paragraph) for paragraph in paragraphs))


def told(a: Text, b: Text) -> list[tuple[str, str]]:
    """Operations in short: equal text once, without empty pieces."""
    return [(op.op, op.a_text if op.op == "delete" else op.b_text) for op in diff(a, b)]


def classify(a: Text, b: Text) -> tuple[str, ...]:
    a_side, b_side = sides(a, b)
    return classes_of(places(operations_between(a_side, b_side), a_side, b_side), a_side, b_side)


def inverse(operations):
    turned = {"insert": "delete", "delete": "insert"}
    return tuple(
        Operation(turned.get(op.op, op.op), op.role, op.b_text, op.a_text, op.b_start, op.a_start)
        for op in operations
    )


def changed(a: str, b: str) -> list[tuple[str, str]]:
    return [piece for piece in told(text(a), text(b)) if piece[0] != "equal"]


FIRST = "Am Montag brannte ein Lager am Hafen, verletzt wurde niemand."
SECOND = "Die Feuerwehr war mit vierzig Leuten und zwei Booten vor Ort."
THIRD = "Warum das Feuer ausbrach, will die Polizei nun klären."


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param("um 3,6 Prozent", "um 36 Prozent", [("delete", "3,6"), ("insert", "36")], id="number"),
        pytest.param("Die „Befreiung“ kam.", "Die Befreiung kam.", [("delete", "„"), ("delete", "“")], id="marks"),
        pytest.param("Hat er gelogen?", "Hat er gelogen.", [("delete", "?"), ("insert", ".")], id="full stop"),
        pytest.param("Das ist nicht wahr.", "Das ist wahr.", [("delete", "nicht ")], id="word"),
        pytest.param("Das ist wahr.", "Das ist nicht wahr.", [("insert", "nicht ")], id="word back"),
        pytest.param("Er kam spät", "Er kam", [("delete", " spät")], id="end"),
        pytest.param("Sehr spät kam er", "Spät kam er", [("delete", "Sehr spät"), ("insert", "Spät")], id="start"),
        pytest.param("Er sagte .", "Er sagte.", [("delete", " ")], id="blank"),
        pytest.param("Ein Haus tür", "Ein Haustür", [("delete", "Haus tür"), ("insert", "Haustür")], id="joined"),
        pytest.param("152-Millimeter-Munition", "155-Millimeter-Munition", [("delete", "152"), ("insert", "155")], id="compound"),
        pytest.param("Geht's ihm gut?", "Gehts ihm gut?", [("delete", "Geht's"), ("insert", "Gehts")], id="apostrophe"),
        pytest.param(
            "Heute kamen der Mann und die Frau zu uns",
            "Heute kamen das Kind und ein Hund zu uns",
            [("delete", "der Mann und die Frau"), ("insert", "das Kind und ein Hund")],
            id="short word between",
        ),
        pytest.param(
            "rund 5 von 10 Leuten hier", "rund 6 von 12 Leuten hier",
            [("delete", "5 von 10"), ("insert", "6 von 12")],
            id="numbers around a short word",
        ),
        pytest.param(
            "Der alte Mann sah müde aus", "Der Mann sah sehr müde aus",
            [("delete", "alte "), ("insert", "sehr ")],
            id="two changes",
        ),
        pytest.param("**Neu:** a  b c", "Neu: a b d", [("delete", "c"), ("insert", "d")], id="forgiven before"),
        pytest.param("[Hier](https://example.org/) war es", "Dort war es", [("delete", "[Hier](https://example.org/)"), ("insert", "Dort")], id="link"),
        pytest.param("Ko\u0308ln war groß", "Köln ist groß", [("delete", "war"), ("insert", "ist")], id="composition before"),
        pytest.param("Der [x](/y)\u0308 war da", "Der [x](/y)\u0308 ist da", [("delete", "war"), ("insert", "ist")], id="composition across Markdown"),
    ],
)  # fmt: skip
def test_a_change_is_shown_as(a: str, b: str, expected: list[tuple[str, str]]) -> None:
    assert changed(a, b) == expected


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param(text("„a“  b"), text('"a" b'), id="quotes and blanks"),
        pytest.param(
            text("Donau\u00addampfer", title="# T"), text("Donaudampfer", title="T"), id="Markdown"
        ),
        pytest.param(text("Ko\u0308ln"), text("Köln"), id="composition"),
        pytest.param(text("[x](/y)\u0308"), text("\u1e8d"), id="composition across Markdown"),
        pytest.param(text("a", "", " "), text("a"), id="empty paragraphs"),
        pytest.param(text("a", title=""), text("a"), id="empty title"),
        pytest.param(
            Text(None, (("text", "a"),)), Text(None, (("subheading", "a"),)), id="role alone"
        ),
    ],
)
def test_texts_with_the_same_digest_are_equal(a: Text, b: Text) -> None:
    assert {op.op for op in diff(a, b)} == {"equal"}
    assert classify(a, b) == ()


def test_a_moved_paragraph_is_reported_once() -> None:
    a, b = text(FIRST, SECOND, THIRD), text(THIRD, FIRST, SECOND)
    assert told(a, b) == [("move", THIRD), ("equal", FIRST), ("equal", SECOND)]
    move = diff(a, b)[0]
    assert (move.a_start, move.b_start) == (join_text(a).index(THIRD), 0)
    assert classify(a, b) == ("moved",)
    assert passages(diff(a, b)) == ((), ())


def test_a_paragraph_that_moved_and_was_edited_shows_both() -> None:
    edited = THIRD.replace("Polizei", "Feuerwehr")
    a, b = text(FIRST, SECOND, THIRD), text(edited, FIRST, SECOND)
    assert told(a, b) == [
        ("move", "Warum das Feuer ausbrach, will die "),
        ("delete", "Polizei"),
        ("insert", "Feuerwehr"),
        ("move", " nun klären."),
        ("equal", FIRST),
        ("equal", SECOND),
    ]
    assert classify(a, b) == ("wording", "moved")


def test_whole_paragraphs_come_and_go() -> None:
    a, b = text(FIRST, SECOND), text(FIRST, THIRD, SECOND)
    assert told(a, b) == [("equal", FIRST), ("insert", THIRD), ("equal", SECOND)]
    assert told(b, a) == [("equal", FIRST), ("delete", THIRD), ("equal", SECOND)]
    assert classify(a, b) == ("paragraph_added",)
    assert classify(b, a) == ("paragraph_removed",)


def test_a_rewritten_paragraph_is_one_gone_and_one_new() -> None:
    a, b = text(FIRST, SECOND), text(FIRST, THIRD)
    assert told(a, b) == [("equal", FIRST), ("delete", SECOND), ("insert", THIRD)]
    assert classify(a, b) == ("paragraph_added", "paragraph_removed")


def test_operations_carry_roles_and_offsets() -> None:
    a = Text("Alt", (("lead", "Eins zwei"), ("quote", "Drei vier")))
    b = Text("Neu", (("lead", "Eins zwei"), ("quote", "Drei fünf")))
    assert diff(a, b) == (
        Operation("delete", "headline", "Alt", "", 0, 0),
        Operation("insert", "headline", "", "Neu", 3, 0),
        Operation("equal", "lead", "Eins zwei", "Eins zwei", 5, 5),
        Operation("equal", "quote", "Drei ", "Drei ", 16, 16),
        Operation("delete", "quote", "vier", "", 21, 21),
        Operation("insert", "quote", "", "fünf", 25, 21),
    )


def test_a_title_comes_and_goes() -> None:
    a, b = text(FIRST), text(FIRST, title="Brand")
    assert told(a, b)[0] == ("insert", "Brand")
    assert told(b, a)[0] == ("delete", "Brand")
    assert classify(a, b) == classify(b, a) == ("headline",)


PHRASES = st.lists(
    st.sampled_from(
        [*["der", "die", "Mann", "Frau", "3,6", "36", "„", "“", ",", ".", "?", "*", "**", "_", "#", "[x](/y)", "ä"], " ", "  ", "\n", "- ", "# "]
    )
    | st.sampled_from(["\u00ad", "a\u0308", "\u0308", "'", "\u0915\u093c", "\u0958", "\u0915"])
    | st.text(max_size=2),
    max_size=9,
).map("".join)  # fmt: skip
ROLES = st.sampled_from(["lead", "text", "quote", "notice"])
TEXTS = st.builds(
    Text, st.none() | PHRASES, st.lists(st.tuples(ROLES, PHRASES), max_size=6).map(tuple)
)


def digest_of(side: Text) -> bytes:
    return wording_digest(side.title, [paragraph for _, paragraph in side.paragraphs])


@given(TEXTS, TEXTS)
def test_operations_lead_there_and_back(a: Text, b: Text) -> None:
    operations = diff(a, b)
    assert apply(join_text(a), operations) == join_text(b)
    assert apply(join_text(b), inverse(operations)) == join_text(a)
    assert diff(a, b) == operations


@given(TEXTS, TEXTS)
def test_operations_are_equal_alone_if_the_digests_are(a: Text, b: Text) -> None:
    operations = diff(a, b)
    assert all(op.op == "equal" for op in operations) is (digest_of(a) == digest_of(b))
    classes = classify(a, b)
    assert bool(classes) is (digest_of(a) != digest_of(b))
    assert classes == tuple(name for name in ChangeClass if name in DETECTORS and name in classes)


@given(TEXTS)
def test_a_text_differs_from_itself_in_nothing(side: Text) -> None:
    assert {op.op for op in diff(side, side)} <= {"equal"}


@given(st.lists(st.integers(0, 30), max_size=12), st.randoms(use_true_random=False))
def test_shuffled_paragraphs_are_moved_and_never_rewritten(
    numbers: list[int], chance: random.Random
) -> None:
    a = [f"Absatz Nummer {n}" for n in numbers]
    b = a.copy()
    chance.shuffle(b)
    assert {op.op for op in diff(text(*a), text(*b))} <= {"equal", "move"}


@given(TEXTS, TEXTS)
def test_no_operation_spans_two_paragraphs(a: Text, b: Text) -> None:
    bounds = [
        b_start for b_start in range(len(join_text(b))) if join_text(b).startswith("\n\n", b_start)
    ]
    paragraphs = {paragraph for _, paragraph in b.paragraphs} | {b.title}
    for op in diff(a, b):
        inside = [at for at in bounds if op.b_start <= at < op.b_start + len(op.b_text) - 1]
        assert not inside or any(op.b_text in (part or "") for part in paragraphs)


def test_operations_of_another_text_are_refused() -> None:
    operations = diff(text("eins zwei"), text("eins drei"))
    with pytest.raises(OperationsError) as caught:
        apply("eins vier", operations)
    assert caught.value.position == 5
    with pytest.raises(OperationsError):
        apply("eins zwei und mehr", operations)


@pytest.mark.parametrize(
    ("a", "b", "classes"),
    [
        pytest.param("Es kamen 1,5 Millionen.", "Es kamen 15 Millionen.", {"number"}, id="decimal comma"),
        pytest.param("Um 3,6 Prozent mehr.", "Um 36 Prozent mehr.", {"number"}, id="percent"),
        pytest.param("Sie sprach von „Befreiung“ dort.", "Sie sprach von Befreiung dort.", {"quote"}, id="marks removed"),
        pytest.param("Hat sie gelogen?", "Hat sie gelogen.", {"punctuation"}, id="question mark"),
        pytest.param("„So nicht“, sagte er.", "So nicht, sagte er.", {"quote"}, id="quotation marks of a sentence"),
        pytest.param("Das war „nicht“ gut.", "Das war nicht gut.", {"quote"}, id="marks of one word"),
        pytest.param("Das war nicht gut so.", "Das war gut so.", {"wording"}, id="not"),
        pytest.param("„Das war nicht gut“, hieß es.", "„Das war gut“, hieß es.", {"quote"}, id="not, in a quote"),
        pytest.param("Es war ‚so‘ und anders.", "Es war ‚nun‘ und anders.", {"quote"}, id="single marks"),
        pytest.param("Am Ende kamen drei Leute.", "Am Ende kamen vier Leute.", {"number"}, id="number word"),
        pytest.param("Schaden: zehn Millionen Euro.", "Schaden: zehn Milliarden Euro.", {"number"}, id="millions"),
        pytest.param("Es waren -5 Grad dort.", "Es waren 5 Grad dort.", {"number"}, id="sign"),
        pytest.param("Rund 5 % der Leute.", "Rund 5 € der Leute.", {"number"}, id="unit"),
        pytest.param("Er kam um 12:30 Uhr.", "Er kam um 12:45 Uhr.", {"number"}, id="time"),
        pytest.param("„Es waren 15“, hieß es.", "„Es waren 150“, hieß es.", {"number", "quote"}, id="number in a quote"),
        pytest.param("Das sagte Frau Kramer dazu.", "Das sagte Frau Kremer dazu.", {"name"}, id="title before"),
        pytest.param("Dort war Dr. Kramer auch.", "Dort war Dr. Kremer auch.", {"name"}, id="abbreviated title"),
        pytest.param("Dann kam Anna Kramer dazu.", "Dann kam Anna Kremer dazu.", {"name"}, id="first name"),
        pytest.param("Das will die SPD nun.", "Das will die CDU nun.", {"name"}, id="capitals"),
        pytest.param("Das ist der Baum dort.", "Das ist der Strauch dort.", {"wording"}, id="noun"),
        pytest.param("Etwa zwei Tonnen Weizen kamen.", "Etwa zwei Tonnen Roggen kamen.", {"wording"}, id="noun after a measure"),
        pytest.param("Er kam am Montag, spät.", "Er kam am Dienstag, spät.", {"date"}, id="day"),
        pytest.param("Er kam, sah und ging.", "Er kam sah und ging.", {"punctuation"}, id="comma"),
        pytest.param("Er kam , sah und ging.", "Er kam, sah und ging.", {"punctuation"}, id="blank"),
        pytest.param(
            "Frau Kramer kam um 5 und schwieg, heißt es.", "Frau Kremer kam um 6 und redete, heißt es!",
            {"number", "name", "wording", "punctuation"}, id="several",
        ),
        pytest.param(
            "Am 5. Mai war er da. Dann ging er wieder weg.", "Dann ging er wieder weg. Am 5. Mai war er da.",
            {"wording"}, id="sentence moved with its number",
        ),
        pytest.param("Es gab 5 Tote, 3 Verletzte.", "Es gab 3 Tote, 5 Verletzte.", {"number"}, id="numbers swapped"),
    ],
)  # fmt: skip
def test_a_change_has_the_classes(a: str, b: str, classes: set[str]) -> None:
    assert set(classify(text(FIRST, a), text(FIRST, b))) == classes
    assert set(classify(text(FIRST, b), text(FIRST, a))) == classes


@pytest.mark.parametrize(
    ("a", "b", "classes"),
    [
        pytest.param("Brand am Hafen", "Feuer am Hafen", ("headline",), id="word"),
        pytest.param("3 Tote am Hafen", "4 Tote am Hafen", ("headline", "number"), id="number"),
        pytest.param("„Nein“ am Hafen", "Nein am Hafen", ("headline", "quote"), id="quote"),
        pytest.param("Brand am Hafen", "Brand am Hafen!", ("headline",), id="punctuation"),
    ],
)
def test_a_changed_headline_is_reported_with_its_numbers_and_quotes(
    a: str, b: str, classes: tuple[str, ...]
) -> None:
    assert classify(text(FIRST, title=a), text(FIRST, title=b)) == classes


def test_a_name_at_the_start_of_a_sentence_is_known_from_elsewhere() -> None:
    context = "Am Abend sprach Frau Kremer, danach sprach Frau Kramer."
    a, b = (
        text("Kramer ging dann nach Hause.", context),
        text("Kremer ging dann nach Hause.", context),
    )
    assert classify(a, b) == ("name",)


def test_in_english_a_capital_within_a_sentence_is_a_name() -> None:
    a = text("Yesterday the police met Smith at the harbour on Monday.")
    b = text("Yesterday the police met Jones at the harbour on Monday.")
    c = text("Yesterday the police met Smith at the harbour on Friday.")
    assert classify(a, b) == ("name",)
    assert classify(a, c) == ("date",)


def test_a_notice_is_reported_when_it_is_new_or_edited() -> None:
    plain = text(FIRST)
    notice = "Anmerkung: In einer früheren Fassung stand eine andere Zahl."
    new = Text(None, (*plain.paragraphs, ("notice", notice)))
    edited = Text(None, (*plain.paragraphs, ("notice", notice.replace("Zahl", "Summe"))))
    assert classify(plain, new) == ("paragraph_added", "notice")
    assert classify(new, edited) == ("wording", "notice")
    assert classify(new, plain) == ("paragraph_removed",)


def test_words_and_passages_hold_the_change_alone() -> None:
    a = text("Es waren 1,5 Millionen Menschen da, hieß es.", SECOND)
    b = text("Es waren rund 15 Millionen Leute da, hieß es!", SECOND, THIRD)
    operations = diff(a, b)
    assert passages(operations) == (("1,5", "Menschen", "."), ("rund 15", "Leute", "!", THIRD))
    assert (words_removed(operations), words_added(operations)) == (2, 3 + 9)


def test_long_texts_are_held_together_by_rows_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "MAX_CELLS", 2_000)
    chance = random.Random(7)
    words = [str(chance.randrange(500)) for _ in range(1_500)]
    a, b = " ".join(words), " ".join([*words[:700], "eins", *words[701:1400], *words[1410:]])
    operations = diff(text(a), text(b))
    assert apply(a, operations) == b
    assert (words_removed(operations), words_added(operations)) == (11, 1)


def test_a_long_text_without_anything_to_hold_on_to_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alignment, "MAX_CELLS", 100)
    a, b = "ja nein " * 40, "nein " * 70
    operations = diff(text(a), text(b))
    assert apply(a, operations) == b


def test_many_unlike_paragraphs_are_compared_with_few() -> None:
    chance = random.Random(3)

    def paragraphs() -> list[str]:
        return [" ".join(str(chance.randrange(200)) for _ in range(8)) for _ in range(400)]

    a, b = text(*paragraphs()), text(*paragraphs())
    side_a, side_b = (
        [alignment.TextBlock("text", p, p, 0) for _, p in side.paragraphs] for side in (a, b)
    )
    candidates = alignment._candidates(side_a, side_b, range(400), range(400))
    assert len(candidates) <= 400 * 6
    assert apply(join_text(a), diff(a, b)) == join_text(b)


def test_equal_stretches_of_a_ticker_stay() -> None:
    entries = [
        f"{n // 60:02}:{n % 60:02} Uhr: Die Lage ist weiter unklar." for n in range(0, 900, 3)
    ]
    newer = ["15:00 Uhr: Der Einsatz ist beendet.", *entries]
    newer[100] = newer[100].replace("unklar", "ernst")
    operations = diff(text(*entries), text(*newer))
    assert [op.op for op in operations if op.op != "equal"] == ["insert", "delete", "insert"]
    offsets = [op.b_start for op in operations]
    assert all(before <= after for before, after in pairwise(offsets))
