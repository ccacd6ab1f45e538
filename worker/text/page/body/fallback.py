"""Complete or replace the body that trafilatura extracted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

from worker.text.annotate.measures import title_key
from worker.text.page.body.roles import blocks_by_key, is_lead_block
from worker.text.page.layout.blocks import Block, Piece, PieceKind
from worker.text.page.layout.container import (
    SHORTEST_RUNNING,
    find_container,
    is_inside,
    is_running_text,
)

_SHORTEST_LEAD = 40  # characters
_LONGEST_LEAD = 900
_KEY_PREFIX = 50
_LONG_HEADLINE = 20
_LONGEST_KICKER = 40
_SHORTEST_RUNNING = 60
_SHORTEST_TEXT = 200
_SHORTEST_STATED = 80
_SHORTEST_REPEAT = 40
_MIN_GAIN = 600
_FAR_LESS = 0.5  # of the text of the container
_MOST_OF_BODY = 0.7
_MAX_UNMATCHED = 0.4
_MOSTLY_LINK = 0.5
_VISIBLE_ZONES = ("article", "caption")
HEADINGS = {"h2": 2, "h3": 3, "h4": 4}
_CONTAINER_TAGS = frozenset({"p", "h2", "h3", "h4", "li", "blockquote"})
_PARAGRAPH_TAGS = frozenset({"p", "li", "blockquote", "h2", "h3", "h4", "h5"})
KINDS: Mapping[str, PieceKind] = {
    "li": "item",
    "blockquote": "quote",
    "h2": "head",
    "h3": "head",
    "h4": "head",
    "h5": "head",
}


def add_lead(
    pieces: Sequence[Piece], blocks: Sequence[Block], title: str | None, leads: Sequence[str]
) -> tuple[Piece, ...]:
    """Insert the lead before the first running piece if the page displays one that the pieces lack.

    A lead is a block between the headline and the first running piece. It repeats a description of
    the page (`leads`), has the class of a lead, or is a sentence directly below the headline.
    """
    keys = {title_key(piece.text) for piece in pieces}
    headline_key = title_key(title or "")
    start = next((i for i, p in enumerate(pieces) if _is_running_start(p, headline_key)), None)
    if start is None:
        return tuple(pieces)
    joined_keys = "".join(keys)
    lead_keys = [key for lead in leads if len(key := title_key(lead)) >= _SHORTEST_LEAD]
    candidates = _blocks_below_headline(blocks, headline_key, title_key(pieces[start].text))
    for block in candidates:
        key = block.key
        if key in joined_keys or not _SHORTEST_LEAD <= len(block.text) <= _LONGEST_LEAD:
            continue
        matches_lead = any(lead[:_KEY_PREFIX] in key for lead in lead_keys)
        is_opening_sentence = (
            block is candidates[0] and block.zone == "article" and _is_sentence(block)
        )
        if matches_lead or is_lead_block(block) or is_opening_sentence:
            return (*pieces[:start], Piece("p", block.text), *pieces[start:])
    return tuple(pieces)


def _is_running_start(piece: Piece, headline_key: str) -> bool:
    return len(piece.text) >= _SHORTEST_RUNNING and title_key(piece.text) != headline_key


def split_paragraphs(pieces: Sequence[Piece], blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Split the pieces that join several paragraphs of the page by line ends.

    As a last resort trafilatura returns the whole text as one piece.
    """
    if not any("\n" in piece.text for piece in pieces):
        return tuple(pieces)
    kinds = {b.key: KINDS.get(b.tag, "p") for b in blocks if b.tag in _PARAGRAPH_TAGS}
    return tuple(cut for piece in pieces for cut in _split_lines(piece, kinds))


def restore_repeats(pieces: Sequence[Piece], blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Restore repeated paragraphs of the page that trafilatura dropped.

    A refrain, or the same sentence in two entries of a live blog, is part of the text each time.
    A copy is inserted after the piece that precedes it on the page.
    """
    keys = [title_key(piece.text) for piece in pieces]
    remaining = Counter(keys)
    if not any(b.key in remaining for b in blocks):
        return tuple(pieces)
    restored = list(pieces)
    position = -1  # index in `restored` of the previous block
    for block in blocks:
        if (
            block.zone != "article"
            or block.tag not in _PARAGRAPH_TAGS
            or block.key not in remaining
        ):
            continue
        if remaining[block.key] > 0:
            remaining[block.key] -= 1
            position = _next_position(restored, block.key, position)
        elif len(block.text) >= _SHORTEST_REPEAT and 0 <= position < len(restored) - 1:
            position += 1
            restored.insert(position, Piece(KINDS.get(block.tag, "p"), block.text))
    return tuple(restored)


def fallback_body(blocks: Sequence[Block], json_ld_body: str) -> tuple[Piece, ...]:
    """Return a body if trafilatura found none: the `articleBody` of JSON-LD, or the text container.

    Empty if both are shorter than a line or two.
    """
    lines = [" ".join(line.split()) for line in json_ld_body.split("\n")]
    if len(json_ld_body) >= _SHORTEST_STATED:
        return tuple(Piece("p", line) for line in lines if line)
    replacement = container_pieces(blocks)
    return replacement if _running_length(replacement) >= _SHORTEST_TEXT else ()


def choose_body(
    pieces: Sequence[Piece], blocks: Sequence[Block], json_ld_body: str
) -> tuple[Piece, ...]:
    """Return the pieces, or those of the text container if trafilatura extracted far less.

    Trafilatura sometimes extracts only a part, such as a box or half of an interview. Its last
    resort joins lines of the whole page into pieces that match no block. A body that agrees with
    `json_ld_body` in length is returned unchanged.
    """
    length = _running_length(pieces)
    share = length / len(json_ld_body) if len(json_ld_body) >= _SHORTEST_TEXT else 0.0
    if _MOST_OF_BODY < share < 1 / _MOST_OF_BODY:
        return tuple(pieces)
    if _is_mostly_unmatched(pieces, blocks):
        replacement = container_pieces(blocks)
        if _length(replacement) > _length(pieces) * _MAX_UNMATCHED:
            return replacement
    if share > _MOST_OF_BODY:
        return tuple(pieces)
    lengths = (
        len(b.text) for b in blocks if b.zone == "article" and len(b.text) >= SHORTEST_RUNNING
    )
    if sum(lengths) * _FAR_LESS < length:
        return tuple(pieces)
    replacement = container_pieces(blocks)
    container_length = _running_length(replacement)
    if container_length >= _MIN_GAIN and length < container_length * _FAR_LESS:
        return replacement
    return tuple(pieces)


def find_description(blocks: Sequence[Block], leads: Sequence[str]) -> tuple[Piece, ...]:
    """Return the first paragraph that repeats a description of the page, or nothing.

    It serves as the text of a page for a picture or a video.
    """
    lead_keys = [key for lead in leads if len(key := title_key(lead)) >= _SHORTEST_LEAD]
    paragraphs = (
        b for b in blocks if b.tag == "p" and b.zone in _VISIBLE_ZONES and b.share < _MOSTLY_LINK
    )
    matches = (
        b for b in paragraphs if any(b.key.startswith(key[:_KEY_PREFIX]) for key in lead_keys)
    )
    return tuple(Piece("p", block.text) for block in islice(matches, 1))


def container_pieces(blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Return the paragraphs, headings and lists inside the container of the running text."""
    container = find_container(blocks)
    if container is None:
        return ()
    members = [
        b
        for b in blocks
        if b.zone == "article" and (b.tag in _CONTAINER_TAGS or is_running_text(b))
    ]
    pieces = [
        Piece(KINDS.get(b.tag, "p"), b.text, HEADINGS.get(b.tag, 0))
        for b in members
        if is_inside(b.element, container)
    ]
    return tuple(pieces)


def _is_mostly_unmatched(pieces: Sequence[Piece], blocks: Sequence[Block]) -> bool:
    """Check whether more than 40 % of the extracted characters match no block of the page."""
    keys = {block.key for block in blocks}
    lines = (line for piece in pieces for line in piece.text.split("\n"))
    unmatched = sum(len(line) for line in lines if title_key(line) not in keys)
    return unmatched > _length(pieces) * _MAX_UNMATCHED


def _length(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.text) for piece in pieces)


def _running_length(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.text) for piece in pieces if piece.kind in ("p", "quote"))


def _split_lines(piece: Piece, kinds: Mapping[str, PieceKind]) -> tuple[Piece, ...]:
    lines = piece.text.split("\n")
    if len(lines) < 2 or any(title_key(line) not in kinds for line in lines):
        return (piece,)
    return tuple(Piece(kinds[title_key(line)], line) for line in lines)


def _next_position(pieces: Sequence[Piece], key: str, start: int) -> int:
    """Return the next position of a text after `start`, or `start` if it does not occur there."""
    for index in range(start + 1, len(pieces)):
        if title_key(pieces[index].text) == key:
            return index
    return start


def _blocks_below_headline(
    blocks: Sequence[Block], headline_key: str, first_key: str
) -> Sequence[Block]:
    """Return the blocks between the headline and the first running piece.

    Boxes whose class is teaser or intro are excluded: they introduce another text.
    """
    first_block = blocks_by_key(blocks).get(first_key)
    end = next((i for i, b in enumerate(blocks) if b is first_block), 0)
    starts = [
        i for i, b in enumerate(blocks[:end]) if headline_key and _is_headline(b, headline_key)
    ]
    start = starts[-1] + 1 if starts else end
    return [b for b in blocks[start:end] if b.zone == "article" or is_lead_block(b)]


def _is_headline(block: Block, headline_key: str) -> bool:
    """Check whether a block is the headline, possibly with a kicker before it."""
    kicker_length = len(block.key) - len(headline_key)
    may_have_kicker = block.tag == "h1" or (
        len(headline_key) >= _LONG_HEADLINE and kicker_length <= _LONGEST_KICKER
    )
    return block.key == headline_key or (may_have_kicker and block.key.endswith(headline_key))


def _is_sentence(block: Block) -> bool:
    """Check whether a block is a complete sentence: long, with closing punctuation, few links."""
    return (
        len(block.text) >= _SHORTEST_RUNNING
        and block.text.rstrip('"“”»').endswith((".", "!", "?"))
        and block.share < 0.5
    )
