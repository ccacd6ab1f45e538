"""Collect candidates from the visible page and microdata: headline and byline."""

import re
from collections.abc import Iterator, Sequence

from lxml.etree import XPath
from lxml.html import HtmlElement

from storage.values.draft import Candidate
from storage.values.fields import FIELD_BY_MICRODATA, FieldForm
from worker.text.annotate.measures import title_key
from worker.text.page.fields.byline_places import collect_bylines
from worker.text.page.fields.titles import SEPARATOR
from worker.text.page.layout.blocks import (
    Block,
    Layout,
    class_and_id,
    single_line_text,
    split_camel_case,
)
from worker.text.page.layout.candidates import CandidateCollector
from worker.text.page.layout.labels import KICKER_CLASS, KICKER_LABEL

_LONGEST_BYLINE = 160
_LONGEST_KICKER = 60
_MAX_HEADINGS = 20
_MAX_STEPS = 8
_SIDE_ZONES = ("aside", "chrome")


_SMALL_HEADINGS = ("h2", "h3", "h4")
_HOME_LINKS = XPath("descendant::a[@href='/' or @rel='home']")

HOME_ADDRESS = re.compile(r"(?:(?:https?:)?//[^/?#]+)?/?(?:index\.\w{3,5})?")
"""The address of a front page.

>>> [bool(HOME_ADDRESS.fullmatch(url)) for url in ("/", "https://a.example", "/news/")]
[True, True, False]
"""


def collect_visible(tree: HtmlElement, layout: Layout, collector: CandidateCollector) -> None:
    """Add candidates from the visible parts of the page and its microdata."""
    _collect_headlines(layout, collector)
    _collect_microdata(tree, layout, collector)
    _collect_breadcrumb(layout, collector)
    tags = _link_texts(layout, "tag", ("article", "aside", "chrome"))
    collector.add("tags", tags, "link rel=tag")
    collect_bylines(layout, collector)


def _collect_headlines(layout: Layout, collector: CandidateCollector) -> None:
    for link in _HOME_LINKS(layout.body)[:_MAX_HEADINGS]:
        collector.add("site", single_line_text(link)[:_LONGEST_KICKER], "home link")
    for heading in list(layout.body.iter("h1"))[:_MAX_HEADINGS]:
        if _is_home_link(heading):
            collector.add("site", single_line_text(heading), "home link")
            continue
        if layout.zone(heading) not in ("article", "caption"):
            collector.add("title", single_line_text(heading), "h1 beside the article")
            continue
        full_text = single_line_text(heading)
        headline, kicker = split_kicker(heading)
        collector.add("title", headline or full_text, "h1")
        if kicker and headline:
            collector.add("kicker", kicker, "h1")
            collector.add("title", full_text, "h1 with kicker")
    collector.add("title", _first_h2(layout.blocks), "h2")
    titles = collector.candidates().get("title", ())
    collector.add("title", _heading_in_title(layout, titles), "heading in the title")
    collector.add("kicker", _kicker_above(layout.blocks), "above the headline")


def _is_home_link(heading: HtmlElement) -> bool:
    """Check whether a heading only contains a link to the front page, or is inside of one.

    >>> from lxml.html import fromstring
    >>> _is_home_link(fromstring('<h1><a href="https://bote.example/">Küstenbote</a></h1>'))
    True
    """
    links = [*heading.iter("a"), *heading.iterancestors("a")]
    return any(
        HOME_ADDRESS.fullmatch(link.get("href") or "")
        and title_key(single_line_text(link)) == title_key(single_line_text(heading))
        for link in links
    )


def _heading_in_title(layout: Layout, titles: Sequence[Candidate]) -> str:
    """Return the headline if it is a smaller heading, and a part of the title tag.

    An h1 that is in the title tag needs no replacement.
    """
    tags = [str(title.value) for title in titles if title.found_in == "title"]
    headings = [title_key(str(title.value)) for title in titles if title.found_in == "h1"]
    if any(key and key in title_key(tag) for key in headings for tag in tags):
        return ""
    parts = {title_key(part) for tag in tags for part in SEPARATOR.split(tag)}
    block = layout.blocks[layout.headline] if layout.blocks else None
    return block.text if block and block.tag in _SMALL_HEADINGS and block.key in parts else ""


def _kicker_above(blocks: Sequence[Block]) -> str:
    """Return the short line with the class of a kicker directly above the headline."""
    headline_index = next(
        (i for i, b in enumerate(blocks) if b.tag == "h1" and b.zone == "article"), 0
    )
    for block in blocks[max(0, headline_index - 2) : headline_index]:
        short = len(block.text) <= _LONGEST_KICKER and block.zone in ("article", "aside")
        if short and KICKER_CLASS.search(split_camel_case(block.label)):
            return block.text
    return ""


def _first_h2(blocks: Sequence[Block]) -> str:
    """Return the first h2 above the text: some templates use it for the headline."""
    for block in blocks:
        if block.zone == "article" and block.tag == "h2":
            return block.text
        if block.zone == "article" and block.tag == "p" and len(block.text) > _LONGEST_BYLINE:
            break
    return ""


def split_kicker(heading: HtmlElement) -> tuple[str, str]:
    """Return the headline in a heading, and its kicker or other label.

    >>> from lxml.html import fromstring
    >>> split_kicker(fromstring('<h1><span class="kicker">Deich</span> Die Linde bleibt</h1>'))
    ('Die Linde bleibt', 'Deich')
    """
    kickers = [e for e in heading.iterdescendants() if _is_kicker(e)]
    if not kickers:
        return single_line_text(heading), ""
    excluded = set(kickers)
    headline = " ".join("".join(_text_outside(heading, excluded)).split()).lstrip(" :|/·•–—-")
    kicker = " ".join(single_line_text(e) for e in kickers if not excluded & set(e.iterancestors()))
    return headline, kicker


def _is_kicker(element: HtmlElement) -> bool:
    if not isinstance(element.tag, str) or element.tag in ("br", "img"):
        return False
    return bool(KICKER_LABEL.search(class_and_id(element))) or element.tag in ("time", "small")


def _text_outside(element: HtmlElement, kickers: set[HtmlElement]) -> Iterator[str]:
    if element.text:
        yield element.text
    for child in element:
        if child.tag == "br":
            yield " "
        elif isinstance(child.tag, str) and child not in kickers and child.tag != "script":
            yield from _text_outside(child, kickers)
        if child.tail:
            yield child.tail


_WITH_ITEMPROP = XPath("descendant::*[@itemprop]")
_WITH_REL = XPath("descendant::a[@rel]")


def _collect_microdata(tree: HtmlElement, layout: Layout, collector: CandidateCollector) -> None:
    for element in _WITH_ITEMPROP(tree):
        for name in (element.get("itemprop") or "").lower().split():
            field = FIELD_BY_MICRODATA.get(name)
            if field is None:
                continue
            has_zone = field.form in {FieldForm.PEOPLE, FieldForm.DATE}
            is_beside = has_zone and layout.zone(element) in _SIDE_ZONES
            found_in = f"itemprop {name}{' beside the article' if is_beside else ''}"
            if field.form is FieldForm.PEOPLE:
                collector.add(field.name, _author_names(element), found_in)
            else:
                is_title = field.form is FieldForm.TITLE
                text = split_kicker(element)[0] if is_title else single_line_text(element)
                attribute = element.get("content") or element.get("datetime")
                collector.add(field.name, (attribute or text)[:300], found_in)


def _author_names(element: HtmlElement) -> list[str]:
    names = [
        e.get("content") or single_line_text(e)
        for e in element.iterdescendants()
        if isinstance(e.tag, str) and "name" in (e.get("itemprop") or "").split()
    ]
    text = element.get("content") or single_line_text(element)
    return names or ([text] if len(text) <= _LONGEST_BYLINE else [])


def _link_texts(layout: Layout, relation: str, zones: tuple[str, ...]) -> list[str]:
    """Return the texts of the links with the relation `relation`."""
    return [
        single_line_text(link)
        for link in _WITH_REL(layout.body)
        if relation in link.get("rel", "").split() and layout.zone(link) in zones
    ]


def _collect_breadcrumb(layout: Layout, collector: CandidateCollector) -> None:
    """Add the last link of the visible breadcrumbs as section."""
    for element in layout.body.iter("nav", "ol", "ul", "div"):
        name = element.get("class") or element.get("id")
        if not name or not is_breadcrumb(name):
            continue
        steps = [single_line_text(link) for link in element.iter("a")][1:_MAX_STEPS]
        short = [step for step in steps if 1 < len(step) <= _LONGEST_KICKER]
        collector.add("section", short[-1] if short else None, "breadcrumb")
        return


def is_breadcrumb(label: str) -> bool:
    """Check whether a class or id is that of breadcrumbs.

    >>> is_breadcrumb("site-Breadcrumbs"), is_breadcrumb("breadwinner")
    (True, False)
    """
    lower_case = label.lower()
    return any(
        word in lower_case for word in ("breadcrumb", "bread-crumb", "brotkrume", "krümelpfad")
    )
