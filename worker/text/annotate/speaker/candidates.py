"""Find the candidate speakers in a German text: names, roles and pronouns around a quotation.

Each candidate is described by features: its position, its form, and adjacent verbs. The weighted
sum of the features decides which candidate is the speaker (`choice`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from itertools import compress, islice
from operator import or_

from worker.text.annotate.speaker.german_words import (
    INDEFINITE,
    PREPOSITION,
    SUBORDINATE,
    VERB,
    WORD_KINDS,
    noun_kinds,
)
from worker.text.annotate.speaker.phrases import NounPhrase, Passage, phrases

Features = dict[str, float]
_NEAR = 2
_FIRST = 3
_BLANKS = " .,§–-"
_MAX_SENTENCE_LENGTH = 500  # maximum number of characters of a sentence
_SUBJUNCTIVE = 1 << 3


@dataclass(frozen=True, slots=True)
class QuotationContext:
    """A quotation and its surroundings, with all quotations masked.

    `text_before` and `text_after` are the rest of its sentence, `earlier` returns the preceding
    sentences, nearest first; `full_text` is the whole text.
    """

    text_before: str
    text_after: str
    earlier: Callable[[], Sequence[str]]
    full_text: str


@dataclass(slots=True, eq=False)
class CandidateMarks:
    """The features of a candidate that do not depend on the quotation, and their cached weights.

    `has_cue` is true if a verb of speech is adjacent, without a preposition in between; `totals`
    caches the sum of the weights for each kind of zone.
    """

    names: tuple[str, ...]
    has_cue: bool
    totals: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class PassageCandidate:
    """A candidate in a passage of text, independent of the position of the quotation.

    `away` is the distance from the quotation, in candidates divided by four.
    """

    text: str
    pronoun: bool
    kind: str
    marks: CandidateMarks
    away: float


@dataclass(slots=True, eq=False)
class Speaker:
    """A candidate speaker: the words of the text, and its features.

    `marks` are the features of the passage or of the previous speaker; `candidate` holds those of
    the candidate itself. They are combined on access to `features`.
    """

    text: str
    pronoun: bool = False
    marks: tuple[str, ...] = ()
    candidate: PassageCandidate | None = None

    @property
    def features(self) -> Features:
        """Return all features with their values."""
        own: Features = {}
        if self.candidate is not None:
            kind = self.candidate.kind
            own = dict.fromkeys(self.candidate.marks.names, 1.0) | {"away": self.candidate.away}
            own |= {f"{kind} {name}": own[name] for name in ZONE_FEATURES if name in own}
        return own | dict.fromkeys(self.marks, 1.0)


def nearby_candidates(context: QuotationContext) -> list[Speaker]:
    """Return the candidates in the sentence of a quotation."""
    context_marks = _context_marks(context.text_before, context.text_after)
    return _zone_candidates("before", context.text_before, context_marks) + _zone_candidates(
        "after", context.text_after, context_marks
    )


def earlier_candidates(context: QuotationContext) -> Iterator[list[Speaker]]:
    """Yield the candidates in each of the preceding sentences, nearest first.

    The search stops after a sentence with a candidate that has a cue.
    """
    context_marks = _context_marks(context.text_before, context.text_after)
    for number, text in enumerate(context.earlier(), 1):
        candidates = _zone_candidates(
            f"earlier{number}", text[:_MAX_SENTENCE_LENGTH], context_marks
        )
        yield candidates
        if any(option.candidate and option.candidate.marks.has_cue for option in candidates):
            break


@lru_cache(maxsize=64)
def _context_marks(text_before: str, text_after: str) -> tuple[str, ...]:
    """Return the features of a quotation that all its candidates share."""
    kinds = reduce(or_, parse_passage(text_before).kinds)
    marks = {
        "cue": (kinds | reduce(or_, parse_passage(text_after).kinds)) & VERB,
        "colon": text_before.rstrip().endswith(":"),
        "opens": not text_before.strip(" –-"),
        "subjunctive": kinds & _SUBJUNCTIVE,
    }
    return tuple(name for name, is_set in marks.items() if is_set)


@lru_cache(maxsize=256)
def _zone_marks(zone: str, context_marks: tuple[str, ...]) -> tuple[str, ...]:
    return (zone, *(f"{zone} {name}" for name in context_marks))


def _zone_candidates(zone: str, text: str, context_marks: tuple[str, ...]) -> list[Speaker]:
    """Return the candidates of one passage, each with its features."""
    if not text.strip(_BLANKS):
        return []
    marks = _zone_marks(zone, context_marks)
    saying = _cue_marks(zone, context_marks)
    return [
        Speaker(
            option.text, option.pronoun, marks + saying if option.marks.has_cue else marks, option
        )
        for option in passage_candidates(text, zone_kind(zone))
    ]


@lru_cache(maxsize=256)
def _cue_marks(zone: str, context_marks: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features of a candidate with a cue in a zone."""
    kind = zone_kind(zone)
    return (f"{kind} says", *(f"{kind} says {name}" for name in context_marks))


@lru_cache(maxsize=64)
def parse_passage(text: str) -> Passage:
    """Return the parsed passage, cached for adjacent quotations."""
    return Passage(text)


@lru_cache(maxsize=64)
def passage_candidates(text: str, kind: str) -> tuple[PassageCandidate, ...]:
    """Return the candidates of a passage, cached because adjacent quotations share passages.

    >>> [each.text for each in passage_candidates("Bo Lind kam mit dem Chef der Wehr.", "before")]
    ['Bo Lind', 'Chef der Wehr']
    """
    passage = parse_passage(text)
    all_phrases = list(islice(phrases(passage), _FIRST if kind == "earlier" else None))
    if not all_phrases:
        return ()
    clause_kinds = passage.clause_kinds()
    nearest_clause = {"before": len(clause_kinds) - 1, "after": 0}.get(kind)
    candidates = []
    free_clause = -1
    for number, phrase in enumerate(all_phrases):
        if _FIRST <= number < len(all_phrases) - _NEAR:  # neither first nor nearest
            continue
        away = len(all_phrases) - 1 - number if kind == "before" else number
        clause = passage.clauses[phrase.start]
        flags = (number == 0) | (phrase.start == 0) << 1 | (clause == nearest_clause) << 2
        flags |= (passage.first_word(clause) in SUBORDINATE) << 3
        adjacent, case = _adjacent_kinds(passage, phrase)
        flags |= (clause == free_clause) << 7
        free_clause = clause if case >> 6 else free_clause
        marks = _candidate_marks(
            _form_marks(passage, phrase), flags | case, clause_kinds[clause], adjacent
        )
        candidates.append(
            PassageCandidate(
                _phrase_text(passage, phrase), phrase.is_pronoun, kind, marks, away / 4
            )
        )
    return tuple(candidates)


def _phrase_text(passage: Passage, phrase: NounPhrase) -> str:
    words = passage.text(phrase.bare, phrase.end)
    return words + ")" if "(" in words and ")" not in words else words


def _form_marks(passage: Passage, phrase: NounPhrase) -> tuple[str, ...]:
    """Return the features of the form of a noun phrase."""
    if phrase.is_pronoun:
        return ("pronoun",)
    words = passage.words
    noun = words[phrase.head - 1]
    marks = noun_kinds(noun)
    if phrase.head - phrase.name > 1 and "abstract" not in (
        name_kinds := noun_kinds(words[phrase.name])
    ):
        marks += _SEVERAL["person" in name_kinds]
    elif not phrase.article:
        marks += ("bare",)
    if len(noun) > 1 and noun.isupper():
        marks += ("acronym",)
    if phrase.article in INDEFINITE:
        marks += ("indefinite",)
    if phrase.end > phrase.head:
        marks += ("long", "party") if words[phrase.end - 1].isupper() else ("long",)
    return marks


_SEVERAL = {True: ("several names", "role and name"), False: ("several names",)}


AdjacentKinds = tuple[int, int, int, int]


def _adjacent_kinds(passage: Passage, phrase: NounPhrase) -> tuple[AdjacentKinds, int]:
    """Return the kinds of the two words before and after a phrase, and the flags of its case."""
    words, kinds, start = passage.words, passage.kinds, phrase.start
    next_word = passage.skip_insertion(phrase.end)
    last = words[start - 1].casefold() if start else ""
    kinds_before = WORD_KINDS.get(last, 0)
    adjacent = (
        kinds_before,
        kinds[start - 2] if start > 1 else 0,
        kinds[next_word] if next_word < len(kinds) else 0,
        kinds[next_word + 1] if next_word + 1 < len(kinds) else 0,
    )
    free = not (phrase.oblique or kinds_before & PREPOSITION or last in {"der", "des"})
    return adjacent, last[:1].isdigit() << 4 | phrase.oblique << 5 | free << 6


_FLAGS = ("first", "starts", "beside", "clause: subordinate", "counted", "oblique", "free", "taken")
_BEFORE = (
    "verb before", "stance before", "finite before", "subjunctive before", "behind a preposition",
    "as",
)  # fmt: skip
_AFTER = ("verb behind", "stance behind", "finite behind", "subjunctive behind")
_CLAUSE = (
    "clause: cue", "clause: stance", "", "clause: subjunctive", "", "", "clause: participle",
)  # fmt: skip
_FREE = frozenset(
    {
        "first", "starts", "verb behind", "verb before", "stance behind", "stance before",
        "finite behind", "finite before", "person", "body", "bare", "several names",
    }
)  # fmt: skip


def _bit_names(bits: int, names: Sequence[str]) -> list[str]:
    return [name for bit, name in enumerate(names) if name and bits >> bit & 1]


@lru_cache(maxsize=8192)
def _candidate_marks(
    form: tuple[str, ...], flags: int, clause: int, adjacent: AdjacentKinds
) -> CandidateMarks:
    """Return all features of a candidate."""
    previous, second_previous, following, second_following = adjacent
    names = [
        *form,
        *_bit_names(flags, _FLAGS),
        *_bit_names(previous, _BEFORE),
        *_bit_names(following, _AFTER),
    ]
    soon = (second_previous & VERB, second_following & VERB)
    names += compress(("verb soon before", "verb soon behind"), soon)
    free = "free" in names
    if free:
        names += [f"free {name}" for name in names if name in _FREE]
    names += _bit_names(clause, _CLAUSE)
    return CandidateMarks(tuple(names), free and bool((previous | following) & VERB))


def clear_weight_caches() -> None:
    """Clear the cached sums, which belong to the previous weights."""
    passage_candidates.cache_clear()
    _candidate_marks.cache_clear()


ZONE_FEATURES = frozenset(
    {
        "clause: cue", "clause: subjunctive", "clause: subordinate", "free", "free first", "first",
        "verb behind", "verb before", "pronoun", "away",
    }
)  # fmt: skip
"""Features with separate weights before a quotation, after it and in earlier sentences."""


def zone_kind(zone: str) -> str:
    """Return the kind of a zone; all earlier sentences are of one kind."""
    return "earlier" if zone.startswith("earlier") else zone


def last_name(name: str) -> str:
    """Return the last word of a name, without attributes after it."""
    if " " not in name:
        return name
    return ATTRIBUTE_START.split(name, maxsplit=1)[0].rsplit(" ", 1)[-1]


ATTRIBUTE_START = re.compile(r" \(| (?:der|des|von) ")
_FULL_NAME = re.compile(
    r"[A-ZÄÖÜ][a-zäöüß]+(?:-[A-Z][a-zäöüß]+)? (?:von |van |de )?([A-ZÄÖÜ][\w-]+)"
)


@lru_cache(maxsize=4)
def fully_named_persons(text: str) -> frozenset[str]:
    """Return the last names of the persons whose full names are in a text.

    >>> sorted(fully_named_persons("Gestern lobte Bo Lind die Leiterin, Ada von Kern."))
    ['Kern', 'Lind']
    """
    return frozenset(_FULL_NAME.findall(text))
