"""PURE: whether words are the name of a person: a fitted sum of the evidence in their text.

The weights are in `weights/named.json`, written by bench/fit/named.py.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

from worker.text.annotate.fitted import load_weights
from worker.text.annotate.speaker.first_names import FIRST_NAMES
from worker.text.annotate.speaker.german_words import noun_kinds
from worker.text.annotate.speaker.name_signs import MAIN_PERSON, OPENERS, NameSigns, read_names

LEAST = 0.6
"""The least probability of a person: below it, one name more is lost for each wrong one less."""
_LEAST_SCORE = math.log(LEAST / (1 - LEAST))
_OF_MAIN = f"sign {MAIN_PERSON}"
_INFLECTED = ("e", "en", "er", "es", "em")


@lru_cache(maxsize=512)
def is_person_name(name: str, full_text: str, language: str) -> bool:
    """Check whether words of a text are the name of a person, by all of their places.

    >>> text = "Bo Lind kam. Angaben der Zeugen fehlen. Lind sagte, die Zeugen schweigen."
    >>> [is_person_name(each, text, "de") for each in ("Bo Lind", "Angaben der Zeugen")]
    [True, False]
    """
    fitted, signs = load_weights("named"), read_names(full_text, language)
    found = _find_own_features(name, signs, language)
    total = fitted["always"] + sum([fitted.get(each, 0.0) for each in found])
    of_main = fitted.get(_OF_MAIN, 0.0)
    if (total >= _LEAST_SCORE) == (total + of_main >= _LEAST_SCORE):
        return total >= _LEAST_SCORE
    return total + of_main * signs.is_main_person(name.rsplit(maxsplit=1)[-1]) >= _LEAST_SCORE


def find_features(name: str, full_text: str, language: str) -> frozenset[str]:
    """Return the evidence for and against a person: the signs of the last name, and the words."""
    signs = read_names(full_text, language)
    found = _find_own_features(name, signs, language)
    return found | {_OF_MAIN} if signs.is_main_person(name.rsplit(maxsplit=1)[-1]) else found


def _find_own_features(name: str, signs: NameSigns, language: str) -> frozenset[str]:
    """Return the evidence that needs no other name of the text."""
    words = name.split()
    inside = {
        "given name": not FIRST_NAMES.isdisjoint(words[:-1]),
        "initial": any(len(each.rstrip(".")) == 1 for each in words),
        "opener": words[0] in OPENERS,
        "first common word": signs.is_common(words[0]),
        "article": not {"der", "den", "zum"}.isdisjoint(words) and "von" not in words,
    }
    return frozenset((
        *(f"sign {each}" for each in signs.own_signs(words[-1])),
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
