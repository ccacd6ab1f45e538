"""PURE: the earlier text that a text follows, by its reference and by shared facts.

Each candidate is described by features, and a fitted sum of them decides (`follow_up.toml`, written
by `bench/fit/follow_ups.py`). The features that applied are part of the result.
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
    numbers_of_text,
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
"""Longest distance in days to the referenced text, by whether the reference has a number and a
day.
"""
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
    """A text that follows another, or is followed; `day` is its day of publication, or of its first
    snapshot.
    """

    key: int
    title: str | None
    text: str
    day: date | None
    site: str = ""

    @cached_property
    def sender(self) -> str:
        """Return the short name of the sender at the start of a title, such as `POL-MA`."""
        return sender(self.title)

    @cached_property
    def reference(self) -> Reference | None:
        return reference(self.title, self.text, self.day)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        return numbers_of_text(self.title, self.text, self.reference)

    @cached_property
    def serial(self) -> int:
        """Return the sender's serial number at the start of the title, 0 if there is none."""
        return serial(self.title)

    @cached_property
    def core(self) -> str:
        return core(self.title)

    @cached_property
    def words(self) -> WordSequence:
        return WordSequence(self.text)

    @cached_property
    def facts(self) -> frozenset[tuple[str, str]]:
        """Return the facts of the text, without common ones."""
        return frozenset(v for v in self.words.values if v[0] not in _WEAK_KINDS and len(v[1]) > 1)

    @cached_property
    def points(self) -> frozenset[tuple[str, str]]:
        """Return the facts and names of a text including its title."""
        whole = WordSequence(f"{self.title or ''}\n\n{self.text}")
        facts = {v for v in whole.values if v[0] not in _WEAK_KINDS and len(v[1]) > 1}
        return frozenset(facts | {("name", name) for name in whole.names})


@dataclass(frozen=True, slots=True)
class FollowUpMatch:
    """A follow-up of the candidate `key`, with its probability and the features that applied."""

    key: int
    score: float
    reason: Reason
    features: Mapping[str, float] = field(default_factory=dict)


def choose_followed(
    follower: FollowUpText, candidates: Sequence[FollowUpText]
) -> list[FollowUpMatch]:
    """Return the candidates that the follower follows: the referenced text and its earlier
    follow-ups.
    """
    if follower.reference is None:
        return []
    described = describe(follower, candidates)
    scored = [(_score(each, features), each) for each, features in described]
    certain = [pair for pair in scored if pair[0].score >= THRESHOLD]
    named = _texts_by_number(certain)
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


def _texts_by_number(certain: Iterable[tuple[FollowUpMatch, FollowUpText]]) -> list[FollowUpMatch]:
    """Return the texts that a reference identifies by number.

    For each number these are the most likely text and equally likely ones, because a text may have
    been sent twice.
    """
    by_number: dict[int, list[FollowUpMatch]] = {}
    for found, each in certain:
        if found.features.get("number"):
            by_number.setdefault(each.numbers[0], []).append(found)
    return [
        each
        for same in by_number.values()
        for each in same
        if _log_odds(each) >= max(map(_log_odds, same)) - _AS_LIKELY
    ]


def _log_odds(following: FollowUpMatch) -> float:
    return math.log(max(following.score, 1e-9) / max(1 - following.score, 1e-9))


def describe(
    follower: FollowUpText, candidates: Sequence[FollowUpText]
) -> list[tuple[FollowUpText, Features]]:
    """Return the candidates that a reference may mean, each with its features."""
    meant = follower.reference
    assert meant is not None
    earlier = [each for each in candidates if _is_earlier(each, follower)]
    likely = [(each, _reference_features(meant, follower, each)) for each in earlier]
    likely = [(each, found) for each, found in likely if _is_likely(found)]
    certain = [pair for pair in likely if pair[1].get("number") and not pair[1].get("day_other")]
    if certain and len(certain) < len(likely):
        likely = [pair for pair in likely if pair in certain or pair[0].reference is not None]
    shared = _fact_features(follower, [each for each, _found in likely])
    return [(each, found | shared[each.key]) for each, found in likely]


def _is_likely(features: Features) -> bool:
    """Check whether a candidate may be meant; a number in the reference takes priority over a
    day.
    """
    if "serial_other" in features:
        return "number_meant" in features
    if "number" in features and "day_other" in features:
        return "title_whole" in features or "title_held" in features
    return any(name in features for name in _NAMED)


def _is_since(candidate: FollowUpText, since: date | None) -> bool:
    return candidate.day is None or since is None or candidate.day >= since


def _rank(following: FollowUpMatch, candidate: FollowUpText) -> tuple[float, int]:
    return following.score, candidate.day.toordinal() if candidate.day else 0


def _is_earlier(candidate: FollowUpText, follower: FollowUpText) -> bool:
    if candidate.key == follower.key or (
        candidate.sender and follower.sender and candidate.sender != follower.sender
    ):
        return False
    meant = follower.reference
    assert meant is not None
    if candidate.day is None or follower.day is None or candidate.day == follower.day:
        if candidate.serial and follower.serial and candidate.reference is not None:
            return candidate.serial < follower.serial
        return (candidate.reference.ordinal if candidate.reference else 0) < meant.ordinal
    longest = _LONGEST_DAYS_BY[bool(meant.numbers), bool(meant.days)]
    return 0 < (follower.day - candidate.day).days <= longest


# -------------------------------------------------------------------------------- features


def _reference_features(
    target: Reference, follower: FollowUpText, candidate: FollowUpText
) -> Features:
    """Describe the matches of a reference with a candidate: number, day, title."""
    features: Features = {}
    if target.numbers and candidate.numbers:
        is_same = not set(target.numbers).isdisjoint(candidate.numbers)
        features[
            "number" if is_same else "serial_other" if candidate.serial else "number_other"
        ] = 1.0
    elif target.numbers:
        features["number_unknown"] = 1.0
    if candidate.reference and not set(target.numbers).isdisjoint(candidate.reference.numbers):
        features["number_meant"] = 1.0
    if target.days and candidate.day:
        apart = min(abs((candidate.day - day).days) for day in target.days)
        features[{0: "day_same", 1: "day_near"}.get(apart, "day_other")] = 1.0
    features |= _title_features(target, candidate)
    if candidate.day and follower.day:
        features["gap"] = math.log1p((follower.day - candidate.day).days)
    if follower.site != candidate.site and not follower.sender:
        features["other_site"] = 1.0
    return features


def _title_features(reference: Reference, candidate: FollowUpText) -> Features:
    """Describe how well the title of a candidate matches a title in the reference."""
    if not candidate.core:
        return {}
    if candidate.core in reference.titles:
        size = (
            "whole" if is_specific(candidate.core) else "short" if " " in candidate.core else "word"
        )
        return {f"title_{size}": 1.0}
    if not is_specific(candidate.core):
        return {}
    is_held = any(f" {candidate.core} " in f" {title} " for title in reference.titles)
    return {"title_held": 1.0} if is_held else {}


def _fact_features(
    follower: FollowUpText, candidates: Sequence[FollowUpText]
) -> dict[int, Features]:
    """Describe by key the facts that each candidate and the follower share.

    Facts that many candidates share weigh little, because they are typical of the sender.
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
            "says_otherwise": float(_states_other_facts(follower, each)),
        }
    return found


def _states_other_facts(follower: FollowUpText, candidate: FollowUpText) -> bool:
    """Check whether a text with many facts shares hardly any of them with a candidate."""
    own = follower.facts
    return len(own) >= _SAYS_FACTS and len(own & candidate.facts) < _SHARED_FACTS * len(own)


def _weight(point: tuple[str, str]) -> float:
    return _FOR_A_NAME if point[0] == "name" else 1.0


# -------------------------------------------------------------------------------- the sum


@cache
def weights() -> Mapping[str, float]:
    """Return the fitted weight of each feature; `always` is added to every sum."""
    table = resources.files(__package__).joinpath("follow_up.toml").read_text("utf-8")
    found: dict[str, float] = tomllib.loads(table)["weights"]
    return found


def _score(candidate: FollowUpText, features: Features) -> FollowUpMatch:
    fitted = weights()
    parts = {name: value * fitted.get(name, 0.0) for name, value in features.items()}
    score = 1 / (1 + math.exp(-fitted["always"] - sum(parts.values())))
    spoke = {name: round(part, 2) for name, part in parts.items() if part}
    return FollowUpMatch(candidate.key, score, _reason(features), spoke)


def _reason(features: Mapping[str, float]) -> Reason:
    is_of_day = _any(features, ("day_same", "day_near"))
    if features.get("number"):
        return "number_and_day" if is_of_day else "number"
    if _any(features, _TITLES):
        return "title_and_day" if is_of_day else "title"
    return "day_and_facts"


def _any(features: Mapping[str, float], names: Iterable[str]) -> bool:
    return any(features.get(name) for name in names)
