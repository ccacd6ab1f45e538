"""Refuse pages that are no articles: front pages, interstitials, link lists, and empty shells."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from lxml.html import HtmlElement

from storage.values.draft import TEXT_ROLES, Paragraph
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.text.annotate.measures import title_key
from worker.text.page.body.roles import blocks_by_key
from worker.text.page.fields.article_node import article_body, article_node
from worker.text.page.front_page import REASON, REMEDY, is_front_page
from worker.text.page.interstitials import interstitial_reason
from worker.text.page.layout.blocks import Block
from worker.text.page.parsed_page import ParsedPage
from worker.text.page.scoring import Features, load_model

_MAX_LINK_SHARE = 0.5  # of the characters of the text
_SHORTEST_SENTENCE = 25  # characters
_SHORT_LINE = 60
_ENOUGH_SENTENCES = 1000  # characters of sentences; such pages are not scored
_MIN_PIECES = 3
_OPENING = 400
_KEY_PREFIX = 50
_SHORTEST_LEAD = 30
_MIN_WORDS = 2
_HEADINGS = ("h1", "h2", "h3", "h4")
_ARTICLE_TAGS = ("article", "main")
_NO_SHARED_ANCESTOR = 10  # elements
_STEM_LENGTH = 5
_SHORTEST_WORD = 4
_MENU_WORDS = 200
_WORDS_PER_END = 100
_LONGEST_WORD = 12  # characters on average; scripts without spaces have longer ones
_REPEATS = 4
_LONGEST_REPEAT = 120  # characters
_MAX_EMPTY_SHARE = 0.5  # of the characters of the text
_ENOUGH_TEXT = 300  # characters of other lines
_SCALE = 5.0
_SENTENCE_ENDS = (".", "!", "?", "…", ":", ";", "。", "！", "？", "।", "؟", "۔", "።", "။", "׃")
"""Closing punctuation of a sentence, in the scripts that newspapers use."""
_CLOSING_QUOTES = "\"'“”»«’)]」』"


_MOST_SIGNS = 3
_SIGNS = {
    "above the headline": message_text("sign_above"),
    "beside": message_text("sign_beside"),
    "blocks below the headline": message_text("sign_far_below"),
    "elements below the headline": message_text("sign_elsewhere"),
    "how far down": message_text("sign_far_down"),
    "lead nowhere": message_text("sign_no_lead"),
    "no headline or text": message_text("sign_not_below"),
    "nowhere, title in the text": message_text("sign_no_paragraphs"),
    "title nowhere": message_text("sign_no_title"),
}
"""What the features that speak against an article mean, in words."""


@dataclass(frozen=True, slots=True)
class _TextLine:
    """A paragraph of the text with its block on the page, or None if no block matches."""

    text: str
    block: Block | None

    @property
    def share(self) -> float:
        return self.block.share if self.block else 0.0

    @property
    def is_sentence(self) -> bool:
        return self.share < _MAX_LINK_SHARE and is_sentence_text(self.text)


def no_article_reason(
    paragraphs: Sequence[Paragraph],
    blocks: Sequence[Block],
    title: str | None,
    leads: Sequence[str],
    json_ld_body: str = "",
) -> str | None:
    """Return the reason why a page is not an article, or None for an article.

    A page is a link list if links make up more than half of its text. It has no text if it consists
    of menus and repeated lines. It is an empty shell if it
    has only short lines, fewer than three of them match blocks, and none is a sentence. Other pages
    are scored by a model, unless they have a thousand characters of sentences, begin like the
    `articleBody` of JSON-LD (`json_ld_body`), or stand alone below the headline.
    """
    running = [p.text for p in paragraphs if p.role in TEXT_ROLES]
    lines = _lines(running, blocks)
    total = sum(len(text) for text in running)
    if sum(len(line.text) * line.share for line in lines) > total * _MAX_LINK_SHARE:
        return message_text("link_list")
    if not has_text(running):
        return message_text("only_menus")
    sentence_length = sum(len(line.text) for line in lines if line.is_sentence)
    if sentence_length >= _ENOUGH_SENTENCES or title_key(running[0])[:_KEY_PREFIX] in title_key(
        json_ld_body
    ):
        return None
    if all(len(line.text) < _SHORT_LINE for line in lines):
        matched = sum(line.block is not None for line in lines)
        is_shell = not any(map(is_sentence_text, running)) and matched < _MIN_PIECES
        return message_text("no_running_text") if is_shell else None
    model = load_model("no_article")
    values = features(lines, blocks, title, leads)
    is_likely = model.probability(values) >= model.threshold
    if not is_likely or _stands_below_headline(lines, blocks, title_key(title or "")):
        return None
    decided = [name.removeprefix("+") for name in model.explain(values) if name[0] == "+"]
    signs = [_SIGNS[name] for name in decided[:_MOST_SIGNS]] or [message_text("sign_short")]
    listed = reduce(lambda rest, first: message_text("listed", first=first, rest=rest), signs[::-1])
    return message_text("other_text", signs=listed)


def has_text(running: Sequence[str]) -> bool:
    """Check whether a page has text besides menus without a sentence and repeated lines.

    It has none if such paragraphs make up half of it and less than a short paragraph remains.

    >>> has_text(["Der Rat tagt am Dienstag im Rathaus."]), has_text(["Jetzt abonnieren!"] * 8)
    (True, False)
    """
    counts = Counter(title_key(text) for text in running if len(text) <= _LONGEST_REPEAT)
    rest = sum(
        len(text) for text in running if counts[title_key(text)] < _REPEATS and not _is_menu(text)
    )
    total = sum(map(len, running))
    return rest >= _ENOUGH_TEXT or total - rest <= total * _MAX_EMPTY_SHARE


def _is_menu(text: str) -> bool:
    """Check whether a paragraph has hundreds of words and no sentence."""
    words = text.split()
    if len(words) < _MENU_WORDS or len(text) > len(words) * _LONGEST_WORD:
        return False
    return sum(word.endswith(_SENTENCE_ENDS) for word in words) * _WORDS_PER_END < len(words)


def _lines(running: Sequence[str], blocks: Sequence[Block]) -> list[_TextLine]:
    by_key = blocks_by_key(blocks)
    return [_TextLine(text, by_key.get(title_key(text))) for text in running]


def features(
    lines: Sequence[_TextLine], blocks: Sequence[Block], title: str | None, leads: Sequence[str]
) -> Features:
    """Return the features from which the model predicts that a page is not an article."""
    total = sum(len(line.text) for line in lines)

    def share(members: Iterable[_TextLine]) -> float:
        return sum(len(line.text) for line in members) / total

    text = "\n".join(line.text for line in lines)
    text_key = title_key(text)
    lead_keys = [key for lead in leads if len(key := title_key(lead)) >= _SHORTEST_LEAD]
    values = {
        "length": math.log(total + 1) / _SCALE,
        "said": share(line for line in lines if line.is_sentence),
        "nowhere": share(line for line in lines if line.block is None),
        "beside": share(x for x in lines if x.block and x.block.zone != "article"),
        "one element": _largest_parent(lines) / total,
        "lead itself": float(any(key[:_KEY_PREFIX] in text_key for key in lead_keys)),
    }
    values |= _position_features(lines, blocks)
    values |= _agreement_features("title", title or "", text)
    values |= _agreement_features("lead", max(leads, key=len, default=""), text)
    values |= _headline_distance_features(lines, blocks, title_key(title or ""))
    values["nowhere, title in the text"] = values["nowhere"] * values.get("title in the text", 0.0)
    return values


def _position_features(lines: Sequence[_TextLine], blocks: Sequence[Block]) -> dict[str, float]:
    """Return the position of the text on the page, and its share inside an article element."""
    positions = {id(block): index for index, block in enumerate(blocks)}
    last = max((i for i, b in enumerate(blocks) if b.zone != "hidden"), default=0) or 1
    is_inside: dict[HtmlElement | None, bool] = {}
    matched_length = article_length = offset = 0.0
    for line in lines:
        if line.block is None:
            continue
        parent = line.block.element.getparent()
        if parent not in is_inside:
            ancestors = () if parent is None else (parent, *parent.iterancestors())
            is_inside[parent] = any(element.tag in _ARTICLE_TAGS for element in ancestors)
        matched_length += len(line.text)
        article_length += len(line.text) * is_inside[parent]
        offset += len(line.text) * positions[id(line.block)]
    return {
        "in the article": article_length / sum(len(line.text) for line in lines),
        "how far down": offset / (last * matched_length) if matched_length else 0.0,
    }


def _largest_parent(lines: Sequence[_TextLine]) -> int:
    lengths: Counter[HtmlElement | None] = Counter()
    for line in lines:
        if line.block is not None:
            lengths[line.block.element.getparent()] += len(line.text)
    return max(lengths.values(), default=0)


def _agreement_features(name: str, source: str, text: str) -> dict[str, float]:
    """Return the shares of longer words of a title or description that occur in the text."""
    stems = _stems(source)
    if len(stems) < _MIN_WORDS:
        return {f"no {name}": 1.0}
    shared = stems & _stems(text)
    return {
        f"{name} in the text": len(shared) / len(stems),
        f"{name} in its opening": len(stems & _stems(text[:_OPENING])) / len(stems),
        f"{name} nowhere": float(not shared),
    }


def _stems(text: str) -> set[str]:
    words = ("".join(filter(str.isalnum, word)) for word in text.casefold().split())
    return {word[:_STEM_LENGTH] for word in words if len(word) >= _SHORTEST_WORD}


def _find_headlines(blocks: Sequence[Block], key: str) -> list[Block]:
    """Return the blocks that show the title with the key, or a part of it as headline."""
    return [b for b in blocks if key and (b.key == key or (b.tag == "h1" and b.key in key))]


def _first_long_block(lines: Sequence[_TextLine]) -> Block | None:
    return next((x.block for x in lines if x.block and len(x.text) >= _SHORT_LINE), None)


def _stands_below_headline(lines: Sequence[_TextLine], blocks: Sequence[Block], key: str) -> bool:
    """Check whether the smallest element with the headline and the text has no other heading.

    Such a text belongs to its headline, whatever words they share.
    """
    first, headings = _first_long_block(lines), _find_headlines(blocks, key)
    if not headings or first is None or any(line.block is None for line in lines):
        return False
    around = {*first.element.iterancestors()}
    shared = next((e for e in headings[0].element.iterancestors() if e in around), None)
    others = [b for b in blocks if b.tag in _HEADINGS and b not in headings]
    is_alone = not any(shared in b.element.iterancestors() for b in others)
    inside = all(shared in x.block.element.iterancestors() for x in lines if x.block)
    return shared is not None and is_alone and inside


def _headline_distance_features(
    lines: Sequence[_TextLine], blocks: Sequence[Block], key: str
) -> dict[str, float]:
    """Return the distance between headline and text, in blocks and in levels of the tree."""
    headings = _find_headlines(blocks, key)
    first = _first_long_block(lines)
    if not headings or first is None:
        return {"no headline or text": 1.0}
    positions = {id(block): index for index, block in enumerate(blocks)}
    start = positions[id(first)]
    preceding = [positions[id(b)] for b in headings if positions[id(b)] < start]
    if not preceding:
        return {"above the headline": 1.0}
    heading = blocks[preceding[-1]].element
    ancestors = set(heading.iterancestors())
    steps = next(
        (n for n, e in enumerate(first.element.iterancestors()) if e in ancestors),
        _NO_SHARED_ANCESTOR,
    )
    return {
        "blocks below the headline": math.log1p(start - preceding[-1]) / _SCALE,
        "elements below the headline": min(2.0, steps / _SCALE),
    }


def is_sentence_text(text: str) -> bool:
    """Check whether a paragraph ends like a sentence, or contains several.

    >>> is_sentence_text("Der Rat der Stadt tagt am Dienstag.")
    True
    >>> is_sentence_text("Start / Politik / Region Lohetal")
    False
    """
    if len(text) >= _SHORTEST_SENTENCE and text.rstrip(_CLOSING_QUOTES + " ").endswith(
        _SENTENCE_ENDS
    ):
        return True
    return sum(text.count(f"{end} ") for end in ".!?") >= _MIN_PIECES


def empty_page_refusal(title: str | None, blocks: Sequence[Block]) -> RefusalReason:
    """Return the refusal of a page without a body."""
    reason = interstitial_reason(title, [b.text for b in blocks if b.zone != "hidden"])
    return refuse("not_article", reason=reason) if reason else refuse("extraction_empty", reason="")


def front_page_refusal(
    page: ParsedPage,
    paragraphs: Sequence[Paragraph],
    title: str | None,
    address: str | None,
    *,
    has_authors: bool,
) -> RefusalReason | None:
    """Return the refusal of a front page; None for any other page."""
    if is_front_page(
        page.layout, paragraphs, title, page.json_ld, address, has_authors=has_authors
    ):
        return replace(refuse("not_article", reason=REASON), hint=REMEDY)
    return None


def other_page_refusal(
    page: ParsedPage,
    paragraphs: Sequence[Paragraph],
    title: str | None,
    leads: Sequence[str],
    *,
    is_marked: bool,
) -> RefusalReason | None:
    """Return the refusal of a page whose text is not that of an article; otherwise None.

    The words of a wall refuse no page that `is_marked` as an article: they are a sign (`signs`).
    """
    running = [p.text for p in paragraphs if p.role in TEXT_ROLES]
    reason = None if is_marked else interstitial_reason(title, running)
    reason = reason or no_article_reason(
        paragraphs, page.blocks, title, leads, article_body(article_node(page.json_ld, None))
    )
    return refuse("not_article", reason=reason) if reason else None
