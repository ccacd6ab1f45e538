"""Collect information about the page that indicates which candidate names are authors."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.text.annotate.measures import title_key
from worker.text.page.fields.article_node import account_names, organisation_names
from worker.text.page.fields.json_ld import node_types
from worker.text.page.layout.blocks import Block, Layout
from worker.text.page.layout.candidates import Candidates

_BEFORE, _AFTER = 5, 25  # blocks around the headline
_LONGEST_LINE = 160  # characters
_DATE_DIGITS = 3  # digits
_SHORTEST_PARAGRAPH = 80  # characters
_MAX_TEXT = 30_000  # characters
_VISIBLE_PLACES = ("byline", "link rel", "itemprop")
"""Prefixes of the places where readers see an author."""
_OPENING = 70
"""Number of characters from the beginning of a paragraph, which may introduce a name."""


BLOG = re.compile(
    r"//blogs?\.|/blogs?/|\.(?:wordpress|blogspot|substack|tumblr|typepad|livejournal)\.",
    re.IGNORECASE,
)
"""The address of a blog.

>>> bool(BLOG.search("https://blog.a.example/x")), bool(BLOG.search("/blog/x"))
(True, True)
>>> BLOG.search("/liveblog/x")
"""


HeadlineLine = tuple[int, str, bool]
"""A short line: its distance below the headline in blocks, its key, and whether it has a date."""


@dataclass(frozen=True, slots=True)
class PageClues:
    """Information about a page in addition to candidates; names are compared by `title_key`.

    `lines` are the short lines around the headline. `invisible` are names of user accounts that the
    page does not display, `organisations` the authors declared as such. `openings` are the
    beginnings of paragraphs, which may introduce an author. On a company blog the company may be
    the author. `text` is the visible text.
    """

    lines: tuple[HeadlineLine, ...] = ()
    invisible: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    is_blog: bool = False
    openings: tuple[str, ...] = ()
    text: str = ""


NO_CLUES = PageClues()
"""For candidates without a page."""


def collect_clues(
    layout: Layout, node: Mapping[str, Any] | None, candidates: Candidates, address: str | None
) -> PageClues:
    """Collect the clues of a page."""
    bylines = [
        line
        for candidate in candidates.get("authors", ())
        if candidate.found_in.startswith(_VISIBLE_PLACES)
        for line in candidate.value
    ]
    kinds = node_types(node or {})
    has_blog_address = BLOG.search(address or "") is not None
    is_news = any(kind.endswith("NewsArticle") for kind in kinds)
    return PageClues(
        tuple(_headline_lines(layout)),
        _invisible_accounts(layout.blocks, account_names(node), bylines),
        organisation_names(node),
        not is_news and (has_blog_address or "BlogPosting" in kinds),
        tuple(
            block.text[:_OPENING]
            for block in layout.blocks
            if len(block.text) > _SHORTEST_PARAGRAPH and block.zone != "hidden"
        ),
        "\n".join(block.text for block in layout.blocks if block.zone != "hidden")[:_MAX_TEXT],
    )


def _headline_lines(layout: Layout) -> Iterator[HeadlineLine]:
    """Yield the short lines around the headline."""
    blocks, headline_index = layout.blocks, layout.headline
    for index in range(max(0, headline_index - _BEFORE), min(len(blocks), headline_index + _AFTER)):
        block = blocks[index]
        if block.zone != "hidden" and block.tag != "h1" and len(block.text) <= _LONGEST_LINE:
            digits = sum(map(str.isdecimal, block.text))
            yield index - headline_index, block.key, digits >= _DATE_DIGITS


def _invisible_accounts(
    blocks: Sequence[Block], names: frozenset[str], bylines: Sequence[str]
) -> frozenset[str]:
    """Return the names of accounts that do not occur in the visible page."""
    if not names:
        return names
    lines = [block.key for block in blocks if block.zone != "hidden"]
    visible_keys = " ".join([*lines, *map(title_key, bylines)])
    return frozenset(name for name in names if title_key(name) not in visible_keys)
