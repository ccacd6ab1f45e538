"""PURE: which articles mean one person by a name: a fitted sum of the evidence, doubts stay apart.

The weights, the threshold and the common words are in `identity.toml`, written by
bench/fit/identities.py.
"""

import math
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from itertools import islice
from types import MappingProxyType
from typing import Any

from storage.language.topic import topical

METHOD = "identity-1"
MOST_LETTERS = 8_000
"""Number of letters of a text that are considered."""
MOST_COMPARED = 20
"""Number of the latest articles of a name that a further one is compared with."""
_MOST_MENTIONS, _BESIDE, _AROUND = 4, 40, 120
_SHORTEST_PART = 6
"""Number of letters from which a word is compared as the end of a compound."""
_COMMON_WORD = 0.375
_LEAST_EFFECT = 0.05
_OTHER_NAME = re.compile(
    r"(?<![.!?:„“\"] )\b[A-ZÀ-Þ][\w'’-]{2,30} (?:(?:von|van|de|der|bin|al|da) ){0,2}"
    r"[A-ZÀ-Þ][\w'’-]{2,30}"
)
_IN_BRACKETS = re.compile(r"\s?\(([^()]{2,20})\)")
Features = Mapping[str, float]
NOTHING: Mapping[frozenset[str], datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Appearance:
    """What an article tells about the person of a name; `key` is the article."""

    key: str
    day: date | None
    party: str | None
    beside: frozenset[str]
    around: frozenset[str]
    names: frozenset[str]


@dataclass(slots=True)
class Membership:
    """The person that an article means: `person` is the key of its first article.

    `nearest` is the earlier article that is most similar, with the probability that both mean one
    person, and the effect of each piece of evidence. `parted_at` is the time of the order that
    keeps them apart.
    """

    key: str
    person: str
    nearest: str | None = None
    score: float | None = None
    evidence: Features | None = None
    parted_at: datetime | None = None


def describe(key: str, name: str, office: str | None, text: str, day: date | None) -> Appearance:
    """Return what an article tells about a person, from the places of the name in its text."""
    text = text[:MOST_LETTERS]
    last = name.rsplit(maxsplit=1)[-1]
    own = topical(name)
    full = _find(name, text)
    party = next((each[1] for _start, end in full if (each := _IN_BRACKETS.match(text, end))), None)
    beside = [_cut(text, *place, _BESIDE) for place in full]
    inside = {end for _start, end in full}
    short = [place for place in _find(last, text) if place[1] not in inside]
    around = [_cut(text, *place, _AROUND) for place in (*full, *short)]
    others = _OTHER_NAME.findall(" ".join(around))
    return Appearance(
        key, day, party, topical(" ".join((*beside, office or ""))) - own,
        topical(" ".join(around)) - own,
        frozenset(each for each in others if last not in each),
    )  # fmt: skip


def _find(words: str, text: str) -> list[tuple[int, int]]:
    found = re.finditer(rf"\b{re.escape(words)}\b", text)
    return [each.span() for each in islice(found, _MOST_MENTIONS)]


def _cut(text: str, start: int, end: int, reach: int) -> str:
    """Return the whole words around a place."""
    first = max(0, start - reach)
    first = first and text.find(" ", first) + 1
    last = end + reach
    return text[first : last if last >= len(text) else text.rfind(" ", end, last) + 1 or end]


def compare(a: Appearance, b: Appearance) -> dict[str, float]:
    """Return the evidence for and against one person, by the name of each feature."""
    common = load_fit()["common"]
    shared = [_COMMON_WORD if each in common else 1.0 for each in _find_shared(a.beside, b.beside)]
    around = sum(_COMMON_WORD if each in common else 1.0 for each in a.around & b.around)
    found = {
        "beside": min(sum(shared), 3.0),
        "beside_best": max(shared, default=0.0),
        "beside_none": float(not shared),
        "around": min(around, 5.0),
        "names": float(min(len(a.names & b.names), 3)),
        "party_same": float(a.party is not None and a.party == b.party),
        "party_other": float(None not in {a.party, b.party} and a.party != b.party),
    }
    if a.day is not None and b.day is not None:
        found["years"] = math.log1p(abs((a.day - b.day).days) / 365)
    return {name: value for name, value in found.items() if value}


def _find_shared(a: frozenset[str], b: frozenset[str]) -> Iterator[str]:
    """Yield the words of a that are in b, also as the end of a compound."""
    yield from a & b
    long = tuple(other for other in b if len(other) >= _SHORTEST_PART)
    for each in a - b:
        if len(each) >= _SHORTEST_PART and (
            each.endswith(long) or any(other.endswith(each) for other in long)
        ):
            yield each


@cache
def load_fit() -> Mapping[str, Any]:
    """Return the weights of the features, the threshold, and the common words."""
    found = tomllib.loads(resources.files(__package__).joinpath("identity.toml").read_text("utf-8"))
    return {**found, "common": frozenset(found["common"].split())}


def weigh(features: Features) -> tuple[float, dict[str, float]]:
    """Return the probability of one person, and the effect of each feature."""
    weights = load_fit()["weights"]
    effects = {name: value * weights.get(name, 0.0) for name, value in features.items()}
    total = weights["always"] + sum(effects.values())
    kept = {name: round(each, 2) for name, each in effects.items() if abs(each) >= _LEAST_EFFECT}
    return 1 / (1 + math.exp(-total)), kept


def orders_against(
    article: str, others: Collection[str], parted: Iterable[frozenset[str]]
) -> list[frozenset[str]]:
    """Return the orders by which an article means another person than other articles.

    >>> orders = [frozenset("ab"), frozenset("c")]
    >>> [len(orders_against(*each, orders)) for each in (("a", {"b"}), ("a", {"d"}), ("c", {"d"}))]
    [1, 0, 1]
    """
    together = {*others, article}
    return [pair for pair in parted if pair <= together] if len(together) > 1 else []


def group_appearances(
    appearances: Sequence[Appearance], parted: Mapping[frozenset[str], datetime] = NOTHING
) -> list[Membership]:
    """Return the person of each article of a name; the articles are given in time.

    An article joins the person of the article that it is most similar to, if the probability
    reaches the threshold. `parted` are pairs of articles that are never of one person; a set of one
    article stands alone.
    """
    found: list[Membership] = []
    members: dict[str, set[str]] = {}
    for number, each in enumerate(appearances):
        first = max(0, number - MOST_COMPARED)
        compared = [
            (*weigh(compare(each, other)), member)
            for other, member in zip(appearances[first:number], found[first:], strict=True)
        ]
        own = Membership(each.key, each.key)
        if compared:
            own.score, own.evidence, nearest = max(compared, key=lambda one: one[0])
            own.nearest = nearest.key
            orders = orders_against(each.key, members[nearest.person], parted)
            own.parted_at = min((parted[pair] for pair in orders), default=None)
            if own.score >= load_fit()["threshold"] and not orders:
                own.person = nearest.person
        members.setdefault(own.person, set()).add(each.key)
        found.append(own)
    return found
