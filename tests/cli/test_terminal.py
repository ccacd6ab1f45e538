"""What reaches a terminal does nothing to it and hides nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.cli import archive_commands, article_commands
from storage.cli.table import KEPT_WHOLE, table_lines
from storage.cli.terminal import cut, styled, width
from storage.read.render.visible import CONTROL, ESCAPE_SEQUENCE, UNSEEN, one_line, visible

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


@given(st.text(), st.integers(1, 40))
def test_a_cut_text_fits(text, columns):
    assert width(cut(text, columns)) <= columns


def test_without_colour_a_text_is_bare():
    assert styled("Damm", "added", colour=False) == "Damm"
    assert styled("Damm", "added", colour=True) == "\x1b[32mDamm\x1b[0m"


def test_a_table_keeps_to_the_width_of_the_terminal():
    rows = [{"title": "Der Damm bei Harkenbrück hält " * 5, "n": number} for number in range(3)]
    lines = list(table_lines(rows, None, columns_wide=40, colour=False))
    assert [width(line) <= 40 for line in lines] == [True] * 4
    assert lines[0].split() == ["title", "n"]
    assert lines[1].endswith("…  0")


TABLES = {
    name: columns
    for module in (archive_commands, article_commands)
    for name, columns in vars(module).items()
    if name.isupper()
    and isinstance(columns, tuple)
    and {"article", "version", "a", "id", "job"} & {*columns}
}


@pytest.mark.parametrize("wide", [80, 100, 120])
@pytest.mark.parametrize("table", TABLES)
def test_ids_and_versions_are_never_cut(table, wide):
    row = {name: f"{name} " + "Der Damm bei Harkenbrück hält " * 5 for name in TABLES[table]}
    moments = dict.fromkeys(
        (
            "last_seen",
            "changed_by",
            "observed_at",
            "until",
            "at",
            "first_at",
            "decided_at",
            "created_at",
        ),
        "2024-06-18T12:00:00.250000+00:00",
    )
    ids = dict.fromkeys(("article", "a", "b", "first_article"), "35xhehswnwa6vc12")
    numbers = dict.fromkeys(
        ("version", "versions", "since_version", "seen", "checks", "times"), 1234
    )
    numbers |= {"id": 2_345_678_901, "job": 2_345_678_901, "score": 0.87}
    known = {n: v for n, v in (moments | ids | numbers).items() if n in row}
    _heading, line = table_lines([row | known], TABLES[table], columns_wide=wide, colour=False)
    parts = line.split()
    for name, value in known.items():
        if name in KEPT_WHOLE:
            assert str(value) in parts, (name, line)
    assert width(line) <= wide


def test_a_moment_is_whole_as_long_as_a_text_is_left_to_be_cut():
    row = {"article": "35xhehswnwa6vc12", "title": "Der Damm hält " * 9, "source": "Lohe " * 9,
           "last_seen": "2024-06-18T12:00:00.250000+00:00"}  # fmt: skip
    _heading, line = table_lines([row], None, columns_wide=80, colour=False)
    assert line.startswith("35xhehswnwa6vc12  Der Damm")
    assert line.endswith("2024-06-18 12:00:00Z")
    assert width(line) <= 80


def test_texts_give_way_to_numbers_and_moments_on_a_narrow_terminal():
    row = {
        "article": "35xhehswnwa6vc12", "title": "Damm hält", "published": "2024-06-18",
        "language": "de", "source": "presse", "versions": 3, "state": "present",
        "last_seen": "2024-06-18T12:00:00+00:00",
    }  # fmt: skip
    for wide in (85, 100):
        _heading, line = table_lines([row], None, columns_wide=wide, colour=False)
        assert line.split()[0] == "35xhehswnwa6vc12"
        assert line.endswith("2024-06-18 12:00:00Z")
        assert "  2024-06-18  " in line
        assert width(line) <= wide


def test_a_digest_keeps_as_much_as_names_the_wording():
    row = {
        "article": "35xhehswnwa6vc12",
        "wording": "w1:" + "5f3a9c20" * 8,
        "text": "Der Damm " * 9,
    }
    _heading, line = table_lines([row], None, columns_wide=60, colour=False)
    assert re.search(r"w1:[0-9a-f]{16,}…", line)


def test_a_table_in_a_pipe_cuts_nothing():
    title = "Der Damm bei Harkenbrück hält " * 9
    lines = list(table_lines([{"title": title}], None, columns_wide=None, colour=False))
    assert lines[1] == title.strip()


def test_a_long_table_begins_before_its_rows_have_ended():
    def rows():
        for number in range(200):
            yield {"n": number}
        raise AssertionError("asked for more than the first chunk")

    assert next(table_lines(rows(), ["n"], columns_wide=80, colour=False)) == "n"


def test_a_heading_comes_once():
    rows = ({"n": number} for number in range(450))
    lines = list(table_lines(rows, ["n"], columns_wide=80, colour=False))
    assert len(lines) == 451
    assert lines.count("n") == 1
