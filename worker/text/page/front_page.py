"""Detect front and section pages: pages that list other articles."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from lxml.etree import XPath
from lxml.html import HtmlElement

from storage.values.draft import TEXT_ROLES, Paragraph
from storage.values.messages import message_text
from worker.address import ARTICLE_SEGMENT
from worker.text.annotate.measures import title_key
from worker.text.page.fields.json_ld import JsonLd
from worker.text.page.layout.blocks import Block, Layout
from worker.text.page.scoring import Features, load_model

REASON = message_text("is_front_page")
REMEDY = message_text("front_page_remedy")
_SHORTEST_HEADLINE, _LONGEST_HEADLINE = 20, 200  # characters
_MIN_HEADLINES = 10  # of other pages
_LONGEST_TEASER = 3000  # characters between two headlines; longer texts are articles
_LONGEST_INTRODUCTION = 300  # characters below the headline of a section
LONG_TEASERS = (600, 1200)
_CHARACTERS_PER_HEADLINE = 200
_MAX_KEY = 60
_SHORTEST_KEY = 10
_LINK_LEVELS = 3
SCALE = 5.0
_MOST_OF_THE_TEXT = 0.8
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_OG_TYPE = XPath("string(/html/head/meta[@property='og:type']/@content)")


def is_front_page(
    layout: Layout,
    paragraphs: Sequence[Paragraph],
    title: str | None,
    json_ld: JsonLd,
    address: str | None,
    *,
    has_authors: bool,
) -> bool:
    """Check whether a page lists other articles.

    Such a page shows at least ten headlines of other pages, no long text between two of them, and
    at most a short introduction below its own headline.
    A model scores these pages (decision 0021).
    """
    values = features(layout, paragraphs, title, json_ld, address, has_authors=has_authors)
    if not values:
        return False
    model = load_model("front_page")
    return model.probability(values) >= model.threshold


def features(
    layout: Layout,
    paragraphs: Sequence[Paragraph],
    title: str | None,
    json_ld: JsonLd,
    address: str | None,
    *,
    has_authors: bool,
) -> Features:
    """Return the features of a page for the model; empty if it is not scored."""
    blocks = [block for block in layout.blocks if block.zone != "hidden"]
    headings = [(block, _is_linked(block)) for block in blocks if block.tag in _HEADINGS]
    linked = sum(is_linked for _, is_linked in headings)
    long_links = [
        link for link in layout.body.iter("a") if len(link.text or "") >= _SHORTEST_HEADLINE
    ]
    links = len(long_links)
    if linked + links < _MIN_HEADLINES:
        return {}
    lengths = {title_key(p.text): len(p.text) for p in paragraphs if p.role in TEXT_ROLES}
    total = sum(lengths.values())
    key = title_key(title or "")[:_MAX_KEY]
    runs, below_headline = _text_runs(blocks, lengths, key)
    longest = max(runs)
    if longest > _LONGEST_TEASER or below_headline > _LONGEST_INTRODUCTION:
        return {}
    og_type = _OG_TYPE(layout.body.getroottree()).lower()
    values = {
        "linked headings": _log(linked),
        "share of linked headings": linked / len(headings) if headings else 0.0,
        "links like headlines": _log(links),
        "headlines per text": headline_density(linked + links, total),
        "runs of text": _log(sum(run > 0 for run in runs)),
        "text": _log(total),
        "longest run": _log(longest),
        "share of the longest run": longest / total,
        "headlines amid the text": _share_amid_text(
            [b.element for b, is_linked in headings if is_linked] + long_links,
            [(b.element, lengths[b.key]) for b in blocks if b.key in lengths],
        ),
        "unmatched": max(0.0, 1 - sum(runs) / total),
        "no author": float(not has_authors),
        "no h1": float(not any(block.tag == "h1" for block, _ in headings)),
        "linked h1": float(any(block.tag == "h1" and is_linked for block, is_linked in headings)),
        "headline is shown": float(
            any(not is_linked and _is_same_title(block.key, key) for block, is_linked in headings)
        ),
        "words in the title": _log(len((title or "").split())),
        "JSON-LD article": float(bool(json_ld.articles())),
        f"og:type {og_type if og_type in ('article', 'website', '') else 'other'}": 1.0,
    }
    values |= {f"longest run over {limit}": float(longest > limit) for limit in LONG_TEASERS}
    return values | address_features(address)


def address_features(address: str | None) -> dict[str, float]:
    """Return what an address indicates: the root of a site, a section, or an article."""
    if not address:
        return {"no address": 1.0}
    parts = urlsplit(address)
    segments = [segment for segment in parts.path.split("/") if segment]
    is_article = bool(segments and ARTICLE_SEGMENT.search(segments[-1]))
    return {
        "root": float(not segments and not parts.query),
        "one segment": float(len(segments) == 1 and not is_article),
        "article segment": float(is_article),
    }


def headline_density(headlines: float, characters: int) -> float:
    """Return the number of headlines in relation to the text, on the scale of the features."""
    return math.log((headlines + 1) / (characters / _CHARACTERS_PER_HEADLINE + 1)) / SCALE


def _log(number: float) -> float:
    return math.log1p(number) / SCALE


def _is_same_title(key: str, title: str) -> bool:
    key = key[:_MAX_KEY]
    return len(key) >= _SHORTEST_KEY and bool(title) and (key in title or title in key)


def _share_amid_text(
    headlines: Sequence[HtmlElement], texts: Sequence[tuple[HtmlElement, int]]
) -> float:
    """Return the share of the headlines in the element with most of the text.

    Teasers are between headlines; links around an article are outside of its text.
    """
    lengths: Counter[HtmlElement] = Counter()
    for element, length in texts:
        for ancestor in element.iterancestors():
            lengths[ancestor] += length
    enough = sum(length for _, length in texts) * _MOST_OF_THE_TEXT
    holders = {element for element, length in lengths.items() if length >= enough}
    innermost = next((e for e in holders if not any(child in holders for child in e)), None)
    if innermost is None:
        return 1.0
    amid = sum(any(each is innermost for each in e.iterancestors()) for e in headlines)
    return amid / len(headlines)


def _text_runs(
    blocks: Sequence[Block], lengths: Mapping[str, int], title: str
) -> tuple[list[int], int]:
    """Return the extracted characters between headlines, and those below the page's own one.

    A short headline that is the whole title, such as "Imprint", may also be the name of the site,
    so it begins no run.
    """
    runs = [0]
    own = None
    below = 0
    for block in blocks:
        length = len(block.text)
        is_heading = block.tag in _HEADINGS and not _is_linked(block)
        if is_heading and _is_same_title(block.key, title):
            own, below = len(runs), 0
            runs.append(0)
        elif is_heading and title and block.key == title:
            own, below = len(runs) - 1, 0
        elif length < _SHORTEST_HEADLINE:
            continue
        elif length <= _LONGEST_HEADLINE and _is_linked(block):
            runs.append(0)
        elif block.key in lengths:
            runs[-1] += length
            below += length if own == len(runs) - 1 else 0
    return runs, below


def _is_linked(block: Block) -> bool:
    """Check whether a block begins with a link to another page, or is inside one."""
    first = element = block.element
    while first.tag != "a" and len(first) and not (first.text and first.text.strip()):
        first = first[0]
    for _ in range(_LINK_LEVELS + 1):
        if first.tag == "a" or element is None:
            break
        first, element = element, element.getparent()
    return first.tag == "a" and not (first.get("href") or "#").startswith("#")
