"""PURE: which earlier text a text follows: what its reference names, and what both tell."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from storage.similarity.overlap import Words
from storage.similarity.references import (
    Reference,
    core,
    is_specific,
    own_numbers,
    reference,
    sender,
    words_of,
)

METHOD = "reference-1"
THRESHOLD = 0.8

Reason = Literal["number_and_day", "number", "title", "title_and_day", "day_and_facts"]

_LONGEST_DAYS = 60
_LONGEST_DAYS_BY_NUMBER = 400
_SAME_DAY_SLACK = 1
_EXACT, _EXACT_SHORT, _EXACT_WORD, _HELD, _SIMILAR = 0.9, 0.65, 0.5, 0.85, 0.6
_OF_THE_DAY, _NEXT_TO_THE_DAY, _ANOTHER_DAY, _ANOTHER_DAY_BUT_TITLE = 0.25, 0.1, -0.5, -0.3
_ANOTHER_SITE, _OTHER_FACTS = -0.3, -0.3
_TELLS_FACTS, _SHARED_FACTS = 4, 0.25
_RECENT_DAYS, _RECENT = 4, 0.15
_LONGEST_CHAIN_DAYS = 14
_MOST_FOR_FACTS, _FOR_A_FACT = 0.3, 0.06
_LINKED, _LINKED_MARGIN, _FOR_A_NAME, _OF_THE_VERY_DAY = 2.0, 1.0, 0.75, 0.5
_LINKED_SCORE = 0.8
_SIMILAR_SHARE = 0.7
_WEAK_KINDS = frozenset({"year", "weekday", "month"})


@dataclass(frozen=True)
class Candidate:
    """A text that follows another, or is followed; `day` is when it was published, else seen."""

    key: int
    title: str | None
    text: str
    day: date | None
    site: str = ""

    @cached_property
    def sender(self) -> str:
        """Return the short name of its sender that a title begins with, such as `POL-MA`."""
        return sender(self.title)

    @cached_property
    def reference(self) -> Reference | None:
        return reference(self.title, self.text, self.day)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        return own_numbers(self.title, self.text, self.reference)

    @cached_property
    def core(self) -> str:
        return core(self.title)

    @cached_property
    def words(self) -> Words:
        return Words(self.text)

    @cached_property
    def whole(self) -> Words:
        return Words(f"{self.title or ''}\n\n{self.text}")


@dataclass(frozen=True, slots=True)
class Following:
    """That a text follows the candidate `key`, and why; a score above 1 is as good as 1."""

    key: int
    score: float
    reason: Reason


def followed(follower: Candidate, candidates: Sequence[Candidate]) -> list[Following]:
    """Return which of `candidates` the follower follows: the text that it means, and its earlier
    follow-ups.

    Where its reference names neither number nor title, but a day, it is the one text of that day
    that tells of the same facts.
    """
    if follower.reference is None:
        return []
    earlier = [each for each in candidates if _is_earlier(each, follower)]
    scored = [(told, each) for each in earlier if (told := _scored(follower, each))]
    certain = [pair for pair in scored if pair[0].score >= THRESHOLD]
    first = [pair for pair in certain if pair[1].reference is None]
    if first:
        told, meant = max(first, key=lambda pair: _rank(follower, *pair))
        chain, since = [told], meant.day
    else:
        since = follower.day - timedelta(days=_LONGEST_CHAIN_DAYS) if follower.day else None
        chain = []
    chain += [
        told for told, each in certain if each.reference is not None and _is_since(each, since)
    ]
    return chain or _by_facts(follower, earlier)


def _is_since(each: Candidate, since: date | None) -> bool:
    return each.day is None or since is None or each.day >= since


def _rank(follower: Candidate, told: Following, each: Candidate) -> tuple[float, float, int]:
    day = each.day.toordinal() if each.day else 0
    return told.score, _link(follower, each), day


def _is_earlier(each: Candidate, follower: Candidate) -> bool:
    if each.key == follower.key or (
        each.sender and follower.sender and each.sender != follower.sender
    ):
        return False
    told = follower.reference
    assert told is not None
    ordinal = each.reference.ordinal if each.reference else 0
    if each.day is None or follower.day is None:
        return ordinal < told.ordinal
    gap = (follower.day - each.day).days
    longest = _LONGEST_DAYS_BY_NUMBER if told.numbers else _LONGEST_DAYS
    if gap == 0:
        return ordinal < told.ordinal
    return 0 < gap <= longest


def _scored(follower: Candidate, each: Candidate) -> Following | None:
    told = follower.reference
    assert told is not None
    on_day = _is_of_day(each, told)
    by_number = _by_number(told, each, on_day=on_day)
    if by_number is not None:
        return by_number if by_number.score else None
    score = _title_score(told, each)
    if not score:
        return None
    if told.days and each.day:
        apart = min(abs((each.day - day).days) for day in told.days)
        against = _ANOTHER_DAY_BUT_TITLE if score >= _HELD else _ANOTHER_DAY
        score += {0: _OF_THE_DAY, 1: _NEXT_TO_THE_DAY}.get(apart, against)
    elif score == _SIMILAR:
        return None
    if each.day and follower.day and (follower.day - each.day).days <= _RECENT_DAYS:
        score += _RECENT
    score += min(_MOST_FOR_FACTS, _FOR_A_FACT * _link(follower, each))
    if follower.site != each.site and not follower.sender:
        score += _ANOTHER_SITE
    if _tells_otherwise(follower, each):
        score += _OTHER_FACTS
    return Following(each.key, score, "title_and_day" if on_day else "title")


def _is_of_day(each: Candidate, told: Reference) -> bool | None:
    if not told.days or each.day is None:
        return None
    return any(abs((each.day - day).days) <= _SAME_DAY_SLACK for day in told.days)


def _by_number(told: Reference, each: Candidate, *, on_day: bool | None) -> Following | None:
    """Decide by numbers where both have them; None where they do not."""
    if not told.numbers or not each.numbers:
        return None
    if not set(told.numbers) & set(each.numbers):
        return Following(each.key, 0.0, "number") if on_day is not True else None
    if on_day is None:
        return Following(each.key, 0.9, "number")
    return Following(each.key, 1.0 if on_day else 0.0, "number_and_day")


def _title_score(told: Reference, each: Candidate) -> float:
    """Return how well the title of a candidate is one of those that a reference names."""
    if not each.core:
        return 0.0
    if each.core in told.titles:
        if is_specific(each.core):
            return _EXACT
        return _EXACT_SHORT if " " in each.core else _EXACT_WORD
    if not is_specific(each.core):
        return 0.0
    if any(f" {each.core} " in f" {title} " for title in told.titles):
        return _HELD
    wanted = words_of(told.titles[:1])
    own = words_of([each.core])
    shared = len(wanted & own)
    return _SIMILAR if shared >= _SIMILAR_SHARE * max(len(wanted), len(own), 1) else 0.0


def _tells_otherwise(follower: Candidate, each: Candidate) -> bool:
    """Tell whether a text that tells many facts tells hardly any of a candidate's."""
    own = _strong(follower)
    return len(own) >= _TELLS_FACTS and len(own & _strong(each)) < _SHARED_FACTS * len(own)


def _strong(each: Candidate) -> frozenset[tuple[str, str]]:
    return frozenset(
        value for value in each.words.values if value[0] not in _WEAK_KINDS and len(value[1]) > 1
    )


def _link(follower: Candidate, each: Candidate) -> float:
    """Weigh what both tell: facts count one each, names half."""
    return len(_strong(follower) & _strong(each)) + len(follower.words.names & each.words.names) / 2


def _by_facts(follower: Candidate, earlier: Sequence[Candidate]) -> list[Following]:
    """Return the text of the day that is named that tells of the same, if one stands out.

    What several texts of that day tell says nothing: it is how their sender speaks.
    """
    told = follower.reference
    assert told is not None
    of_day = [each for each in earlier if _is_of_day(each, told) and each.reference is None]
    if told.numbers or not of_day:
        return []
    named = {("date", f"{day.month}-{day.day}") for day in told.days}
    own = _tellings(follower) - named
    shared = {each.key: own & _tellings(each) for each in of_day}
    holders = Counter(telling for each in shared.values() for telling in each)
    weights = {
        each.key: _OF_THE_VERY_DAY * (each.day in told.days)
        + sum(_telling_weight(t) for t in shared[each.key] if holders[t] == 1)
        for each in of_day
    }
    (best, key), *others = sorted(((w, key) for key, w in weights.items()), reverse=True)
    is_clear = not others or best - others[0][0] >= _LINKED_MARGIN
    if best < _LINKED or not is_clear:
        return []
    return [Following(key, _LINKED_SCORE, "day_and_facts")]


Telling = tuple[str, str]


def _tellings(each: Candidate) -> frozenset[Telling]:
    """Return the facts and names of a text, its title included."""
    whole = each.whole
    facts = {v for v in whole.values if v[0] not in _WEAK_KINDS and len(v[1]) > 1}
    return frozenset(facts | {("name", name) for name in whole.names})


def _telling_weight(telling: Telling) -> float:
    return _FOR_A_NAME if telling[0] == "name" else 1.0
