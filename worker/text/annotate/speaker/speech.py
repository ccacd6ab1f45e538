"""Whether words in marks are speech, or a name, a title, a word held at a distance, in German."""

import math
import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from itertools import compress
from typing import NamedTuple

from worker.text.annotate.cue import WORD
from worker.text.annotate.speaker.candidates import Features
from worker.text.annotate.speaker.words import SUBJUNCTIVE

_ARTICLES = frozenset(
    "der die das dem den des ein eine einen einem einer eines im am zum zur".split()  # noqa: SIM905
)
_STANCE = re.compile(
    r"\b(?:sieht|sah|sehen|sahen|wertet\w*|würdig\w+|verglich\w*|rechtfertigt\w*|prangert\w*|verurteil\w+"
    r"|spricht|sprach\w*|als|dass|Parolen?|Plakat\w*|Aufschrift|Worten?|Stellungnahme)\b"
)
_FEW, _SOME, _MANY = 2, 4, 8
_LIKELY, _LIKELY_BY_RULE = 0.35, 0.2
LEAST = tuple(math.log(share / (1 - share)) for share in (_LIKELY, _LIKELY_BY_RULE))
"""The sums from which on words in marks are likely enough speech; the second one by the rule."""


class QuotedWords(NamedTuple):
    """Words in marks and what stands around them: in the sentence, before it, in the `whole` text.

    `rule`, `has_cue`, `names_only` and `beside_speech` are what was told of them already.
    """

    text: str
    before: str
    after: str
    earlier: str
    whole: str
    rule: bool
    has_cue: bool
    names_only: bool
    beside_speech: bool


_NOWHERE = QuotedWords("-", "", "", "", "", *[False] * 4)


def described(quoted: QuotedWords) -> Features:
    """Describe words in marks: what they look like, and what stands around them."""
    marks = _at_sight(quoted) | _looked_for(quoted)
    return {"always": 1.0} | {name: 1.0 for name, holds in marks.items() if holds}


def _at_sight(quoted: QuotedWords) -> dict[str, bool]:
    """Return what can be seen of words in marks at once."""
    text, before, after = quoted[:3]
    words = text.split()
    count = len(words)
    capitals = sum([word[0].isupper() for word in words])
    is_small, is_capital = text[:1].islower(), text[:1].isupper()
    led_by = before.rstrip()
    word_before = led_by.rpartition(" ")[2]
    last = word_before.casefold()
    return {
        "rule": quoted.rule,
        "cue": quoted.has_cue,
        "a few words": count <= _FEW,
        "some words": _FEW < count <= _SOME,
        "many words": count > _MANY,
        "one word": count == 1,
        "begins small": is_small,
        "all capitals": capitals == count,
        "one capital word": count == 1 and is_capital,
        "ended": text[-1] in ".!?…",
        "comma": text[-1] == "," or after[:1] == ",",
        "as": last == "als",
        "article": last in _ARTICLES,
        "noun before": led_by[-1:].isalpha() and word_before[:1].isupper(),
        "colon": led_by[-1:] == ":",
        "opens": not before.strip(" –-"),
        "closes": not after.strip(" .§"),
        "named": quoted.names_only,
        "beside speech": quoted.beside_speech,
        "in brackets": before.count("(") > before.count(")"),
        "small and capital": is_small and capitals > 0,
    }


def _looked_for(quoted: QuotedWords) -> dict[str, bool]:
    """Return what has to be looked for in the words around."""
    near = quoted.before[-120:]
    return {
        "subjunctive": _is_subjunctive(near) or _is_subjunctive(quoted.after[:120]),
        "subjunctive earlier": _is_subjunctive(quoted.earlier),
        "stance": _STANCE.search(near) is not None,
        "repeated": quoted.whole.count(quoted.text) > 1,
    }


def is_speech(quoted: QuotedWords) -> bool:
    """Return whether words in marks are speech, looking no further than it takes to tell.

    >>> nothing = QuotedWords("Ja.", "", "", "", "", False, False, False, False)
    >>> is_speech(nothing), is_speech(nothing._replace(text="Bo", before="der", names_only=True))
    (True, False)
    """
    fitted, least = weights(), LEAST[quoted.rule]
    seen = fitted["always"] + sum(compress(_sight_weights(), _at_sight(quoted).values()))
    at_least, at_most = _reach()
    if seen + at_least < least <= seen + at_most:
        seen += sum(fitted.get(name, 0.0) for name, holds in _looked_for(quoted).items() if holds)
    return seen >= least


@cache
def _sight_weights() -> tuple[float, ...]:
    """Return the weights of what can be seen at once, in the order in which it is told."""
    return tuple(weights().get(name, 0.0) for name in _at_sight(_NOWHERE))


@cache
def _reach() -> tuple[float, float]:
    """Return how far what is looked for can lower and raise the sum."""
    found = [weights().get(name, 0.0) for name in _looked_for(_NOWHERE)]
    return sum(min(each, 0.0) for each in found), sum(max(each, 0.0) for each in found)


@lru_cache(maxsize=64)
def _is_subjunctive(text: str) -> bool:
    return not SUBJUNCTIVE.isdisjoint(WORD.findall(text))


@cache
def weights() -> Mapping[str, float]:
    """Return the fitted weight of each feature."""
    text = resources.files(__package__).joinpath("speech.toml").read_text("utf-8")
    found: dict[str, float] = tomllib.loads(text)["weights"]
    return found
