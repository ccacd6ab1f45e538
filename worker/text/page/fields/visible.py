"""Read what a page shows of itself: headline, kicker, byline, times, and its microdata."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from lxml.etree import XPath
from lxml.html import HtmlElement

from worker.text.annotate.bylines import (
    BYLINE_START,
)
from worker.text.annotate.date_lines import AGO, MODIFIED_WORD, NEAR_DAY, stamps_in
from worker.text.page.fields.byline_places import collect_bylines
from worker.text.page.layout.blocks import Block, Layout, label_of, split_words, squeezed_text
from worker.text.page.layout.candidates import Collection
from worker.text.page.layout.labels import KICKER_CLASS, KICKER_LABEL
from worker.text.page.layout.lines import is_day_line

_LONGEST_BYLINE = 160
_LONGEST_KICKER = 60
_LONGEST_DAY_LINE = 50
_BLOCKS_AROUND_HEADLINE = 25
_MOST_HEADINGS = 20
_MOST_STEPS = 8
_BESIDE = ("aside", "chrome")


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
    _collect_microdata(tree, layout, collection)
    _collect_breadcrumb(layout, collection)
    tags = _links(layout, "tag", ("article", "aside", "chrome"))
    collection.add("tags", tags, "link rel=tag")
    _collect_times(layout, collection)
    collect_bylines(layout, collection)
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


_MARKED_UP = XPath("descendant::*[@itemprop]")
_RELATED = XPath("descendant::a[@rel]")
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


def _collect_microdata(tree: HtmlElement, layout: Layout, collection: Collection) -> None:
    for element in _MARKED_UP(tree):
        for name in (element.get("itemprop") or "").lower().split():
            field = _MICRODATA.get(name)
            if field == "authors":
                beside = " beside the article" if layout.zone(element) in _BESIDE else ""
                collection.add(field, _named_in(element), f"itemprop {name}{beside}")
            elif field is not None:
                stated = element.get("content") or element.get("datetime")
                shown = split_kicker(element)[0] if field == "title" else squeezed_text(element)
                collection.add(field, (stated or shown)[:300], f"itemprop {name}")


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


def _links(layout: Layout, relation: str, zones: tuple[str, ...]) -> list[str]:
    """Return the texts of the links that stand in a relation to the page."""
    return [
        squeezed_text(link)
        for link in _RELATED(layout.body)
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


def is_breadcrumb(label: str) -> bool:
    """Return whether a class or id is that of the path to a page.

    >>> is_breadcrumb("site-Breadcrumbs"), is_breadcrumb("breadwinner")
    (True, False)
    """
    lowered = label.lower()
    return any(word in lowered for word in ("breadcrumb", "bread-crumb", "brotkrume", "krümelpfad"))


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
