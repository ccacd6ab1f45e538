"""Tell what a page shows around the names that it offers, and what it calls itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.text.annotate.words import title_key
from worker.text.page.fields.article_node import account_names, organisation_names
from worker.text.page.fields.json_ld import types_of
from worker.text.page.layout.blocks import Block, Layout

_BEFORE, _BEHIND = 5, 25  # blocks around the headline
_LONGEST_LINE = 160  # characters
_READ = ("article", "aside")


BLOG = re.compile(r"//blogs?\.|/blogs?/", re.IGNORECASE)
"""The address of a blog.

>>> [bool(BLOG.search(each)) for each in ("https://blog.a.example/x", "/blog/x", "/liveblog/x")]
[True, True, False]
"""


@dataclass(frozen=True, slots=True)
class PageClues:
    """What a page says beside its offers; names are compared by their letters (`title_key`).

    `shown` are the short lines around the headline, `unseen` the names of accounts that nobody
    can read on the page, `organisations` what it calls so. On a blog of a firm the firm writes.
    """

    shown: str = ""
    unseen: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    is_blog: bool = False


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
        "|".join(block.key for block in _near(layout.blocks)),
        _unseen_accounts(layout.blocks, account_names(node), seen),
        organisation_names(node),
        not news and (addressed or "BlogPosting" in kinds),
    )


def _near(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the short lines around the headline."""
    at = next((i for i, b in enumerate(blocks) if b.tag == "h1" and b.zone == "article"), 0)
    for block in blocks[max(0, at - _BEFORE) : at + _BEHIND]:
        if block.zone in _READ and block.tag != "h1" and len(block.text) <= _LONGEST_LINE:
            yield block


def _unseen_accounts(
    blocks: Sequence[Block], names: frozenset[str], seen: Sequence[str]
) -> frozenset[str]:
    """Return the accounts named as authors that nobody can read on the page."""
    if not names:
        return names
    lines = [block.key for block in blocks if block.zone != "hidden"]
    shown = " ".join([*lines, *map(title_key, seen)])
    return frozenset(name for name in names if title_key(name) not in shown)
