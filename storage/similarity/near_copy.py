"""PURE: are two texts copies of each other, does one hold the other, or do they only look alike?

How much two texts share does not tell. Two issues of one template share most of their words and
speak of different events; a report that was cut and edited shares a third and is the same one. So
this looks at what stands in the frame that they share: other dates, other numbers, other names in
the same places are another event. And a passage that each surrounds with a story of its own is
theirs in common, but it is neither's text.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from rapidfuzz.fuzz import ratio

from storage.language.facts import Fact
from storage.similarity.overlap import Span, WordSequence, covered, slots

METHOD = "passages-3"
"""Names these rules, their limits included; another rule asks for another name."""

LONGEST_TEXT = 200_000
"""Letters of a text that are compared at most."""

Kind = Literal["near_copy", "contains"]
Reason = Literal[
    "same_text", "cut_or_embedded", "too_short", "little_shared", "moved_dates", "other_facts",
    "own_stories",
]  # fmt: skip

NEAR_SHARE = 0.4
"""Of the words of both texts, so many at least stand in passages that both have."""
CONTAINED_SHARE = 0.5
"""The same of the words of the shorter text, where they are no more of the longer one."""
ALIKE_IN_SIZE, ALIKE_IN_SIZE_EDITED = 0.75, 0.65
"""From there on a text is as long as the other; the second where neither is whole in the other."""
MOST_DISAGREEMENT, MOST_DISAGREEMENT_CORRECTED = 0.2, 0.3
MOST_DISAGREEMENT_LATER = 0.05
MOST_OWN = 0.4
MOST_OWN_WITHOUT_FACTS = 0.16
"""A passage without any date, time or number may be anybody's."""
SHORTEST_STORY, SHORT_STORY = 12, 30
"""Words of a text below which it has to be the whole other, or to state a fact."""
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
    """A text as it is compared; `day` is when it was published, else first seen.

    `common` are the spans of `text` that are known to stand in many other texts, `site` is whose
    text it is.
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
    """What a says where b says something else in the same frame."""

    a: str
    b: str
    weight: float
    in_title: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two texts share and where they differ; `a` and `b` as they were given.

    `agreement` and `disagreement` weigh the facts and names in which they meet and contradict
    each other; `own` counts what each has and the other has not, the fewer of the two.
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
        return covered(self.a_passages) / max(1, self.a_size)

    @property
    def b_share(self) -> float:
        return covered(self.b_passages) / max(1, self.b_size)

    @property
    def shares(self) -> tuple[float, float]:
        return self.a_share, self.b_share

    @property
    def is_alike(self) -> bool:
        """Return whether neither text is a part of the other."""
        small, large = sorted((self.a_size, self.b_size))
        is_whole = max(self.shares) >= WHOLE_SHARE
        return small >= (ALIKE_IN_SIZE if is_whole else ALIKE_IN_SIZE_EDITED) * large

    @property
    def disagreement(self) -> float:
        """Return from 0 (no contradiction) to 1 which part of the facts contradicts."""
        against = sum(conflict.weight for conflict in self.conflicts)
        return against / (against + self.agreement + 0.5)

    @property
    def own_share(self) -> float:
        """Return from 0 to 1 how much each has beside what they share."""
        return self.own / max(1.0, self.own + self.names_shared + self.agreement)


@dataclass(frozen=True, slots=True)
class Likeness:
    """The answer; `kind` is None where the texts only look alike.

    For `contains`, `holder` is the one that holds the other.
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
    """Return what two texts share and where they differ."""
    one, other = a.words, b.words
    conflicts = [*_conflicts(one, other, in_title=False)]
    if _is_same_frame(a.heading, b.heading):
        conflicts += _conflicts(a.heading, b.heading, in_title=True)
    a_passages, b_passages = tuple(one.passages(other)), tuple(other.passages(one))
    shared_names = one.names & other.names
    own = min(_own(one, other), _own(other, one))
    agreement = sum(_weighed(value, _AGREEING_WEIGHT) for value in one.values & other.values)
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
        own_beginnings=_begins_apart(one, other, a_passages)
        and _begins_apart(other, one, b_passages),
        same_site=a.site == b.site,
    )


def decide(found: Comparison) -> Likeness:
    """Say what a comparison means: the first rule against a relation that holds, or the kind."""
    score, threshold = (
        (min(found.shares), NEAR_SHARE) if found.is_alike else (max(found.shares), CONTAINED_SHARE)
    )
    against = _against(found, score, threshold)
    if against is not None:
        return Likeness(None, against, score, threshold)
    if found.is_alike:
        return Likeness("near_copy", "same_text", score, threshold)
    holder: Literal["a", "b"] = "a" if found.a_size >= found.b_size else "b"
    return Likeness("contains", "cut_or_embedded", score, threshold, holder)


def _against(found: Comparison, score: float, threshold: float) -> Reason | None:
    """Return the first reason not to relate two texts."""
    size = min(found.a_size, found.b_size)
    is_short = size < SHORTEST_STORY
    is_anybodys = size < SHORT_STORY and found.facts_shared < 1 and not found.same_title
    is_soon = found.gap_days is not None and found.gap_days <= _MOVED_DAYS
    most_own = MOST_OWN if found.facts_shared >= 1 else MOST_OWN_WITHOUT_FACTS
    rules: tuple[tuple[Reason, bool], ...] = (
        ("too_short", is_short and (score < WHOLE_SHARE or bool(found.conflicts))),
        ("too_short", is_anybodys),
        ("little_shared", score < threshold),
        ("moved_dates", found.moved),
        ("other_facts", found.disagreement > _most_disagreement(found)),
        ("own_stories", found.own_share > most_own),
        ("own_stories", found.own_beginnings and (found.same_site or not is_soon)),
    )
    return next((reason for reason, holds in rules if holds), None)


def _most_disagreement(found: Comparison) -> float:
    """Return how far the facts of copies may differ: a single one may have been corrected.

    What a sender sends again weeks later with other facts is the next of a series.
    """
    if found.same_site and found.gap_days is not None and found.gap_days >= _ANOTHER_ISSUE_DAYS:
        return MOST_DISAGREEMENT_LATER
    is_one = len(found.conflicts) == 1 and not found.conflicts[0].in_title
    if is_one and found.gap_days is not None and found.gap_days < _MOVED_DAYS:
        return MOST_DISAGREEMENT_CORRECTED
    return MOST_DISAGREEMENT


# ------------------------------------------------------------------------------- conflicts


def _is_same_frame(a: WordSequence, b: WordSequence) -> bool:
    """Return whether two titles are one title with other fillings."""
    one, other = a.all_folded, b.all_folded
    shared = len(one & other)
    return shared >= _TITLE_WORDS and shared >= _TITLE_FRAME * min(len(one), len(other))


def _conflicts(a: WordSequence, b: WordSequence, *, in_title: bool) -> Iterator[Conflict]:
    for left, put in slots(a, b):
        size = max(left[1] - left[0], put[1] - put[0])
        if size > _HARD_SLOT or a.outside[left[0]] or b.outside[put[0]]:
            continue
        weight = _facts_against(a, b, left, put, is_small=size <= _SMALL_SLOT)
        if size <= _SOFT_SLOT:
            weight += _NAME_WEIGHT * _names_against(a, b, left, put)
        if weight:
            yield Conflict(a.quoted(*left), b.quoted(*put), weight, in_title)


def _facts_against(
    a: WordSequence, b: WordSequence, left: Span, put: Span, *, is_small: bool
) -> float:
    """Weigh the facts of a slot that contradict; in a large one, those that stand nowhere else."""
    one, other = (
        {(fact.kind, fact.value) for fact in _facts(words, span)}
        for words, span in ((a, left), (b, put))
    )
    one, other = one - other, other - one
    if not is_small:
        one, other = one - b.values, other - a.values
    return min(sum(map(_weight, one)), sum(map(_weight, other)))


def _facts(words: WordSequence, span: Span) -> Iterator[Fact]:
    for position in range(*span):
        if position in words.facts:
            yield words.facts[position]


def _names_against(a: WordSequence, b: WordSequence, left: Span, put: Span) -> int:
    """Count names put for others that the other text has nowhere; another spelling is none."""
    one, other = _new_names(a, b, left), _new_names(b, a, put)
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


def _begins_apart(words: WordSequence, other: WordSequence, passages: Sequence[Span]) -> bool:
    """Return whether a text begins with a story of its own, before anything that both have.

    An edited first sentence still has the names and facts of the other one.
    """
    if not passages or passages[0][0] < _SHORTEST_BEGINNING:
        return False
    begin = range(1, passages[0][0])
    names = {words.folded[n] for n in begin if words.is_name(n, words.written[n])}
    known = [
        *(name in other.all_folded for name in names),
        *(
            (words.facts[n].kind, words.facts[n].value) in other.values
            for n in begin
            if n in words.facts
        ),
    ]
    return bool(known) and sum(known) <= _SHARED_IN_BEGINNING * len(known)


def _own(words: WordSequence, other: WordSequence) -> int:
    return len(words.names - other.all_folded) + len(words.values - other.values)


def _weight(value: tuple[str, str]) -> float:
    return _weighed(value, _WEIGHT)


def _weighed(value: tuple[str, str], weights: dict[str, float]) -> float:
    kind, text = value
    if kind == "number":
        return 1.0 if len(text) > 2 else 0.5
    return weights.get(kind, 1.0)


# ------------------------------------------------------------------------------- the calendar


def has_moved(a: StoryText, b: StoryText) -> bool:
    """Return whether what b says of the calendar lies as much later as b was published later.

    A week later, a date a week later in the same place: that is the next issue, and no copy.
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
    left: Iterable[Fact], put: Iterable[Fact], a_day: date, b_day: date
) -> Iterator[tuple[int, int, bool]]:
    """Yield by how many days facts of the calendar lie apart, how exact that is, and whether each
    is a day of its own text, which came out weeks apart from the other.
    """
    left, put = list(left), list(put)
    is_another_issue = abs((b_day - a_day).days) >= _ANOTHER_ISSUE_DAYS
    for kind, slack in (("date", 0), ("week", 6), ("month", 20)):
        one = next((fact for fact in left if fact.kind == kind), None)
        other = next((fact for fact in put if fact.kind == kind), None)
        if one and other and one.value != other.value:
            a_placed, b_placed = _placed(one, a_day), _placed(other, b_day)
            are_near = max(abs((a_placed - a_day).days), abs((b_placed - b_day).days)) <= _OWN_DAYS
            is_own = kind == "date" and is_another_issue and are_near
            yield (b_placed - a_placed).days, slack, is_own


def _placed(fact: Fact, day: date) -> date:
    """Return the day that a fact of the calendar means in a text of `day`."""
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
