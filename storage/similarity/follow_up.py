"""PURE: which earlier text a text follows: what its reference names, and what both say.

Each candidate is described by some features; one fitted sum of them decides (`follow_up.toml`,
made by `bench/fit_follow_ups.py`). The features that spoke are kept with the answer.
"""

import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, cached_property
from importlib import resources
from typing import Literal

from storage.similarity.overlap import WordSequence
from storage.similarity.references import (
    Reference,
    core,
    is_specific,
    own_numbers,
    reference,
    sender,
    serial,
)

METHOD = "reference-2"
THRESHOLD = 0.5

Reason = Literal["number_and_day", "number", "title", "title_and_day", "day_and_facts"]
Features = dict[str, float]

_TITLES = ("title_whole", "title_held", "title_short", "title_word")
_LONGEST_DAYS_BY = {(False, False): 60, (False, True): 60, (True, False): 180, (True, True): 400}
"""Days back to what a reference may mean: whether it names a number, whether it names a day."""
_LONGEST_CHAIN_DAYS = 14
_SAYS_FACTS, _SHARED_FACTS = 4, 0.25
_RARE_SHARE = 0.1
_MOST_RARE, _FAR_AHEAD = 8.0, 2.0
_AS_LIKELY = 2.0
_NAMED = ("number", "number_meant", "day_same", "day_near", *_TITLES)
_WEAK_KINDS = frozenset({"year", "weekday", "month"})
_FOR_A_NAME = 0.75


@dataclass(frozen=True)
class FollowUpText:
    """A text that follows another, or is followed; `day` is when it was published, else seen."""

    key: int
    title: str | None
    text: str
    day: date | None
    site: str = ""

    @cached_property
    def sender(self) -> str:
        """Return the short name of its sender that a title begins with, such as `POL-MA`."""
        return sender(self.title)

    @cached_property
    def reference(self) -> Reference | None:
        return reference(self.title, self.text, self.day)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        return own_numbers(self.title, self.text, self.reference)

    @cached_property
    def serial(self) -> int:
        """Return the number with which its sender begins its title, 0 where there is none."""
        return serial(self.title)

    @cached_property
    def core(self) -> str:
        return core(self.title)

    @cached_property
    def words(self) -> WordSequence:
        return WordSequence(self.text)

    @cached_property
    def facts(self) -> frozenset[tuple[str, str]]:
        """Return what the text states, without what says little."""
        return frozenset(v for v in self.words.values if v[0] not in _WEAK_KINDS and len(v[1]) > 1)

    @cached_property
    def points(self) -> frozenset[tuple[str, str]]:
        """Return the facts and names of a text, its title included."""
        whole = WordSequence(f"{self.title or ''}\n\n{self.text}")
        facts = {v for v in whole.values if v[0] not in _WEAK_KINDS and len(v[1]) > 1}
        return frozenset(facts | {("name", name) for name in whole.names})


@dataclass(frozen=True, slots=True)
class Following:
    """That a text follows the candidate `key`, how likely, and which features spoke for it."""

    key: int
    score: float
    reason: Reason
    features: Mapping[str, float] = field(default_factory=dict)


def followed(follower: FollowUpText, candidates: Sequence[FollowUpText]) -> list[Following]:
    """Return which of `candidates` the follower follows: the text that it means, and its earlier
    follow-ups.
    """
    if follower.reference is None:
        return []
    described = describe(follower, candidates)
    scored = [(_weighed(each, features), each) for each, features in described]
    certain = [pair for pair in scored if pair[0].score >= THRESHOLD]
    named = _named_by_number(certain)
    first = [pair for pair in certain if pair[1].reference is None]
    if first:
        best = max(first, key=lambda pair: _rank(*pair))
        chain, since = [best[0]], best[1].day
    else:
        since = follower.day - timedelta(days=_LONGEST_CHAIN_DAYS) if follower.day else None
        chain = []
    chain += [
        found for found, each in certain if each.reference is not None and _is_since(each, since)
    ]
    return chain + [each for each in named if each not in chain]


def _named_by_number(certain: Iterable[tuple[Following, FollowUpText]]) -> list[Following]:
    """Return the texts that a reference names by number: of each number the likeliest, and what
    is as likely, for a text may have been sent twice.
    """
    by_number: dict[int, list[Following]] = {}
    for found, each in certain:
        if found.features.get("number"):
            by_number.setdefault(each.numbers[0], []).append(found)
    return [
        each
        for same in by_number.values()
        for each in same
        if _log_odds(each) >= max(map(_log_odds, same)) - _AS_LIKELY
    ]


def _log_odds(found: Following) -> float:
    return math.log(max(found.score, 1e-9) / max(1 - found.score, 1e-9))


def describe(
    follower: FollowUpText, candidates: Sequence[FollowUpText]
) -> list[tuple[FollowUpText, Features]]:
    """Return the candidates that a reference may mean, each with its features."""
    meant = follower.reference
    assert meant is not None
    earlier = [each for each in candidates if _is_earlier(each, follower)]
    likely = [(each, _named(meant, follower, each)) for each in earlier]
    likely = [(each, found) for each, found in likely if _is_likely(found)]
    certain = [pair for pair in likely if pair[1].get("number") and not pair[1].get("day_other")]
    if certain and len(certain) < len(likely):
        likely = [pair for pair in likely if pair in certain or pair[0].reference is not None]
    shared = _shared(follower, [each for each, _found in likely])
    return [(each, found | shared[each.key]) for each, found in likely]


def _is_likely(found: Features) -> bool:
    """Return whether a candidate may be meant: a number that is named decides over a day."""
    if "serial_other" in found:
        return "number_meant" in found
    if "number" in found and "day_other" in found:
        return "title_whole" in found or "title_held" in found
    return any(name in found for name in _NAMED)


def _is_since(each: FollowUpText, since: date | None) -> bool:
    return each.day is None or since is None or each.day >= since


def _rank(found: Following, each: FollowUpText) -> tuple[float, int]:
    return found.score, each.day.toordinal() if each.day else 0


def _is_earlier(each: FollowUpText, follower: FollowUpText) -> bool:
    if each.key == follower.key or (
        each.sender and follower.sender and each.sender != follower.sender
    ):
        return False
    meant = follower.reference
    assert meant is not None
    if each.day is None or follower.day is None or each.day == follower.day:
        if each.serial and follower.serial and each.reference is not None:
            return each.serial < follower.serial
        return (each.reference.ordinal if each.reference else 0) < meant.ordinal
    longest = _LONGEST_DAYS_BY[bool(meant.numbers), bool(meant.days)]
    return 0 < (follower.day - each.day).days <= longest


# -------------------------------------------------------------------------------- features


def _named(meant: Reference, follower: FollowUpText, each: FollowUpText) -> Features:
    """Describe what a reference names of a candidate: number, day, title."""
    found: Features = {}
    if meant.numbers and each.numbers:
        is_same = not set(meant.numbers).isdisjoint(each.numbers)
        found["number" if is_same else "serial_other" if each.serial else "number_other"] = 1.0
    elif meant.numbers:
        found["number_unknown"] = 1.0
    if each.reference and not set(meant.numbers).isdisjoint(each.reference.numbers):
        found["number_meant"] = 1.0
    if meant.days and each.day:
        apart = min(abs((each.day - day).days) for day in meant.days)
        found[{0: "day_same", 1: "day_near"}.get(apart, "day_other")] = 1.0
    found |= _title(meant, each)
    if each.day and follower.day:
        found["gap"] = math.log1p((follower.day - each.day).days)
    if follower.site != each.site and not follower.sender:
        found["other_site"] = 1.0
    return found


def _title(meant: Reference, each: FollowUpText) -> Features:
    """Describe how well the title of a candidate is one of those that a reference names."""
    if not each.core:
        return {}
    if each.core in meant.titles:
        size = "whole" if is_specific(each.core) else "short" if " " in each.core else "word"
        return {f"title_{size}": 1.0}
    if not is_specific(each.core):
        return {}
    is_held = any(f" {each.core} " in f" {title} " for title in meant.titles)
    return {"title_held": 1.0} if is_held else {}


def _shared(follower: FollowUpText, candidates: Sequence[FollowUpText]) -> dict[int, Features]:
    """Describe by its key what each candidate and the follower both say.

    What many of the candidates say says little: it is how their sender speaks.
    """
    meant = follower.reference
    assert meant is not None
    own = follower.points - {("date", f"{day.month}-{day.day}") for day in meant.days}
    common = {each.key: own & each.points for each in candidates}
    holders = Counter(point for each in common.values() for point in each)
    rare = max(1.0, _RARE_SHARE * len(candidates))
    weights = {
        key: min(_MOST_RARE, sum(_weight(p) for p in points if holders[p] <= rare))
        for key, points in common.items()
    }
    found: dict[int, Features] = {}
    for each in candidates:
        others = max((w for key, w in weights.items() if key != each.key), default=0.0)
        found[each.key] = {
            "rare_shared": math.log1p(weights[each.key]),
            "ahead": max(-_FAR_AHEAD, min(_FAR_AHEAD, weights[each.key] - others)),
            "says_otherwise": float(_says_otherwise(follower, each)),
        }
    return found


def _says_otherwise(follower: FollowUpText, each: FollowUpText) -> bool:
    """Return whether a text that states many facts states hardly any of a candidate's."""
    own = follower.facts
    return len(own) >= _SAYS_FACTS and len(own & each.facts) < _SHARED_FACTS * len(own)


def _weight(point: tuple[str, str]) -> float:
    return _FOR_A_NAME if point[0] == "name" else 1.0


# -------------------------------------------------------------------------------- the sum


@cache
def weights() -> Mapping[str, float]:
    """Return the fitted weight of each feature; `always` is added to every sum."""
    table = resources.files(__package__).joinpath("follow_up.toml").read_text("utf-8")
    found: dict[str, float] = tomllib.loads(table)["weights"]
    return found


def _weighed(each: FollowUpText, features: Features) -> Following:
    fitted = weights()
    parts = {name: value * fitted.get(name, 0.0) for name, value in features.items()}
    score = 1 / (1 + math.exp(-fitted["always"] - sum(parts.values())))
    spoke = {name: round(part, 2) for name, part in parts.items() if part}
    return Following(each.key, score, _reason(features), spoke)


def _reason(features: Mapping[str, float]) -> Reason:
    is_of_day = _any(features, ("day_same", "day_near"))
    if features.get("number"):
        return "number_and_day" if is_of_day else "number"
    if _any(features, _TITLES):
        return "title_and_day" if is_of_day else "title"
    return "day_and_facts"


def _any(features: Mapping[str, float], names: Iterable[str]) -> bool:
    return any(features.get(name) for name in names)
