"""Paths and keys become text that can be stored, printed and turned back."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.values.locator import UNSAFE, escape_locator, origin_path

ANY_TEXT = st.text(st.characters(codec=None) | st.characters(categories=["Cs", "Cc", "Cf"]))


ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4}))")


def unescape_locator(locator: str) -> str:
    return ESCAPE.sub(_unescape_match, locator)


def _unescape_match(match: re.Match[str]) -> str:
    if match[2]:
        return chr(int(match[2], 16))
    byte = int(match[1], 16)
    return chr(byte if byte < 0x80 else 0xDC00 + byte)


@given(ANY_TEXT)
def test_every_text_comes_back_from_its_escaped_form(path):
    assert unescape_locator(escape_locator(path)) == path


@given(st.binary(max_size=60).filter(lambda name: b"\0" not in name))
def test_every_file_name_of_the_system_comes_back(name):
    assert os.fsencode(unescape_locator(escape_locator(os.fsdecode(name)))) == name


@given(ANY_TEXT)
def test_a_locator_is_valid_utf8_on_one_line(path):
    locator = escape_locator(path)
    locator.encode("utf-8")
    assert len(locator.splitlines()) <= 1
    assert "\0" not in locator
    assert not UNSAFE.search(locator.replace("\\", ""))


@given(ANY_TEXT, ANY_TEXT)
def test_two_paths_never_share_a_locator(one, other):
    assert (escape_locator(one) == escape_locator(other)) == (one == other)


@pytest.mark.parametrize(
    ("path", "locator"),
    [
        pytest.param("2024/Küche.txt", "2024/Küche.txt", id="plain"),
        pytest.param("a\nb.txt", r"a\x0ab.txt", id="newline"),
        pytest.param(os.fsdecode(b"gie\xdfen.txt"), r"gie\xdfen.txt", id="latin1"),
        pytest.param("a\u2028b", r"a\u2028b", id="line separator"),
        pytest.param("a\u202eb", r"a\u202eb", id="direction of writing"),
        pytest.param("a\\x41", r"a\x5cx41", id="a backslash that looks like an escape"),
        pytest.param("\ud83d", r"\ud83d", id="half a pair"),
        pytest.param("C# heute.txt", "C# heute.txt", id="hash"),
        pytest.param("alt.jsonl#7", r"alt.jsonl\x237", id="hash behind a container"),
        pytest.param("alt.csv.gz#7", r"alt.csv.gz\x237", id="hash behind a gzipped container"),
        pytest.param("-rf", "-rf", id="like an option"),
    ],
)
def test_misleading_characters_are_escaped(path, locator):
    assert escape_locator(path) == locator


def test_gz_is_no_part_of_an_origin():
    assert origin_path("2024/a.txt.gz", "") == "2024/a.txt"
    assert origin_path("a.jsonl.gz", "#k") == "a.jsonl#k"
    assert origin_path("a.tgz", "#b.txt") == "a.tgz#b.txt"
