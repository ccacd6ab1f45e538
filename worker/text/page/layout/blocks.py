"""List the blocks of a page in reading order, each with the zone it stands in."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Literal

from lxml.etree import tostring
from lxml.html import HtmlElement

from worker.text.annotate.words import title_key

PieceKind = Literal["head", "p", "quote", "item", "row"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A block of the extracted body; `rank` is the level of a heading (h1 is 1), else 0."""

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
_MOST_COUNTED = 2000
_PASSED_ON: frozenset[Zone] = frozenset({"article", "caption"})
"""The zones in which an element may have another one of its own."""
_UNREAD: frozenset[Zone] = frozenset({"chrome", "hidden"})
_MOST_AROUND = 1.0  # of the text of the article
_FEWEST_PARTS = 3
_FEWEST_IN_PART = 2  # paragraphs
_OF_READERS = ("comment", "kommentar", "disqus")
_FEWER = 4  # so much smaller a share of the paragraphs will do beside the headline

CHROME_LABEL = re.compile(
    r"(?:^|[\s_-])(?:comments?|kommentare?|disqus|nav(?:igation|bar)?|menu|menue|footer|breadcrumbs?|sidebar|"
    r"categories|kategorien|tags|tag-?list|keywords|schlag-?w(?:o|ö|oe)rte?r?|cookies?|consent|cmp|gdpr|share|sharing|social|toolbar|pagination|skip|login|paywall-offer|"
    r"usercentrics|onetrust|sr-only|visually-?hidden|screen-?reader|toast|tool-?tip|pop-?up|modal|dialog|"
    r"overlay|light-?box|debug)(?=$|[\s_-])",
    re.IGNORECASE,
)
"""A class or id of what surrounds an article.

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
"""A class or id of what stands beside an article.

>>> bool(ASIDE_LABEL.search("related")), bool(ASIDE_LABEL.search("box teaser--small"))
(True, True)
>>> bool(ASIDE_LABEL.search("readable"))
False
"""

CAPTION_LABEL = re.compile(
    r"(?:caption|bildunterschrift|image-?credit|photo-?credit|copyright|bildquelle|wp-caption)",
    re.IGNORECASE,
)
"""A class or id of the words to a picture.

>>> bool(CAPTION_LABEL.search("article-image__caption"))
True
"""

HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
"""An inline style that hides.

>>> bool(HIDDEN_STYLE.search("display: none;"))
True
"""


INNER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""The place before a capital inside a name.

>>> INNER_CAPITAL.split("articleTeaser")
['article', 'Teaser']
"""


@dataclass(frozen=True, eq=False)
class Block:
    """A piece of text that stands alone; `label` is the class and id of its element.

    `key` is the text as it is compared (see `title_key`), `share` how much of it is link.
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
    """The body of a page cut into blocks, and the zone of each of its elements."""

    def __init__(self, tree: HtmlElement) -> None:
        found = tree.find("body")
        self.body: HtmlElement = tree if found is None else found
        # What holds the headline or most of the paragraphs is no aside, whatever its class says.
        self._zones: dict[HtmlElement, Zone] = dict.fromkeys(_main_path(self.body), "article")
        self.blocks = tuple(self._cut())

    def zone(self, element: HtmlElement) -> Zone:
        """Return the zone of an element: its own, else the one around it."""
        known = self._zones.get(element)
        if known is None:
            parent = element.getparent()
            known = "article" if parent is None else self.zone(parent)
            if known in _PASSED_ON:
                known = _own_zone(element) or known
            self._zones[element] = known
        return known

    def prune(self) -> None:
        """Take menus, comments and the like out of the tree, where they are not much of the text.

        The blocks stay as they are; what follows has less to walk.
        """
        shown = sum(len(b.text) for b in self.blocks if b.zone in ("article", "aside"))
        around = sum(len(b.text) for b in self.blocks if b.zone in _UNREAD)
        if around > shown * _MOST_AROUND:
            return
        unread = {element for element, zone in self._zones.items() if zone in _UNREAD}
        for element in unread:
            parent = element.getparent()
            if parent is not None and parent not in unread:
                element.drop_tree()

    def _cut(self) -> Iterator[Block]:
        elements = list(self.body.iter(*_BLOCK_TAGS))
        holders = _holders(elements)
        for element in elements:
            tag = element.tag
            leaf = tag in _LEAVES
            if tag == "time" and _inside_leaf(element):
                continue
            zone = self.zone(element)
            if zone == "chrome" and not leaf:
                continue  # menus: many, and never in a text
            whole = leaf or element not in holders
            text = squeezed_text(element) if whole else _own_text(element, holders)
            if text:
                yield Block(tag, text, zone, label_of(element), element)


def squeezed_text(element: HtmlElement) -> str:
    """Return the text of an element of a prepared tree on one line (see `prepare`).

    >>> from lxml.html import fromstring
    >>> squeezed_text(fromstring("<p>Eins zwei <b>dr</b>ei</p>"))
    'Eins zwei drei'
    """
    if len(element) == 0:
        return " ".join((element.text or "").split())
    text: str = tostring(element, method="text", encoding="unicode", with_tail=False)
    return " ".join(text.split())


def label_of(element: HtmlElement) -> str:
    """Return the class and id of an element as one string."""
    name, number = element.get("class"), element.get("id")
    if number is None:
        return name or ""
    return number if name is None else f"{name} {number}"


def _main_path(body: HtmlElement) -> list[HtmlElement]:
    """Return the elements around the headline and around most paragraphs, outermost first."""
    paragraphs = list(body.iter("p"))[:_MOST_COUNTED]
    counts: Counter[HtmlElement] = Counter()
    for parent, number in Counter(p.getparent() for p in paragraphs).items():
        for around in chain((parent,), parent.iterancestors()):
            counts[around] += number
    around_heading = {e for heading in body.iter("h1") for e in heading.iterancestors()}
    path = [
        element
        for element, count in counts.items()
        if count * (_FEWER if element in around_heading else 2) > len(paragraphs) > 2
    ]
    path += _cut_into_parts(counts, paragraphs)
    path = [e for e in path if e.tag not in _ZONE_OF_TAG and _own_zone(e) != "hidden"]
    # What is called a picture or a teaser around the headline is the opening of the article.
    opening = [e for e in around_heading if e.tag == "figure" or _own_zone(e) == "aside"]
    return [*path, *opening]


def _cut_into_parts(
    counts: Counter[HtmlElement], paragraphs: Sequence[HtmlElement]
) -> list[HtmlElement]:
    """Return the elements of one class that together hold most of the text.

    They are several, and hold several paragraphs each: a text may be cut into parts whose class
    speaks of a bar or a widget. A teaser holds one paragraph, and comments are none of the
    text however many they are.
    """
    parts: defaultdict[str, list[HtmlElement]] = defaultdict(list)
    for element in counts:
        if element.tag not in _NO_ZONE and _own_zone(element) in ("aside", "chrome"):
            parts[[*label_of(element).split(), element.tag][0]].append(element)
    cut: list[HtmlElement] = []
    for name, elements in parts.items():
        held = sum(counts[element] for element in elements)
        several = len(elements) >= _FEWEST_PARTS and held >= max(
            len(elements) * _FEWEST_IN_PART, len(paragraphs) / _FEWER / 2
        )
        if several and not any(word in name.lower() for word in _OF_READERS):
            cut += elements if _hold_most(elements, paragraphs) else []
    return cut


def _hold_most(elements: Sequence[HtmlElement], paragraphs: Sequence[HtmlElement]) -> bool:
    held = {paragraph for element in elements for paragraph in element.iter("p")}
    lengths = {paragraph: len(squeezed_text(paragraph)) for paragraph in paragraphs}
    return sum(lengths.get(paragraph, 0) for paragraph in held) * 2 > sum(lengths.values())


def _own_zone(element: HtmlElement) -> Zone | None:
    tag = element.tag
    if tag in _ZONE_OF_TAG:
        return _ZONE_OF_TAG[tag]
    if tag in _NO_ZONE:
        return None
    style = element.get("style")
    if element.get("hidden") is not None or (style and HIDDEN_STYLE.search(style)):
        return "hidden"
    role = element.get("role")
    if role in _ZONE_OF_ROLE:
        return _ZONE_OF_ROLE[role]
    label = label_of(element)
    if "-" in tag:  # an element of the site's own is named after what it is
        label = f"{tag} {label}"
    return _zone_of_label(label) if label else None


def split_words(label: str) -> str:
    """Return a label with a hyphen where a capital begins another word.

    >>> split_words("articleTeaser relatedLinks")
    'article-Teaser related-Links'
    """
    return INNER_CAPITAL.sub("-", label)


@lru_cache(maxsize=4096)  # a page repeats its classes, a site its pages
def _zone_of_label(label: str) -> Zone | None:
    label = split_words(label)
    if ASIDE_LABEL.search(label):
        return "aside"
    if CHROME_LABEL.search(label):
        return "chrome"
    return "caption" if CAPTION_LABEL.search(label) else None


def _holders(elements: Sequence[HtmlElement]) -> set[HtmlElement]:
    holders: set[HtmlElement] = set()
    for element in elements:
        around = element.getparent()
        while around is not None and around not in holders:
            holders.add(around)
            around = around.getparent()
    return holders


def _inside_leaf(element: HtmlElement) -> bool:
    parent = element.getparent()
    return parent is not None and parent.tag in _LEAVES


def _own_text(element: HtmlElement, holders: set[HtmlElement]) -> str:
    """Return the text that stands in an element beside its blocks, with its inline parts."""
    pieces = [element.text]
    for child in element:
        if child not in holders and child.tag not in _BLOCKS:
            pieces.append(squeezed_text(child))
        pieces.append(child.tail)
    return " ".join(" ".join(piece for piece in pieces if piece).split())


def link_share(element: HtmlElement) -> float:
    """Return how much of the text of an element is link, from 0 to 1.

    >>> from lxml.html import fromstring
    >>> link_share(fromstring("<p>Mehr: <a href='/x'>abcde</a></p>"))
    0.5
    """
    linked = sum(len(squeezed_text(a).replace(" ", "")) for a in element.iter("a"))
    return linked / len(squeezed_text(element).replace(" ", "")) if linked else 0.0
