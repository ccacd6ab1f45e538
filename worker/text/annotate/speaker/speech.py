"""Whether words in marks are speech, or a name, a title, a word held at a distance, in German."""

import math
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from worker.text.annotate.speaker.candidates import SUBJUNCTIVE, Features

_WORD = re.compile(r"\w+")
_SOURCE = frozenset("laut zufolge nach ansicht angaben meinung worten für".split())  # noqa: SIM905
_ARTICLES = frozenset(
    [
        "der",
        "die",
        "das",
        "dem",
        "den",
        "des",
        "ein",
        "eine",
        "einen",
        "einem",
        "einer",
        "eines",
        "im",
        "am",
        "zum",
        "zur",
    ]
)
_STANCE = re.compile(
    r"\b(?:sieht|sah|sehen|sahen|wertet\w*|würdig\w+|verglich\w*|rechtfertigt\w*|prangert\w*|verurteil\w+"
    r"|spricht|sprach\w*|als|dass|Parolen?|Plakat\w*|Aufschrift|Worten?|Stellungnahme)\b"
)
_FEW, _SOME, _MANY = 2, 4, 8


def described(
    text: str, before: str, after: str, *, rule: bool, has_cue: bool, names_only: bool,
    is_repeated: bool, beside_speech: bool, earlier: str,
) -> Features:  # fmt: skip
    """Describe words in marks: what they look like, and what stands around them."""
    words = text.split()
    near = _WORD.findall(before[-120:]) + _WORD.findall(after[:120])
    last = before.rstrip().rsplit(" ", 1)[-1].casefold()
    capitals = [word for word in words if word[:1].isupper()]
    marks = {
        "rule": rule,
        "cue": has_cue,
        "a few words": len(words) <= _FEW,
        "some words": _FEW < len(words) <= _SOME,
        "many words": len(words) > _MANY,
        "one word": len(words) == 1,
        "begins small": text[:1].islower(),
        "all capitals": len(capitals) == len(words),
        "one capital word": len(words) == 1 and text[:1].isupper(),
        "ended": text[-1] in ".!?…",
        "comma": text[-1] == "," or after[:1] == ",",
        "subjunctive": not SUBJUNCTIVE.isdisjoint(near),
        "subjunctive earlier": not SUBJUNCTIVE.isdisjoint(_WORD.findall(earlier)),
        "source": not _SOURCE.isdisjoint(word.casefold() for word in near),
        "stance": _STANCE.search(before[-120:]) is not None,
        "as": last == "als",
        "article": last in _ARTICLES,
        "noun before": before.rstrip()[-1:].isalpha()
        and before.rstrip().rsplit(" ", 1)[-1][:1].isupper(),
        "colon": before.rstrip().endswith(":"),
        "opens": not before.strip(" –-"),
        "closes": not after.strip(" .§"),
        "named": names_only,
        "repeated": is_repeated,
        "beside speech": beside_speech,
        "in brackets": before.count("(") > before.count(")"),
        "small and capital": text[:1].islower() and bool(capitals),
    }
    return {"always": 1.0} | {name: 1.0 for name, holds in marks.items() if holds}


@cache
def weights() -> Mapping[str, float]:
    """Return the fitted weight of each feature."""
    told = resources.files(__package__).joinpath("speech.toml").read_text("utf-8")
    found: dict[str, float] = tomllib.loads(told)["weights"]
    return found


def likelihood(features: Features) -> float:
    """Return how likely words in marks are speech, from 0 to 1."""
    fitted = weights()
    total = sum(fitted.get(name, 0.0) * value for name, value in features.items())
    return 1 / (1 + math.exp(-total))
