"""Collect the dates that readers see: time elements, lines near the headline, labelled lines."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from worker.text.annotate.bylines import BYLINE_START
from worker.text.annotate.date_lines import (
    MODIFIED_WORD,
    PUBLISHED_WORD,
    RELATIVE_DAY,
    RELATIVE_TIME,
    labelled_dates,
)
from worker.text.page.layout.blocks import Block, Layout, class_and_id, single_line_text
from worker.text.page.layout.candidates import CandidateCollector
from worker.text.page.layout.labels import PUBLISHED_LABEL
from worker.text.page.layout.lines import is_day_line

BELOW_HEADLINE = "line below the headline"
ABOVE_HEADLINE = "line above the headline"
BESIDE_HEADLINE = "line beside the headline"
LABELLED_LINE = "labelled line"
DISTANT_LABELLED_LINE = f"{LABELLED_LINE} beside the article"
OPENING = "beginning of a paragraph"
PAGE_TEXT = "page text"

_LONGEST_LINE = 160  # characters
_LONGEST_DAY_LINE = 60
_LONGEST_LABEL = 35
_LONGEST_RELATIVE_LINE = 50
_ABOVE, _AROUND = 5, 25
"""Number of blocks before and after the headline whose dates count without a label."""
_BELOW = 6
"""Number of blocks after the headline that may be its date line."""
_TIMES_AFTER = 12
_MAX_TIMES = 200
_MAX_HEADLINES = 3
_MAX_LEVELS = 4
_DATE_DIGITS = 3
_MAX_PARAGRAPHS = 3
_OPENING_LENGTH = 100
_LONGEST_PLACE = 40
_ARTICLE_ZONES = ("article", "caption")

YEAR = re.compile(r"(?:19|20)\d\d|\d\.\s?[0-3]\d(?!\d)|[０-９]{4}")
"""A year of four digits, or one of two after a number.

>>> bool(YEAR.search("18.06.24")), bool(YEAR.search("17 Kommentare"))
(True, False)
"""

OPENING_END = re.compile(r"\s?[|–—)]|\s-\s|:\s|-\s")
"""The mark between a date and the first sentence of a paragraph.

>>> [OPENING_END.split(text)[0] for text in ("27.1.2022 - Bei der Feier", "(2. Mai 2022) Bei der")]
['27.1.2022', '(2. Mai 2022']
"""

SENTENCE_WORD = re.compile(
    r"^\W*(?:am|seit|bis|ab|im|zum|on|since|until|from|by|in|le|depuis|el|desde|dal|op)\b",
    re.IGNORECASE,
)
"""A first word that makes a date part of a sentence.

>>> bool(SENTENCE_WORD.search("Am 2. Mai 2022")), bool(SENTENCE_WORD.search("Amt, 2. Mai 2022"))
(True, False)
"""

OTHER_DATE_WORD = re.compile(
    r"\b(?:geb(?:oren)?|gest(?:orben)?|born|died|birth\w*|née?|nacid[oa]|nat[oa]|termin|beginn|ab|bis"
    r"|until|gültig|valid|expires|event|veranstaltung|foto|photo)\b",
    re.IGNORECASE,
)
"""A word that marks a date as that of something else than the text.

>>> bool(OTHER_DATE_WORD.search("geboren am")), bool(OTHER_DATE_WORD.search("Ada Kern, "))
(True, False)
"""

MONTH_FIRST_REGION = re.compile(r"en[-_](?:us|ph)\b", re.IGNORECASE)
"""A language tag of a region that writes the month before the day.

>>> bool(MONTH_FIRST_REGION.match("en-US")), bool(MONTH_FIRST_REGION.match("en-GB"))
(True, False)
"""
_DAY_FIRST_LANGUAGES = frozenset({
    "de", "fr", "es", "it", "nl", "pt", "pl", "tr", "da", "no", "nb", "el", "ro", "cs", "ru", "ca",
})  # fmt: skip
_DAY_FIRST_HOSTS = (".uk", ".au", ".nz", ".ie", ".in", ".za")


def collect_visible_dates(
    layout: Layout, collector: CandidateCollector, *, language: str, url: str | None
) -> None:
    """Add the visible dates; `language` is the tag that the page declares."""
    headlines = _headline_indexes(layout)
    _collect_times(layout, headlines, collector)
    day_first = is_day_first(language, url)
    _collect_lines(layout.blocks, headlines, collector, day_first=day_first)
    _collect_openings(layout.blocks, headlines, collector, day_first=day_first)


def _headline_indexes(layout: Layout) -> tuple[int, ...]:
    """Return the blocks that may be the headline; the name of the site may be the first h1."""
    others = (i for i, b in enumerate(layout.blocks) if b.tag == "h1" and b.zone == "article")
    return tuple(dict.fromkeys((layout.headline, *islice(others, _MAX_HEADLINES))))


def _distance(index: int, headlines: Sequence[int]) -> int:
    """Return the number of blocks since the nearest headline, negative before it."""
    return min((index - headline for headline in headlines), key=lambda d: (abs(d), -d))


def is_day_first(language: str, url: str | None) -> bool | None:
    """Check whether the day precedes the month in numbers; None if the page does not show it.

    >>> is_day_first("de-AT", None), is_day_first("en-US", None), is_day_first("en", None)
    (True, False, None)
    >>> is_day_first("en", "https://bote.example.co.uk/a")
    True
    """
    if MONTH_FIRST_REGION.match(language):
        return False
    if language[:2].lower() in _DAY_FIRST_LANGUAGES or language[:5].lower() in ("en-gb", "en-au"):
        return True
    try:
        host = urlsplit(url or "").hostname or ""
    except ValueError:
        return None
    return True if host.endswith(_DAY_FIRST_HOSTS) else None


# ------------------------------------------------------------------ time elements


def _collect_times(layout: Layout, headlines: Sequence[int], collector: CandidateCollector) -> None:
    numbers = {block.element: index for index, block in enumerate(layout.blocks)}
    for element in islice(layout.body.iter("time"), _MAX_TIMES):
        index = _block_index(element, numbers)
        is_near = index is not None and -_ABOVE <= _distance(index, headlines) <= _TIMES_AFTER
        suffix = _time_suffix(is_near=is_near, is_inside=layout.zone(element) in _ARTICLE_ZONES)
        field = "modified" if MODIFIED_WORD.search(_words_around(element)) else "published"
        collector.add(field, element.get("datetime"), f"time[datetime]{suffix}")
        text = single_line_text(element)[:120]
        if sum(map(str.isdecimal, text)) >= _DATE_DIGITS or not element.get("datetime"):
            collector.add(field, text, f"time{suffix}")


def _block_index(element: HtmlElement, numbers: Mapping[HtmlElement, int]) -> int | None:
    """Return the index of the block that contains an element, None if it is in no block."""
    for _ in range(_MAX_LEVELS):
        if element is None or element in numbers:
            break
        element = element.getparent()
    return numbers.get(element)


def _time_suffix(*, is_near: bool, is_inside: bool) -> str:
    if is_near:
        return " near the headline" if is_inside else " beside the headline"
    return "" if is_inside else " beside the article"


def _words_around(element: HtmlElement) -> str:
    """Return classes and words around a time element, which indicate its meaning."""
    words = [class_and_id(element), single_line_text(element)[:60]]
    parent = element.getparent()
    if parent is not None:
        words += [class_and_id(parent)[:200], (parent.text or "")[-60:]]
    return " ".join(words).replace("-", " ").replace("_", " ")


# ------------------------------------------------------------------ lines


def _collect_lines(
    blocks: Sequence[Block],
    headlines: Sequence[int],
    collector: CandidateCollector,
    *,
    day_first: bool | None,
) -> None:
    """Add dates in short lines near the headline, and in labelled lines; sentences excluded."""
    before = ""
    for index, block in enumerate(blocks):
        previous, before = before, block.text
        if block.zone == "hidden" or len(block.text) > _LONGEST_LINE or block.tag == "time":
            continue
        distance = _distance(index, headlines)
        is_near = -_ABOVE <= distance <= _AROUND
        if is_near and block.zone == "article" and _is_relative(block.text):
            field = "modified" if MODIFIED_WORD.search(block.text) else "published"
            collector.add(field, block.text, PAGE_TEXT)
        if not (is_near or len(block.text) <= _LONGEST_DAY_LINE) or not _is_date_line(block):
            continue
        for label, stamp in labelled_dates(block.text, day_first=day_first):
            words = label.removesuffix(stamp)
            if not words.strip() and _is_label(previous):
                words = previous
            is_labelled = _is_published(words, block, is_near=is_near)
            if MODIFIED_WORD.search(words[-_LONGEST_LABEL:]):
                collector.add("modified", stamp, PAGE_TEXT if is_near else LABELLED_LINE)
            elif is_labelled or is_near:
                place = _line_place(block, distance, words, is_labelled=is_labelled)
                collector.add("published", stamp, place)


def _is_date_line(block: Block) -> bool:
    if YEAR.search(block.text) is None:
        return False
    if block.tag == "h1":  # a date inside a headline belongs to the event
        return is_day_line(block.text)
    return not _is_sentence(block.text)


def _is_published(words: str, block: Block, *, is_near: bool) -> bool:
    """Check whether the words before a date, or the class of its block, label the publication."""
    if is_near and block.zone == "article" and PUBLISHED_LABEL.search(block.label):
        return True
    is_short = len(words) <= _LONGEST_LABEL and (is_near or len(block.text) <= _LONGEST_DAY_LINE)
    return is_short and PUBLISHED_WORD.search(words) is not None


def _is_label(text: str) -> bool:
    return len(text) <= _LONGEST_LABEL and not any(map(str.isdecimal, text))


def _line_place(block: Block, distance: int, words: str, *, is_labelled: bool) -> str:
    """Return the place of a date in a line, from the words before it."""
    if is_labelled:
        return LABELLED_LINE if -_ABOVE <= distance <= _BELOW else DISTANT_LABELLED_LINE
    is_item = block.tag == "li" and any(map(str.isalpha, words))
    if is_item or OTHER_DATE_WORD.search(words):
        return PAGE_TEXT
    if block.zone != "article":
        return BESIDE_HEADLINE
    if distance < 0:
        return ABOVE_HEADLINE
    is_below = distance <= _BELOW and len(block.text) <= _LONGEST_DAY_LINE
    return BELOW_HEADLINE if is_below else PAGE_TEXT


def _is_relative(text: str) -> bool:
    if len(text) > _LONGEST_RELATIVE_LINE:
        return False
    day = RELATIVE_DAY.match(text)
    return bool(day and day["hour"]) or RELATIVE_TIME.search(text) is not None


def _is_sentence(text: str) -> bool:
    ends = len(text) > _LONGEST_RELATIVE_LINE and text.endswith((".", "!", "?"))
    return ends and not BYLINE_START.match(text) and not text[:1].isdecimal()


# ------------------------------------------------------------------ paragraphs


def _collect_openings(
    blocks: Sequence[Block],
    headlines: Sequence[int],
    collector: CandidateCollector,
    *,
    day_first: bool | None,
) -> None:
    """Add dates before the first sentence of a paragraph: 18.06.2024 - In Niederlohe …"""
    for block in islice(_first_paragraphs(blocks, headlines), _MAX_PARAGRAPHS):
        head, *rest = OPENING_END.split(block.text[:_OPENING_LENGTH], maxsplit=1)
        if not rest or YEAR.search(head) is None or SENTENCE_WORD.search(head):
            continue
        dates = list(labelled_dates(head, day_first=day_first))
        if len(dates) == 1 and len(head) - len(dates[0][1]) <= _LONGEST_PLACE:
            collector.add("published", dates[0][1], OPENING)


def _first_paragraphs(blocks: Sequence[Block], headlines: Sequence[int]) -> Iterator[Block]:
    for index, block in enumerate(blocks):
        is_below = block.zone == "aside" and 0 < _distance(index, headlines) <= _BELOW
        if (block.zone == "article" or is_below) and len(block.text) > _OPENING_LENGTH:
            yield block
