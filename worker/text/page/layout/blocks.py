"""Split a page into blocks in reading order, each with its zone."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Literal

from lxml.etree import tostring
from lxml.html import HtmlElement

from worker.text.annotate.measures import title_key

PieceKind = Literal["head", "p", "quote", "item", "row"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A block of the extracted body; `rank` is the level of a heading (h1 is 1), otherwise 0."""

    kind: PieceKind
    text: str
    rank: int = 0


Zone = Literal["article", "caption", "aside", "chrome", "hidden"]

_LEAVES = frozenset({
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "figcaption", "pre", "time", "address", "summary",
})  # fmt: skip
_MAYBE_LEAVES = frozenset({
    "li", "blockquote", "td", "th", "dd", "dt", "div", "section", "article", "main", "center",
    "header",
})  # fmt: skip
_BLOCK_TAGS = (*sorted(_LEAVES), *sorted(_MAYBE_LEAVES))
_BLOCKS = frozenset(_BLOCK_TAGS)
_ZONE_OF_TAG: dict[str, Zone] = {
    "nav": "chrome", "footer": "chrome", "form": "chrome", "button": "chrome", "select": "chrome",
    "aside": "aside", "figure": "caption", "figcaption": "caption",
    "head": "hidden", "script": "hidden", "style": "hidden", "noscript": "hidden",
    "template": "hidden", "svg": "hidden", "iframe": "hidden", "object": "hidden",
}  # fmt: skip
_ZONE_OF_ROLE: dict[str, Zone] = {
    "navigation": "chrome", "banner": "chrome", "contentinfo": "chrome", "search": "chrome",
    "menu": "chrome", "menubar": "chrome", "toolbar": "chrome", "dialog": "chrome",
    "alertdialog": "chrome", "alert": "chrome", "tooltip": "chrome", "tablist": "chrome",
    "complementary": "aside", "note": "aside",
}  # fmt: skip
_NO_ZONE = frozenset({"html", "body", "main", "article", "h1"})
_MAX_PARAGRAPHS = 2000
_REFINABLE_ZONES: frozenset[Zone] = frozenset({"article", "caption"})
"""Zones whose elements may belong to another zone."""
_IGNORED_ZONES: frozenset[Zone] = frozenset({"chrome", "hidden"})
_MAX_IGNORED_SHARE = 1.0  # of the text of the article
_MIN_PARTS = 3
_MIN_PARAGRAPHS_PER_PART = 2  # paragraphs
_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
_HEADLINE_ZONES: tuple[tuple[str, tuple[Zone, ...]], ...] = (
    ("h1", ("article",)),
    ("h1", ("article", "aside", "caption", "chrome")),
    ("h2", ("article",)),
)
"""Tags and zones of a headline that is not in the title tag, preferred ones first."""
_TITLE_SHARE = 3
"""A heading in the title tag is the headline if it is at least a third of it."""
_COMMENT_WORDS = ("comment", "kommentar", "disqus")
_HEADLINE_DIVISOR = (
    4  # divides the share of paragraphs that an element needs if it also contains the headline
)

CHROME_LABEL = re.compile(
    r"(?:^|[\s_-])(?:comments?|kommentare?|disqus|nav(?:igation|bar)?|menu|menue|footer|breadcrumbs?|sidebar|"
    r"categories|kategorien|tags|tag-?list|keywords|schlag-?w(?:o|ö|oe)rte?r?|cookies?|consent|cmp|gdpr|share|sharing|social|toolbar|pagination|skip|login|paywall-offer|"
    r"usercentrics|onetrust|sr-only|visually-?hidden|screen-?reader|toast|tool-?tip|pop-?up|modal|dialog|"
    r"overlay|light-?box|debug)(?=$|[\s_-])",
    re.IGNORECASE,
)
"""A class or id of an element outside the article: navigation, comments, sharing, dialogs.

>>> bool(CHROME_LABEL.search("site-nav")), bool(CHROME_LABEL.search("article-comments"))
(True, True)
>>> bool(CHROME_LABEL.search("navigator-text"))
False
"""

ASIDE_LABEL = re.compile(
    r"(?:^|[\s_-])(?:related|teasers?|newsletter|recommend\w*|recirculation|outbrain|taboola|most-?read|meist-?gelesen\w*|"
    r"promo\w*|advert\w*|ad|ads|anzeige|werbung|sponsor\w*|info-?box|fact-?box|fakten-?box|fact-?sheet|box-related|read-?more|mehr-zum-thema|"
    r"weitere-?artikel|more-?(?:articles|topics?|stories|news|on-this)|see-?also|author-?(?:box|bio)|autoren-?box|poll|quiz|widget|subscribe|abo-?box)(?=$|[\s_-])",
    re.IGNORECASE,
)
"""A class or id of an element next to the article: teasers, advertisements, boxes.

>>> bool(ASIDE_LABEL.search("related")), bool(ASIDE_LABEL.search("box teaser--small"))
(True, True)
>>> bool(ASIDE_LABEL.search("readable"))
False
"""

CAPTION_LABEL = re.compile(
    r"(?:caption|bildunterschrift|image-?credit|photo-?credit|copyright|bildquelle|wp-caption)",
    re.IGNORECASE,
)
"""A class or id of an image caption.

>>> bool(CAPTION_LABEL.search("article-image__caption"))
True
"""

HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
"""An inline style that hides an element.

>>> bool(HIDDEN_STYLE.search("display: none;"))
True
"""


INNER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""The position before a capital inside a word.

>>> INNER_CAPITAL.split("articleTeaser")
['article', 'Teaser']
"""


@dataclass(frozen=True, eq=False)
class Block:
    """A block of text on the page; `label` is the class and id of its element.

    `key` is the normalised text for comparisons (see `title_key`), `share` the share of links.
    """

    tag: str
    text: str
    zone: Zone
    label: str
    element: HtmlElement

    @cached_property
    def key(self) -> str:
        return title_key(self.text)

    @cached_property
    def share(self) -> float:
        return link_share(self.element)


class Layout:
    """The body of a page as blocks, and the zone of each of its elements."""

    def __init__(self, tree: HtmlElement) -> None:
        body = tree.find("body")
        self.body: HtmlElement = tree if body is None else body
        # An element with the headline or most paragraphs is never an aside, whatever its class.
        self._zones: dict[HtmlElement, Zone] = dict.fromkeys(_main_ancestors(self.body), "article")
        self.blocks = tuple(self._iter_blocks())
        self._title = title_key(tree.findtext(".//title") or "")

    def zone(self, element: HtmlElement) -> Zone:
        """Return the zone of an element: its own, or that of its parent."""
        zone = self._zones.get(element)
        if zone is None:
            parent = element.getparent()
            zone = "article" if parent is None else self.zone(parent)
            if zone in _REFINABLE_ZONES:
                zone = _element_zone(element) or zone
            self._zones[element] = zone
        return zone

    @cached_property
    def headline(self) -> int:
        """The index of the headline, 0 if there is none.

        It is the heading with the greatest part of the title tag, or the first h1 or h2: the first
        h1 may be the name of the site.
        """
        headings = [(index, b) for index, b in enumerate(self.blocks) if b.tag in _HEADINGS]
        titles = [
            (len(block.key), block.zone == "article", -index)
            for index, block in headings
            if block.zone != "hidden"
            and len(block.key) * _TITLE_SHARE >= len(self._title)
            and block.key in self._title
        ]
        if titles and self._title:
            return -max(titles)[2]
        for tag, zones in _HEADLINE_ZONES:
            for index, block in headings:
                if block.tag == tag and block.zone in zones:
                    return index
        return 0

    def prune(self) -> None:
        """Remove menus, comments and hidden elements from the tree, unless they prevail.

        The blocks remain unchanged; later steps have fewer elements to visit.
        """
        article_length = sum(len(b.text) for b in self.blocks if b.zone in ("article", "aside"))
        ignored_length = sum(len(b.text) for b in self.blocks if b.zone in _IGNORED_ZONES)
        if ignored_length > article_length * _MAX_IGNORED_SHARE:
            return
        ignored = {element for element, zone in self._zones.items() if zone in _IGNORED_ZONES}
        for element in ignored:
            parent = element.getparent()
            if parent is not None and parent not in ignored:
                element.drop_tree()

    def _iter_blocks(self) -> Iterator[Block]:
        elements = list(self.body.iter(*_BLOCK_TAGS))
        ancestors = _ancestors(elements)
        for element in elements:
            tag = element.tag
            is_leaf = tag in _LEAVES
            if tag == "time" and _is_inside_leaf(element):
                continue
            zone = self.zone(element)
            if zone == "chrome" and not is_leaf:
                continue  # menus: numerous, and never part of a text
            is_whole = is_leaf or element not in ancestors
            text = single_line_text(element) if is_whole else _direct_text(element, ancestors)
            if text:
                yield Block(tag, text, zone, class_and_id(element), element)


def single_line_text(element: HtmlElement) -> str:
    """Return the text of an element on one line; the tree must be prepared (see `prepare_tree`).

    >>> from lxml.html import fromstring
    >>> single_line_text(fromstring("<p>Eins zwei <b>dr</b>ei</p>"))
    'Eins zwei drei'
    """
    if len(element) == 0:
        return " ".join((element.text or "").split())
    text: str = tostring(element, method="text", encoding="unicode", with_tail=False)
    return " ".join(text.split())


def class_and_id(element: HtmlElement) -> str:
    """Return the class and id of an element as one string."""
    name, number = element.get("class"), element.get("id")
    if number is None:
        return name or ""
    return number if name is None else f"{name} {number}"


def _main_ancestors(body: HtmlElement) -> list[HtmlElement]:
    """Return the elements around the headline and around most paragraphs, outermost first."""
    paragraphs = list(body.iter("p"))[:_MAX_PARAGRAPHS]
    counts: Counter[HtmlElement] = Counter()
    for parent, number in Counter(p.getparent() for p in paragraphs).items():
        for ancestor in chain((parent,), parent.iterancestors()):
            counts[ancestor] += number
    around_heading = {e for heading in body.iter("h1") for e in heading.iterancestors()}
    path = [
        element
        for element, count in counts.items()
        if count * (_HEADLINE_DIVISOR if element in around_heading else 2) > len(paragraphs) > 2
    ]
    path += _split_article_parts(counts, paragraphs)
    path = [e for e in path if e.tag not in _ZONE_OF_TAG and _element_zone(e) != "hidden"]
    # A figure or teaser around the headline is the opening of the article.
    opening = [e for e in around_heading if e.tag == "figure" or _element_zone(e) == "aside"]
    return [*path, *opening]


def _split_article_parts(
    counts: Counter[HtmlElement], paragraphs: Sequence[HtmlElement]
) -> list[HtmlElement]:
    """Return the elements of one class that together contain most of the text.

    Some sites split a text into parts whose class looks like a sidebar or widget. At least three
    elements with two paragraphs each are required. Comments never count as parts.
    """
    parts: defaultdict[str, list[HtmlElement]] = defaultdict(list)
    for element in counts:
        if element.tag not in _NO_ZONE and _element_zone(element) in ("aside", "chrome"):
            parts[[*class_and_id(element).split(), element.tag][0]].append(element)
    split_elements: list[HtmlElement] = []
    for name, elements in parts.items():
        paragraph_count = sum(counts[element] for element in elements)
        is_split = len(elements) >= _MIN_PARTS and paragraph_count >= max(
            len(elements) * _MIN_PARAGRAPHS_PER_PART, len(paragraphs) / _HEADLINE_DIVISOR / 2
        )
        if is_split and not any(word in name.lower() for word in _COMMENT_WORDS):
            split_elements += elements if _has_most_text(elements, paragraphs) else []
    return split_elements


def _has_most_text(elements: Sequence[HtmlElement], paragraphs: Sequence[HtmlElement]) -> bool:
    members = {paragraph for element in elements for paragraph in element.iter("p")}
    lengths = {paragraph: len(single_line_text(paragraph)) for paragraph in paragraphs}
    return sum(lengths.get(paragraph, 0) for paragraph in members) * 2 > sum(lengths.values())


def _element_zone(element: HtmlElement) -> Zone | None:
    tag = element.tag
    if tag in _NO_ZONE:
        return None
    zone = tag_zone(element)
    if zone is not None:
        return zone
    label = class_and_id(element)
    if "-" in tag:  # a custom element: its name describes its content
        label = f"{tag} {label}"
    return _zone_of_label(label) if label else None


def tag_zone(element: HtmlElement) -> Zone | None:
    """Return the zone of an element by its tag, its style and its role."""
    if element.tag in _ZONE_OF_TAG:
        return _ZONE_OF_TAG[element.tag]
    style = element.get("style")
    if element.get("hidden") is not None or (style and HIDDEN_STYLE.search(style)):
        return "hidden"
    return _ZONE_OF_ROLE.get(element.get("role") or "")


def split_camel_case(label: str) -> str:
    """Insert a hyphen before each capital inside a word.

    >>> split_camel_case("articleTeaser relatedLinks")
    'article-Teaser related-Links'
    """
    return INNER_CAPITAL.sub("-", label)


@lru_cache(maxsize=4096)  # classes repeat within a page and a site
def _zone_of_label(label: str) -> Zone | None:
    label = split_camel_case(label)
    if ASIDE_LABEL.search(label):
        return "aside"
    if CHROME_LABEL.search(label):
        return "chrome"
    return "caption" if CAPTION_LABEL.search(label) else None


def _ancestors(elements: Sequence[HtmlElement]) -> set[HtmlElement]:
    ancestors: set[HtmlElement] = set()
    for element in elements:
        ancestor = element.getparent()
        while ancestor is not None and ancestor not in ancestors:
            ancestors.add(ancestor)
            ancestor = ancestor.getparent()
    return ancestors


def _is_inside_leaf(element: HtmlElement) -> bool:
    parent = element.getparent()
    return parent is not None and parent.tag in _LEAVES


def _direct_text(element: HtmlElement, ancestors: set[HtmlElement]) -> str:
    """Return the text directly inside an element, with inline elements, without nested blocks."""
    pieces = [element.text]
    for child in element:
        if child not in ancestors and child.tag not in _BLOCKS:
            pieces.append(single_line_text(child))
        pieces.append(child.tail)
    return " ".join(" ".join(piece for piece in pieces if piece).split())


def link_share(element: HtmlElement) -> float:
    """Return the share of link text in the text of an element, from 0 to 1.

    >>> from lxml.html import fromstring
    >>> link_share(fromstring("<p>Mehr: <a href='/x'>abcde</a></p>"))
    0.5
    """
    linked = sum(len(single_line_text(a).replace(" ", "")) for a in element.iter("a"))
    return linked / len(single_line_text(element).replace(" ", "")) if linked else 0.0
