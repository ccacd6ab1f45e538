"""PURE: whether words name somebody or something that can speak: a fitted sum of evidence.

The evidence is the endings of the nouns, the form of the words, and the signs of the name in its
text. Times, amounts, events, objects and abstractions get a low probability.
The weights are in `weights/able.json`, written by bench/fit/able.py.
"""

import math
import re
from collections.abc import Iterator
from functools import cache, lru_cache

from storage.language.word_lists import word_list
from worker.text.annotate.cue import PRONOUNS
from worker.text.annotate.fitted import load_weights
from worker.text.annotate.speaker.first_names import FIRST_NAMES
from worker.text.annotate.speaker.german_words import NO_SPEAKER, is_adverb, noun_kinds
from worker.text.annotate.speaker.identify import is_body, is_role
from worker.text.annotate.speaker.name_signs import OPENERS, TITLES, read_names

LEAST, LEAST_WITHOUT_VERB = 0.12, 0.5
"""The least probability of a speaker beside a verb of speech, where a speaker who is lost costs
more than a wrong one, and without such a verb."""
_LEAST_SCORES = {
    has_verb: math.log(least / (1 - least))
    for has_verb, least in ((True, LEAST), (False, LEAST_WITHOUT_VERB))
}
NO_SUBJECT = re.compile(
    r"(?:th(?:is|at|ese|ose|em)|it|to|however|soon|then|also|t?here|with(?:out)?|sometimes|let|help"
    r"|don(?=[’'])|giving|after|before|in|at(?!&)|on|for|once|please|why|how|what|when|where|who"
    r"|which|and|or|but|if|because|so|as|now(?= I\Z)|oftentimes|i|you|we|they)\b"
    r"|.*(?:['’](?:d|ve|ll|re|m|s\s(?:a|the|not|so|very|important|ideal))\b"
    r"|\s(?:is|are|was|were|can|will|would|still|uses?|spend|makes?|need(?:s|ed)?)\b"
    r"|\s(?:to|and)\Z|['’]s\Z|\bother\Z)",
    re.IGNORECASE,
)
"""English words that are no subject of a verb of speech, though they stand before it."""
_ATTRIBUTE = re.compile(
    r" (?:\(|\[|(?:der|des|von|vom|für|beim|bei|im|in|aus|am|zum|zur|mit"
    r"|of|for|at|from|to|with|on|that|who|which|by|about) )"
)
_MANY_PERSONS = frozenset("Viele Einige Alle Manche Beide Mehrere Niemand Andere".split())  # noqa: SIM905
_NO_PERSONS = NO_SPEAKER - _MANY_PERSONS
_CERTAIN = frozenset(
    f"{language} {each}"
    for language in ("de", "en")
    for each in ("sign said", "sign named in full", "sign titled", "first title", "head role")
)
"""Evidence that decides, as do a given name or an office at the beginning: a verb of speech at a
name, its full name, a title, an office."""
_LONGEST_ENDING, _SHORTEST_ENDING, _LONG, _MANY = 6, 2, 5, 5
_SIGNS = frozenset(
    "said nowhere place the titled who shortened".split()  # noqa: SIM905
) | {"common word", "named in full", "behind a role"}


@lru_cache(maxsize=512)
def can_speak(
    words: str, full_text: str, language: str, *, is_sure: bool = False, has_verb: bool = True
) -> bool:
    """Check whether words of a text name somebody or something that can speak.

    The names of the text are read only if the words do not decide without them. If the verb is a
    sure one ("said"), only a measure cannot speak; without any verb of speech, most nouns cannot.

    >>> [can_speak(each, "", "de") for each in ("Sprecherin der Wehr", "wenige Stunden")]
    [True, False]
    """
    if language not in {"de", "en"} or words.casefold() in PRONOUNS:
        return True
    score = _score(words, language)
    if score >= _score_needed(language, has_verb=has_verb):
        return True
    if is_sure or score == -math.inf:
        return score > -math.inf
    signs = _sign_features(_head(words)[-1], full_text, language)
    if not _CERTAIN.isdisjoint(signs):
        return True
    weigh = load_weights("able").get
    return score + sum([weigh(each, 0.0) for each in signs]) >= _LEAST_SCORES[has_verb]


@lru_cache(maxsize=4096)
def _score(words: str, language: str) -> float:
    """Return the sum of the weights of words alone: infinite if they decide for or against."""
    if not word_list("measures").isdisjoint(_ATTRIBUTE.split(words)[0].casefold().split()):
        return -math.inf
    first, _, others = words.partition(" ")
    if language == "de" and not others and first in _NO_PERSONS:
        return -math.inf
    if language == "en" and NO_SUBJECT.match(words):
        return -math.inf
    is_office = is_role(first) and (language == "en" or first.istitle())
    if is_office or (first in FIRST_NAMES and others[:1].isupper()):
        return math.inf
    found, fitted = _word_features(words, language), load_weights("able")
    if not _CERTAIN.isdisjoint(found):
        return math.inf
    return fitted["always"] + sum([fitted.get(each, 0.0) for each in found])


@cache
def _score_needed(language: str, *, has_verb: bool) -> float:
    """Return the score of words from which no sign of a name changes the decision."""
    signs = (f"{language} sign {each}" for each in _SIGNS)
    against = (load_weights("able").get(each, 0.0) for each in signs if each not in _CERTAIN)
    return _LEAST_SCORES[has_verb] - sum(min(each, 0.0) for each in against)


def find_features(words: str, full_text: str, language: str) -> frozenset[str]:
    """Return the evidence: of the head of the words, of the noun before it, and of all of them."""
    signs = _sign_features(_head(words)[-1], full_text, language)
    return frozenset(_word_features(words, language) | signs)


def _head(words: str) -> list[str]:
    """Return the words before an attribute."""
    attribute = _ATTRIBUTE.search(words)
    tokens = words[: attribute.start() if attribute else None].split() or [words]
    return [*tokens[:-1], tokens[-1].rstrip(".,;:")]


def _sign_features(head: str, full_text: str, language: str) -> set[str]:
    signs = read_names(full_text, language).own_signs(head)
    return {f"{language} sign {each}" for each in signs if each in _SIGNS}


def _word_features(words: str, language: str) -> set[str]:
    attribute, tokens = _ATTRIBUTE.search(words), _head(words)
    head = tokens[-1]
    nouns = (each for each in tokens[:-1] if each[:1].isupper())
    first = next(nouns, "") if language == "de" else tokens[0]
    of_head = _describe(head, language)
    found = {f"head {each}" for each in of_head}
    if len(tokens) > 1:
        found |= {f"first {each}" for each in _describe(first, language)}
        found.add("several words")
        if first[:1].isupper():
            ends = (each for each in of_head if len(each) < _LONG)
            found |= {f"first capital, head {each}" for each in ends}
    if len(tokens) > _MANY:
        found.add("many words")
    if attribute:
        found.add(f"attribute {attribute[0].strip()}")
    found |= {f"inside {each}" for each in tokens[:-1] if each.islower() and language == "en"}
    return {f"{language} {each}" for each in found}


@lru_cache(maxsize=4096)
def _describe(word: str, language: str) -> tuple[str, ...]:
    return tuple(_features_of(word, language))


def _features_of(word: str, language: str) -> Iterator[str]:
    """Yield the features of a word: its endings, unless it is a name."""
    if word in OPENERS or (language == "de" and is_adverb(word)):
        yield "opener"
    if word in TITLES:
        yield "title"
    if word in FIRST_NAMES:
        yield "given name"
        return
    if is_role(word):
        yield "role"
    if is_body(word):
        yield "body or paper"
    if len(word) > 1 and word.isupper():
        yield "capitals"
        return
    yield "small" if word.islower() else "capital"
    if not word.isalpha():
        yield "joined" if "-" in word else "marks"
    if language == "de":
        yield from noun_kinds(word)
    small = f"^{word.casefold()}"
    longest = max(_SHORTEST_ENDING, min(_LONGEST_ENDING, len(small)))
    yield from [small[-length:] for length in range(_SHORTEST_ENDING, longest + 1)]
