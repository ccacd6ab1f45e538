"""Resolve the words that name a speaker to a person: a pronoun, a role, a last name."""

import re
from collections.abc import Iterator
from itertools import chain

from worker.text.annotate.cue import Cue
from worker.text.annotate.speaker.candidates import (
    QuotationContext,
    Speaker,
    earlier_candidates,
    fully_named_persons,
    last_name,
    nearby_candidates,
)
from worker.text.annotate.speaker.german_words import NO_SPEAKER

_FULL = r"[A-ZÄÖÜ][\w'’-]+(?: (?:von |van |de |al-)?[A-ZÄÖÜ][\w'’-]+){1,2}"
_NAME = re.compile(_FULL)
"""A full name.

>>> _NAME.match("Bo von Lind kam")[0]
'Bo von Lind'
"""
_ROLE_HOLDER = re.compile(rf"(?: \([^()]{{1,20}}\))?, (?P<name>{_FULL})(?=[,.( ])")
"""The name of the holder of a role, after the role.

>>> _ROLE_HOLDER.match(", Bo Lind, kam")["name"]
'Bo Lind'
"""
_OTHER_MEMBERS = re.compile(rf"(?:, {_FULL})* und [A-ZÄÖÜ]")
"""Further names after the first one, so that the words before it name several persons.

>>> [bool(_OTHER_MEMBERS.match(text)) for text in (", Bo Lind und Cy Rohde", ", kam und ging")]
[True, False]
"""
_FEMALE_ENDINGS = ("erin", "orin", "istin", "atin", "eurin", "änin", "ntin", "frau", "Frau")
_FEATURE_SCORES = {
    "several names": 2.0, "person": 1.0, "free first": 1.0,
    "verb behind": 1.0, "verb before": 1.0,
    "abstract": -2.0, "paper": -2.0, "behind a preposition": -1.0, "after": -2.0,
    "earlier2": -1.0, "earlier3": -2.0,
}  # fmt: skip
_FULL_NAME_SCORE, _OTHER_GENDER_PENALTY, _MIN_SCORE = 1.5, 9.0, 1.0
_MAX_NAME_LENGTH = 60
_MAX_POSITIONS = 100
_MAX_TEXT_LENGTH = 20_000


def resolve_speaker(
    speaker: Speaker, cue: Cue | None, context: QuotationContext, previous: str | None,
    full_text: str,
) -> str | None:  # fmt: skip
    """Return the name or role that a speaker's words refer to, None if it is ambiguous.

    `previous` is the name of the speaker of the previous quotation. A plural pronoun does not refer
    to one person.
    """
    if not speaker.pronoun:
        return speaker.text
    kind = speaker.text.casefold()
    if kind not in {"er", "sie"}:
        return None
    if cue and cue.pronoun and (cue.word or "").endswith("en"):
        return previous if previous and " und " in previous else None
    if previous and not _is_other_gender(previous, kind):
        return previous
    options = [
        option
        for option in chain(nearby_candidates(context), *earlier_candidates(context))
        if not option.pronoun
    ]
    persons = fully_named_persons(full_text[:_MAX_TEXT_LENGTH])
    best = max(options, key=lambda option: _score(option, kind, persons), default=None)
    if best is None or _score(best, kind, persons) < _MIN_SCORE:
        return None
    return best.text


def _score(option: Speaker, pronoun: str, persons: frozenset[str]) -> float:
    full_name_score = _FULL_NAME_SCORE * (last_name(option.text) in persons)
    marks = option.marks + option.candidate.marks.names if option.candidate else option.marks
    score = full_name_score + sum([_FEATURE_SCORES.get(name, 0.0) for name in marks])
    return score - _OTHER_GENDER_PENALTY * _is_other_gender(option.text, pronoun)


def _is_other_gender(name: str, pronoun: str) -> bool:
    """Check whether the ending of a role shows another gender than the pronoun.

    >>> _is_other_gender("Sprecherin der Wehr", "er"), _is_other_gender("Bo Lind", "er")
    (True, False)
    """
    return pronoun == "er" and any(word.endswith(_FEMALE_ENDINGS) for word in name.split()[:2])


def full_name(name: str, full_text: str) -> str:
    """Return the full name for a last name, or the name of the holder of a role.

    >>> full_name("Lind", "Deichgraf Bo Lind kam."), full_name("Minister", "Minister Bo Lind")
    ('Bo Lind', 'Minister Bo Lind')
    >>> full_name("Chef der Wehr", "Der Chef der Wehr, Bo Lind, kam.")
    'Bo Lind'
    """
    if len(name) > _MAX_NAME_LENGTH:
        return name
    ends = [start + len(name) for start in _name_positions(name, full_text)]
    holder = next(filter(None, (_ROLE_HOLDER.match(full_text, end) for end in ends)), None)
    if holder and not _OTHER_MEMBERS.match(full_text, holder.end()):
        return holder["name"]
    if not ends or " " in name:
        return name
    first_name = next(
        filter(
            None,
            (
                _first_name(full_text, position)
                for position in _name_positions(last_name(name), full_text)
            ),
        ),
        "",
    )
    if first_name:
        return f"{first_name} {name}"
    next_name = next(filter(None, (_NAME.match(full_text, end + 1) for end in ends)), None)
    if next_name and not _OTHER_MEMBERS.match(full_text, next_name.end()):
        return f"{name} {next_name[0]}"
    return name


_STRONG_ENDINGS = {"der": ("e", "er"), "das": ("e", "es"), "die": ("en", "e")}
"""The ending of an adjective after an article in the nominative, and without the article."""


def standalone_name(name: str, full_text: str) -> str:
    """Return a name with its adjectives in the form that they have without an article.

    >>> standalone_name("neue Chef", "Da kam der neue Chef."), standalone_name("neue Chef", "")
    ('neuer Chef', 'neue Chef')
    >>> standalone_name("beiden Chefs", "Die beiden Chefs kamen.")
    'beide Chefs'
    """
    if not name[:1].islower():
        return name
    words = name.split(" ")
    count = next((at for at, word in enumerate(words) if not word.islower()), 0)
    for article, (weak, strong) in _STRONG_ENDINGS.items():
        is_used = any(f"{form} {name}" in full_text for form in (article, article.capitalize()))
        if is_used and all(word.endswith(weak) for word in words[:count]):
            adjectives = [word.removesuffix(weak) + strong for word in words[:count]]
            return " ".join([*adjectives, *words[count:]])
    return name


def _name_positions(word: str, full_text: str) -> Iterator[int]:
    """Yield the first positions of a name in a text, as separate words."""
    start, count = full_text.find(word), 0
    while start >= 0 and count < _MAX_POSITIONS:
        end = start + len(word)
        if not _is_inner(full_text[start - 1 : start]) and not _is_inner(full_text[end : end + 1]):
            count += 1
            yield start
        start = full_text.find(word, end)


def _is_inner(letter: str) -> bool:
    return letter.isalnum() or letter in {"_", "-"}


def _first_name(full_text: str, position: int) -> str | None:
    """Return the word before a last name if it has the form of a first name.

    >>> _first_name("sagte „Bo Lind", 10), _first_name("sagte Lind", 6)
    ('Bo', None)
    """
    word = (
        full_text[max(0, position - _MAX_NAME_LENGTH) : position]
        .rpartition(" ")[0]
        .rpartition(" ")[2]
    )
    word = word.lstrip("„“”\"'‚‘’»«(–—[")
    is_name = len(word) > 1 and word[0].isupper() and word[1:].replace("-", "").isalnum()
    is_name = is_name and word not in NO_SPEAKER
    return word if is_name and full_text[position - 1 : position] == " " else None
