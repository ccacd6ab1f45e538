"""Read the teasers of a front page: the linked headlines of other pages, in their order."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from storage.values.draft import Draft, Extractor, Field
from storage.values.messages import message_text
from storage.values.net.addresses import AddressList, ListedAddress
from storage.values.net.origin_name import origin_of
from storage.values.net.site import site_of
from storage.values.refusals import RefusalReason, refuse
from worker.address import ARTICLE_SEGMENT, Address, IsOwn, parse_address, without_trackers
from worker.text.hints import Hints
from worker.text.page.interstitials import interstitial_reason
from worker.text.page.layout.blocks import class_and_id, single_line_text, tag_zone
from worker.text.page.layout.charset import decode_page
from worker.text.page.layout.tree import parse_page, prepare_tree

METHOD = Extractor("lesart-front", "1", "")
"""Name and version of these rules; the version changes with each change that can alter a list."""
MOST_TEASERS = 500
MOST_LINKS = 20_000
LONGEST_ADDRESS = 5_000
LONGEST_TEXT = 300  # characters of a headline or kicker
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_PICTURES = ("img", "picture", "video", "amp-img")
_HEADING_LEVELS = 3  # elements between a link and the heading around it
_CARD_LEVELS = 8
_NEVER_IN_CARD = frozenset({"body", "main", "ul", "ol", "table", "tbody"})
_SHORTEST_HEADING, _SHORTEST = 10, 20  # characters
_MIN_HEADING_WORDS, _MIN_LONG_HEADING_WORDS, _MIN_WORDS = 2, 3, 4
_LONGEST_HEADLINE, _LONGEST_KICKER = 200, 60

KICKER = re.compile(
    r"(?:^|[\s_-])(?:kicker|dachzeile|top-?line|over-?line|over-?head|roof-?line|eyebrow|spitzmarke"
    r"|spitz-?zeile|rubrik|ressort|category|label|pre-?title|super-?title|antetitulo|cintillo)"
    r"(?=$|[\s_-])",
    re.IGNORECASE,
)
"""A class of the short line above a headline.

>>> bool(KICKER.search("teaser__kicker")), bool(KICKER.search("kickers-league"))
(True, False)
"""

HEADLINE = re.compile(r"(?:^|[\s_-])(?:head-?line|title|heading|titel)(?=$|[\s_-])", re.IGNORECASE)
"""A class of the headline in a linked card without a heading.

>>> bool(HEADLINE.search("card__title")), bool(HEADLINE.search("subtitles"))
(True, False)
"""

CHROME = re.compile(
    r"(?:^|[\s_-])(?:nav(?:igation|bar)?|menue?|footer|breadcrumbs?|comments?|kommentare?|shar(?:e|ing)"
    r"|social|cookies?|consent|skip|login|modal|dialog|pagination|tag-?list)(?=$|[\s_-])",
    re.IGNORECASE,
)
"""A class or id of an element that has no teasers; sidebars may have some.

>>> bool(CHROME.search("main-nav")), bool(CHROME.search("sidebar most-read"))
(True, False)
"""

LONG_NUMBER = re.compile(r"\d{4}")
"""A number of an article in the query of an address.

>>> bool(LONG_NUMBER.search("id=48713")), bool(LONG_NUMBER.search("page=2"))
(True, False)
"""

FORUM = re.compile(
    r"(?:^|[/.?&=])(?:forums?|phorum|showthread|login|person|autor(?:es)?|authors?)(?=$|[/.=?&_])"
)
"""A part of the address of a forum, an account or a person, whose pages are no articles.

>>> bool(FORUM.search("forum.zeitung.example/a")), bool(FORUM.search("zeitung.example/forumla"))
(True, False)
"""

WIDE_SCRIPT = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
"""A letter of a script without blanks between words.

>>> bool(WIDE_SCRIPT.search("多倫多")), bool(WIDE_SCRIPT.search("Pegel"))
(True, False)
"""


@dataclass(frozen=True, slots=True)
class PageTeaser:
    """A linked headline: `level` is that of its heading (h1 is 1), None without a heading."""

    address: str
    headline: str
    kicker: str | None
    level: int | None
    picture: bool


@dataclass(frozen=True, slots=True)
class _TeaserLink:
    """A link with a headline; `element` has the headline, or is the link itself."""

    teaser: PageTeaser
    element: HtmlElement
    place: int


def read_page(raw: bytes, hints: Hints) -> Draft | RefusalReason:
    """Return a draft without text whose field `teasers` has the teasers of a front page.

    At most 500 teasers are returned; `found` in the field is the number of all.
    Refusals: `binary`, `extraction_empty`, `not_article` if it shows no teasers.
    """
    decoded = decode_page(raw, hints.charset)
    if isinstance(decoded, RefusalReason):
        return decoded
    tree = parse_page(decoded.text)
    if isinstance(tree, RefusalReason):
        return tree
    base = tree.find(".//base[@href]")
    own = hints.url or ""
    address = own if base is None else _absolute(base.get("href"), own)
    title = " ".join((tree.findtext(".//title") or "").split()) or None
    prepare_tree(tree)
    teasers = find_teasers(tree, address, own)
    if not teasers:
        text = single_line_text(tree)
        reason = interstitial_reason(title, [text]) or message_text("no_headlines")
        return refuse("not_article", reason=reason)
    shown = [asdict(each) for each in teasers[:MOST_TEASERS]]
    field = Field({"teasers": shown, "found": len(teasers)}, "page")
    return Draft(title, (), METHOD, {"teasers": field})


def make_list(front: Draft, is_own: IsOwn) -> AddressList:
    """Return the teasers of the draft of a front page, with the origins of their addresses.

    A headline that links to the same address twice counts at its first position.
    """
    field: Any = front.fields["teasers"].value
    named: dict[tuple[str, str], ListedAddress] = {}
    for teaser in field["teasers"]:
        address = parse_address(teaser["address"], is_own)
        if isinstance(address, Address):
            hints = {"title": teaser["headline"]} | {
                name: teaser[name] for name in ("kicker", "level", "picture")
            }
            listed = ListedAddress(
                origin_of(address.text), without_trackers(address).text, "page", hints=hints
            )
            named.setdefault((listed.origin, teaser["headline"]), listed)
    method = f"{front.extractor.name}/{front.extractor.version}"
    return AddressList("front", tuple(named.values()), found=field["found"], method=method)


def find_teasers(tree: HtmlElement, base: str, own: str) -> list[PageTeaser]:
    """Return the teasers of the prepared `tree` in their order on the page.

    Links of one address that follow each other are one teaser, such as picture and headline.
    """
    links = list(_teaser_links(tree, base, own))
    owners = _single_owners([(each.element, each.teaser.address) for each in links])
    teasers: list[PageTeaser] = []
    for number, link in enumerate(links):
        teaser = link.teaser
        last = links[number - 1].teaser if number else None
        if last is None or last.address != teaser.address:
            teasers.append(_complete_teaser(link, owners))
        elif len(teasers[-1].headline.split()) < _MIN_WORDS <= len(teaser.headline.split()):
            before = teasers[-1]
            teasers[-1] = replace(before, headline=teaser.headline, kicker=before.headline)
        elif teasers[-1].level is None and teaser.level is not None:
            teasers[-1] = _complete_teaser(link, owners)
    return teasers


def _teaser_links(tree: HtmlElement, base: str, own: str) -> Iterator[_TeaserLink]:
    zones: dict[HtmlElement, bool] = {}
    targets: dict[str, str | None] = {}
    for place, link in enumerate(islice(tree.iter("a"), MOST_LINKS)):
        href = link.get("href")
        if not href or _is_chrome(link, zones):
            continue
        if href not in targets:
            targets[href] = _target(href, base, own)
        address = targets[href]
        if address is None:
            continue
        element, level = _heading_of(link)
        headline, kicker = _split_kicker(element, single_line_text(element))
        if _is_headline(headline, address, has_heading=level is not None):
            yield _TeaserLink(
                PageTeaser(address, headline[:LONGEST_TEXT], kicker, level, False), element, place
            )


def _target(href: str, base: str, own: str) -> str | None:
    """Return the address of another page of the same site, without its fragment."""
    joined = _absolute(href.partition("#")[0].strip(), base)
    if not joined.lower().startswith(("http://", "https://")) or len(joined) > LONGEST_ADDRESS:
        return None
    if _domain_of(joined) != _domain_of(own):
        return None
    is_other = FORUM.search(joined.partition("://")[2]) is None
    return joined if is_other and _path_of(joined) != _path_of(own) else None


def _absolute(href: str, base: str) -> str:
    """Return the absolute form of an address; empty if it is invalid."""
    try:
        joined = urljoin(base, href)
        urlsplit(joined)
    except ValueError:
        return ""
    return joined


def _domain_of(address: str) -> str:
    """Return the last two labels of the host, so that `sport.zeitung.example` is the same site."""
    return ".".join(site_of(address).rsplit(".", 2)[-2:])


def _path_of(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.path.rstrip("/"), parts.query


def _is_chrome(element: HtmlElement, zones: dict[HtmlElement, bool]) -> bool:
    """Check whether an element is in a menu, a footer or a hidden part."""
    path = []
    answer = False
    for each in (element, *element.iterancestors()):
        if each in zones:
            answer = zones[each]
            break
        path.append(each)
    for each in reversed(path):
        zones[each] = answer = answer or _is_chrome_element(each)
    return answer


def _is_chrome_element(element: HtmlElement) -> bool:
    if element.tag in ("html", "body", "main", "article"):
        return False
    if tag_zone(element) in ("chrome", "hidden"):
        return True
    label = class_and_id(element)
    return bool(label) and CHROME.search(label) is not None


def _heading_of(link: HtmlElement) -> tuple[HtmlElement, int | None]:
    """Return the element with the headline of a link, and the level of its heading."""
    inside = next(link.iter(*_HEADINGS), None)
    if inside is not None:
        beside = inside.getnext()
        is_kicker = len(single_line_text(inside).split()) < _MIN_WORDS
        if is_kicker and beside is not None and beside.tag == "span":
            text = single_line_text(beside)
            if len(text) <= _LONGEST_HEADLINE and len(text.split()) >= _MIN_WORDS:
                return beside, int(inside.tag[1])
        return inside, int(inside.tag[1])
    for around in islice(link.iterancestors(), _HEADING_LEVELS):
        if around.tag in _HEADINGS:
            only = next(islice(around.iter("a"), 1, None), None) is None
            return (around if only else link), int(around.tag[1])
    if len(link) > 1:
        marked = (each for each in link.iter() if HEADLINE.search(class_and_id(each)))
        return next((each for each in marked if each is not link), link), None
    return link, None


def _split_kicker(element: HtmlElement, text: str) -> tuple[str, str | None]:
    """Return the text of a headline without its kicker, and the kicker inside it."""
    for each in islice(element.iterdescendants(), 10):
        if KICKER.search(class_and_id(each)):
            kicker = single_line_text(each)
            if 0 < len(kicker) <= _LONGEST_KICKER and text.startswith(kicker) and text != kicker:
                return text[len(kicker) :].lstrip(" :|–-"), kicker.rstrip(" :|–-")
    return text, None


def _is_headline(text: str, address: str, *, has_heading: bool) -> bool:
    if not text or len(text) > _LONGEST_HEADLINE:
        return False
    words = len(text.split())
    if WIDE_SCRIPT.search(text):
        words += len(text) // 3
        length = len(text) * 2
    else:
        length = len(text)
    is_article = is_article_address(address)
    if has_heading and is_article:
        return length >= _SHORTEST_HEADING or words >= _MIN_HEADING_WORDS
    least = _MIN_LONG_HEADING_WORDS if has_heading else _MIN_WORDS
    return (has_heading or is_article) and length >= _SHORTEST and words >= least


def is_article_address(address: str) -> bool:
    """Check whether an address looks like that of an article, not of a section.

    >>> is_article_address("https://a.example/politik/deich-wird-bald-teurer")
    True
    >>> is_article_address("https://a.example/politik/")
    False
    """
    parts = urlsplit(address)
    segments = [each for each in parts.path.split("/") if each]
    is_long = bool(segments) and ARTICLE_SEGMENT.search(segments[-1]) is not None
    return is_long or LONG_NUMBER.search(parts.query) is not None


def _single_owners(links: list[tuple[HtmlElement, str]]) -> dict[HtmlElement, str | None]:
    """Return the address of all teasers in an element, None if there are several.

    An element is visited at most twice: once for each of two addresses.
    """
    owners: dict[HtmlElement, str | None] = {}
    for element, address in links:
        for each in (element, *element.iterancestors()):
            if each not in owners:
                owners[each] = address
            elif owners[each] == address:
                continue
            elif owners[each] is None:
                break
            else:
                owners[each] = None
    return owners


def _complete_teaser(link: _TeaserLink, owners: dict[HtmlElement, str | None]) -> PageTeaser:
    """Return a teaser with the kicker and picture of its card, the part of the page around it."""
    card = link.element
    for each in islice(link.element.iterancestors(), _CARD_LEVELS):
        if each.tag in _NEVER_IN_CARD or owners.get(each) is None:
            break
        card = each
    picture = next(card.iter(*_PICTURES), None) is not None
    kicker = link.teaser.kicker
    if kicker is None:
        marked = (each for each in card.iter() if KICKER.search(class_and_id(each)))
        first = next((each for each in marked if each is not card), None)
        text = "" if first is None else single_line_text(first)
        if 0 < len(text) <= _LONGEST_KICKER and text != link.teaser.headline:
            kicker = text
    return replace(link.teaser, kicker=kicker, picture=picture)
