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
    forget_weights,
    last_name,
    near_by,
    persons_in,
)
from worker.text.annotate.speaker.words import may_begin

_NEAR, _FAR = 0, 2
_TO_CHOOSE, _DIGITS = 2, 9
_LONGEST_TEXT = 20_000
_SURE = 3.0
"""From this sum on nobody is looked for farther off: of those there not one in a hundred wins."""


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
    found = _known(found, place, before)
    if before is not None:
        found.append(_last(before))
    if any(each.found and each.found.marks.has_cue for each in found):
        return found
    for more in earlier(place):
        if found and max(weight_of(each) for each in found) >= _SURE:
            break
        found += _known(more, place, before)
    return found


def _known(found: list[Speaker], place: QuotationContext, before: Before | None) -> list[Speaker]:
    """Note of those who may be speaking who is named in full somewhere, and who spoke before."""
    persons = persons_in(place.whole[:_LONGEST_TEXT])
    last = before.speaker.text if before else None
    for each in found:
        if last_name(each.text) in persons:
            each.marks += ("named in full",)
        if last is not None and (each.text in last or last in each.text):
            each.marks += ("spoke before",)
    return found


def _last(before: Before) -> Speaker:
    near = "near" if before.sentences <= _NEAR else "far" if before.sentences > _FAR else "middle"
    marks: tuple[str, ...] = ("last", f"last {near}")
    marks += ("last same sentence",) if before.same_sentence else ()
    marks += ("last pronoun",) if before.speaker.pronoun else ()
    return Speaker(before.speaker.text, before.speaker.pronoun, marks)


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerWeights:
    """The fitted weights: of each feature, and of each of a candidate by its kind of zone."""

    weights: Mapping[str, float]
    by_kind: Mapping[str, Mapping[str, float]]


@cache
def speaker_weights() -> SpeakerWeights:
    """Return the fitted weight of each feature."""
    text = resources.files(__package__).joinpath("weights.toml").read_text("utf-8")
    return added_up(tomllib.loads(text)["weights"])


def added_up(weights: Mapping[str, float]) -> SpeakerWeights:
    """Return weights with those of each kind of zone, and forget what is kept of others."""
    forget_weights()
    by_kind = {}
    for kind in ("before", "after", "earlier"):
        own = {name: weights.get(f"{kind} {name}", 0.0) for name in BY_ZONE}
        by_kind[kind] = {**weights} | {
            name: weights.get(name, 0.0) + more for name, more in own.items()
        }
    return SpeakerWeights(weights, by_kind)


def choose(speakers: Sequence[Speaker]) -> Speaker | None:
    """Return the likeliest of those who may be speaking, the first of those as likely."""
    if len(speakers) < _TO_CHOOSE:
        return speakers[0] if speakers else None
    return max(speakers, key=lambda each: round(weight_of(each), _DIGITS))


def weight_of(each: Speaker) -> float:
    """Return the sum of the weights of all that tells of somebody who may be speaking."""
    table = speaker_weights()
    found, total = each.found, _marks_sum(table, each.marks)
    if found is None:
        return total
    own, seen = table.by_kind[found.kind], found.marks
    if found.kind not in seen.totals:
        seen.totals[found.kind] = sum(own.get(name, 0.0) for name in seen.names)
    return total + seen.totals[found.kind] + found.away * own["away"]


@lru_cache(maxsize=1024)
def _marks_sum(table: SpeakerWeights, marks: tuple[str, ...]) -> float:
    return sum(table.weights.get(name, 0.0) for name in marks)
