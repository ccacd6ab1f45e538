"""Choose who speaks by one fitted sum (`weights.toml`, made by `bench/fit_speakers.py`)."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from worker.text.annotate.cue import Cue
from worker.text.annotate.speaker.candidates import (
    BY_ZONE,
    QuotationContext,
    Speaker,
    earlier,
    may_begin,
    near_by,
    seen_in,
)

_NEAR, _FAR = 0, 2
_TO_CHOOSE, _DIGITS = 2, 9


@dataclass(frozen=True, slots=True)
class Before:
    """The quotation before: who spoke, and whether it stands in the same or the last sentence."""

    speaker: Speaker
    same_sentence: bool
    sentences: int


def described(place: QuotationContext, cue: Cue | None, before: Before | None) -> list[Speaker]:
    """Return who may be speaking: whom the cue names, else all who are named near by."""
    if cue is not None and cue.speaker and may_begin(cue.speaker):
        return [Speaker(cue.speaker)]
    found = near_by(place)
    if cue is not None and cue.pronoun and (meant := [each for each in found if each.pronoun]):
        return meant
    if not any(each.found and each.found.has_cue for each in found):
        found += earlier(place)
    return found if before is None else _with_last(found, before)


def _with_last(found: list[Speaker], before: Before) -> list[Speaker]:
    for each in found:
        if _is_same(each.text, before.speaker.text):
            each.marks = (*each.marks, "spoke before")
    near = "near" if before.sentences <= _NEAR else "far" if before.sentences > _FAR else "middle"
    told: tuple[str, ...] = ("last", f"last {near}")
    told += ("last same sentence",) if before.same_sentence else ()
    told += ("last pronoun",) if before.speaker.pronoun else ()
    return [*found, Speaker(before.speaker.text, before.speaker.pronoun, told)]


def _is_same(one: str, other: str) -> bool:
    return one in other or other in one


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerWeights:
    """The fitted weights: of each feature, and of each of a candidate by its kind of zone."""

    weights: Mapping[str, float]
    by_kind: Mapping[str, Mapping[str, float]]


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
    return SpeakerWeights(weights, by_kind)


def choose(speakers: Sequence[Speaker]) -> Speaker | None:
    """Return the likeliest of those who may be speaking, the first of those as likely."""
    if len(speakers) < _TO_CHOOSE:
        return speakers[0] if speakers else None
    table = speaker_weights()
    return max(speakers, key=lambda each: round(_sum(table, each), _DIGITS))


def _sum(table: SpeakerWeights, each: Speaker) -> float:
    found, total = each.found, _marks_sum(table, each.marks)
    if found is None:
        return total
    if found.total is None:
        own = table.by_kind[found.kind]
        around = sum(own.get(name, 0.0) for name in found.marks)
        found.total = found.away * own["away"] + around
    return total + found.total


@lru_cache(maxsize=256)
def _marks_sum(table: SpeakerWeights, marks: tuple[str, ...]) -> float:
    return sum(table.weights.get(name, 0.0) for name in marks)
