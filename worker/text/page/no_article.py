"""Know a page that holds no article: a list of links, or a shell whose text is not in it."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lxml.html import HtmlElement

from storage.values.draft import TEXT_ROLES, Paragraph
from worker.text.annotate.words import title_key
from worker.text.page.body.roles import places_of
from worker.text.page.layout.blocks import Block
from worker.text.page.weigh import Features, model

_MOST_LINKED = 0.5  # of the characters of the text
_SHORTEST_SENTENCE = 25  # characters
_SHORT = 60
_RUNNING = 1000  # characters of sentences: never weighed
_FEWEST_PIECES = 3
_OPENING = 400
_COMPARED = 50
_SHORTEST_LEAD = 30
_FEWEST_WORDS = 2
_ARTICLES = ("article", "main")
_NEVER_SHARED = 10  # elements
_STEM = 5
_SHORTEST_WORD = 4
_FAR = 5.0
_ENDS = (".", "!", "?", "…", ":", ";", "。", "！", "？", "।", "؟", "۔", "።", "။", "׃")
"""What a sentence ends with, in the scripts of the press."""
_CLOSING = "\"'“”»«’)]」』"


@dataclass(frozen=True, slots=True)
class _PlacedText:
    """A paragraph of the text, and the block that it stands in, if it stands in one."""

    text: str
    block: Block | None

    @property
    def share(self) -> float:
        return self.block.share if self.block else 0.0

    @property
    def is_said(self) -> bool:
        return self.share < _MOST_LINKED and is_said(self.text)


def no_article_reason(
    paragraphs: Sequence[Paragraph],
    blocks: Sequence[Block],
    title: str | None,
    leads: Sequence[str],
    stated: str = "",
) -> str | None:
    """Return what a page is instead of an article, None for one.

    A page of teasers is links for most of its characters. In a shell of short lines nothing is
    said: none ends like a sentence, and there is no verse or list of several either. Of other pages
    some twenty features tell whether what was found can be the text that the headline promises, or
    is what stands around it. A thousand characters of sentences are running text, and what JSON-LD
    states as the text (`stated`) is that of an article: neither is weighed.
    """
    running = [p.text for p in paragraphs if p.role in TEXT_ROLES]
    lines = _lines(running, blocks)
    whole = sum(len(text) for text in running)
    if sum(len(line.text) * line.share for line in lines) > whole * _MOST_LINKED:
        return "a list of links"
    said = sum(len(line.text) for line in lines if line.is_said)
    if said >= _RUNNING or title_key(running[0])[:_COMPARED] in title_key(stated):
        return None
    if all(len(line.text) < _SHORT for line in lines):
        stands = sum(line.block is not None for line in lines)
        is_shell = not any(map(is_said, running)) and stands < _FEWEST_PIECES
        return "a page without running text" if is_shell else None
    weighed = model("no_article")
    told = features(lines, blocks, title, leads)
    if weighed.probability(told) < weighed.threshold:
        return None
    return f"its text is not that of an article ({', '.join(weighed.why(told))})"


def _lines(running: Sequence[str], blocks: Sequence[Block]) -> list[_PlacedText]:
    places = places_of(blocks)
    return [_PlacedText(text, places.get(title_key(text))) for text in running]


def features(
    lines: Sequence[_PlacedText], blocks: Sequence[Block], title: str | None, leads: Sequence[str]
) -> Features:
    """Return what speaks for and against that a page holds no article."""
    whole = sum(len(line.text) for line in lines)

    def share(counted: Iterable[_PlacedText]) -> float:
        return sum(len(line.text) for line in counted) / whole

    text = "\n".join(line.text for line in lines)
    everything = title_key(text)
    described = [key for lead in leads if len(key := title_key(lead)) >= _SHORTEST_LEAD]
    told = {
        "length": math.log(whole + 1) / _FAR,
        "said": share(line for line in lines if line.is_said),
        "nowhere": share(line for line in lines if line.block is None),
        "beside": share(x for x in lines if x.block and x.block.zone != "article"),
        "one element": _most_held(lines) / whole,
        "lead itself": float(any(key[:_COMPARED] in everything for key in described)),
    }
    told |= _position(lines, blocks)
    told |= _agreement("title", title or "", text)
    told |= _agreement("lead", max(leads, key=len, default=""), text)
    told |= _below_headline(lines, blocks, title_key(title or ""))
    told["nowhere, title in the text"] = told["nowhere"] * told.get("title in the text", 0.0)
    return told


def _position(lines: Sequence[_PlacedText], blocks: Sequence[Block]) -> dict[str, float]:
    """Return how far down the page the text stands, and how much of it inside an article."""
    at = {id(block): index for index, block in enumerate(blocks)}
    last = max((i for i, b in enumerate(blocks) if b.zone != "hidden"), default=0) or 1
    inside: dict[HtmlElement | None, bool] = {}
    known = article = down = 0.0
    for line in lines:
        if line.block is None:
            continue
        parent = line.block.element.getparent()
        if parent not in inside:
            around = () if parent is None else (parent, *parent.iterancestors())
            inside[parent] = any(each.tag in _ARTICLES for each in around)
        known += len(line.text)
        article += len(line.text) * inside[parent]
        down += len(line.text) * at[id(line.block)]
    return {
        "in the article": article / sum(len(line.text) for line in lines),
        "how far down": down / (last * known) if known else 0.0,
    }


def _most_held(lines: Sequence[_PlacedText]) -> int:
    held: Counter[HtmlElement | None] = Counter()
    for line in lines:
        if line.block is not None:
            held[line.block.element.getparent()] += len(line.text)
    return max(held.values(), default=0)


def _agreement(name: str, wanted: str, text: str) -> dict[str, float]:
    """Return how many of the longer words of a title or description the text has."""
    stems = _stems(wanted)
    if len(stems) < _FEWEST_WORDS:
        return {f"no {name}": 1.0}
    found = stems & _stems(text)
    return {
        f"{name} in the text": len(found) / len(stems),
        f"{name} in its opening": len(stems & _stems(text[:_OPENING])) / len(stems),
        f"{name} nowhere": float(not found),
    }


def _stems(text: str) -> set[str]:
    words = ("".join(filter(str.isalnum, word)) for word in text.casefold().split())
    return {word[:_STEM] for word in words if len(word) >= _SHORTEST_WORD}


def _below_headline(
    lines: Sequence[_PlacedText], blocks: Sequence[Block], key: str
) -> dict[str, float]:
    """Return how far the text stands from the headline, in blocks and in the tree."""
    headings = [b for b in blocks if key and (b.key == key or (b.tag == "h1" and b.key in key))]
    first = next((line.block for line in lines if line.block and len(line.text) >= _SHORT), None)
    if not headings or first is None:
        return {"no headline or text": 1.0}
    at = {id(block): index for index, block in enumerate(blocks)}
    here = at[id(first)]
    before = [at[id(b)] for b in headings if at[id(b)] < here]
    if not before:
        return {"above the headline": 1.0}
    heading = blocks[before[-1]].element
    around = set(heading.iterancestors())
    steps = next(
        (n for n, e in enumerate(first.element.iterancestors()) if e in around), _NEVER_SHARED
    )
    return {
        "blocks below the headline": math.log1p(here - before[-1]) / _FAR,
        "elements below the headline": min(2.0, steps / _FAR),
    }


def is_said(text: str) -> bool:
    """Return whether a paragraph ends like a sentence, or holds several.

    >>> is_said("Der Rat der Stadt tagt am Dienstag."), is_said("Start / Politik / Region Lohetal")
    (True, False)
    """
    if len(text) >= _SHORTEST_SENTENCE and text.rstrip(_CLOSING + " ").endswith(_ENDS):
        return True
    return sum(text.count(f"{end} ") for end in ".!?") >= _FEWEST_PIECES
