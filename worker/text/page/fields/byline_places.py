"""Collect candidates for authors: bylines, links, author boxes, first and last lines."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from lxml.html import HtmlElement

from worker.text.annotate.bylines import (
    BYLINE_LABEL_ALONE,
    BYLINE_START,
    DATE_STAMP,
    has_byline_start,
    is_byline,
    is_person_line,
    is_signature,
    names_in_line,
)
from worker.text.page.layout.blocks import Block, Layout, Zone, class_and_id
from worker.text.page.layout.candidates import CandidateCollector
from worker.text.page.layout.container import find_container, is_inside, is_running_text
from worker.text.page.layout.labels import BYLINE_LABEL

LONGEST_BYLINE = 160
_SHORTEST_BYLINE = 4
_LONGEST_LINE = 50
_ABOVE, _BELOW = 5, 12
"""Number of blocks before and after the headline that belong to it, whatever their class."""
_BLOCKS_AROUND_HEADLINE = 25
_LAST_RUNNING = 2
_BYLINE_TAGS = (
    "span", "div", "p", "a", "address", "li", "strong", "h3", "h4", "h5", "h6", "small", "em",
    "cite", "td", "aside",
)  # fmt: skip
_OTHER_BLOCKS = ("h1", "h2", "figcaption", "blockquote")
_BOOK_LINES = 4
"""Number of lines around a book description that may belong to it."""
_PLACE_IN: Mapping[Zone, str] = {
    "article": "", "aside": " beside the article", "caption": " in a caption", "chrome": "",
}  # fmt: skip
_DISTANT_PLACE = {"article": "byline in the text", "aside": "byline beside the article"}
_TEXT_ZONES = tuple(_DISTANT_PLACE)
_NAME_TAGS = ("h2", "h3", "h4", "h5", "h6", "div", "span", "strong", "a")


BOOK_LINE = re.compile(
    r"(?:verlag|seiten(?:zahl)?|isbn|originaltitel|publisher|pages)\s*:", re.IGNORECASE
)
"""A line of a book description, which may name the author of the book.

>>> bool(BOOK_LINE.match("Verlag: Deichpresse")), bool(BOOK_LINE.match("Verlagshaus: Lohe"))
(True, False)
"""
BYLINE_LABEL_BEFORE = re.compile(r"(?:autor(?:in|en)?|authors?)\s*:", re.IGNORECASE)
AUTHOR_BOX_LABEL = re.compile(
    r"(?:author|autor(?:in|en)?|verfasser(?:in)?)(?:s)?[\s_-]*(?:bio\w*|box|info\w*|card|profil\w*|meta|vcard|about|portrait)\b"
    r"|\b(?:about|box|card|profil|ueber|über)[\s_-]+(?:the[\s_-]+|den[\s_-]+|die[\s_-]+)?(?:author|autor(?:in)?)\b",
    re.IGNORECASE,
)
"""A class of a box about the author.

>>> [bool(AUTHOR_BOX_LABEL.search(label)) for label in ("author-bio footer", "teaser-box author")]
[True, True]
>>> bool(AUTHOR_BOX_LABEL.search("authority-infobox"))
False
"""

AUTHOR_ADDRESS = re.compile(
    r"[/?&_](?:authors?|autor(?:en|in)?|profiles?|people|contributors?|staff|journalists?|by|team|byline|verfasser|redakteure?|columnists?|reporters?)[/=]\w",
    re.IGNORECASE,
)
"""The address of a page about an author.

>>> bool(AUTHOR_ADDRESS.search("/author/ada-kern")), bool(AUTHOR_ADDRESS.search("/authority/3"))
(True, False)
"""

UNRELATED_LABEL = re.compile(r"comment|kommentar|repl(?:y|ies)|related|recommend", re.IGNORECASE)
"""A class of comments, or of recommended articles.

>>> bool(UNRELATED_LABEL.search("comment-author vcard")), bool(UNRELATED_LABEL.search("author-bio"))
(True, False)
"""

BOX_LINK = re.compile(
    r"(?:all|more|about|follow|view|see|alle[rs]?|mehr|über|zum|zur|folgen|weitere|die|der|das|the)\s",
    re.IGNORECASE,
)
"""The beginning of a line in an author box that is not a name.

>>> bool(BOX_LINK.match("Alle Texte")), bool(BOX_LINK.match("Alla Kern"))
(True, False)
"""


def collect_bylines(layout: Layout, collector: CandidateCollector) -> None:
    """Add the authors of bylines, links, lines around the headline, last lines and author boxes."""
    headline_index = layout.headline
    _collect_labelled_elements(layout, headline_index, collector)
    near_lines = _near_lines(layout.blocks, headline_index)
    _collect_byline_blocks(layout.blocks, near_lines, collector)
    _collect_lines(near_lines, headline_index, collector)
    collector.add("authors", _last_line(layout.blocks), "last line")
    collector.add("authors", _author_box_names(layout), "author box")


def _collect_labelled_elements(
    layout: Layout, headline_index: int, collector: CandidateCollector
) -> None:
    """Add the elements with the class of a byline, and links to pages of authors.

    Elements near the headline count in any zone that is not hidden.
    """
    numbers = {block.element: index for index, block in enumerate(layout.blocks)}
    block_index = 0
    for element in layout.body.iter(*_OTHER_BLOCKS, *_BYLINE_TAGS):
        block_index = numbers.get(element, block_index)
        label = element.get("class") or element.get("id")
        kinds = ["byline"] if label and _is_byline_place(label) else []
        if element.tag == "a":
            kinds += _link_kinds(element)
        if not kinds:
            continue
        zone = layout.zone(element)
        is_near = headline_index - _ABOVE <= block_index <= headline_index + _BELOW
        if zone in _TEXT_ZONES or (zone != "hidden" and is_near):
            zone = "article" if is_near and zone == "aside" else zone
            text = _text_with_bars(element)
            if _SHORTEST_BYLINE <= len(text) <= LONGEST_BYLINE and not _is_prose(text):
                for kind in kinds:
                    collector.add("authors", [text], kind + _PLACE_IN[zone])


def _link_kinds(link: HtmlElement) -> Iterator[str]:
    """Yield the places that a link counts as, by its relation and its address."""
    if "author" in link.get("rel", "").split():
        yield "link rel=author"
    if AUTHOR_ADDRESS.search(link.get("href", "")):
        yield "author link"


def _near_lines(blocks: Sequence[Block], headline_index: int) -> dict[int, str]:
    """Return the short lines around the headline, with bars between their parts."""
    first, last = max(0, headline_index - _ABOVE), headline_index + _BLOCKS_AROUND_HEADLINE
    return {
        index: _with_bars(block)
        for index, block in enumerate(blocks[first : last + 1], first)
        if block.zone != "hidden" and len(block.text) <= LONGEST_BYLINE
    }


def _collect_lines(
    near_lines: Mapping[int, str], headline_index: int, collector: CandidateCollector
) -> None:
    """Add the short lines around the headline that begin like a byline, or contain only names."""
    for index, line in near_lines.items():
        if index >= headline_index + _BELOW or BYLINE_LABEL_BEFORE.match(line) or _is_prose(line):
            continue
        parts = line.split(" | ")
        below = index > headline_index or (index == headline_index and len(parts) > 1)
        bylines = [part for part in parts if below and has_byline_start(part)]
        for part in bylines:
            collector.add("authors", [part], "byline below the headline")
        if not bylines and index != headline_index:
            place = "byline" if DATE_STAMP.search(line) else "line around the headline"
            collector.add("authors", names_in_line(line), place)


def _collect_byline_blocks(
    blocks: Sequence[Block], near_lines: Mapping[int, str], collector: CandidateCollector
) -> None:
    """Add lines worded like a byline, and the name lines below one that ends with a label."""
    names_below: list[str] | None = None
    lines = list(_short_lines(blocks, near_lines))
    for number, (line, zone, is_near) in enumerate(lines):
        place = "byline" if is_near else _DISTANT_PLACE[zone]
        if names_below is not None and is_person_line(line):
            names_below.append(line)
            continue
        collector.add("authors", names_below, place)
        names_below = [] if BYLINE_LABEL_ALONE.fullmatch(line.rpartition(" | ")[2]) else None
        context = lines[max(0, number - _BOOK_LINES) : number + _BOOK_LINES + 1]
        if is_byline(line) and not (BYLINE_LABEL_BEFORE.match(line) and _has_book(context)):
            collector.add("authors", [line], place)
    collector.add("authors", names_below, "byline in the text")


def _has_book(lines: Sequence[tuple[str, Zone, bool]]) -> bool:
    """Check whether the lines contain a book description."""
    return any(zone in _TEXT_ZONES and BOOK_LINE.match(line) for line, zone, _is_near in lines)


def _with_bars(block: Block) -> str:
    """Return a line with bars between its parts, so that name and label are separate."""
    if len(block.element) == 0:
        return block.text
    parts = [part for part in _text_with_bars(block.element).split(" | ") if part in block.text]
    same = "".join(parts).replace(" ", "") == block.text.replace(" ", "")
    return " | ".join(parts) if same else block.text


def _author_box_names(layout: Layout) -> list[str]:
    """Return the name in the author boxes, if they all contain the same."""
    names: dict[str, None] = {}
    for element in layout.body.iter("div", "section", "aside", "footer"):
        label = element.get("class") or element.get("id")
        if label and _is_author_box(label) and not _is_unrelated_box(element):
            lines = (_text_with_bars(e) for e in element.iter(*_NAME_TAGS) if not any(map(len, e)))
            name = next(filter(_is_whole_name, lines), None)
            names |= {name: None} if name else {}
    return list(names) if len(names) == 1 else []


def _is_unrelated_box(box: HtmlElement) -> bool:
    """Check whether a box is among comments, or in a list of other articles."""
    ancestors = (e for e in (box, *box.iterancestors()) if e.tag not in ("body", "html"))
    return any(e.tag == "li" or UNRELATED_LABEL.search(class_and_id(e)) for e in ancestors)


def _is_whole_name(text: str) -> bool:
    return " " in text and is_person_line(text) and BOX_LINK.match(text) is None


def _text_with_bars(element: HtmlElement) -> str:
    """Return the text of an element with a bar between its parts, such as name and role.

    >>> from lxml.html import fromstring
    >>> _text_with_bars(fromstring("<p>Von <a>Ada Kern</a> <i>Redakteurin</i> <i>Küste</i></p>"))
    'Von Ada Kern | Redakteurin Küste'
    """
    parts: list[str] = []
    is_previous_single = True
    for text in element.itertext():
        part = " ".join(text.split())
        if not part:
            continue
        is_single = " " not in part
        if parts and (
            (is_previous_single and is_single)
            or _is_introduction(parts[-1])
            or not part[0].isalnum()
        ):
            parts[-1] += f" {part}"
        else:
            parts.append(part)
        is_previous_single = is_single
    return " | ".join(parts)


def _is_introduction(part: str) -> bool:
    """Check whether a name follows a part: it is only a label, or ends with a comma."""
    return part.endswith((",", "&", ":")) or BYLINE_START.sub("", part) == ""


def _is_prose(text: str) -> bool:
    return len(text) > _LONGEST_LINE and text.endswith((".", "!", "?"))


def _short_lines(
    blocks: Sequence[Block], near_lines: Mapping[int, str]
) -> Iterator[tuple[str, Zone, bool]]:
    """Yield short lines of the article, their zones, and whether they are near the headline."""
    for index, block in enumerate(blocks):
        if index in near_lines:
            yield near_lines[index], block.zone, True
        elif block.zone in _TEXT_ZONES and len(block.text) <= LONGEST_BYLINE:
            yield block.text, block.zone, False


def _last_line(blocks: Sequence[Block]) -> list[str]:
    """Return the name on a separate line below the last paragraph of the text."""
    container = find_container(blocks)
    if container is None:
        return []
    inside = (block for block in reversed(blocks) if is_inside(block.element, container))
    running = 0
    follower = None
    for block in inside:
        if is_running_text(block):
            running += 1
            if follower is not None and _is_signature_block(follower):
                return [follower.text]
            if running == _LAST_RUNNING:  # a notice of the publisher may follow
                break
        follower = block
    return []


def _is_signature_block(block: Block) -> bool:
    return block.tag == "p" and block.zone == "article" and is_signature(block.text)


@lru_cache(maxsize=4096)  # classes repeat within a page and a site
def _is_byline_place(label: str) -> bool:
    lower_case = label.lower()
    may_be = (
        "tor" in lower_case
        or "author" in lower_case
        or "line" in lower_case
        or "writer" in lower_case
    )
    return (may_be or "verfasser" in lower_case) and BYLINE_LABEL.search(label) is not None


@lru_cache(maxsize=4096)
def _is_author_box(label: str) -> bool:
    lower_case = label.lower()
    may_be = "autor" in lower_case or "author" in lower_case or "verfasser" in lower_case
    return may_be and AUTHOR_BOX_LABEL.search(label) is not None
