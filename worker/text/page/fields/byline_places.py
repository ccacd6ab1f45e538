"""Read the places of a page that name who wrote: bylines, links, boxes, first and last lines."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from lxml.html import HtmlElement

from worker.text.annotate.bylines import (
    BYLINE_LABEL_ALONE,
    BYLINE_START,
    STAMP,
    is_byline,
    is_introduced,
    is_person_line,
    is_signature,
    names_in_line,
)
from worker.text.page.layout.blocks import Block, Layout, Zone, label_of
from worker.text.page.layout.candidates import Collection
from worker.text.page.layout.container import container_of, is_inside, runs
from worker.text.page.layout.labels import BYLINE_LABEL

LONGEST_BYLINE = 160
_SHORTEST_BYLINE = 4
_LONGEST_LINE = 50
_ABOVE, _BELOW = 5, 12
"""So many blocks around the headline belong to it, whatever their classes say."""
_BLOCKS_AROUND_HEADLINE = 25
_LAST_RUNNING = 2
_BYLINE_TAGS = (
    "span", "div", "p", "a", "address", "li", "strong", "h3", "h4", "h5", "h6", "small", "em",
    "cite", "td", "aside",
)  # fmt: skip
_OTHER_BLOCKS = ("h1", "h2", "figcaption", "blockquote")
_BOOK_LINES = 4
"""So many lines around one of a book are of that book, too."""
_PLACE_IN: Mapping[Zone, str] = {
    "article": "", "aside": " beside the article", "caption": " in a caption", "chrome": "",
}  # fmt: skip
_FAR_LINE = {"article": "byline in the text", "aside": "byline beside the article"}
_READ = tuple(_FAR_LINE)
_NAME_TAGS = ("h2", "h3", "h4", "h5", "h6", "div", "span", "strong", "a")


BOOK_LINE = re.compile(
    r"(?:verlag|seiten(?:zahl)?|isbn|originaltitel|publisher|pages)\s*:", re.IGNORECASE
)
"""A line of what is told of a book, beside who wrote it.

>>> bool(BOOK_LINE.match("Verlag: Deichpresse")), bool(BOOK_LINE.match("Verlagshaus: Lohe"))
(True, False)
"""
BYLINE_LABEL_BEFORE = re.compile(r"(?:autor(?:in|en)?|authors?)\s*:", re.IGNORECASE)
AUTHOR_BOX_LABEL = re.compile(
    r"(?:author|autor(?:in|en)?|verfasser(?:in)?)(?:s)?[\s_-]*(?:bio\w*|box|info\w*|card|profil\w*|meta|vcard|about|portrait)\b"
    r"|\b(?:about|box|card|profil|ueber|über)[\s_-]+(?:the[\s_-]+|den[\s_-]+|die[\s_-]+)?(?:author|autor(?:in)?)\b",
    re.IGNORECASE,
)
"""A class of the box that introduces whoever wrote.

>>> [bool(AUTHOR_BOX_LABEL.search(each)) for each in ("author-bio footer", "teaser-box author")]
[True, True]
>>> bool(AUTHOR_BOX_LABEL.search("authority-infobox"))
False
"""

AUTHOR_ADDRESS = re.compile(
    r"[/?&_](?:authors?|autor(?:en|in)?|profiles?|people|contributors?|staff|journalists?|by|team|byline|verfasser|redakteure?|columnists?|reporters?)[/=]\w",
    re.IGNORECASE,
)
"""The address of the page on somebody who writes.

>>> bool(AUTHOR_ADDRESS.search("/author/ada-kern")), bool(AUTHOR_ADDRESS.search("/authority/3"))
(True, False)
"""

OTHERS_LABEL = re.compile(r"comment|kommentar|repl(?:y|ies)|related|recommend", re.IGNORECASE)
"""A class of what readers wrote, or of articles that are recommended.

>>> bool(OTHERS_LABEL.search("comment-author vcard")), bool(OTHERS_LABEL.search("author-bio"))
(True, False)
"""

BOX_LINK = re.compile(
    r"(?:all|more|about|follow|view|see|alle[rs]?|mehr|über|zum|zur|folgen|weitere|die|der|das|the)\s",
    re.IGNORECASE,
)
"""How a line of such a box begins that is no name.

>>> bool(BOX_LINK.match("Alle Texte")), bool(BOX_LINK.match("Alla Kern"))
(True, False)
"""


def collect_bylines(layout: Layout, collection: Collection) -> None:
    """Offer the names of whoever wrote, each place with what stands around it."""
    at = headline_at(layout.blocks)
    _collect_labelled(layout, at, collection)
    near = _near_lines(layout.blocks, at)
    _collect_byline_blocks(layout.blocks, near, collection)
    _collect_lines(near, at, collection)
    collection.add("authors", _last_line(layout.blocks), "last line")
    collection.add("authors", _in_author_boxes(layout), "author box")


def headline_at(blocks: Sequence[Block]) -> int:
    """Return which block is the headline of the article, 0 where none looks like it."""
    for tag, zones in (("h1", ("article",)), ("h1", tuple(_PLACE_IN)), ("h2", ("article",))):
        for index, block in enumerate(blocks):
            if block.tag == tag and block.zone in zones:
                return index
    return 0


def _collect_labelled(layout: Layout, at: int, collection: Collection) -> None:
    """Offer what is called a byline, and the links to somebody who writes.

    Around the headline they count in whatever zone they stand.
    """
    numbers = {block.element: index for index, block in enumerate(layout.blocks)}
    passed = 0
    for element in layout.body.iter(*_OTHER_BLOCKS, *_BYLINE_TAGS):
        passed = numbers.get(element, passed)
        label = element.get("class") or element.get("id")
        kinds = ["byline"] if label and _is_byline_place(label) else []
        if element.tag == "a":
            kinds += _link_kinds(element)
        if not kinds:
            continue
        zone = layout.zone(element)
        is_near = at - _ABOVE <= passed <= at + _BELOW
        if zone in _READ or (zone != "hidden" and is_near):
            zone = "article" if is_near and zone == "aside" else zone
            text = _parted_text(element)
            if _SHORTEST_BYLINE <= len(text) <= LONGEST_BYLINE and not _is_prose(text):
                for kind in kinds:
                    collection.add("authors", [text], kind + _PLACE_IN[zone])


def _link_kinds(link: HtmlElement) -> Iterator[str]:
    """Yield the places of authors that a link is by its relation and its address."""
    if "author" in link.get("rel", "").split():
        yield "link rel=author"
    if AUTHOR_ADDRESS.search(link.get("href", "")):
        yield "author link"


def _near_lines(blocks: Sequence[Block], at: int) -> dict[int, str]:
    """Return the short lines around the headline, with bars between their parts."""
    first, last = max(0, at - _ABOVE), at + _BLOCKS_AROUND_HEADLINE
    return {
        index: _with_bars(block)
        for index, block in enumerate(blocks[first : last + 1], first)
        if block.zone != "hidden" and len(block.text) <= LONGEST_BYLINE
    }


def _collect_lines(near: Mapping[int, str], at: int, collection: Collection) -> None:
    """Offer the short lines around the headline that begin like a byline or are mere names."""
    for index, line in near.items():
        if index >= at + _BELOW or BYLINE_LABEL_BEFORE.match(line) or _is_prose(line):
            continue
        parts = line.split(" | ")
        below = index > at or (index == at and len(parts) > 1)
        introduced = [part for part in parts if below and is_introduced(part)]
        for part in introduced:
            collection.add("authors", [part], "byline below the headline")
        if not introduced and index != at:
            place = "byline" if STAMP.search(line) else "line around the headline"
            collection.add("authors", names_in_line(line), place)


def _collect_byline_blocks(
    blocks: Sequence[Block], near: Mapping[int, str], collection: Collection
) -> None:
    """Offer the lines that are a byline by their words, and those below one that announces it."""
    announced: list[str] | None = None
    lines = list(_short_lines(blocks, near))
    for number, (line, zone, is_near) in enumerate(lines):
        place = "byline" if is_near else _FAR_LINE[zone]
        if announced is not None and is_person_line(line):
            announced.append(line)
            continue
        collection.add("authors", announced, place)
        announced = [] if BYLINE_LABEL_ALONE.fullmatch(line.rpartition(" | ")[2]) else None
        around = lines[max(0, number - _BOOK_LINES) : number + _BOOK_LINES + 1]
        if is_byline(line) and not (BYLINE_LABEL_BEFORE.match(line) and _has_book(around)):
            collection.add("authors", [line], place)
    collection.add("authors", announced, "byline in the text")


def _has_book(lines: Sequence[tuple[str, Zone, bool]]) -> bool:
    """Return whether lines tell of a book."""
    return any(zone in _READ and BOOK_LINE.match(line) for line, zone, _is_near in lines)


def _with_bars(block: Block) -> str:
    """Return a line with bars between its parts, which may hold a name apart from its label."""
    if len(block.element) == 0:
        return block.text
    parts = [part for part in _parted_text(block.element).split(" | ") if part in block.text]
    same = "".join(parts).replace(" ", "") == block.text.replace(" ", "")
    return " | ".join(parts) if same else block.text


def _in_author_boxes(layout: Layout) -> list[str]:
    """Return the name in the boxes that introduce an author, where they all name the same."""
    names: dict[str, None] = {}
    for element in layout.body.iter("div", "section", "aside", "footer"):
        label = element.get("class") or element.get("id")
        if label and _is_author_box(label) and not _is_of_others(element):
            lines = (_parted_text(e) for e in element.iter(*_NAME_TAGS) if not any(map(len, e)))
            name = next(filter(_is_whole_name, lines), None)
            names |= {name: None} if name else {}
    return list(names) if len(names) == 1 else []


def _is_of_others(box: HtmlElement) -> bool:
    """Return whether a box stands among comments, or in a list of other articles."""
    around = (e for e in (box, *box.iterancestors()) if e.tag not in ("body", "html"))
    return any(e.tag == "li" or OTHERS_LABEL.search(label_of(e)) for e in around)


def _is_whole_name(text: str) -> bool:
    return " " in text and is_person_line(text) and BOX_LINK.match(text) is None


def _parted_text(element: HtmlElement) -> str:
    """Return the text of an element with a bar between its parts: name and role stand apart.

    >>> from lxml.html import fromstring
    >>> _parted_text(fromstring("<p>Von <a>Ada Kern</a> <i>Redakteurin</i> <i>Küste</i></p>"))
    'Von Ada Kern | Redakteurin Küste'
    """
    parts: list[str] = []
    single = True
    for text in element.itertext():
        part = " ".join(text.split())
        if not part:
            continue
        is_single = " " not in part
        if parts and ((single and is_single) or _opens(parts[-1]) or not part[0].isalnum()):
            parts[-1] += f" {part}"
        else:
            parts.append(part)
        single = is_single
    return " | ".join(parts)


def _opens(part: str) -> bool:
    """Return whether a name follows a part that only introduces one, or ends in a comma."""
    return part.endswith((",", "&", ":")) or BYLINE_START.sub("", part) == ""


def _is_prose(text: str) -> bool:
    return len(text) > _LONGEST_LINE and text.endswith((".", "!", "?"))


def _short_lines(
    blocks: Sequence[Block], near: Mapping[int, str]
) -> Iterator[tuple[str, Zone, bool]]:
    """Yield the lines of the article with their zone, and whether they stand by its headline."""
    for index, block in enumerate(blocks):
        if index in near:
            yield near[index], block.zone, True
        elif block.zone in _READ and len(block.text) <= LONGEST_BYLINE:
            yield block.text, block.zone, False


def _last_line(blocks: Sequence[Block]) -> list[str]:
    """Return the name that stands alone below the last paragraph of a text."""
    container = container_of(blocks)
    if container is None:
        return []
    inside = (block for block in reversed(blocks) if is_inside(block.element, container))
    running = 0
    follower = None
    for block in inside:
        if runs(block):
            running += 1
            if follower is not None and _is_signed(follower):
                return [follower.text]
            if running == _LAST_RUNNING:  # a note of the house may follow
                break
        follower = block
    return []


def _is_signed(block: Block) -> bool:
    return block.tag == "p" and block.zone == "article" and is_signature(block.text)


@lru_cache(maxsize=4096)  # a page repeats its classes, a site its pages
def _is_byline_place(label: str) -> bool:
    small = label.lower()
    may_be = "tor" in small or "author" in small or "line" in small or "writer" in small
    return (may_be or "verfasser" in small) and BYLINE_LABEL.search(label) is not None


@lru_cache(maxsize=4096)
def _is_author_box(label: str) -> bool:
    small = label.lower()
    may_be = "autor" in small or "author" in small or "verfasser" in small
    return may_be and AUTHOR_BOX_LABEL.search(label) is not None
