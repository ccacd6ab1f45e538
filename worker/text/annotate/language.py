"""Detect the language of a text."""

from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from storage.values.draft import Candidate, Field
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from py3langid import langid
else:
    langid = LazyModule("py3langid.langid")

SAMPLE_CHARACTERS = 2_000
MIN_PROBABILITY = 0.9
"""Minimum probability of the best language among all languages of the model."""
MIN_LETTERS = 20
MIN_VOTES = 12
MIN_VOTERS = 6
MIN_VOTE_SHARE = 0.15
MAX_RIVAL_SHARE = 0.1

# Stop words that make up at least a sixth of any text in one language. Related languages share
# many ("die" and "in" are Dutch too, "der" Luxembourgish, "have" Danish). Words that only these
# languages have count as votes against; with more than a few of them the model decides.
_VOTING_WORDS = {
    "de": (
        "der die das den dem des ein in von zu es und ist nicht auf mit sich auch für eine einen"
        " einem einer eines wurde wurden werden nach bei zum zur aus sei über durch noch nur oder"
        " aber wenn sind dass kein keine sein seine seiner ihre ihrer ihren haben habe hatte"
        " hatten wird als bis unter zwischen gegen vor dieser diese dieses jedoch bereits sowie"
        " im am vom"
    ),
    "en": (
        "the of and to that with which is are were been has have had his her their they from by"
        " but not would could should this these those who said it its be on into than there"
        " when about after before because while"
    ),
    "kin": (
        "het een van niet zijn voor met ook maar aan wordt naar bij deze heeft nie vir"
        " vun fir huet ass dat op mat och déi sech eng gëtt"
        " og det er ikke som på av för att til fra blev har med"
        " un nich is'n dei ok mien em uns"
    ),
}
_VOTERS = {name: frozenset(words.split()) for name, words in _VOTING_WORDS.items()}
_ALL_VOTERS = frozenset().union(*_VOTERS.values())
_SUPPORTED = frozenset({"de", "en"})
STOP_WORDS = "stop words of the body"
MODEL = "language model py3langid"


class Model(Protocol):
    """Ranks languages by their probability, the most probable first."""

    def rank(self, text: str) -> list[tuple[str, float]]: ...


def unpack_model() -> Model:
    """Return the model as py3langid loads it, in half a second."""
    model: Model = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    return model


LOADER: ContextVar[Callable[[], Model]] = ContextVar("LOADER", default=unpack_model)
"""Loads the model at first use; `worker.flow.language_model` maps it from a file."""


def language(text: str, languages: tuple[str, ...]) -> Field:
    """Return which of `languages` `text` is written in; the value is None if that is uncertain.

    A vote of stop words decides clear cases in a fraction of the time of the model. Otherwise the
    model ranks all its languages; the first must be configured and probable. Rejected languages
    become candidates.
    """
    sample = text[:SAMPLE_CHARACTERS]
    return _vote(sample, languages) or _rank(sample, languages)


def _vote(sample: str, languages: tuple[str, ...]) -> Field | None:
    words = sample.casefold().split()
    counts = Counter(filter(_ALL_VOTERS.__contains__, words))
    hits = {name: voters & counts.keys() for name, voters in _VOTERS.items()}
    votes = {name: sum(map(counts.__getitem__, matched)) for name, matched in hits.items()}
    first, second, *_ = sorted(votes, key=votes.__getitem__, reverse=True)
    required = max(MIN_VOTES, len(words) * MIN_VOTE_SHARE)
    if votes[first] < required or votes[second] > votes[first] * MAX_RIVAL_SHARE:
        return None
    if first not in _SUPPORTED or len(hits[first]) < MIN_VOTERS:
        return None
    if first not in languages:
        return Field(None, STOP_WORDS, None, (Candidate(first, STOP_WORDS),))
    return Field(first, STOP_WORDS, round(votes[first] / (votes[first] + votes[second]), 3))


def _rank(sample: str, languages: tuple[str, ...]) -> Field:
    if sum(character.isalpha() for character in sample) < MIN_LETTERS:
        return Field(None, MODEL)
    ranking = _model().rank(sample)
    best, probability = ranking[0]
    if best in languages and probability >= MIN_PROBABILITY:
        return Field(best, MODEL, round(probability, 3))
    configured = next((name for name, _ in ranking if name in languages), best)
    candidates = tuple(Candidate(name, MODEL) for name in dict.fromkeys((best, configured)))
    return Field(None, MODEL, round(probability, 3), candidates)


@lru_cache(maxsize=1)
def _model() -> Model:
    return LOADER.get()()
