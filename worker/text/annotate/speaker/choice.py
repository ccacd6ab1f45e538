"""Choose the speaker by a linear model, which `bench/fit/speakers.py` fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import exp

from worker.text.annotate.cue import Cue
from worker.text.annotate.fitted import load_weights
from worker.text.annotate.speaker.able import can_speak
from worker.text.annotate.speaker.candidates import (
    ZONE_FEATURES,
    QuotationContext,
    Speaker,
    clear_weight_caches,
    earlier_candidates,
    fully_named_persons,
    last_name,
    nearby_candidates,
)
from worker.text.annotate.speaker.german_words import can_be_speaker

_NEAR, _FAR = 0, 2
_MIN_CHOICES, _DIGITS = 2, 9
_MAX_TEXT_LENGTH = 20_000
_MOST = 50.0
MIN_CERTAINTY = 0.5
"""The least probability with which a speaker gets a name: a wrong name is worse than none."""
_CERTAIN_SUM = 3.0
"""From this sum on, candidates in earlier sentences win in less than 1 % of all cases."""


@dataclass(frozen=True, slots=True)
class PreviousQuotation:
    """The previous quotation: its speaker, and the distance in sentences."""

    speaker: Speaker
    is_same_sentence: bool
    sentences: int


def candidate_speakers(
    context: QuotationContext, cue: Cue | None, previous: PreviousQuotation | None
) -> list[Speaker]:
    """Return the candidate speakers: the one named by the cue, otherwise all candidates nearby."""
    if cue is not None and cue.speaker and is_named(cue, context.full_text):
        return [Speaker(cue.speaker)]
    speakers = nearby_candidates(context)
    pronouns = [option for option in speakers if option.pronoun]
    if cue is not None and cue.pronoun and pronouns:
        return pronouns
    speakers = _add_text_marks(speakers, context, previous)
    if previous is not None:
        speakers.append(_previous_speaker(previous))
    if any(option.candidate and option.candidate.marks.has_cue for option in speakers):
        return speakers
    for nearby in earlier_candidates(context):
        if speakers and max(total_weight(option) for option in speakers) >= _CERTAIN_SUM:
            break
        speakers += _add_text_marks(nearby, context, previous)
    return speakers


def is_named(cue: Cue, full_text: str) -> bool:
    """Check whether a German cue names somebody who can speak."""
    name = cue.speaker
    return name is not None and can_be_speaker(name) and can_speak(name, full_text, "de")


def _add_text_marks(
    speakers: list[Speaker], context: QuotationContext, previous: PreviousQuotation | None
) -> list[Speaker]:
    """Add features for candidates with a full name in the text, and for the previous speaker."""
    persons = fully_named_persons(context.full_text[:_MAX_TEXT_LENGTH])
    last = previous.speaker.text if previous else None
    for candidate in speakers:
        if last_name(candidate.text) in persons:
            candidate.marks += ("named in full",)
        if last is not None and (candidate.text in last or last in candidate.text):
            candidate.marks += ("spoke before",)
    return speakers


def _previous_speaker(previous: PreviousQuotation) -> Speaker:
    count = previous.sentences
    distance = "near" if count <= _NEAR else "far" if count > _FAR else "middle"
    marks: tuple[str, ...] = ("last", f"last {distance}")
    marks += ("last same sentence",) if previous.is_same_sentence else ()
    marks += ("last pronoun",) if previous.speaker.pronoun else ()
    return Speaker(previous.speaker.text, previous.speaker.pronoun, marks)


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerWeights:
    """The fitted weights of the features, and the weights of a candidate for each kind of zone."""

    weights: Mapping[str, float]
    by_kind: Mapping[str, Mapping[str, float]]


@cache
def speaker_weights() -> SpeakerWeights:
    """Return the fitted weights."""
    return combine_weights(load_weights("speakers"))


def combine_weights(weights: Mapping[str, float]) -> SpeakerWeights:
    """Return the weights with their sums for each kind of zone, and clear the cached sums."""
    clear_weight_caches()
    by_kind = {}
    for kind in ("before", "after", "earlier"):
        zone_weights = {name: weights.get(f"{kind} {name}", 0.0) for name in ZONE_FEATURES}
        by_kind[kind] = {**weights} | {
            name: weights.get(name, 0.0) + extra for name, extra in zone_weights.items()
        }
    return SpeakerWeights(weights, by_kind)


def choose(speakers: Sequence[Speaker]) -> Speaker | None:
    """Return the candidate with the highest weight (the first in a tie), None if there is none."""
    if len(speakers) < _MIN_CHOICES:
        return speakers[0] if speakers else None
    return max(speakers, key=lambda speaker: round(total_weight(speaker), _DIGITS))


def certainty(best: Speaker, speakers: Sequence[Speaker]) -> float:
    """Return the probability of the best candidate."""
    if len(speakers) < _MIN_CHOICES:
        return 1.0
    total = total_weight(best)
    return 1 / sum(exp(min(total_weight(each) - total, _MOST)) for each in speakers)


def total_weight(speaker: Speaker) -> float:
    """Return the sum of the weights of all features of a candidate."""
    table = speaker_weights()
    candidate, total = speaker.candidate, _marks_sum(table, speaker.marks)
    if candidate is None:
        return total
    zone_weights, shared = table.by_kind[candidate.kind], candidate.marks
    if candidate.kind not in shared.totals:
        shared.totals[candidate.kind] = sum(zone_weights.get(name, 0.0) for name in shared.names)
    return total + shared.totals[candidate.kind] + candidate.away * zone_weights["away"]


@lru_cache(maxsize=1024)
def _marks_sum(table: SpeakerWeights, marks: tuple[str, ...]) -> float:
    return sum(table.weights.get(name, 0.0) for name in marks)
