"""In what language a text is written, or that this cannot be told."""

from collections import Counter
from functools import lru_cache
from typing import Protocol

from storage.values.draft import Candidate, Field

SAMPLE_CHARACTERS = 2_000
SURE = 0.9
"""So probable must the best language be, among all that the model knows, to be named."""
FEWEST_LETTERS = 20
VOTES_FEWEST = 12
VOTERS_FEWEST = 6
VOTES_SHARE = 0.15
VOTES_RIVAL_SHARE = 0.1

# Words that make a sixth and more of any text of one language. Kin share many ("die" and "in"
# are Dutch too, "der" is Luxembourgish, "have" Danish), so the words that only the kin have are
# counted as a rival: with more than a few of them the vote is not clear, and the model is asked.
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
_NAMED = frozenset({"de", "en"})
STOP_WORDS = "stop words of the body"
MODEL = "language model py3langid"


class _Model(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]: ...


def language(text: str, languages: tuple[str, ...]) -> Field:
    """Return which of `languages` `text` is written in; the value is None where that is unsure.

    A vote of stop words answers in a fraction of the model's time where it is clear. Else the
    model ranks all languages that it knows: its first must be configured and probable. The
    rejected stay as candidates.
    """
    sample = text[:SAMPLE_CHARACTERS]
    return _voted(sample, languages) or _ranked(sample, languages)


def _voted(sample: str, languages: tuple[str, ...]) -> Field | None:
    words = sample.casefold().split()
    told = Counter(filter(_ALL_VOTERS.__contains__, words))
    hits = {name: voters & told.keys() for name, voters in _VOTERS.items()}
    votes = {name: sum(map(told.__getitem__, found)) for name, found in hits.items()}
    first, second, *_ = sorted(votes, key=votes.__getitem__, reverse=True)
    fewest = max(VOTES_FEWEST, len(words) * VOTES_SHARE)
    if votes[first] < fewest or votes[second] > votes[first] * VOTES_RIVAL_SHARE:
        return None
    if first not in _NAMED or len(hits[first]) < VOTERS_FEWEST:
        return None
    if first not in languages:
        return Field(None, STOP_WORDS, None, (Candidate(first, STOP_WORDS),))
    return Field(first, STOP_WORDS, round(votes[first] / (votes[first] + votes[second]), 3))


def _ranked(sample: str, languages: tuple[str, ...]) -> Field:
    if sum(character.isalpha() for character in sample) < FEWEST_LETTERS:
        return Field(None, MODEL)
    ranking = _model().rank(sample)
    best, probability = ranking[0]
    if best in languages and probability >= SURE:
        return Field(best, MODEL, round(probability, 3))
    inside = next((name for name, _ in ranking if name in languages), best)
    candidates = tuple(Candidate(name, MODEL) for name in dict.fromkeys((best, inside)))
    return Field(None, MODEL, round(probability, 3), candidates)


@lru_cache(maxsize=1)
def _model() -> _Model:
    # Imported at first use: the model takes half a second, and most texts never ask it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    model: _Model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return model
