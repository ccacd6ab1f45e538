"""PURE: the REV grammar, one parser for command line, HTTP and Python.

    REV      = ARTICLE [ "@" SELECTOR ]
    SELECTOR = NUMBER | "latest" | "~" NUMBER | DATE [ "T" TIME [ ZONE ] ] | "w1:" HEX
    RANGE    = REV ".." ( REV | "@" SELECTOR )

Addresses hold `@`, `..` and `:` themselves. So an exact origin or id wins over every other
reading, the last `@` splits only if a valid selector follows, and `..` separates only where
both sides parse: a side does if it is known or has a selector.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo

from storage.read.render.moment import MomentError, parse_moment
from storage.values.messages import message_text

MAX_LENGTH = 8_192
"""Maximum length of a REV in code points."""

_MAX_SEPARATORS = 32
_WORDING_DIGITS = (8, 64)
_MAX_DIGITS = 9

WORDING = re.compile(r"w1:([0-9A-Fa-f]*)")
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?P<time>T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
ATTEMPT = re.compile(r"w1:[0-9A-Za-z]*|~.*|[0-9][0-9:.TZ+-]*")


class RevisionError(ValueError):
    """`text` is not a revision; `reason` is one sentence that explains why."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(message_text("no_revision", given=text[:200], reason=reason))
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest version."""


@dataclass(frozen=True, slots=True)
class Number:
    """The version with this number, counted from 1, in the current numbering."""

    number: int


@dataclass(frozen=True, slots=True)
class StepsBack:
    """The version this many steps before the latest, at least one."""

    steps: int


@dataclass(frozen=True, slots=True)
class AtMoment:
    """The version that was current at `moment` (aware, UTC)."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class WordingPrefix:
    """The version with the wording whose `w1` digest starts with these 8 to 64 hex digits."""

    digits: str


Selector = Latest | Number | StepsBack | AtMoment | WordingPrefix


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of one article; `article` is an id or an origin, not resolved yet."""

    article: str
    selector: Selector


def parse_revision(
    text: str, is_origin: Callable[[str], bool], timezone: tzinfo, default_article: str = ""
) -> Revision:
    """Parse a revision.

    `is_origin` checks whether a text is an exact origin or id of the archive. `timezone`
    determines where a date ends and applies to times without a zone; a time that the clock shows
    twice is the earlier one. A selector alone refers to the article `default_article`.

    Raises: RevisionError.

    >>> from datetime import UTC
    >>> parse_revision("https://example.org/@ada@3", lambda text: False, UTC)
    Revision(article='https://example.org/@ada', selector=Number(number=3))
    """
    refuse_unprintable(text)
    if is_origin(text):
        return Revision(text, Latest())
    article, at, tail = text.rpartition("@")
    selector = _selector(tail, timezone) if at else None
    if selector is None and at and ATTEMPT.fullmatch(tail):
        raise RevisionError(text, selector_error(tail))
    if selector is None:
        article, selector = text, Latest()
    article = article or default_article
    if not article:
        raise RevisionError(text, message_text("names_no_article"))
    return Revision(article, selector)


def parse_revisions(
    text: str, is_origin: Callable[[str], bool], timezone: tzinfo
) -> tuple[Revision] | tuple[Revision, Revision]:
    """Return the two revisions of a range, or the single revision in `text`.

    Raises: RevisionError.
    """
    refuse_unprintable(text)
    found = None if is_origin(text) else _range(text, is_origin, timezone)
    return found or (parse_revision(text, is_origin, timezone),)


def refuse_unprintable(text: str) -> None:
    """Refuse a text that no article can be named. Raises: RevisionError."""
    if len(text) > MAX_LENGTH:
        raise RevisionError(text, message_text("reference_long", limit=MAX_LENGTH))
    if "\0" in text or text.encode("utf-8", "ignore").decode() != text:
        raise RevisionError(text, message_text("reference_unprintable"))


def _range(
    text: str, is_origin: Callable[[str], bool], timezone: tzinfo
) -> tuple[Revision, Revision] | None:
    """Return the first interpretation as a range, or the first whose articles are both known."""
    first = None
    for left, right in split_range(text):
        if (a := _side(left, is_origin, timezone)) is None or not a.article:
            continue
        if (b := _side(right, is_origin, timezone)) is None:
            continue
        found = (a, b if b.article else Revision(a.article, b.selector))
        if all(is_origin(side.article) for side in found):
            return found
        first = first or found
    return first


def split_range(text: str) -> Iterator[tuple[str, str]]:
    """Yield the two sides of a range, in every way that a text may be one."""
    position = text.find("..")
    for _ in range(_MAX_SEPARATORS):
        if position < 0:
            return
        yield text[:position], text[position + 2 :]
        position = text.find("..", position + 1)


def _side(text: str, is_origin: Callable[[str], bool], timezone: tzinfo) -> Revision | None:
    article, at, tail = text.rpartition("@")
    selector = _selector(tail, timezone) if at else None
    if text and is_origin(text):
        return Revision(text, Latest())
    return None if selector is None else Revision(article, selector)


def _selector(tail: str, timezone: tzinfo) -> Selector | None:
    if tail == "latest":
        return Latest()
    number = tail.removeprefix("~")
    if number.isascii() and number.isdecimal() and len(number) <= _MAX_DIGITS:
        found: Selector = Number(int(number)) if number == tail else StepsBack(int(number))
        return found if int(number) else None
    if wording := WORDING.fullmatch(tail):
        fewest, most = _WORDING_DIGITS
        return WordingPrefix(wording[1].lower()) if fewest <= len(wording[1]) <= most else None
    moment = _parse_time(tail, timezone)
    return None if moment is None else AtMoment(moment)


def _parse_time(tail: str, timezone: tzinfo) -> datetime | None:
    found = MOMENT.fullmatch(tail)
    with suppress(MomentError):
        return found and parse_moment(tail, timezone, "first" if found["time"] else "last")
    return None


def selector_error(tail: str) -> str:
    """Return the reason why the text after an @ is not a selector."""
    if WORDING.fullmatch(tail):
        return message_text("digits_missing")
    if tail.startswith("w1:"):
        return message_text("digits_invalid")
    if tail.startswith("~") or (tail.isdecimal() and len(tail) <= _MAX_DIGITS):
        return message_text("whole_numbers")
    return message_text("no_selector", tail=tail)
