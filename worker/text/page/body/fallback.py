"""Mend what the extractor missed: a lead above the text, or the whole of a text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

from worker.text.annotate.words import title_key
from worker.text.page.body.roles import is_lead_place, places_of
from worker.text.page.layout.blocks import Block, Piece, PieceKind
from worker.text.page.layout.container import SHORTEST_RUNNING, container_of, is_inside, runs

_SHORTEST_LEAD = 40  # characters
_LONGEST_LEAD = 900
_COMPARED = 50
_LONG_HEADLINE = 20
_LONGEST_KICKER = 40
_SHORTEST_RUNNING = 60
_SHORTEST_TEXT = 200
_SHORTEST_STATED = 80
_SHORTEST_REPEAT = 40
_LEAST_GAIN = 600
_FAR_LESS = 0.5
_MOST_OF_IT = 0.7
_MOST_GLUED = 0.4
_LINKED = 0.5
_SHOWN = ("article", "caption")
HEADINGS = {"h2": 2, "h3": 3, "h4": 4}
_FRAMED = frozenset({"p", "h2", "h3", "h4", "li", "blockquote"})
_PARAGRAPH_TAGS = frozenset({"p", "li", "blockquote", "h2", "h3", "h4", "h5"})
KINDS: Mapping[str, PieceKind] = {
    "li": "item",
    "blockquote": "quote",
    "h2": "head",
    "h3": "head",
    "h4": "head",
    "h5": "head",
}


def with_lead(
    pieces: Sequence[Piece], blocks: Sequence[Block], title: str | None, leads: Sequence[str]
) -> tuple[Piece, ...]:
    """Return the pieces with the lead before them, where the page shows one that they lack.

    A lead stands between the headline and the first running piece, and says what the page
    gives as its description or has the class of a lead.
    """
    keys = {title_key(piece.text) for piece in pieces}
    wanted = title_key(title or "")
    start = next((i for i, p in enumerate(pieces) if _opens(p, wanted)), None)
    if start is None:
        return tuple(pieces)
    everything = "".join(keys)
    said = [key for lead in leads if len(key := title_key(lead)) >= _SHORTEST_LEAD]
    above = _above(blocks, wanted, title_key(pieces[start].text))
    for block in above:
        key = block.key
        if key in everything or not _SHORTEST_LEAD <= len(block.text) <= _LONGEST_LEAD:
            continue
        described = any(lead[:_COMPARED] in key for lead in said)
        first = block is above[0] and block.zone == "article" and _is_sentence(block)
        if described or is_lead_place(block) or first:
            return (*pieces[:start], Piece("p", block.text), *pieces[start:])
    return tuple(pieces)


def _opens(piece: Piece, title_key_wanted: str) -> bool:
    return len(piece.text) >= _SHORTEST_RUNNING and title_key(piece.text) != title_key_wanted


def with_paragraphs(pieces: Sequence[Piece], blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Return the pieces with those cut that join paragraphs of the page by line ends.

    The extractor's last resort gives a whole text as one piece.
    """
    if not any("\n" in piece.text for piece in pieces):
        return tuple(pieces)
    kinds = {b.key: KINDS.get(b.tag, "p") for b in blocks if b.tag in _PARAGRAPH_TAGS}
    return tuple(cut for piece in pieces for cut in _cut(piece, kinds))


def with_repeats(pieces: Sequence[Piece], blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Return the pieces with the paragraphs that the page repeats and the extractor dropped.

    A refrain, or the same sentence in two entries of a live blog, belongs to the text each
    time. The copies go behind the piece that stands before them on the page.
    """
    keys = [title_key(piece.text) for piece in pieces]
    left = Counter(keys)
    if not any(b.key in left for b in blocks):
        return tuple(pieces)
    mended = list(pieces)
    at = -1  # the place in `mended` of the block before
    for block in blocks:
        if block.zone != "article" or block.tag not in _PARAGRAPH_TAGS or block.key not in left:
            continue
        if left[block.key] > 0:
            left[block.key] -= 1
            at = _next_place(mended, block.key, at)
        elif len(block.text) >= _SHORTEST_REPEAT and 0 <= at < len(mended) - 1:
            at += 1
            mended.insert(at, Piece(KINDS.get(block.tag, "p"), block.text))
    return tuple(mended)


def second_opinion(blocks: Sequence[Block], stated_body: str) -> tuple[Piece, ...]:
    """Return a text that the extractor did not find: what JSON-LD states, else what is framed.

    Empty where neither is more than a line or two.
    """
    lines = [" ".join(line.split()) for line in stated_body.split("\n")]
    if len(stated_body) >= _SHORTEST_STATED:
        return tuple(Piece("p", line) for line in lines if line)
    framed = framed_text(blocks)
    return framed if _running(framed) >= _SHORTEST_TEXT else ()


def better_opinion(
    pieces: Sequence[Piece], blocks: Sequence[Block], stated_body: str
) -> tuple[Piece, ...] | None:
    """Return what stands in the content container, where the extractor took far less.

    None where the first opinion holds. The extractor sometimes settles for a part: a box of
    its own, the half of an interview; and its last resort glues lines of the whole page into
    pieces that stand nowhere on it. A text that JSON-LD states whole is left as it is.
    """
    first = _running(pieces)
    share = first / len(stated_body) if len(stated_body) >= _SHORTEST_TEXT else 0.0
    if _MOST_OF_IT < share < 1 / _MOST_OF_IT:
        return None
    if _is_glued(pieces, blocks):
        framed = framed_text(blocks)
        if _length(framed) > _length(pieces) * _MOST_GLUED:
            return framed
    if share > _MOST_OF_IT:
        return None
    long = (len(b.text) for b in blocks if b.zone == "article" and len(b.text) >= SHORTEST_RUNNING)
    if sum(long) * _FAR_LESS < first:
        return None  # the quick way: not even all of it would be more
    framed = framed_text(blocks)
    second = _running(framed)
    return framed if second >= _LEAST_GAIN and first < second * _FAR_LESS else None


def described_text(blocks: Sequence[Block], leads: Sequence[str]) -> tuple[Piece, ...]:
    """Return the paragraph in which a page shows what it describes itself by, if there is one.

    It is the text of a page for a picture or a film.
    """
    said = [key for lead in leads if len(key := title_key(lead)) >= _SHORTEST_LEAD]
    shown = (b for b in blocks if b.tag == "p" and b.zone in _SHOWN and b.share < _LINKED)
    found = (b for b in shown if any(b.key.startswith(key[:_COMPARED]) for key in said))
    return tuple(Piece("p", block.text) for block in islice(found, 1))


def framed_text(blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Return the paragraphs, headings and lists that stand in the container of the running text."""
    container = container_of(blocks)
    if container is None:
        return ()
    found = [b for b in blocks if b.zone == "article" and (b.tag in _FRAMED or runs(b))]
    pieces = [
        Piece(KINDS.get(b.tag, "p"), b.text, HEADINGS.get(b.tag, 0))
        for b in found
        if is_inside(b.element, container)
    ]
    return tuple(pieces)


def _is_glued(pieces: Sequence[Piece], blocks: Sequence[Block]) -> bool:
    """Return whether much of what was extracted is no block of the page."""
    keys = {block.key for block in blocks}
    lines = (line for piece in pieces for line in piece.text.split("\n"))
    glued = sum(len(line) for line in lines if title_key(line) not in keys)
    return glued > _length(pieces) * _MOST_GLUED


def _length(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.text) for piece in pieces)


def _running(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.text) for piece in pieces if piece.kind in ("p", "quote"))


def _cut(piece: Piece, kinds: Mapping[str, PieceKind]) -> tuple[Piece, ...]:
    lines = piece.text.split("\n")
    if len(lines) < 2 or any(title_key(line) not in kinds for line in lines):
        return (piece,)
    return tuple(Piece(kinds[title_key(line)], line) for line in lines)


def _next_place(pieces: Sequence[Piece], key: str, after: int) -> int:
    """Return the next place of a text behind `after`; where it stands before, `after` stays."""
    for index in range(after + 1, len(pieces)):
        if title_key(pieces[index].text) == key:
            return index
    return after


def _above(blocks: Sequence[Block], wanted: str, first_key: str) -> Sequence[Block]:
    """Return the blocks between the headline and the first running piece.

    A box that is called a teaser or an intro there is none: it stands above its own text.
    """
    place = places_of(blocks).get(first_key)
    end = next((i for i, b in enumerate(blocks) if b is place), 0)
    starts = [i for i, b in enumerate(blocks[:end]) if wanted and _is_headline(b, wanted)]
    start = starts[-1] + 1 if starts else end
    return [b for b in blocks[start:end] if b.zone == "article" or is_lead_place(b)]


def _is_headline(block: Block, wanted: str) -> bool:
    """Return whether a block is the headline, maybe with a kicker before it."""
    kicker = len(block.key) - len(wanted)
    ends = block.tag == "h1" or (len(wanted) >= _LONG_HEADLINE and kicker <= _LONGEST_KICKER)
    return block.key == wanted or (ends and block.key.endswith(wanted))


def _is_sentence(block: Block) -> bool:
    """Return whether a block below a headline is running text: long, and ended like a sentence."""
    return (
        len(block.text) >= _SHORTEST_RUNNING
        and block.text.rstrip('"“”»').endswith((".", "!", "?"))
        and block.share < 0.5
    )
