"""Read what a page shows of itself: headline, kicker, byline, times, and its microdata."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from lxml.html import HtmlElement

from worker.text.annotate.bylines import (
    BYLINE_LABEL_ALONE,
    BYLINE_START,
    is_byline,
    is_person_line,
    is_signature,
    named_in_day_line,
)
from worker.text.annotate.date_lines import AGO, MODIFIED_WORD, NEAR_DAY, stamps_in
from worker.text.page.layout.blocks import Block, Layout, label_of, split_words, squeezed_text
from worker.text.page.layout.candidates import Collection
from worker.text.page.layout.frame import frame_of, is_inside, runs
from worker.text.page.layout.labels import BYLINE_LABEL, KICKER_CLASS, KICKER_LABEL
from worker.text.page.layout.lines import is_day_line

_LONGEST_BYLINE = 160
_LONGEST_KICKER = 60
_LONGEST_DAY_LINE = 50
_BLOCKS_AROUND_HEADLINE = 25
_BLOCKS_BELOW = 10
_BELOW = "byline below the headline"
_MOST_HEADINGS = 20
_MOST_STEPS = 8
_LAST_RUNNING = 2
_BYLINE_TAGS = (
    "span", "div", "p", "a", "address", "li", "strong", "h3", "h4", "h5", "h6", "small", "em",
    "cite", "td", "aside",
)  # fmt: skip
_BOOK_LINES = 4
"""So many lines around one of a book are of that book, too."""
_READ = ("article", "aside")
_BESIDE = {"article": "", "aside": " beside the article"}
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


DAY_OPENS = re.compile(
    r"\(?(?P<day>\d{1,2}\.\s?(?:\d{1,2}\.|[A-Zä]\w+)\s?\d{4})(?:\s?[-–—:|]\s|\)[-–—:]?\s)"
)
"""A date before the first sentence of a paragraph.

>>> DAY_OPENS.match("27.1.2022 - Bei der Feier kamen alle.")["day"]
'27.1.2022'
>>> DAY_OPENS.match("(21. November 2022) Bei der Feier kamen alle.")["day"]
'21. November 2022'
>>> DAY_OPENS.match("27.1.2022 kamen alle.")
"""


def collect_visible(tree: HtmlElement, layout: Layout, collection: Collection) -> None:
    """Offer what can be seen."""
    _collect_headlines(layout, collection)
    _collect_microdata(tree, collection)
    _collect_breadcrumb(layout, collection)
    tags = _links(layout, "tag", ("article", "aside", "chrome"))
    collection.add("tags", tags, "link rel=tag")
    _collect_times(layout, collection)
    _collect_bylines(layout, collection)
    _collect_day_lines(layout.blocks, collection)


def _collect_headlines(layout: Layout, collection: Collection) -> None:
    for heading in list(layout.body.iter("h1"))[:_MOST_HEADINGS]:
        if layout.zone(heading) not in ("article", "caption"):
            collection.add("title", squeezed_text(heading), "h1 beside the article")
            continue
        whole = squeezed_text(heading)
        bare, kicker = split_kicker(heading)
        collection.add("title", bare or whole, "h1")
        if kicker and bare:
            collection.add("kicker", kicker, "h1")
            collection.add("title", whole, "h1 with kicker")
    collection.add("title", _first_h2(layout.blocks), "h2")
    collection.add("kicker", _kicker_above(layout.blocks), "above the headline")


def _kicker_above(blocks: Sequence[Block]) -> str:
    """Return the short line right above the headline that is called a kicker."""
    at = next((i for i, b in enumerate(blocks) if b.tag == "h1" and b.zone == "article"), 0)
    for block in blocks[max(0, at - 2) : at]:
        short = len(block.text) <= _LONGEST_KICKER and block.zone in ("article", "aside")
        if short and KICKER_CLASS.search(split_words(block.label)):
            return block.text
    return ""


def _first_h2(blocks: Sequence[Block]) -> str:
    """Return the h2 that stands above all text: some templates have the headline there."""
    for block in blocks:
        if block.zone == "article" and block.tag == "h2":
            return block.text
        if block.zone == "article" and block.tag == "p" and len(block.text) > _LONGEST_BYLINE:
            break
    return ""


def split_kicker(heading: HtmlElement) -> tuple[str, str]:
    """Return the headline of a heading and the words that only stand above or below it.

    >>> from lxml.html import fromstring
    >>> split_kicker(fromstring('<h1><span class="kicker">Deich</span> Die Linde bleibt</h1>'))
    ('Die Linde bleibt', 'Deich')
    """
    kickers = [e for e in heading.iterdescendants() if _is_kicker(e)]
    if not kickers:
        return squeezed_text(heading), ""
    aside = set(kickers)
    bare = " ".join("".join(_text_without(heading, aside)).split()).lstrip(" :|/·•–—-")
    kicker = " ".join(squeezed_text(e) for e in kickers if not aside & set(e.iterancestors()))
    return bare, kicker


def _is_kicker(element: HtmlElement) -> bool:
    if not isinstance(element.tag, str) or element.tag in ("br", "img"):
        return False
    return bool(KICKER_LABEL.search(label_of(element))) or element.tag in ("time", "small")


def _text_without(element: HtmlElement, left_out: set[HtmlElement]) -> Iterator[str]:
    if element.text:
        yield element.text
    for child in element:
        if child.tag == "br":
            yield " "
        elif isinstance(child.tag, str) and child not in left_out and child.tag != "script":
            yield from _text_without(child, left_out)
        if child.tail:
            yield child.tail


_MICRODATA = {
    "headline": "title",
    "datepublished": "published",
    "datecreated": "published",
    "datemodified": "modified",
    "author": "authors",
    "creator": "authors",
    "articlesection": "section",
    "inlanguage": "language",
}


def _collect_microdata(tree: HtmlElement, collection: Collection) -> None:
    for element in tree.iterfind(".//*[@itemprop]"):
        for name in (element.get("itemprop") or "").lower().split():
            field = _MICRODATA.get(name)
            if field == "authors":
                collection.add(field, _named_in(element), f"itemprop {name}")
            elif field is not None:
                value = element.get("content") or element.get("datetime") or squeezed_text(element)
                collection.add(field, value[:300], f"itemprop {name}")


def _named_in(element: HtmlElement) -> list[str]:
    names = [
        e.get("content") or squeezed_text(e)
        for e in element.iterdescendants()
        if isinstance(e.tag, str) and "name" in (e.get("itemprop") or "").split()
    ]
    whole = element.get("content") or squeezed_text(element)
    return names or ([whole] if len(whole) <= _LONGEST_BYLINE else [])


def _collect_times(layout: Layout, collection: Collection) -> None:
    for element in list(layout.body.iter("time"))[:200]:
        beside = "" if layout.zone(element) in ("article", "caption") else " beside the article"
        field = "modified" if MODIFIED_WORD.search(_words_around(element)) else "published"
        stamp = element.get("datetime")
        if stamp:
            collection.add(field, stamp, f"time[datetime]{beside}")
        elif not beside:
            collection.add(field, squeezed_text(element)[:120], "time")


def _words_around(element: HtmlElement) -> str:
    """Return the labels and words at a time that tell what it is the time of."""
    words = [label_of(element), squeezed_text(element)[:60]]
    parent = element.getparent()
    if parent is not None:
        words += [label_of(parent)[:200], (parent.text or "")[-60:]]
    return " ".join(words).replace("-", " ").replace("_", " ")


def _collect_bylines(layout: Layout, collection: Collection) -> None:
    collection.add("authors", _links(layout, "author", ("article",)), "link rel=author")
    for element in layout.body.iter(*_BYLINE_TAGS):
        name = element.get("class") or element.get("id")
        if name and _is_byline_place(name) and (zone := layout.zone(element)) in _READ:
            text = _spaced_text(element)
            if 3 < len(text) <= _LONGEST_BYLINE and not _is_prose(text):
                collection.add("authors", [text], "byline" + _BESIDE[zone])
    for link in layout.body.iterfind(".//a[@href]"):
        if AUTHOR_ADDRESS.search(link.get("href")) and (zone := layout.zone(link)) in _READ:
            name = _spaced_text(link)[:_LONGEST_BYLINE]
            collection.add("authors", [name], "author link" + _BESIDE[zone])
    _collect_marked_lines(layout, collection)
    _collect_byline_blocks(layout.blocks, collection)
    _collect_lines_below(layout.blocks, collection)
    collection.add("authors", _last_line(layout.blocks), "last line")
    collection.add("authors", _in_author_boxes(layout), "author box")


def _collect_marked_lines(layout: Layout, collection: Collection) -> None:
    """Offer who is named beside the date in a part of a line, as under a heading."""
    for element in layout.body.iter("span", "small", "em"):
        text = element.text or ""
        says_by = len(text) <= _LONGEST_BYLINE and (" von " in text or " by " in text)
        if says_by and layout.zone(element) == "article":
            collection.add("authors", named_in_day_line(text), "byline")


def _collect_byline_blocks(blocks: Sequence[Block], collection: Collection) -> None:
    announced = False
    lines = [
        (near, _with_blanks(block) if near else block) for near, block in _short_blocks(blocks)
    ]
    books = [BOOK_LINE.match(block.text) is not None for _near, block in lines]
    for index, (near, block) in enumerate(lines):
        dated = named_in_day_line(block.text) if near else []
        around = books[max(0, index - _BOOK_LINES) : index + _BOOK_LINES + 1]
        of_book = any(around) and BYLINE_LABEL_BEFORE.match(block.text) is not None
        names = is_byline(block.text) or (announced and is_person_line(block.text))
        if dated:
            collection.add("authors", dated, "byline")
        elif names and not of_book:
            collection.add("authors", [block.text], "byline" if near else "byline in the text")
        announced = BYLINE_LABEL_ALONE.fullmatch(block.text) is not None


def _collect_lines_below(blocks: Sequence[Block], collection: Collection) -> None:
    """Offer the lines between the headline and the text that begin like a byline."""
    at = next((i for i, b in enumerate(blocks) if b.tag == "h1" and b.zone == "article"), None)
    for block in () if at is None else blocks[at + 1 : at + _BLOCKS_BELOW]:
        if len(block.text) > _LONGEST_BYLINE or block.tag in ("h2", "h3"):
            break
        if block.zone in _READ and len(block.text) <= _LONGEST_KICKER:
            line = _spaced_text(block.element)
            begins = BYLINE_START.match(line) and not BYLINE_LABEL_BEFORE.match(line)
            collection.add("authors", [line] if begins else [], _BELOW)


def _with_blanks(block: Block) -> Block:
    """Return a line with blanks between its parts, which may hold a name apart from its label."""
    spaced = _spaced_text(block.element)
    same = spaced.replace(" ", "") == block.text.replace(" ", "")
    return replace(block, text=spaced) if same else block


def _in_author_boxes(layout: Layout) -> list[str]:
    """Return the name in the boxes that introduce an author, where they all name the same."""
    names: dict[str, None] = {}
    for element in layout.body.iter("div", "section", "aside", "footer"):
        label = element.get("class") or element.get("id")
        if label and _is_author_box(label) and not _is_of_others(element):
            lines = (_spaced_text(e) for e in element.iter(*_NAME_TAGS) if not any(map(len, e)))
            name = next(filter(_is_whole_name, lines), None)
            names |= {name: None} if name else {}
    return list(names) if len(names) == 1 else []


def _is_of_others(box: HtmlElement) -> bool:
    """Tell whether a box stands among comments, or in a list of other articles."""
    around = (e for e in (box, *box.iterancestors()) if e.tag not in ("body", "html"))
    return any(e.tag == "li" or OTHERS_LABEL.search(label_of(e)) for e in around)


def _is_whole_name(text: str) -> bool:
    return " " in text and is_person_line(text) and BOX_LINK.match(text) is None


def _spaced_text(element: HtmlElement) -> str:
    """Return the text of an element with a blank between its parts: name and role stand apart."""
    return " ".join(" ".join(element.itertext()).split())


def _is_prose(text: str) -> bool:
    return len(text) > _LONGEST_DAY_LINE and text.endswith((".", "!", "?"))


def _links(layout: Layout, relation: str, zones: tuple[str, ...]) -> list[str]:
    """Return the texts of the links that stand in a relation to the page."""
    return [
        squeezed_text(link)
        for link in layout.body.iterfind(".//a[@rel]")
        if relation in link.get("rel", "").split() and layout.zone(link) in zones
    ]


def _collect_breadcrumb(layout: Layout, collection: Collection) -> None:
    """Offer the last link of the visible breadcrumbs as section."""
    for element in layout.body.iter("nav", "ol", "ul", "div"):
        name = element.get("class") or element.get("id")
        if not name or not is_breadcrumb(name):
            continue
        steps = [squeezed_text(link) for link in element.iter("a")][1:_MOST_STEPS]
        short = [step for step in steps if 1 < len(step) <= _LONGEST_KICKER]
        collection.add("section", short[-1] if short else None, "breadcrumb")
        return


def _last_line(blocks: Sequence[Block]) -> list[str]:
    """Return the name that stands alone below the last paragraph of a text."""
    frame = frame_of(blocks)
    inside = [] if frame is None else [b for b in blocks if is_inside(b.element, frame)]
    running = [index for index, block in enumerate(inside) if runs(block)]
    for last in reversed(running[-_LAST_RUNNING:]):  # a note of the house may follow
        for follower in inside[last + 1 : last + 2]:
            is_line = follower.tag == "p" and follower.zone == "article"
            if is_line and is_signature(follower.text):
                return [follower.text]
    return []


def is_breadcrumb(label: str) -> bool:
    """Tell whether a class or id is that of the path to a page.

    >>> is_breadcrumb("site-Breadcrumbs"), is_breadcrumb("breadwinner")
    (True, False)
    """
    lowered = label.lower()
    return any(word in lowered for word in ("breadcrumb", "bread-crumb", "brotkrume", "krümelpfad"))


@lru_cache(maxsize=4096)  # a page repeats its classes, a site its pages
def _is_byline_place(label: str) -> bool:
    return BYLINE_LABEL.search(label) is not None


@lru_cache(maxsize=4096)
def _is_author_box(label: str) -> bool:
    return AUTHOR_BOX_LABEL.search(label) is not None


def _short_blocks(blocks: Sequence[Block]) -> Iterator[tuple[bool, Block]]:
    """Yield the lines of the article, with whether they stand around its headline."""
    at = next((i for i, b in enumerate(blocks) if b.tag == "h1" and b.zone == "article"), 0)
    for index, block in enumerate(blocks):
        if block.zone == "article" and len(block.text) <= _LONGEST_BYLINE:
            yield at - 5 <= index <= at + _BLOCKS_AROUND_HEADLINE, block


def _collect_day_lines(blocks: Sequence[Block], collection: Collection) -> None:
    """Offer the dates that stand in short lines around the headline; a sentence is no such line.

    A paragraph may begin with the date: 18.06.2024 - In Niederlohe …
    """
    for near, block in _short_blocks(blocks):
        if not near or block.tag == "time" or _is_sentence(block.text):
            continue
        if block.tag == "h1" and not is_day_line(block.text):
            continue  # a day in a headline is that of the matter
        for field, stamp in stamps_in(block.text):
            collection.add(field, stamp, "page text")
        if len(block.text) <= _LONGEST_DAY_LINE and (
            AGO.search(block.text) or NEAR_DAY.match(block.text)
        ):
            field = "modified" if MODIFIED_WORD.search(block.text) else "published"
            collection.add(field, block.text, "page text")
    for block in _first_paragraphs(blocks):
        opening = DAY_OPENS.match(block.text)
        if opening:
            collection.add("published", opening["day"], "page text")


def _is_sentence(text: str) -> bool:
    ends = len(text) > _LONGEST_DAY_LINE and text.endswith((".", "!", "?"))
    return ends and not BYLINE_START.match(text) and not text[:1].isdecimal()


def _first_paragraphs(blocks: Sequence[Block]) -> list[Block]:
    long = (b for b in blocks if b.zone == "article" and len(b.text) > _LONGEST_BYLINE)
    return list(islice(long, 2))
