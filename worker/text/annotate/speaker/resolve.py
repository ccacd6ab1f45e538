"""Whom the words of a text mean that name a speaker: a pronoun, a role, a last name."""

import re
from collections.abc import Iterator
from itertools import chain

from worker.text.annotate.speaker.candidates import (
    QuotationContext,
    Speaker,
    earlier,
    last_name,
    near_by,
    persons_in,
)

_FULL = r"[A-ZÄÖÜ][\w'’-]+(?: (?:von |van |de |al-)?[A-ZÄÖÜ][\w'’-]+){1,2}"
_NAME = re.compile(_FULL)
"""A name in full.

>>> _NAME.match("Bo von Lind kam")[0]
'Bo von Lind'
"""
_HOLDER = re.compile(rf"(?: \([^()]{{1,20}}\))?, (?P<name>{_FULL})(?=[,.( ])")
"""Who holds a role, behind it.

>>> _HOLDER.match(", Bo Lind, kam")["name"]
'Bo Lind'
"""
_FEMALE = ("erin", "orin", "istin", "atin", "eurin", "änin", "ntin", "frau", "Frau")
_WORTH = {
    "several names": 2.0, "person": 1.0, "free first": 1.0,
    "verb behind": 1.0, "verb before": 1.0,
    "abstract": -2.0, "paper": -2.0, "behind a preposition": -1.0, "after": -2.0,
    "earlier2": -1.0, "earlier3": -2.0,
}  # fmt: skip
_NAMED_IN_FULL, _OF_THE_OTHER, _LEAST = 1.5, 9.0, 1.0
_LONGEST_NAME = 60
_MOST_PLACES = 100
_LONGEST_TEXT = 20_000


def meant(speaker: Speaker, place: QuotationContext, last: str | None, whole: str) -> str | None:
    """Return the name or role that the text gives of a speaker, None where that cannot be told.

    `last` is whom the quotation before has, `whole` the text.
    """
    if not speaker.pronoun:
        return speaker.text
    kind = speaker.text.casefold()
    if kind not in {"er", "sie"}:
        return None
    if last and not _is_other_gender(last, kind):
        return last
    possible = [each for each in chain(near_by(place), *earlier(place)) if not each.pronoun]
    persons = persons_in(whole[:_LONGEST_TEXT])
    best = max(possible, key=lambda each: _worth(each, kind, persons), default=None)
    if best is None or _worth(best, kind, persons) < _LEAST:
        return None
    return best.text


def _worth(each: Speaker, pronoun: str, persons: frozenset[str]) -> float:
    full = _NAMED_IN_FULL * (last_name(each.text) in persons)
    marks = each.marks + each.found.marks.names if each.found else each.marks
    known = full + sum([_WORTH.get(name, 0.0) for name in marks])
    return known - _OF_THE_OTHER * _is_other_gender(each.text, pronoun)


def _is_other_gender(name: str, pronoun: str) -> bool:
    """Return whether a role is of the other gender, as far as its ending tells.

    >>> _is_other_gender("Sprecherin der Wehr", "er"), _is_other_gender("Bo Lind", "er")
    (True, False)
    """
    return pronoun == "er" and any(word.endswith(_FEMALE) for word in name.split()[:2])


def full_name(name: str, whole: str) -> str:
    """Return the full name of somebody whom a text names by a last name, or of a role's holder.

    >>> full_name("Lind", "Deichgraf Bo Lind kam."), full_name("Minister", "Minister Bo Lind")
    ('Bo Lind', 'Minister Bo Lind')
    >>> full_name("Chef der Wehr", "Der Chef der Wehr, Bo Lind, kam.")
    'Bo Lind'
    """
    if len(name) > _LONGEST_NAME:
        return name
    ends = [start + len(name) for start in _starts(name, whole)]
    held = next(filter(None, (_HOLDER.match(whole, end) for end in ends)), None)
    if held:
        return held["name"]
    if not ends or " " in name:
        return name
    first = next(
        filter(None, (_first_name(whole, at) for at in _starts(last_name(name), whole))), ""
    )
    if first:
        return f"{first} {name}"
    behind = next(filter(None, (_NAME.match(whole, end + 1) for end in ends)), None)
    return f"{name} {behind[0]}" if behind else name


def _starts(word: str, whole: str) -> Iterator[int]:
    """Yield where a name stands in a text as words of its own, the first places alone."""
    start, found = whole.find(word), 0
    while start >= 0 and found < _MOST_PLACES:
        end = start + len(word)
        if not _is_inner(whole[start - 1 : start]) and not _is_inner(whole[end : end + 1]):
            found += 1
            yield start
        start = whole.find(word, end)


def _is_inner(letter: str) -> bool:
    return letter.isalnum() or letter in {"_", "-"}


def _first_name(whole: str, at: int) -> str | None:
    """Return the word before a last name where it begins like a name.

    >>> _first_name("sagte „Bo Lind", 10), _first_name("sagte Lind", 6)
    ('Bo', None)
    """
    word = whole[max(0, at - _LONGEST_NAME) : at].rpartition(" ")[0].rpartition(" ")[2]
    word = word.lstrip("„“”\"'‚‘’»«(–—[")
    is_name = len(word) > 1 and word[0].isupper() and word[1:].replace("-", "").isalnum()
    return word if is_name and whole[at - 1 : at] == " " else None
