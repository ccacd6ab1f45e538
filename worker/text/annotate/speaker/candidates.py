"""Who may be speaking in a German text: the names, roles and pronouns around a quotation.

Each is described by what can be seen of it: where it stands, what it looks like, which verb is
near. Which of them speaks is decided by the sum of these features (`choice`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from itertools import compress, islice
from operator import or_

from worker.text.annotate.speaker.phrases import NounPhrase, Stretch, phrases
from worker.text.annotate.speaker.words import (
    INDEFINITE,
    PREPOSITION,
    SUBORDINATE,
    VERB,
    WORD_KINDS,
    kinds_of,
)

Features = dict[str, float]
_NEAR = 2
_FIRST = 3
_NOTHING = " .,§–-"
_LONGEST = 500  # characters of a sentence
_SUBJUNCTIVE = 1 << 3


@dataclass(frozen=True, slots=True)
class QuotationContext:
    """A quotation in its surroundings, with the quotations blanked.

    `before` and `after` are the rest of its sentence, `earlier` gives the sentences before it, the
    nearest first; `whole` is the text.
    """

    before: str
    after: str
    earlier: Callable[[], Sequence[str]]
    whole: str


@dataclass(slots=True, eq=False)
class SeenMarks:
    """What a candidate looks like and what the words around it tell, once for all of one look.

    `has_cue` says that a word of saying stands right beside it, and no preposition before it;
    `totals` has room for what the marks weigh in each kind of zone.
    """

    names: tuple[str, ...]
    has_cue: bool
    totals: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class SeenCandidate:
    """A candidate in its stretch of text: what can be seen of it wherever the quotation stands.

    `away` is how far it stands off.
    """

    text: str
    pronoun: bool
    kind: str
    marks: SeenMarks
    away: float


@dataclass(slots=True, eq=False)
class Speaker:
    """Somebody who may be speaking: as the text names them, with what tells of them.

    `marks` hold of the stretch of text, or of who spoke before; `found` is the candidate there.
    They are put together only where somebody asks for `features`.
    """

    text: str
    pronoun: bool = False
    marks: tuple[str, ...] = ()
    found: SeenCandidate | None = None

    @property
    def features(self) -> Features:
        """Return all features with their values."""
        own: Features = {}
        if self.found is not None:
            kind = self.found.kind
            own = dict.fromkeys(self.found.marks.names, 1.0) | {"away": self.found.away}
            own |= {f"{kind} {name}": own[name] for name in BY_ZONE if name in own}
        return own | dict.fromkeys(self.marks, 1.0)


def near_by(place: QuotationContext) -> list[Speaker]:
    """Return who may be speaking in the sentence of a quotation."""
    shared = _shared(place.before, place.after)
    return _in_zone("before", place.before, shared) + _in_zone("after", place.after, shared)


def earlier(place: QuotationContext) -> Iterator[list[Speaker]]:
    """Yield who may be speaking in each of the sentences before, the nearest first.

    Nobody is looked for beyond one who is said to speak there.
    """
    shared = _shared(place.before, place.after)
    for number, text in enumerate(place.earlier(), 1):
        found = _in_zone(f"earlier{number}", text[:_LONGEST], shared)
        yield found
        if any(each.found and each.found.marks.has_cue for each in found):
            break


@lru_cache(maxsize=64)
def _shared(before: str, after: str) -> tuple[str, ...]:
    """Name what holds of a quotation, for all who may be speaking."""
    kinds = reduce(or_, stretch_of(before).kinds)
    marks = {
        "cue": (kinds | reduce(or_, stretch_of(after).kinds)) & VERB,
        "colon": before.rstrip().endswith(":"),
        "opens": not before.strip(" –-"),
        "subjunctive": kinds & _SUBJUNCTIVE,
    }
    return tuple(name for name, holds in marks.items() if holds)


@lru_cache(maxsize=256)
def _zone(zone: str, shared: tuple[str, ...]) -> tuple[str, ...]:
    return (zone, *(f"{zone} {name}" for name in shared))


def _in_zone(zone: str, text: str, shared: tuple[str, ...]) -> list[Speaker]:
    """Return the candidates of one stretch of text, each with its features."""
    if not text.strip(_NOTHING):
        return []
    marks = _zone(zone, shared)
    saying = _saying(zone, shared)
    return [
        Speaker(each.text, each.pronoun, marks + saying if each.marks.has_cue else marks, each)
        for each in seen_in(text, kind_of(zone))
    ]


@lru_cache(maxsize=256)
def _saying(zone: str, shared: tuple[str, ...]) -> tuple[str, ...]:
    """Name what holds of who is said to speak in a zone."""
    kind = kind_of(zone)
    return (f"{kind} says", *(f"{kind} says {name}" for name in shared))


@lru_cache(maxsize=64)
def stretch_of(text: str) -> Stretch:
    """Return a stretch of text taken apart, once for all who ask for it."""
    return Stretch(text)


@lru_cache(maxsize=64)
def seen_in(text: str, kind: str) -> tuple[SeenCandidate, ...]:
    """Return the candidates of a stretch of text; the next quotation often has it beside it, too.

    >>> [each.text for each in seen_in("Gestern kam Bo Lind mit dem Chef der Wehr.", "before")]
    ['Bo Lind', 'Chef der Wehr']
    """
    stretch = stretch_of(text)
    every = list(islice(phrases(stretch), _FIRST if kind == "earlier" else None))
    if not every:
        return ()
    of_clauses = stretch.of_clauses()
    beside = {"before": len(of_clauses) - 1, "after": 0}.get(kind)
    found = []
    taken = -1
    for number, each in enumerate(every):
        if _FIRST <= number < len(every) - _NEAR:  # neither first nor near
            continue
        away = len(every) - 1 - number if kind == "before" else number
        at = stretch.clauses[each.start]
        place = (number == 0) | (each.start == 0) << 1 | (at == beside) << 2
        place |= (stretch.first_word(at) in SUBORDINATE) << 3
        around, case = _around(stretch, each)
        place |= (at == taken) << 7
        taken = at if case >> 6 else taken
        marks = _marks(_shape(stretch, each), place | case, of_clauses[at], around)
        found.append(SeenCandidate(_text(stretch, each), each.is_pronoun, kind, marks, away / 4))
    return tuple(found)


def _text(stretch: Stretch, each: NounPhrase) -> str:
    said = stretch.text(each.bare, each.end)
    return said + ")" if "(" in said and ")" not in said else said


def _shape(stretch: Stretch, each: NounPhrase) -> tuple[str, ...]:
    """Name what a name or noun looks like."""
    if each.is_pronoun:
        return ("pronoun",)
    words = stretch.words
    noun = words[each.head - 1]
    found = kinds_of(noun)
    if each.head - each.name > 1 and "abstract" not in (first := kinds_of(words[each.name])):
        found += _SEVERAL["person" in first]
    elif not each.article:
        found += ("bare",)
    if len(noun) > 1 and noun.isupper():
        found += ("acronym",)
    if each.article in INDEFINITE:
        found += ("indefinite",)
    if each.end > each.head:
        found += ("long", "party") if words[each.end - 1].isupper() else ("long",)
    return found


_SEVERAL = {True: ("several names", "role and name"), False: ("several names",)}


WordsAround = tuple[int, int, int, int]


def _around(stretch: Stretch, each: NounPhrase) -> tuple[WordsAround, int]:
    """Return the kinds of two words before and two behind, and what tells of the case."""
    words, kinds, start = stretch.words, stretch.kinds, each.start
    at = stretch.behind(each.end)
    last = words[start - 1].casefold() if start else ""
    before = WORD_KINDS.get(last, 0)
    around = (
        before,
        kinds[start - 2] if start > 1 else 0,
        kinds[at] if at < len(kinds) else 0,
        kinds[at + 1] if at + 1 < len(kinds) else 0,
    )
    free = not (each.oblique or before & PREPOSITION or last in {"der", "des"})
    return around, last[:1].isdigit() << 4 | each.oblique << 5 | free << 6


_FLAGS = ("first", "starts", "beside", "clause: subordinate", "counted", "oblique", "free", "taken")
_BEFORE = (
    "verb before", "stance before", "finite before", "subjunctive before", "behind a preposition",
    "as",
)  # fmt: skip
_BEHIND = ("verb behind", "stance behind", "finite behind", "subjunctive behind")
_CLAUSE = (
    "clause: cue", "clause: stance", "", "clause: subjunctive", "", "", "clause: participle",
)  # fmt: skip
_FREE = frozenset(
    {
        "first", "starts", "verb behind", "verb before", "stance behind", "stance before",
        "finite behind", "finite before", "person", "body", "bare", "several names",
    }
)  # fmt: skip


def _names(bits: int, names: Sequence[str]) -> list[str]:
    return [name for at, name in enumerate(names) if name and bits >> at & 1]


@lru_cache(maxsize=8192)
def _marks(shape: tuple[str, ...], flags: int, clause: int, around: WordsAround) -> SeenMarks:
    """Name all that can be seen of a candidate."""
    before, soon_before, behind, soon_behind = around
    seen = [*shape, *_names(flags, _FLAGS), *_names(before, _BEFORE), *_names(behind, _BEHIND)]
    soon = (soon_before & VERB, soon_behind & VERB)
    seen += compress(("verb soon before", "verb soon behind"), soon)
    free = "free" in seen
    if free:
        seen += [f"free {name}" for name in seen if name in _FREE]
    seen += _names(clause, _CLAUSE)
    return SeenMarks(tuple(seen), free and bool((before | behind) & VERB))


def forget_weights() -> None:
    """Forget what is kept beside marks: the sums of other weights."""
    seen_in.cache_clear()
    _marks.cache_clear()


BY_ZONE = frozenset(
    {
        "clause: cue", "clause: subjunctive", "clause: subordinate", "free", "free first", "first",
        "verb behind", "verb before", "pronoun", "away",
    }
)  # fmt: skip
"""What weighs differently before a quotation, behind it and in an earlier sentence."""


def kind_of(zone: str) -> str:
    """Return what a zone is: the earlier sentences are all of one kind."""
    return "earlier" if zone.startswith("earlier") else zone


def last_name(name: str) -> str:
    """Return the last word of a name, before what belongs to it."""
    if " " not in name:
        return name
    return BELONGING.split(name, maxsplit=1)[0].rsplit(" ", 1)[-1]


BELONGING = re.compile(r" \(| (?:der|des|von) ")
_FULL_NAME = re.compile(
    r"[A-ZÄÖÜ][a-zäöüß]+(?:-[A-Z][a-zäöüß]+)? (?:von |van |de )?([A-ZÄÖÜ][\w-]+)"
)


@lru_cache(maxsize=4)
def persons_in(text: str) -> frozenset[str]:
    """Return the last names of a text that names somebody in full.

    >>> sorted(persons_in("Gestern lobte Bo Lind die Leiterin, Ada von Kern."))
    ['Kern', 'Lind']
    """
    return frozenset(_FULL_NAME.findall(text))
