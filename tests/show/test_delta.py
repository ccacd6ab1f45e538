"""Comparisons as people see them."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.cli.show.diff import diff_html, diff_text
from storage.diff.word_diff import Text, diff
from storage.read.answers import Diff
from storage.read.render.change_svg import change_svg
from storage.read.render.passages import blocks, group_paragraphs

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]


def compared(a: list[str], b: list[str], titles=(None, None)) -> Diff:
    before, after = (
        Text(title, tuple(("text", each) for each in paragraphs))
        for title, paragraphs in zip(titles, (a, b), strict=True)
    )
    return Diff("artikel@1", "artikel@2", diff(before, after))


PEGEL = "Der Pegel stieg in der Nacht um 36 Zentimeter, sagte die Leiterin des Deichamts."
DAMM = "Am Damm füllten Freiwillige bis zum Morgen Sandsäcke und sicherten die Straße."
HAFEN = "The harbour stayed closed while the wind turned north and the ferries waited."

SHOWN = {
    "a number": ([PEGEL], [PEGEL.replace("36", "3,6")], ["~ Der Pegel stieg in der Nacht um [-36-]{+3,6+} Zentimeter, sagte die Leiterin des Deichamts."]),
    "a paragraph came": ([PEGEL], [PEGEL, DAMM], ["  … 1 paragraph unchanged", f"+ {{+{DAMM}+}}"]),
    "a paragraph went": ([PEGEL, DAMM], [DAMM], [f"- [-{PEGEL}-]", "  … 1 paragraph unchanged"]),
    "one went and another came": ([HAFEN], [DAMM], [f"- [-{HAFEN}-]", f"+ {{+{DAMM}+}}"]),
    "nothing": ([PEGEL, DAMM], [PEGEL, DAMM], ["  … 2 paragraphs unchanged"]),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b", "lines"), SHOWN.values(), ids=SHOWN.keys())
def test_a_comparison_shows_removed_and_added_text(a, b, lines):
    told = list(diff_text(compared(a, b), colour=False))
    assert told == ["--- artikel@1", "+++ artikel@2", *lines]


def test_a_moved_paragraph_has_a_sign_of_its_own():
    told = list(diff_text(compared([PEGEL, DAMM, HAFEN], [HAFEN, PEGEL, DAMM]), colour=False))
    assert [line[0] for line in told[2:] if line[0] != " "] == [">"]


def test_a_headline_is_named():
    told = list(diff_text(compared([PEGEL], [PEGEL], ("Damm hält", "Damm bricht")), colour=False))
    assert told[2] == "~ [headline] Damm [-hält-]{+bricht+}"


def test_colour_adds_to_the_marks_and_takes_none_away():
    difference = compared([PEGEL], [PEGEL.replace("36", "3,6")])
    coloured = "\n".join(diff_text(difference, colour=True))
    assert "\x1b[32m{+3,6+}\x1b[0m" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert bare == "\n".join(diff_text(difference, colour=False))


def test_no_comparison_moves_a_cursor_or_hides_a_direction():
    told = "\n".join(diff_text(compared([PEGEL], [PEGEL + "\x1b[2J\u202e"]), colour=False))
    assert "\x1b" not in told
    assert "<U+202E>" in told


def test_html_escapes_everything_archived():
    page = "".join(diff_html(compared([PEGEL], [PEGEL + " <script>alert(1)</script>"])))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_html_carries_its_style_and_requests_nothing():
    page = "".join(diff_html(compared([PEGEL], [PEGEL.replace("36", "3,6")])))
    assert re.search(r'<del style="[^"]+">36</del><ins style="[^"]+">3,6</ins>', page)
    assert not re.search(r"(?:src|href)=", page)


SVG = "{http://www.w3.org/2000/svg}"


def test_a_picture_holds_its_text_escaped_within_its_width_and_asks_for_nothing():
    found = blocks(
        compared([PEGEL], [f"{PEGEL} <script>alert(1)</script> {'Flut ' * 60}"]).operations
    )
    picture = change_svg("Bote", "Deich & Damm", found, ["https://bote.example/a"])
    root = ET.fromstring(picture)
    lines = ["".join(line.itertext()) for line in root.iter(f"{SVG}text")]
    assert {each.tag for each in root.iter()} == {
        f"{SVG}{name}" for name in ("svg", "title", "rect", "text", "tspan")
    }
    assert root.find(f"{SVG}title").text == "Bote: Deich & Damm"
    assert lines[:2] == ["Bote", "Deich & Damm"]
    assert lines[-1] == "https://bote.example/a"
    assert "<script>alert(1)</script>" in " ".join(lines)
    assert max(map(len, lines)) < 110
    assert "underline" in picture
    assert not re.search(r"(?:src|href)=", picture)


paragraph = st.lists(
    st.sampled_from(["Damm", "Pegel", "hält", "bricht", "36", "3,6", "."]), min_size=1
).map(" ".join)


@given(st.lists(paragraph, max_size=5, unique=True), st.lists(paragraph, max_size=5, unique=True))
def test_no_operation_is_lost_between_paragraphs(a, b):
    operations = compared(a, b).operations
    assert [each for group in group_paragraphs(operations) for each in group] == list(operations)


@given(st.lists(paragraph, max_size=5, unique=True))
def test_an_equal_text_has_as_many_paragraphs_as_it_has(paragraphs):
    assert len(list(group_paragraphs(compared(paragraphs, paragraphs).operations))) == len(
        paragraphs
    )
