"""Choose who speaks by one fitted sum (`weights.toml`, made by `bench/fit_speakers.py`)."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources

from worker.text.annotate.cue import Cue
from worker.text.annotate.speaker.candidates import (
    BY_ZONE,
    QuotationContext,
    Speaker,
    candidates,
    seen_in,
)

_NEAR, _FAR = 0, 2
_NOISE, _DIGITS = 1e-6, 9
_BOUNDED = 2  # sums are there: of what is seen, the most with the words around


@dataclass(frozen=True, slots=True)
class Before:
    """The quotation before: who spoke, and whether it stands in the same or the last sentence."""

    speaker: Speaker
    same_sentence: bool
    sentences: int


def described(place: QuotationContext, cue: Cue | None, before: Before | None) -> list[Speaker]:
    """Return who may be speaking: whom the rules of the cues name, who spoke before, the others."""
    found = candidates(place)
    if cue is not None and cue.speaker:
        found = _with_rule(found, cue.speaker)
    if before is not None:
        found = _with_last(found, before, place, has_speaker=bool(cue and cue.speaker))
    return found


def _with_rule(found: list[Speaker], speaker: str) -> list[Speaker]:
    named = [each for each in found if _is_same(each.text, speaker)]
    for each in named:
        each.marks = (*each.marks, "rule")
    if not named:
        return [Speaker(speaker, marks=("rule", "rule alone", "rule words")), *found]
    first = replace(named[0], text=speaker, pronoun=False, marks=(*named[0].marks, "rule words"))
    return [first, *found]


def _with_last(
    found: list[Speaker], before: Before, place: QuotationContext, *, has_speaker: bool
) -> list[Speaker]:
    for each in found:
        if _is_same(each.text, before.speaker.text):
            each.marks = (*each.marks, "spoke before")
    near = "near" if before.sentences <= _NEAR else "far" if before.sentences > _FAR else "middle"
    marks = {
        "last": True,
        "last same sentence": before.same_sentence,
        f"last {near}": True,
        "last opens": not place.before.strip(" –-"),
        "last without others": not any(e.found and e.found.kind != "earlier" for e in found),
        "last and a rule": has_speaker,
        "last pronoun": before.speaker.pronoun,
    }
    told = tuple(name for name, holds in marks.items() if holds)
    return [*found, Speaker(before.speaker.text, before.speaker.pronoun, told)]


def _is_same(one: str, other: str) -> bool:
    return one in other or other in one


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerWeights:
    """The fitted weights: of each feature, and of each of a candidate by its kind of zone."""

    weights: Mapping[str, float]
    by_kind: Mapping[str, Mapping[str, float]]
    most_around: Mapping[str, float]


@cache
def speaker_weights() -> SpeakerWeights:
    """Return the fitted weight of each feature."""
    told = resources.files(__package__).joinpath("weights.toml").read_text("utf-8")
    weights: dict[str, float] = tomllib.loads(told)["weights"]
    seen_in.cache_clear()  # what is kept there holds sums of the weights before
    by_kind = {}
    for kind in ("before", "after", "earlier"):
        own = {name: weights.get(f"{kind} {name}", 0.0) for name in BY_ZONE}
        by_kind[kind] = weights | {
            name: weights.get(name, 0.0) + more for name, more in own.items()
        }
    return SpeakerWeights(
        weights, by_kind, {kind: _most_around(own) for kind, own in by_kind.items()}
    )


def _most_around(weights: Mapping[str, float]) -> float:
    """Return the most that the words around a candidate can weigh; most features exclude others."""

    def most(*names: str) -> float:
        return sum(max(0.0, weights.get(name, 0.0)) for name in names)

    any_behind = weights.get("any verb behind", 0.0)
    behind = max(most("verb behind", "free verb behind"), most("auxiliary behind"))
    behind += max(0.0, any_behind, any_behind + weights.get("free any verb behind", 0.0))
    verb = max(most("verb before", "and verb before"), most("auxiliary before"))
    verb += most("any verb before", "free any verb before")
    before = max(verb, most("as"), most("in somebody's view", "behind a preposition", "genitive"))
    is_free = weights.get("free", 0.0) + most("free first", "free starts")
    others = most("source", "verb soon before", "verb soon behind", "subjunctive behind")
    return max(0.0, is_free) + behind + before + others + most("pronoun behind a comma")


def choose(speakers: Sequence[Speaker]) -> Speaker | None:
    """Return the likeliest of those who may be speaking, the first of those as likely.

    The words around one, and who is named in full, are looked up only where that can decide.
    """
    table = speaker_weights()
    full = abs(table.weights.get("named in full", 0.0)) + _NOISE
    most, close = -math.inf, []
    bounds = [_bound(table, each) for each in speakers]
    for n in sorted(range(len(speakers)), key=bounds.__getitem__, reverse=True):
        if bounds[n] < most - full:
            break
        total = _sum(table, speakers[n])
        close.append((total, -n))
        most = max(most, total)
    close = [each for each in close if each[0] >= most - full]
    if len(close) > 1:
        close = [(round(_full(table, speakers[-n]) + total, _DIGITS), n) for total, n in close]
    return speakers[-max(close)[1]] if close else None


def _full(table: SpeakerWeights, each: Speaker) -> float:
    return table.weights.get("named in full", 0.0) * each.is_named_in_full


@lru_cache(maxsize=256)
def _zone_sum(table: SpeakerWeights, features: tuple[str, ...]) -> float:
    return sum(table.weights.get(name, 0.0) for name in features)


def _bound(table: SpeakerWeights, each: Speaker) -> float:
    """Return the most that a speaker can weigh, without asking for the words around."""
    found, get = each.found, table.weights.get
    total = _zone_sum(table, each.zone)
    for name in each.marks:
        total += get(name, 0.0)
    each.told = total
    if found is None:
        return total
    if not found.sums:
        own = table.by_kind[found.kind]
        seen = found.away * own["away"] + sum(own.get(name, 0.0) for name in found.shape)
        more = max(0.0, own.get("paper in", 0.0)) if "paper" in found.shape else 0.0
        found.sums += [seen, seen + more + table.most_around[found.kind]]
    return total + found.sums[1]


def _sum(table: SpeakerWeights, each: Speaker) -> float:
    """Return what a speaker weighs, but for the full name, behind `_bound`."""
    found = each.found
    if found is None:
        return each.told
    if len(found.sums) == _BOUNDED:
        own = table.by_kind[found.kind]
        found.sums.append(found.sums[0] + sum(own.get(name, 0.0) for name in found.context))
    return each.told + found.sums[-1]
