"""Detect front and section pages: pages that list other articles."""

import math
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from lxml.etree import XPath

from storage.values.draft import TEXT_ROLES, Paragraph
from worker.text.annotate.words import title_key
from worker.text.page.fields.json_ld import JsonLd
from worker.text.page.layout.blocks import Block, Layout
from worker.text.page.scoring import Features, load_model

REASON = "it is a front page or section page that lists other articles"
REMEDY = (
    "To archive the listed articles, add the feed or sitemap of the site, or a list of their "
    "addresses, as a source. To record which articles the page shows where, run `lesart source add "
    "ADDRESS --type front`."
)
_SHORTEST_HEADLINE, _LONGEST_HEADLINE = 20, 200  # characters
_MIN_HEADLINES = 10  # of other pages
_LONGEST_TEASER = 3000  # characters between two headlines; longer texts are articles
_LONGEST_INTRODUCTION = 300  # characters below the headline of a section
_LONG_TEASERS = (600, 1200)
_CHARACTERS_PER_HEADLINE = 200
_MAX_KEY = 60
_SHORTEST_KEY = 10
_LINK_LEVELS = 3
_SCALE = 5.0
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_OG_TYPE = XPath("string(/html/head/meta[@property='og:type']/@content)")

ARTICLE_SEGMENT = re.compile(r"(?:[-_].*){3}|\d{4,}|\.\w{3,5}$")
"""The last segment of the address of an article, in contrast to that of a section.

>>> bool(ARTICLE_SEGMENT.search("deich-wird-bald-teurer")), bool(ARTICLE_SEGMENT.search("politik"))
(True, False)
"""


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
    texts = [link.text for link in layout.body.iter("a")]
    links = sum(len(text) >= _SHORTEST_HEADLINE for text in texts if text)
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
        "headlines per text": math.log(
            (linked + links + 1) / (total / _CHARACTERS_PER_HEADLINE + 1)
        )
        / _SCALE,
        "runs of text": _log(sum(run > 0 for run in runs)),
        "text": _log(total),
        "longest run": _log(longest),
        "share of the longest run": longest / total,
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
    values |= {f"longest run over {limit}": float(longest > limit) for limit in _LONG_TEASERS}
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


def _log(number: float) -> float:
    return math.log1p(number) / _SCALE


def _is_same_title(key: str, title: str) -> bool:
    key = key[:_MAX_KEY]
    return len(key) >= _SHORTEST_KEY and bool(title) and (key in title or title in key)


def _text_runs(
    blocks: Sequence[Block], lengths: Mapping[str, int], title: str
) -> tuple[list[int], int]:
    """Return the extracted characters between headlines, and those below the page's own one."""
    runs = [0]
    own = None
    for block in blocks:
        length = len(block.text)
        if block.tag in _HEADINGS and _is_same_title(block.key, title) and not _is_linked(block):
            own = len(runs)
            runs.append(0)
        elif length < _SHORTEST_HEADLINE:
            continue
        elif length <= _LONGEST_HEADLINE and _is_linked(block):
            runs.append(0)
        elif block.key in lengths:
            runs[-1] += length
    return runs, 0 if own is None else runs[own]


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
