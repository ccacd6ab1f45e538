"""Every sentence of pages and mails is said in German, and none that neither says."""

import re
from pathlib import Path

import pytest

from storage.read.render.words import catalogue
from storage.web.pages.asked import VIEWS
from storage.web.pages.rendering import HERE, UNITS
from storage.web.parameters import ChangeClass
from storage.web.problems import TITLES
from worker.alerts import mail

SAID = re.compile(r"""\b(?:t|template|translate)\(\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*[,)]""")
KINDS = re.compile(
    r"^(class|state|kind|view|role|outcome|is|job|trigger|rule|answer|field|flag|refusal) "
)


def said() -> set[str]:
    files = [
        *(HERE / "templates").glob("*.html"),
        *(HERE / "pages").glob("*.py"),
        Path(mail.__file__),
    ]
    found = {a or b for path in files for a, b in SAID.findall(path.read_text("utf-8"))}
    return found | {title for _status, title in TITLES.values()} | {*UNITS}


def test_every_sentence_is_said_in_german_and_none_is_left_over():
    german = {each for each in catalogue()["de"] if not KINDS.match(each)}
    assert {each for each in said() if not KINDS.match(each)} == german


def test_names_of_classes_and_states_are_said_in_both_languages():
    english, german = catalogue()["en"], catalogue()["de"]
    assert set(english) == {each for each in german if KINDS.match(each)}
    assert {f"class {each.value}" for each in ChangeClass} <= set(english)
    assert {f"view {each}" for each in VIEWS} <= set(english)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_sentence_keeps_the_places_for_its_values(language):
    for key, sentence in catalogue()[language].items():
        assert {*re.findall(r"\{\w+\}", key)} == {*re.findall(r"\{\w+\}", sentence)}
