"""Whether a page shows a whole text or only its beginning, and whether it goes on growing."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from storage.values.draft import Candidate, Field
from worker.text.annotate.words import word_count
from worker.text.page.fields.json_ld import Linked, types_of
from worker.text.page.layout.blocks import Block

_FALSE = (False, "false", "False", "FALSE", "http://schema.org/False", "https://schema.org/False")
_LONGEST_SIGN = 400  # characters
_LONGEST_TEASER = 2500
_LONGEST_SILENT_TEASER = 1200
_MOST_OF_IT = 0.8
_PART_OF_IT = 0.6
_FEWEST_ENTRIES = 4

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
"""What stands below the free part of a text.

>>> bool(PAYWALL.search("Sie möchten diesen Artikel weiterlesen? Jetzt kostenlos testen"))
True
>>> PAYWALL.search("Der Artikel ist ein Gewinn. Er will weiterlesen.")
"""

LIVE_NAME = re.compile(
    r"\b(?:live-?blog|news-?blog|live-?ticker|news-?ticker|live-?updates?|minuten?protokoll)\b",
    re.IGNORECASE,
)
"""How a live blog is called.

>>> bool(LIVE_NAME.search("Liveticker: Sturm über der Küste")), bool(LIVE_NAME.search("Leben"))
(True, False)
"""

ENTRY_TIME = re.compile(
    r"(?:\+{2,3}\s*)?(?:\d{1,2}\.\s?(?:\d{1,2}\.|\w+)(?:\s?\d{4})?,?\s+)?\d{1,2}[:.]\d\d(?:\s?uhr)?"
    r"(?:\s?[ap]\.?m\.?)?\W{0,4}(?:\Z|(?=[A-ZÄÖÜ„\"]))",
    re.IGNORECASE,
)
"""The time before an entry.

>>> bool(ENTRY_TIME.match("13:34 Uhr: Der Pegel steigt")), bool(ENTRY_TIME.match("13 Tote"))
(True, False)
"""


def is_teaser(
    linked: Linked, article: Mapping[str, Any] | None, text: str, blocks: Sequence[Block]
) -> bool:
    """Return whether a text is only the beginning of one behind a paywall.

    What the page declares (not free to read) and what it shows (a paywall) count, and against
    both the length: a subscriber's page declares the same and shows the whole text.
    """
    share = _stated_share(article, text)
    if share is not None and share >= _MOST_OF_IT:
        return False
    declared = any(_is_locked(node) for node in ([article] if article else linked.nodes))
    if share is not None and share < _PART_OF_IT:
        return declared or _shows_paywall(blocks)
    if declared:
        longest = _LONGEST_TEASER * 2 if _shows_paywall(blocks) else _LONGEST_TEASER
        return len(text) < longest
    return len(text) < _LONGEST_SILENT_TEASER and _shows_paywall(blocks)


def declared_free(linked: Linked, article: Mapping[str, Any] | None) -> Field | None:
    """Whether a page says that it can be read for free, None where it says nothing."""
    nodes = [article] if article else linked.nodes
    said = [each for node in nodes for each in _declared(node)]
    if not said:
        return None
    place = "JSON-LD isAccessibleForFree"
    offered = tuple(Candidate(each, place) for each in dict.fromkeys(map(str, said)))
    return Field(not any(each in _FALSE for each in said), place, None, offered)


def is_live(linked: Linked, title: str | None, texts: Sequence[str]) -> bool:
    """Whether a page is a live blog: by its type, or by its name and entries with times."""
    if any("LiveBlogPosting" in types_of(node) for node in linked.nodes):
        return True
    entries = sum(ENTRY_TIME.match(text) is not None for text in texts)
    named = LIVE_NAME.search(title or "") is not None
    return entries >= (2 if named else _FEWEST_ENTRIES * 2) or (named and _is_marked(texts))


def _is_marked(texts: Sequence[str]) -> bool:
    """Return whether entries begin with plus signs, as tickers of agencies do.

    >>> _is_marked(["+++ Der Pegel steigt +++"] * 4)
    True
    """
    return sum(text.startswith("++") for text in texts) >= _FEWEST_ENTRIES


def _stated_share(article: Mapping[str, Any] | None, text: str) -> float | None:
    """Return how much of the words that the page counts was read, None where it counts none."""
    stated = article.get("wordCount") if article else None
    try:
        count = int(str(stated))
    except ValueError:
        return None
    return word_count(text.split()) / count if count >= 50 else None


def _is_locked(node: Mapping[str, Any]) -> bool:
    return any(each in _FALSE for each in _declared(node))


def _declared(node: Mapping[str, Any]) -> list[Any]:
    """Return what a node and its parts say of whether they are free to read."""
    parts = node.get("hasPart")
    nodes = [node, *(parts if isinstance(parts, list) else [parts])]
    said = [n.get("isAccessibleForFree") for n in nodes if isinstance(n, Mapping)]
    return [each for each in said if isinstance(each, (bool, str))]


def _shows_paywall(blocks: Sequence[Block]) -> bool:
    return any(
        PAYWALL.search(block.text) is not None
        for block in blocks
        if block.zone in ("article", "aside") and len(block.text) <= _LONGEST_SIGN
    )
