"""Choose who speaks by one fitted sum (`weights.toml`, made by `bench/fit_speakers.py`)."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from worker.text.annotate.cue import Cue
from worker.text.annotate.speaker.candidates import QuotationContext, Speaker, candidates

_NEAR, _FAR = 0, 2


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
    marked = [
        replace(each, features=each.features | {"rule": 1.0})
        if _is_same(each.text, speaker)
        else each
        for each in found
    ]
    named = [each for each in marked if "rule" in each.features]
    features = dict(named[0].features) if named else {"rule": 1.0, "rule alone": 1.0}
    return [Speaker(speaker, features=features | {"rule words": 1.0}), *marked]


def _with_last(
    found: list[Speaker], before: Before, place: QuotationContext, *, has_speaker: bool
) -> list[Speaker]:
    marked = [
        replace(each, features=each.features | {"spoke before": 1.0})
        if _is_same(each.text, before.speaker.text)
        else each
        for each in found
    ]
    near = "near" if before.sentences <= _NEAR else "far" if before.sentences > _FAR else "middle"
    marks = {
        "last": True,
        "last same sentence": before.same_sentence,
        f"last {near}": True,
        "last opens": not place.before.strip(" –-"),
        "last without others": not any(
            e.features.get("before") or e.features.get("after") for e in found
        ),
        "last and a rule": has_speaker,
        "last pronoun": before.speaker.pronoun,
    }
    features = {name: 1.0 for name, holds in marks.items() if holds}
    return [*marked, Speaker(before.speaker.text, before.speaker.pronoun, features)]


def _is_same(one: str, other: str) -> bool:
    return one in other or other in one


@cache
def weights() -> Mapping[str, float]:
    """Return the fitted weight of each feature."""
    told = resources.files(__package__).joinpath("weights.toml").read_text("utf-8")
    found: dict[str, float] = tomllib.loads(told)["weights"]
    return found


def choose(speakers: Sequence[Speaker]) -> Speaker | None:
    """Return the likeliest of those who may be speaking."""
    fitted = weights()
    return max(speakers, key=lambda each: _sum(fitted, each.features.items()), default=None)


def _sum(fitted: Mapping[str, float], features: Iterable[tuple[str, float]]) -> float:
    return sum(fitted.get(name, 0.0) * value for name, value in features)
