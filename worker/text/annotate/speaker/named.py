"""PURE: whether words are the name of a person: a fitted sum of the evidence in their text.

The weights are in `named.toml`, written by bench/fit/named.py.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources

from worker.text.annotate.speaker.first_names import FIRST_NAMES
from worker.text.annotate.speaker.german_words import noun_kinds
from worker.text.annotate.speaker.name_signs import OPENERS, read_names

LEAST = 0.6
"""The least probability of a person: below it, one name more is lost for each wrong one less."""
_INFLECTED = ("e", "en", "er", "es", "em")


@lru_cache(maxsize=512)
def is_person_name(name: str, full_text: str, language: str) -> bool:
    """Check whether words of a text are the name of a person, by all of their places.

    >>> text = "Bo Lind kam. Angaben der Zeugen fehlen. Lind sagte, die Zeugen schweigen."
    >>> [is_person_name(each, text, "de") for each in ("Bo Lind", "Angaben der Zeugen")]
    [True, False]
    """
    fitted = load_weights()
    total = sum(fitted.get(each, 0.0) for each in find_features(name, full_text, language))
    return 1 / (1 + math.exp(-total - fitted["always"])) >= LEAST


def find_features(name: str, full_text: str, language: str) -> frozenset[str]:
    """Return the evidence for and against a person: the signs of the last name, and the words."""
    words = name.split()
    signs = read_names(full_text, language)
    inside = {
        "given name": not FIRST_NAMES.isdisjoint(words[:-1]),
        "initial": any(len(each.rstrip(".")) == 1 for each in words),
        "opener": words[0] in OPENERS,
        "first common word": signs.is_common(words[0]),
        "article": not {"der", "den", "zum"}.isdisjoint(words) and "von" not in words,
    }
    return frozenset((
        *(f"sign {each}" for each in signs.signs(words[-1])),
        *(each for each, is_set in inside.items() if is_set),
        *(f"first {each}" for each in _describe(words[0], language)),
        *(f"last {each}" for each in _describe(words[-1], language)),
    ))  # fmt: skip


def _describe(word: str, language: str) -> Iterator[str]:
    if word.isupper() and word[1:].isalpha():
        yield "capitals"
    if language == "de":
        yield from noun_kinds(word)
        if word.endswith(_INFLECTED):
            yield "inflected"


@cache
def load_weights() -> Mapping[str, float]:
    """Return the fitted weight of each feature."""
    text = resources.files(__package__).joinpath("named.toml").read_text("utf-8")
    fitted: dict[str, float] = tomllib.loads(text)["weights"]
    return fitted
