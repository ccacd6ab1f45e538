"""Describe what a page shows around the names that it offers, and what it calls itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.text.annotate.words import title_key
from worker.text.page.fields.article_node import account_names, organisation_names
from worker.text.page.fields.byline_places import headline_at
from worker.text.page.fields.json_ld import types_of
from worker.text.page.layout.blocks import Block, Layout

_BEFORE, _BEHIND = 5, 25  # blocks around the headline
_LONGEST_LINE = 160  # characters
_DATED = 3  # digits
_SHORTEST_PARAGRAPH = 80  # characters
_OPENING = 70
"""Characters of a paragraph that may begin with a name."""


BLOG = re.compile(r"//blogs?\.|/blogs?/", re.IGNORECASE)
"""The address of a blog.

>>> [bool(BLOG.search(each)) for each in ("https://blog.a.example/x", "/blog/x", "/liveblog/x")]
[True, True, False]
"""


Line = tuple[int, str, bool]
"""A short line: how far below the headline it stands, its letters, whether it holds a date."""


@dataclass(frozen=True, slots=True)
class PageClues:
    """What a page says beside its offers; names are compared by their letters (`title_key`).

    `lines` are those around the headline, `unseen` the names of accounts that nobody can read on
    the page, `organisations` what it calls so, `openings` how its paragraphs begin: one may tell
    who somebody is. On a blog of a firm the firm writes.
    """

    lines: tuple[Line, ...] = ()
    unseen: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    is_blog: bool = False
    openings: tuple[str, ...] = ()


NO_CLUES = PageClues()
"""That of offers without a page."""


def clues_of(
    layout: Layout, node: Mapping[str, Any] | None, seen: Sequence[str], address: str | None
) -> PageClues:
    """Return the clues of a page; `seen` are bylines, which may stand outside of any block."""
    kinds = types_of(node or {})
    addressed = BLOG.search(address or "") is not None
    news = any(kind.endswith("NewsArticle") for kind in kinds)
    return PageClues(
        tuple(_near(layout.blocks)),
        _unseen_accounts(layout.blocks, account_names(node), seen),
        organisation_names(node),
        not news and (addressed or "BlogPosting" in kinds),
        tuple(
            block.text[:_OPENING]
            for block in layout.blocks
            if len(block.text) > _SHORTEST_PARAGRAPH and block.zone != "hidden"
        ),
    )


def _near(blocks: Sequence[Block]) -> Iterator[Line]:
    """Yield the short lines around the headline."""
    at = headline_at(blocks)
    for index in range(max(0, at - _BEFORE), min(len(blocks), at + _BEHIND)):
        block = blocks[index]
        if block.zone != "hidden" and block.tag != "h1" and len(block.text) <= _LONGEST_LINE:
            digits = sum(map(str.isdecimal, block.text))
            yield index - at, block.key, digits >= _DATED


def _unseen_accounts(
    blocks: Sequence[Block], names: frozenset[str], seen: Sequence[str]
) -> frozenset[str]:
    """Return the accounts named as authors that nobody can read on the page."""
    if not names:
        return names
    lines = [block.key for block in blocks if block.zone != "hidden"]
    shown = " ".join([*lines, *map(title_key, seen)])
    return frozenset(name for name in names if title_key(name) not in shown)
