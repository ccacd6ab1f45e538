"""What reaches a terminal does nothing to it and hides nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from storage.cli.table import Screen, block_lines, styled, table_lines
from storage.read.render.visible import CONTROL, ESCAPE_SEQUENCE, UNSEEN, one_line, visible

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

SHOWN = {
    "colour": ("\x1b[31mrot\x1b[0m", "rot"),
    "erasing the screen": ("vor\x1b[2J\x1b[Hnach", "vornach"),
    "window title": ("\x1b]0;Pegel\x07Damm", "Damm"),
    "link ended by a string terminator": ("\x1b]8;;https://a.example\x1b\\Damm", "Damm"),
    "eight-bit escape": ("\x9b31mrot", "rot"),
    "lone escape at the end": ("Damm\x1b", "Damm"),
    "unended sequence": ("Damm\x1b[31", "Damm31"),
    "bell and backspace": ("Da\x07mm\x08", "Damm"),
    "carriage return": ("alles gut\rgelogen", "alles gutgelogen"),
    "override of direction": ("a\u202eb", "a<U+202E>b"),
    "isolate": ("a\u2066b\u2069", "a<U+2066>b<U+2069>"),
    "zero width": ("Damm\u200bbruch", "Damm<U+200B>bruch"),
    "tag characters": ("a\U000e0041", "a<U+E0041>"),
    "lone surrogate": ("a\ud83d", "a"),
    "umlauts and tabs": ("Öl\tÄrger\n", "Öl\tÄrger\n"),
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.values(), ids=SHOWN.keys())
def test_text_is_made_safe_and_visible(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_moves_a_cursor_is_left(text):
    shown = visible(text)
    assert not CONTROL.search(shown)
    assert not UNSEEN.search(shown)
    assert not ESCAPE_SEQUENCE.search(shown)
    assert visible(shown) == shown


@given(st.text())
def test_one_line_is_one_line(text):
    assert len(one_line(text).splitlines()) <= 1


def test_without_colour_a_text_is_bare():
    assert styled("Damm", "added", colour=False) == "Damm"
    assert styled("Damm", "added", colour=True) == "\x1b[32mDamm\x1b[0m"


ARTICLE = "35xhehswnwa6vc12"
URL = "https://bote.example/lokales/damm-bei-harkenbrueck-haelt?seite=2"
ROW = {
    "article": ARTICLE, "title": "Der Damm bei Harkenbrück hält " * 4, "n": 3,
    "last_seen": "2024-06-18T12:00:00.250000+00:00", "origin": URL,
}  # fmt: skip
COLUMNS = ["article", "title", "n", "last_seen", "origin"]


def lines_of(rows, columns=None, *, wide=80, **named) -> list[str]:
    return list(table_lines(rows, columns, Screen(wide), **named))


def test_a_table_wraps_long_texts_and_keeps_to_the_width():
    lines = lines_of([ROW] * 3, COLUMNS[:4])
    assert lines[0].split() == COLUMNS[:4]
    assert max(map(len, lines)) <= 80
    assert " ".join(lines).count("Harkenbrück") == 12, "no word is cut"
    assert sum(line.startswith(ARTICLE) for line in lines) == 3
    assert lines[1].endswith("2024-06-18 12:00:00Z")


def test_rows_that_do_not_fit_become_blocks_and_addresses_have_a_line_of_their_own():
    lines = lines_of([ROW, ROW], COLUMNS)
    assert lines[0] == f"article:    {ARTICLE}"
    assert lines[1].startswith("title:      Der Damm bei Harkenbrück hält Der Damm")
    assert "last_seen:  2024-06-18 12:00:00Z" in lines
    assert lines.count(URL) == 2
    assert lines.count("") == 1, "an empty line is between two blocks"


def test_the_last_columns_are_left_out_down_to_the_least_that_a_command_names():
    assert lines_of([ROW], COLUMNS, least=4)[0].split() == COLUMNS[:4]
    assert lines_of([ROW], COLUMNS, least=4, wide=200)[0].split() == COLUMNS
    assert lines_of([ROW], COLUMNS, least=4, wide=60)[-1] == URL, "a block has all of them"


WORDS = st.lists(st.text("abcäöü7/東", min_size=1, max_size=50), min_size=1, max_size=5)


@given(
    st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=4),
    st.sampled_from([40, 60, 80, 200]),
)
def test_no_word_to_be_copied_is_ever_broken_and_no_table_is_too_wide(cells, wide):
    rows = [dict(zip("abc", map(" ".join, row), strict=True)) for row in cells]
    lines = lines_of(rows, wide=wide)
    shown = " ".join(lines).split()
    for row in rows:
        for word in " ".join(row.values()).split():
            if "7" in word or "/" in word:
                assert word in shown
    if not lines[0].startswith("a:"):
        assert max(map(cell_len, lines)) <= wide


def test_no_line_breaks_a_command():
    hint = (
        "Wait until the server answers, or try it again now by `lesart retry 4711 --archive ada`."
    )
    for wide in (40, 60, 80):
        for rows in ([{"hint": hint}], [{"hint": hint, "place": URL * 2}]):
            assert any(
                "`lesart retry 4711 --archive ada`" in line for line in lines_of(rows, wide=wide)
            )


def test_a_secret_has_a_line_of_its_own_at_any_width():
    for wide in (20, 80, 200, None):
        lines = lines_of([{"name": "ada", "token": "lesart_" + "x7" * 20}], wide=wide, blocks=True)
        assert lines == ["name:   ada", "token:", "lesart_" + "x7" * 20]


def test_a_list_of_rows_is_a_table_below_its_name():
    row = {"articles": 3, "sources": [{"source": "seeds", "scans": 1}], "jobs": {"done": 1}}
    assert list(block_lines(row, row, Screen(80))) == [
        "articles:  3", "sources:", "  source  scans", "  seeds   1", "jobs:      done: 1",
    ]  # fmt: skip


def test_a_table_in_a_pipe_has_a_line_for_each_row():
    lines = lines_of([ROW], COLUMNS, wide=None)
    assert len(lines) == 2
    assert ROW["title"].strip() in lines[1]


def test_a_long_table_begins_before_its_rows_have_ended():
    def rows():
        for number in range(200):
            yield {"n": number}
        raise AssertionError("asked for more than the first chunk")

    assert next(table_lines(rows(), ["n"], Screen(80))) == "n"


def test_a_heading_comes_once_and_rows_that_fit_no_longer_become_blocks():
    lines = lines_of([{"n": number} for number in range(450)])
    assert (len(lines), lines.count("n")) == (451, 1)
    lines = lines_of([*[{"n": "a", "o": ""}] * 200, {"n": URL * 2, "o": "b"}])
    assert lines[-4:] == ["", "n:", URL * 2, "o:  b"]
