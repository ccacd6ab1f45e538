"""PURE: whether a page may have come in place of an article, by its signs and the text before.

The thresholds come from 2,640 pairs of a real article and a page in its place: in all of them marks
of the article were lost, 99.4 % shared fewer than 60 % of the words, 92.7 % fewer than 40 %. Of 975
steps between versions of laws and encyclopedia articles, 31 shared fewer than 40 %.
"""

import re
from dataclasses import dataclass
from typing import Literal

from storage.diff.change import CaptureContent

Grade = Literal["soft", "wall"]
GRADES: tuple[Grade, ...] = ("soft", "wall")
"""The grades, the weaker one first: time confirms a soft doubt, only a person a wall."""

MARKS = frozenset({"json_ld", "og_type", "date", "author"})
"""The marks of an article (`worker.text.page.signs`)."""
SHAPE = frozenset(
    {"password_form", "noindex", "refresh", "site_title", "other_headline", "wall_words"}
)
"""The signs of a page in place of an article, if its text is short."""
WALL_TEXT = "wall_text"
"""The sign of a text whose words would refuse a page without the marks of an article."""
INCOMPLETE = "resources_failed"
"""The sign of a page of a browser that did not get all it asked for: its text may lack a part."""
FEW = 0.6
"""Share of the words of the smaller text below which other signs count, and share of the words
before that an incomplete page has at least.
"""
FEWEST = 0.4
"""Share below which a text is doubtful without any other sign."""
_ENOUGH_MARKS = 2
_LEAST_WORDS = 20
"""Number of words of a text from which another one with few of them is doubtful for that alone."""
_WORD = re.compile(r"[^\W_]{4,}")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a reading may not be the article; `seconds` is the wait until a check may confirm it."""

    grade: Grade
    signs: tuple[str, ...]
    seconds: int


def doubt_grade(
    before: CaptureContent | None, own: CaptureContent, *, is_repeated: bool = False
) -> tuple[Grade, tuple[str, ...]] | None:
    """Return the grade and the signs of a doubt about a page; None if there is none.

    `before` is the text before it, if any. `is_repeated`: other articles of the site, whose texts
    differed before, have the same text.
    """
    signs = own.signs
    if signs is None or own.is_redacted:
        return None
    if before is None:
        return _first_grade(signs, is_repeated=is_repeated)
    if before.is_redacted:
        return None
    if before.signs is not None:  # a site may give no page a headline
        signs -= before.signs & {"other_headline"}
    share = share_of_words(before, own)
    is_cut = INCOMPLETE in signs and len(_words(own)) < FEW * len(_words(before))
    if share >= FEW:
        return ("soft", (INCOMPLETE,)) if is_cut else None
    shown = sorted(signs & (SHAPE | {"short"}))
    reasons = [
        ("marks_lost", _has_lost_marks(before, signs)), ("same_text", is_repeated),
        (WALL_TEXT, WALL_TEXT in signs),
    ]  # fmt: skip
    found = [name for name, is_there in reasons if is_there]
    if found or (not signs & (MARKS - {"date"}) and _is_wall_shaped(signs)):
        return "wall", ("few_words", *found, *shown)
    is_soft = is_cut or (share < FEWEST and len(_words(before)) >= _LEAST_WORDS)
    return ("soft", ("few_words", *shown)) if is_soft else None


def _first_grade(
    signs: frozenset[str], *, is_repeated: bool
) -> tuple[Grade, tuple[str, ...]] | None:
    """Return the grade of the first text of an address: it has no mark of an article, or the text
    of a wall.
    """
    shown = sorted(signs & (SHAPE | {"short"}))
    if WALL_TEXT in signs:
        return "wall", (WALL_TEXT, *shown)
    if signs & MARKS:
        return None
    if is_repeated or ("password_form" in signs and "short" in signs):
        return "wall", ("no_marks", *(("same_text",) if is_repeated else ()), *shown)
    if "article_element" in signs:
        return None
    is_doubtful = "short" in signs or _is_wall_shaped(signs)
    return ("wall", ("no_marks", *shown)) if is_doubtful else None


def _is_wall_shaped(signs: frozenset[str]) -> bool:
    return bool(signs & SHAPE) and ("short" in signs or "wall_words" in signs)


def _has_lost_marks(before: CaptureContent, signs: frozenset[str]) -> bool:
    """Check whether a page lost the marks of the article: at most a date is left."""
    earlier = (before.signs or frozenset()) & MARKS
    left = signs & MARKS
    return len(earlier - left) >= _ENOUGH_MARKS and left <= {"date"}


def share_of_words(a: CaptureContent, b: CaptureContent) -> float:
    """Return the share of the words of the smaller text that the other one has, too.

    Words are those of at least four letters: shorter ones occur in all texts of a language. So a
    beginning that becomes the whole text, or a text that is cut, shares all words.
    """
    words, others = _words(a), _words(b)
    smaller = min(len(words), len(others))
    return len(words & others) / smaller if smaller else 1.0


def _words(content: CaptureContent) -> frozenset[str]:
    return words_in("\n".join(paragraph.canon for paragraph in content.paragraphs))


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text with four letters or more."""
    return frozenset(_WORD.findall(text.casefold()))
