"""Resolve the words that name a speaker to a person: a role, a last name."""

import re
from collections.abc import Iterator

from worker.text.annotate.speaker.candidates import last_name
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
_HOLDER_BEFORE = re.compile(
    rf"(?<![\w'’-])(?P<name>{_FULL})(?: \([^()]{{1,20}}\))?, (?:[a-z]+ ){{0,3}}\Z"
)
"""The name of the holder of a role, before the role.

>>> _HOLDER_BEFORE.search("Bo Lind (SPD), the new ")["name"]
'Bo Lind'
"""
_MAX_NAME_LENGTH = 60
_MAX_POSITIONS = 100


def full_name(name: str, full_text: str) -> str:
    """Return the full name for a last name, or the name of the holder of a role.

    >>> full_name("Lind", "Deichgraf Bo Lind kam."), full_name("Minister", "Minister Bo Lind")
    ('Bo Lind', 'Minister Bo Lind')
    >>> full_name("Chef der Wehr", "Der Chef der Wehr, Bo Lind, kam.")
    'Bo Lind'
    >>> full_name("Ministerin", "Die Verkehrsministerin Ada Kern kam. Die Ministerin rief.")
    'Verkehrsministerin Ada Kern'
    """
    if len(name) > _MAX_NAME_LENGTH:
        return name
    if f"{name}, " in full_text or f"{name} (" in full_text:
        ends = (start + len(name) for start in name_positions(name, full_text))
        holder = next(filter(None, (_ROLE_HOLDER.match(full_text, end) for end in ends)), None)
        if holder and not _OTHER_MEMBERS.match(full_text, holder.end()):
            return holder["name"]
    return name if " " in name else _name_of_word(name, full_text)


def _name_of_word(name: str, full_text: str) -> str:
    """Return the full name for a last name or an office of one word."""
    ends = [start + len(name) for start in name_positions(name, full_text)]
    if not ends:
        return name
    is_role = name[0].islower()
    lasts = () if is_role else name_positions(last_name(name), full_text)
    first_name = next(filter(None, (_first_name(full_text, position) for position in lasts)), "")
    if first_name:
        return f"{first_name} {name}"
    next_name = next(filter(None, (_NAME.match(full_text, end + 1) for end in ends)), None)
    if next_name and not _OTHER_MEMBERS.match(full_text, next_name.end()):
        return f"{name} {next_name[0]}"
    return _holder_of(name, full_text) or name


def _holder_of(role: str, full_text: str) -> str | None:
    """Return the office that ends with a role, and the only person beside it in a text.

    >>> _holder_of("Ministerin", "Ada Kern, Verkehrsministerin in Lohe, kam.")
    'Verkehrsministerin Ada Kern'
    >>> _holder_of("minister", "Energy minister Bo Lind met trade minister Cy Rohde.")
    """
    found: dict[str, str] = {}
    word, end = role.casefold(), 0
    for _ in range(_MAX_POSITIONS):
        start = full_text.find(word, end)
        if start < 0:
            break
        end = start + len(word)
        behind = full_text[end : end + 1]
        if behind.isalnum() or behind in _JOINTS:
            continue
        before = full_text[max(0, start - _MAX_NAME_LENGTH) : start]
        part = before.rpartition(" ")[2].rpartition("\n")[2]
        if part and not part[:1].isupper():
            continue
        after = _NAME.match(full_text, end + 1) if full_text[end : end + 1] == " " else None
        holder = after or _HOLDER_BEFORE.search(before.removesuffix(part))
        if holder and not (after and _OTHER_MEMBERS.match(full_text, after.end())):
            name = holder["name"] if holder is not after else holder[0]
            found.setdefault(name.rpartition(" ")[2], f"{part}{full_text[start:end]} {name}")
    return next(iter(found.values())) if len(found) == 1 else None


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


def name_positions(word: str, full_text: str) -> Iterator[int]:
    """Yield the first positions of a name in a text, as separate words."""
    start, count = full_text.find(word), 0
    while start >= 0 and count < _MAX_POSITIONS:
        end = start + len(word)
        before, behind = full_text[start - 1 : start], full_text[end : end + 1]
        is_inner = before.isalnum() or before in _JOINTS or behind.isalnum() or behind in _JOINTS
        if not is_inner:
            count += 1
            yield start
        start = full_text.find(word, end)


_JOINTS = frozenset({"_", "-"})


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
