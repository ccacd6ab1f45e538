"""Detect texts cut off by a paywall, and live blogs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from storage.values.draft import Candidate, Field
from storage.values.fields import count_words
from worker.text.page.fields.json_ld import JsonLd, node_types
from worker.text.page.layout.blocks import Block

_NOT_FREE = (
    False,
    "false",
    "False",
    "FALSE",
    "http://schema.org/False",
    "https://schema.org/False",
)
_LONGEST_SIGN = 400  # characters
_LONGEST_TEASER = 2500
_LONGEST_SILENT_TEASER = 1200
_NEARLY_ALL = 0.8
_PARTIAL = 0.6
_MIN_ENTRIES = 4

PAYWALL = re.compile(
    r"""(?:sie[ ]möchten|möchten[ ]sie|du[ ]möchtest|jetzt|einfach|um|hier)[ ]
      (?:[\w-]+[ ]){0,5}weiter(?:zu)?lesen\b
    | weiterlesen[ ](?:mit|und|sie[ ]mit)[ ] | (?:jetzt|als[ ]abonnent\w*)[ ]anmelden,?[ ]um
    | (?:dieser|der)[ ](?:artikel|inhalt|text|beitrag)[ ]ist[ ]
      (?:nur[ ]für|exklusiv[ ]für|abonnent|teil[ ](?:unseres|des|von))
    | (?:exklusiv|nur)[ ]für[ ](?:unsere[ ])?(?:abonnent|digital-?abo|plus-)
    | (?:jetzt|hier)[ ](?:gratis|kostenlos|kostenfrei)?[ ]?testen | abo[ ](?:abschließen|wählen)
    | (?:monat|wochen?)[ ]kostenlos[ ]testen | zugang[ ]zu[ ]allen[ ](?:artikeln|inhalten)
    | subscribe[ ](?:now[ ])?(?:to|and)[ ](?:continue|keep|read|unlock) | already[ ]a[ ]subscriber
    | to[ ](?:continue|keep)[ ]reading,?[ ](?:please[ ])?(?:subscribe|sign|log|register)
    | this[ ](?:article|story|content)[ ]is[ ](?:only[ ]|exclusive\w*[ ])?(?:available[ ])?
      (?:to|for)[ ](?:our[ ])?(?:paid[ ])?(?:subscribers|members)
    | start[ ]your[ ]free[ ]trial | unlock[ ]this[ ]article
    | il[ ]vous[ ]reste[ ][\d.,]+[ ]?%""",
    re.VERBOSE | re.IGNORECASE,
)
"""A notice below the free part of a text.

>>> bool(PAYWALL.search("Sie möchten diesen Artikel weiterlesen? Jetzt kostenlos testen"))
True
>>> PAYWALL.search("Der Artikel ist ein Gewinn. Er will weiterlesen.")
"""

LIVE_NAME = re.compile(
    r"\b(?:live-?blog|news-?blog|live-?ticker|news-?ticker|live-?updates?|minuten?protokoll)\b",
    re.IGNORECASE,
)
"""A name of a live blog.

>>> bool(LIVE_NAME.search("Liveticker: Sturm über der Küste")), bool(LIVE_NAME.search("Leben"))
(True, False)
"""

ENTRY_TIME = re.compile(
    r"(?:\+{2,3}\s*)?(?:\d{1,2}\.\s?(?:\d{1,2}\.|\w+)(?:\s?\d{4})?,?\s+)?\d{1,2}[:.]\d\d(?:\s?uhr)?"
    r"(?:\s?[ap]\.?m\.?)?\W{0,4}(?:\Z|(?=[A-ZÄÖÜ„\"]))",
    re.IGNORECASE,
)
"""The time before an entry of a live blog.

>>> bool(ENTRY_TIME.match("13:34 Uhr: Der Pegel steigt")), bool(ENTRY_TIME.match("13 Tote"))
(True, False)
"""


def is_teaser(
    json_ld: JsonLd, article: Mapping[str, Any] | None, text: str, blocks: Sequence[Block]
) -> bool:
    """Check whether a text is only the free beginning of a text behind a paywall.

    The page must declare that it is not free, or display a paywall notice, and the text must be
    short: pages for subscribers contain both, but also the complete text.
    """
    share = _word_share(article, text)
    if share is not None and share >= _NEARLY_ALL:
        return False
    is_locked = any(_is_locked(node) for node in ([article] if article else json_ld.nodes))
    if share is not None and share < _PARTIAL:
        return is_locked or _has_paywall_block(blocks)
    if is_locked:
        longest = _LONGEST_TEASER * 2 if _has_paywall_block(blocks) else _LONGEST_TEASER
        return len(text) < longest
    return len(text) < _LONGEST_SILENT_TEASER and _has_paywall_block(blocks)


def free_access_field(json_ld: JsonLd, article: Mapping[str, Any] | None) -> Field | None:
    """Return whether the page declares itself free to read, or None if it declares nothing."""
    nodes = [article] if article else json_ld.nodes
    values = [value for node in nodes for value in _free_access_values(node)]
    if not values:
        return None
    place = "JSON-LD isAccessibleForFree"
    candidates = tuple(Candidate(value, place) for value in dict.fromkeys(map(str, values)))
    return Field(not any(value in _NOT_FREE for value in values), place, None, candidates)


def is_live(json_ld: JsonLd, title: str | None, texts: Sequence[str]) -> bool:
    """Check whether a page is a live blog: by its type, or by its title and timed entries."""
    if any("LiveBlogPosting" in node_types(node) for node in json_ld.nodes):
        return True
    entries = sum(ENTRY_TIME.match(text) is not None for text in texts)
    is_named = LIVE_NAME.search(title or "") is not None
    return entries >= (2 if is_named else _MIN_ENTRIES * 2) or (
        is_named and _has_ticker_marks(texts)
    )


def _has_ticker_marks(texts: Sequence[str]) -> bool:
    """Check whether entries begin with plus signs, as tickers of news agencies do.

    >>> _has_ticker_marks(["+++ Der Pegel steigt +++"] * 4)
    True
    """
    return sum(text.startswith("++") for text in texts) >= _MIN_ENTRIES


def _word_share(article: Mapping[str, Any] | None, text: str) -> float | None:
    """Return the share of the declared word count that was read, or None without a count."""
    word_total = article.get("wordCount") if article else None
    try:
        count = int(str(word_total))
    except ValueError:
        return None
    return count_words(text) / count if count >= 50 else None


def _is_locked(node: Mapping[str, Any]) -> bool:
    return any(value in _NOT_FREE for value in _free_access_values(node))


def _free_access_values(node: Mapping[str, Any]) -> list[Any]:
    """Return the values of `isAccessibleForFree` of a node and its parts."""
    parts = node.get("hasPart")
    nodes = [node, *(parts if isinstance(parts, list) else [parts])]
    values = [n.get("isAccessibleForFree") for n in nodes if isinstance(n, Mapping)]
    return [value for value in values if isinstance(value, (bool, str))]


def _has_paywall_block(blocks: Sequence[Block]) -> bool:
    return any(
        PAYWALL.search(block.text) is not None
        for block in blocks
        if block.zone in ("article", "aside") and len(block.text) <= _LONGEST_SIGN
    )
