"""Decide whether quoted German words are speech, or a name, a title or scare quotes."""

import math
import re
from functools import cache, lru_cache
from itertools import compress
from typing import NamedTuple

from worker.text.annotate.cue import WORD
from worker.text.annotate.fitted import load_weights
from worker.text.annotate.speaker.candidates import Features
from worker.text.annotate.speaker.german_words import SUBJUNCTIVE

_ARTICLES = frozenset(
    "der die das dem den des ein eine einen einem einer eines im am zum zur".split()  # noqa: SIM905
)
_STANCE = re.compile(
    r"\b(?:sieht|sah|sehen|sahen|wertet\w*|würdig\w+|verglich\w*|rechtfertigt\w*|prangert\w*|verurteil\w+"
    r"|spricht|sprach\w*|als|dass|Parolen?|Plakat\w*|Aufschrift|Worten?|Stellungnahme)\b"
)
_FEW, _SOME, _MANY = 2, 4, 8
_LIKELY, _LIKELY_BY_RULE = 0.35, 0.2
MIN_SUMS = tuple(math.log(share / (1 - share)) for share in (_LIKELY, _LIKELY_BY_RULE))
"""Minimum sums for speech, without and with the agreement of the rules in `quotes`."""


class QuotedWords(NamedTuple):
    """Quoted words and their context: the sentence, the one before it, and the full text.

    `rule`, `has_cue`, `names_only` and `has_adjacent_speech` are results of the preceding rules.
    """

    text: str
    text_before: str
    text_after: str
    earlier: str
    full_text: str
    rule: bool
    has_cue: bool
    names_only: bool
    has_adjacent_speech: bool


_EMPTY_QUOTATION = QuotedWords("-", "", "", "", "", *[False] * 4)


def speech_features(quotation: QuotedWords) -> Features:
    """Return the features of quoted words: their form and their context."""
    marks = _quick_features(quotation) | _context_features(quotation)
    return {"always": 1.0} | {name: 1.0 for name, is_set in marks.items() if is_set}


def _quick_features(quotation: QuotedWords) -> dict[str, bool]:
    """Return the features that need no search."""
    text, text_before, text_after = quotation[:3]
    quoted_words = text.split()
    count = len(quoted_words)
    capitals = sum([word[0].isupper() for word in quoted_words])
    is_small, is_capital = text[:1].islower(), text[:1].isupper()
    preceding = text_before.rstrip()
    word_before = preceding.rpartition(" ")[2]
    last = word_before.casefold()
    return {
        "rule": quotation.rule,
        "cue": quotation.has_cue,
        "a few words": count <= _FEW,
        "some words": _FEW < count <= _SOME,
        "many words": count > _MANY,
        "one word": count == 1,
        "begins small": is_small,
        "all capitals": capitals == count,
        "one capital word": count == 1 and is_capital,
        "ended": text[-1] in ".!?…",
        "comma": text[-1] == "," or text_after[:1] == ",",
        "as": last == "als",
        "article": last in _ARTICLES,
        "noun before": preceding[-1:].isalpha() and word_before[:1].isupper(),
        "colon": preceding[-1:] == ":",
        "opens": not text_before.strip(" –-"),
        "closes": not text_after.strip(" .§"),
        "named": quotation.names_only,
        "beside speech": quotation.has_adjacent_speech,
        "in brackets": text_before.count("(") > text_before.count(")"),
        "small and capital": is_small and capitals > 0,
    }


def _context_features(quotation: QuotedWords) -> dict[str, bool]:
    """Return the features that need a search in the context."""
    nearby = quotation.text_before[-120:]
    return {
        "subjunctive": _is_subjunctive(nearby) or _is_subjunctive(quotation.text_after[:120]),
        "subjunctive earlier": _is_subjunctive(quotation.earlier),
        "stance": _STANCE.search(nearby) is not None,
        "repeated": quotation.full_text.count(quotation.text) > 1,
    }


def is_speech(quotation: QuotedWords) -> bool:
    """Check whether quoted words are speech; the context is searched only if it can decide.

    >>> yes = QuotedWords("Ja.", "", "", "", "", False, False, False, False)
    >>> is_speech(yes), is_speech(yes._replace(text="Bo", text_before="der", names_only=True))
    (True, False)
    """
    fitted, minimum = load_weights("speech"), MIN_SUMS[quotation.rule]
    total = fitted["always"] + sum(compress(_quick_weights(), _quick_features(quotation).values()))
    at_least, at_most = _context_range()
    if total + at_least < minimum <= total + at_most:
        total += sum(
            fitted.get(name, 0.0) for name, is_set in _context_features(quotation).items() if is_set
        )
    return total >= minimum


@cache
def _quick_weights() -> tuple[float, ...]:
    """Return the weights of the quick features, in the order of `_quick_features`."""
    weigh = load_weights("speech").get
    return tuple(weigh(name, 0.0) for name in _quick_features(_EMPTY_QUOTATION))


@cache
def _context_range() -> tuple[float, float]:
    """Return how far the context features can lower and raise the sum."""
    weigh = load_weights("speech").get
    possible = [weigh(name, 0.0) for name in _context_features(_EMPTY_QUOTATION)]
    return sum(min(weight, 0.0) for weight in possible), sum(
        max(weight, 0.0) for weight in possible
    )


@lru_cache(maxsize=64)
def _is_subjunctive(text: str) -> bool:
    return not SUBJUNCTIVE.isdisjoint(WORD.findall(text))
