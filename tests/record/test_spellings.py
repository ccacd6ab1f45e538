"""Which spellings of a text are found in bytes, and which ones the document names as limits."""

import random
from itertools import product
from pathlib import Path

import pytest

from storage.record.contents.phrases import Phrases
from tests.record.encoders import ENCODERS

SECRET = "Ada Kern verließ am Abend die Schleuse ohne ein Wort zu sagen"
TEXT = f"Vorher steht ein Satz. {SECRET}. Danach steht noch einer."
PAGE = Path(__file__).parents[2] / "docs" / "redaction.md"

PACKED = {"deflate", "zlib", "gzip"}
PAIRS = list(product(ENCODERS, ENCODERS))
LIMITS = {
    "packed bytes that are written as characters": set(
        product(
            PACKED,
            {
                "quoted-printable", "surrogate pairs", "style sheet", "UTF-16",
                "UTF-16, high byte first", "UTF-32", "tags", "comments", "character data",
                "invisible", *(name for name in ENCODERS if name.startswith("entities")),
            },
        )
    ),
    "packed bytes behind other bytes": set(
        product(PACKED, {"base64 behind one byte", "base64 behind two bytes"})
    ),
    "raw deflate in base64 behind other digits": {
        ("deflate", "base64 in a path"), ("deflate", "base64 behind three digits"),
    },
    "escapes in letters of mathematics": set(
        product({"JSON", "braces", "style sheet", "surrogate pairs"}, {"surrogate pairs"})
    ),
    "tags within tags": {
        ("tags", "tags"), ("comments", "character data"), ("character data", "character data"),
    },
}  # fmt: skip
"""The sentences of the document, and the encoders that it excludes: the inner, and the outer one."""
EXCLUDED = set().union(*LIMITS.values())


def is_found(*names: str, secret: str = SECRET, text: str = TEXT) -> bool:
    raw = text.encode()
    for name in names:
        raw = ENCODERS[name](raw)
    return bool(Phrases([secret]).find_in_bytes(raw).phrases)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_spelling_hides_no_text(name):
    assert is_found(name)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_spelling_hides_no_short_name(name):
    assert is_found(name, secret="Gänsekern", text="Vor Gänsekern.")


SCRIPTS = {
    "Cyrillic": "Анна Керн вышла вечером",
    "Greek": "Η Άννα Κερν έφυγε το βράδυ",
    "Arabic": "غادرت آنا كيرن في المساء",
    "Chinese": "安娜克恩傍晚离开了水闸",
    "Korean": "안나 케른은 저녁에 떠났다",
    "emoji": "Ada 🌊 Kern 𝒜 geht",
}


@pytest.mark.parametrize(("script", "name"), list(product(SCRIPTS, ENCODERS)))
def test_a_spelling_hides_no_script(script, name):
    secret = SCRIPTS[script]
    assert is_found(name, secret=secret, text=f"A. {secret}. B.")


@pytest.mark.parametrize(
    "pairs",
    [
        random.Random(46).sample(PAIRS, 100),
        pytest.param(PAIRS, marks=pytest.mark.slow, id="all"),
    ],
)
def test_two_spellings_in_one_another_hide_no_text_but_where_the_document_says_so(pairs):
    hidden = {pair for pair in pairs if not is_found(*pair)}
    assert hidden == EXCLUDED & set(pairs)


@pytest.mark.parametrize("limit", LIMITS)
def test_each_limit_is_named(limit):
    assert limit in " ".join(PAGE.read_text("utf-8").split())


def test_the_number_of_pairs_is_named():
    numbers = f"Of {len(PAIRS):,} pairs of {len(ENCODERS)} codes, these {len(EXCLUDED)} hide a text"
    assert numbers in " ".join(PAGE.read_text("utf-8").split())


def test_words_of_neighbouring_runs_of_base64_are_no_passage():
    raw = b"x = 'QWRhIEFkYSBBZGE='; y = 'S2VybiBLZXJuIEtlcm4=';"
    assert not Phrases(["Ada Kern"]).find_in_bytes(raw).phrases
    assert Phrases(["Ada Ada", "Kern Kern"]).find_in_bytes(raw).phrases == {"Ada Ada", "Kern Kern"}
