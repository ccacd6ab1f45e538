"""PURE: decide whether two texts are copies, whether one contains the other, or whether they only
look alike.

The amount of shared text does not decide. Two issues of one template share most words and report
different events; a report that was cut and edited shares a third and is the same text. So the
decision uses the differences within the shared frame: other dates, numbers or names in the same
places mean another event. A passage that each text surrounds with a story of its own belongs to
neither.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from rapidfuzz.fuzz import ratio

from storage.language.facts import Fact
from storage.similarity.overlap import Span, WordSequence, slots, word_count

METHOD = "passages-3"
"""Version of these rules and limits; it changes with every rule."""

LONGEST_TEXT = 200_000
"""Maximum number of letters of a text that are compared."""

Kind = Literal["near_copy", "contains"]
Reason = Literal[
    "same_text", "cut_or_embedded", "too_short", "little_shared", "moved_dates", "other_facts",
    "own_stories",
]  # fmt: skip

NEAR_SHARE = 0.4
"""Minimum share of the words of both texts in shared passages."""
CONTAINED_SHARE = 0.5
"""Minimum share of the words of the shorter text, if it is a smaller part of the longer one."""
ALIKE_IN_SIZE, ALIKE_IN_SIZE_EDITED = 0.75, 0.65
"""Ratios from which two texts have similar lengths; the second applies if neither contains the
other completely.
"""
MOST_DISAGREEMENT, MOST_DISAGREEMENT_CORRECTED = 0.2, 0.3
MOST_DISAGREEMENT_LATER = 0.05
MOST_OWN = 0.4
MOST_OWN_WITHOUT_FACTS = 0.16
"""Maximum share of own words if the shared passage contains no date, time or number."""
SHORTEST_STORY, SHORT_STORY = 12, 30
"""Number of words below which a text must be contained completely, or must state a fact."""
WHOLE_SHARE = 0.9

_HARD_SLOT, _SOFT_SLOT, _SMALL_SLOT = 30, 10, 6
_SPELLING = 80.0
_TITLE_FRAME, _TITLE_WORDS = 0.5, 3
_WEIGHT = {"weekday": 0.5, "month": 0.5, "year": 0.25}
_AGREEING_WEIGHT = {"weekday": 0.1, "month": 0.2, "year": 0.1}
_NAME_WEIGHT, _AGREEING_NAME_WEIGHT = 0.5, 0.25
_MOVED_DAYS = 3
_ANOTHER_ISSUE_DAYS, _OWN_DAYS = 14, 60
_SHORTEST_BEGINNING, _SHARED_IN_BEGINNING = 4, 0.2
_NEAR_THE_SHIFT = 2


@dataclass(frozen=True)
class StoryText:
    """A text to compare; `day` is its day of publication, or of its first snapshot.

    `common` are the spans of `text` that occur in many other texts, `site` is its site.
    """

    title: str | None
    text: str
    day: date | None = None
    common: tuple[Span, ...] = ()
    site: str = ""

    @cached_property
    def words(self) -> WordSequence:
        return WordSequence(self.text, self.common)

    @cached_property
    def heading(self) -> WordSequence:
        return WordSequence(self.title or "")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Different statements of a and b in the same frame; `a_words` is the place in a."""

    a: str
    b: str
    weight: float
    in_title: bool
    a_words: Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """The shared parts and the differences of two texts; `a` and `b` are the arguments.

    `agreement` and `disagreement` weigh the facts and names that match or contradict; `own` counts
    the words that only one text has, the smaller of both numbers.
    """

    a_size: int
    b_size: int
    a_passages: tuple[Span, ...]
    b_passages: tuple[Span, ...]
    conflicts: tuple[Conflict, ...]
    agreement: float
    facts_shared: float
    names_shared: int
    own: int
    moved: bool
    gap_days: int | None
    same_title: bool
    own_beginnings: bool
    same_site: bool

    @property
    def a_share(self) -> float:
        return word_count(self.a_passages) / max(1, self.a_size)

    @property
    def b_share(self) -> float:
        return word_count(self.b_passages) / max(1, self.b_size)

    @property
    def shares(self) -> tuple[float, float]:
        return self.a_share, self.b_share

    @property
    def is_alike(self) -> bool:
        """Check whether the texts have similar lengths."""
        small, large = sorted((self.a_size, self.b_size))
        is_whole = max(self.shares) >= WHOLE_SHARE
        return small >= (ALIKE_IN_SIZE if is_whole else ALIKE_IN_SIZE_EDITED) * large

    @property
    def disagreement(self) -> float:
        """Return the share of contradicting facts, from 0 (none) to 1."""
        against = sum(conflict.weight for conflict in self.conflicts)
        return against / (against + self.agreement + 0.5)

    @property
    def share_of_own_text(self) -> float:
        """Return the share of own text of each, from 0 to 1."""
        return self.own / max(1.0, self.own + self.names_shared + self.agreement)


@dataclass(frozen=True, slots=True)
class Likeness:
    """The result; `kind` is None if the texts only look alike.

    For `contains`, `holder` is the text that contains the other.
    """

    kind: Kind | None
    reason: Reason
    score: float
    threshold: float
    holder: Literal["a", "b"] | None = None


def likeness(a: StoryText, b: StoryText) -> tuple[Likeness, Comparison]:
    """Compare two texts and decide."""
    found = compare(a, b)
    return decide(found), found


def compare(a: StoryText, b: StoryText) -> Comparison:
    """Return the shared parts and the differences of two texts."""
    one, other = a.words, b.words
    conflicts = [*_conflicts(one, other, in_title=False)]
    if _is_same_frame(a.heading, b.heading):
        conflicts += _conflicts(a.heading, b.heading, in_title=True)
    a_passages, b_passages = tuple(one.passages(other)), tuple(other.passages(one))
    shared_names = one.names & other.names
    own = min(_count_own_words(one, other), _count_own_words(other, one))
    agreement = sum(_weigh(value, _AGREEING_WEIGHT) for value in one.values & other.values)
    return Comparison(
        a_size=one.size,
        b_size=other.size,
        a_passages=a_passages,
        b_passages=b_passages,
        conflicts=tuple(conflicts),
        agreement=agreement + _AGREEING_NAME_WEIGHT * len(shared_names),
        facts_shared=agreement,
        names_shared=len(shared_names),
        own=own,
        moved=has_moved(a, b),
        gap_days=abs((a.day - b.day).days) if a.day and b.day else None,
        same_title=bool(a.heading.folded) and a.heading.folded == b.heading.folded,
        own_beginnings=_starts_own_story(one, other, a_passages)
        and _starts_own_story(other, one, b_passages),
        same_site=a.site == b.site,
    )


def decide(comparison: Comparison) -> Likeness:
    """Decide the meaning of a comparison: the first rule against a relation, or the kind of
    relation.
    """
    score, threshold = (
        (min(comparison.shares), NEAR_SHARE)
        if comparison.is_alike
        else (max(comparison.shares), CONTAINED_SHARE)
    )
    against = _objection(comparison, score, threshold)
    if against is not None:
        return Likeness(None, against, score, threshold)
    if comparison.is_alike:
        return Likeness("near_copy", "same_text", score, threshold)
    holder: Literal["a", "b"] = "a" if comparison.a_size >= comparison.b_size else "b"
    return Likeness("contains", "cut_or_embedded", score, threshold, holder)


def _objection(comparison: Comparison, score: float, threshold: float) -> Reason | None:
    """Return the first reason not to relate two texts."""
    size = min(comparison.a_size, comparison.b_size)
    is_short = size < SHORTEST_STORY
    is_anybodys = size < SHORT_STORY and comparison.facts_shared < 1 and not comparison.same_title
    is_soon = comparison.gap_days is not None and comparison.gap_days <= _MOVED_DAYS
    most_own = MOST_OWN if comparison.facts_shared >= 1 else MOST_OWN_WITHOUT_FACTS
    rules: tuple[tuple[Reason, bool], ...] = (
        ("too_short", is_short and (score < WHOLE_SHARE or bool(comparison.conflicts))),
        ("too_short", is_anybodys),
        ("little_shared", score < threshold),
        ("moved_dates", comparison.moved),
        ("other_facts", comparison.disagreement > _maximum_disagreement(comparison)),
        ("own_stories", comparison.share_of_own_text > most_own),
        ("own_stories", comparison.own_beginnings and (comparison.same_site or not is_soon)),
    )
    return next((reason for reason, holds in rules if holds), None)


def _maximum_disagreement(comparison: Comparison) -> float:
    """Return the maximum disagreement of copies: a single fact may have been corrected.

    A text that is sent again weeks later with other facts is the next of a series.
    """
    if (
        comparison.same_site
        and comparison.gap_days is not None
        and comparison.gap_days >= _ANOTHER_ISSUE_DAYS
    ):
        return MOST_DISAGREEMENT_LATER
    is_one = len(comparison.conflicts) == 1 and not comparison.conflicts[0].in_title
    if is_one and comparison.gap_days is not None and comparison.gap_days < _MOVED_DAYS:
        return MOST_DISAGREEMENT_CORRECTED
    return MOST_DISAGREEMENT


# ------------------------------------------------------------------------------- conflicts


def _is_same_frame(a: WordSequence, b: WordSequence) -> bool:
    """Check whether two titles are the same title with other values."""
    one, other = a.all_folded, b.all_folded
    shared = len(one & other)
    return shared >= _TITLE_WORDS and shared >= _TITLE_FRAME * min(len(one), len(other))


def _conflicts(a: WordSequence, b: WordSequence, *, in_title: bool) -> Iterator[Conflict]:
    for left, put in slots(a, b):
        size = max(left[1] - left[0], put[1] - put[0])
        if size > _HARD_SLOT or a.outside[left[0]] or b.outside[put[0]]:
            continue
        weight = _contradicting_facts(a, b, left, put, is_small=size <= _SMALL_SLOT)
        if size <= _SOFT_SLOT:
            weight += _NAME_WEIGHT * _contradicting_names(a, b, left, put)
        if weight:
            yield Conflict(a.text_of(*left), b.text_of(*put), weight, in_title, left)


def _contradicting_facts(
    a: WordSequence, b: WordSequence, old: Span, new: Span, *, is_small: bool
) -> float:
    """Weigh the contradicting facts of a slot; in a large slot, only those that occur in no other
    place.
    """
    one, other = (
        {(fact.kind, fact.value) for fact in _facts(words, span)}
        for words, span in ((a, old), (b, new))
    )
    one, other = one - other, other - one
    if not is_small:
        one, other = one - b.values, other - a.values
    return min(sum(map(_weight, one)), sum(map(_weight, other)))


def _facts(words: WordSequence, span: Span) -> Iterator[Fact]:
    for position in range(*span):
        if position in words.facts:
            yield words.facts[position]


def _contradicting_names(a: WordSequence, b: WordSequence, old: Span, new: Span) -> int:
    """Count replaced names that the other text contains nowhere; another spelling does not
    count.
    """
    one, other = _new_names(a, b, old), _new_names(b, a, new)
    count = 0
    for name in one:
        closest = max(other, key=lambda each: ratio(name, each), default=None)
        if closest is not None and ratio(name, closest) >= _SPELLING:
            other.remove(closest)
        else:
            count += 1
    return min(count, len(other))


def _new_names(words: WordSequence, others: WordSequence, span: Span) -> list[str]:
    return [
        words.folded[position]
        for position in range(*span)
        if words.is_name(position, words.written[position])
        and words.folded[position] not in others.all_folded
    ]


def _starts_own_story(words: WordSequence, others: WordSequence, passages: Sequence[Span]) -> bool:
    """Check whether a text begins with a story of its own before the first shared passage.

    An edited first sentence still contains the names and facts of the other text.
    """
    if not passages or passages[0][0] < _SHORTEST_BEGINNING:
        return False
    begin = range(1, passages[0][0])
    names = {words.folded[n] for n in begin if words.is_name(n, words.written[n])}
    known = [
        *(name in others.all_folded for name in names),
        *(
            (words.facts[n].kind, words.facts[n].value) in others.values
            for n in begin
            if n in words.facts
        ),
    ]
    return bool(known) and sum(known) <= _SHARED_IN_BEGINNING * len(known)


def _count_own_words(words: WordSequence, others: WordSequence) -> int:
    return len(words.names - others.all_folded) + len(words.values - others.values)


def _weight(value: tuple[str, str]) -> float:
    return _weigh(value, _WEIGHT)


def _weigh(value: tuple[str, str], weights: dict[str, float]) -> float:
    kind, text = value
    if kind == "number":
        return 1.0 if len(text) > 2 else 0.5
    return weights.get(kind, 1.0)


# ------------------------------------------------------------------------------- the calendar


def has_moved(a: StoryText, b: StoryText) -> bool:
    """Check whether the calendar dates of b are as much later as its publication.

    A date one week later in a text of one week later means the next issue, not a copy.
    """
    if a.day is None or b.day is None:
        return False
    gap = (b.day - a.day).days
    if abs(gap) < _MOVED_DAYS:
        return False
    frames = [(a.words, b.words)]
    if _is_same_frame(a.heading, b.heading):
        frames.append((a.heading, b.heading))
    return any(
        abs(shift - gap) <= max(_NEAR_THE_SHIFT, slack) or is_own
        for one, other in frames
        for left, put in slots(one, other)
        if max(left[1] - left[0], put[1] - put[0]) <= _HARD_SLOT
        for shift, slack, is_own in _shifts(_facts(one, left), _facts(other, put), a.day, b.day)
    )


def _shifts(
    old: Iterable[Fact], new: Iterable[Fact], a_day: date, b_day: date
) -> Iterator[tuple[int, int, bool]]:
    """Yield the distance in days of calendar facts, its precision, and whether each is a day of its
    own text.
    """
    old, new = list(old), list(new)
    is_another_issue = abs((b_day - a_day).days) >= _ANOTHER_ISSUE_DAYS
    for kind, slack in (("date", 0), ("week", 6), ("month", 20)):
        one = next((fact for fact in old if fact.kind == kind), None)
        other = next((fact for fact in new if fact.kind == kind), None)
        if one and other and one.value != other.value:
            a_placed, b_placed = _resolve_day(one, a_day), _resolve_day(other, b_day)
            are_near = max(abs((a_placed - a_day).days), abs((b_placed - b_day).days)) <= _OWN_DAYS
            is_own = kind == "date" and is_another_issue and are_near
            yield (b_placed - a_placed).days, slack, is_own


def _resolve_day(fact: Fact, day: date) -> date:
    """Return the day that a calendar fact means in a text of `day`."""
    if fact.kind == "week":
        return date(day.year, 1, 4) + timedelta(weeks=int(fact.value) - 1)
    month, _, number = fact.value.partition("-")
    year = day.year
    if int(month) - day.month > 6:
        year -= 1
    elif day.month - int(month) > 6:
        year += 1
    try:
        return date(year, int(month), int(number or 15))
    except ValueError:  # a 31st of June
        return date(year, max(1, min(12, int(month))), 15)
