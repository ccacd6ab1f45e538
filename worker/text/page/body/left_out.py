"""Add the paragraphs of a text that the extractor left out: each is weighed by where it stands."""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from worker.text.annotate.words import title_key
from worker.text.page.body.fallback import HEADINGS, KINDS
from worker.text.page.body.roles import placed
from worker.text.page.layout.blocks import Block, Piece
from worker.text.page.layout.container import SHORTEST_RUNNING, container_of, is_inside
from worker.text.page.weigh import Features, model

_TAGS = frozenset({
    "p", "li", "blockquote", "h2", "h3", "h4", "h5", "div", "td", "th", "pre", "dd", "dt",
    "section", "article", "summary",
})  # fmt: skip
_ODD_TAGS = frozenset({"div", "td", "dd", "dt", "pre", "section"})
_RUN = 4  # words
_MOST_KNOWN = 0.5
_SHORT = 30  # characters
_SHORTEST_SENTENCE = 25
_LITTLE = 1500
_FAR = 4  # pieces
_MOST_MORE = 3.0
_LONG = 5.0
_ALL_LINK = 0.9
_UNTOLD = 0.5
_LEAST_MORE = 0.2
_MOST_BETWEEN = 3  # blocks


@dataclass(frozen=True, slots=True, eq=False)
class _BodyLine:
    """A piece of the body, or one that was left out, with the block that it stands in."""

    piece: Piece
    block: Block | None
    taken: bool

    @property
    def runs(self) -> bool:
        return self.piece.kind in ("p", "quote") and len(self.piece.text) >= SHORTEST_RUNNING


def with_headings(pieces: Sequence[Piece], blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Return the pieces with the headings that the extractor dropped between two of them.

    Such a heading stands in one element with the piece before it or the one that follows.
    """
    at = {title_key(piece.text): index for index, piece in reversed(tuple(enumerate(pieces)))}
    everything = "\0".join(at)
    dropped: defaultdict[int, list[Piece]] = defaultdict(list)
    before: Block | None = None
    between: list[Block] = []
    for block in blocks:
        if block.zone != "article" or block.tag not in _TAGS:
            continue
        if block.key not in at:
            between.append(block)
            continue
        if before and at[before.key] < at[block.key] and len(between) <= _MOST_BETWEEN:
            around = (before.element.getparent(), block.element.getparent())
            dropped[at[block.key]] += [
                Piece("head", heading.text, HEADINGS[heading.tag])
                for heading in between
                if heading.tag in HEADINGS
                and heading.key not in everything
                and heading.element.getparent() in around
            ]
        before, between = block, []
    return tuple(each for i, piece in enumerate(pieces) for each in (*dropped[i], piece))


def with_left_out(pieces: Sequence[Piece], blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Return the pieces with the blocks between and around them that are likely text, too.

    Only where they are much: a line or two are a credit or a box as likely.
    """
    least = sum(len(piece.text) for piece in pieces) * _LEAST_MORE
    unknown = _untaken(pieces, blocks)
    if sum(len(block.text) for block in unknown) < least:
        return tuple(pieces)
    weighed = model("left_out")
    lines = _lined_up(pieces, blocks, unknown)
    told = _features(lines, blocks)
    likely = {line for line, each in told if weighed.probability(each) >= weighed.threshold}
    if sum(len(line.piece.text) for line in likely) < least:
        return tuple(pieces)
    return tuple(line.piece for line in lines if line.taken or line in likely)


def left_out(pieces: Sequence[Piece], blocks: Sequence[Block]) -> Iterator[tuple[str, Features]]:
    """Yield the text and the features of each block that was left out: what is weighed."""
    for line, told in _features(_lined_up(pieces, blocks, _untaken(pieces, blocks)), blocks):
        yield line.piece.text, told


def _lined_up(
    pieces: Sequence[Piece], blocks: Sequence[Block], unknown: Sequence[Block]
) -> list[_BodyLine]:
    """Return the pieces, and behind each the left out blocks that follow it on the page."""
    at = {block: index for index, block in enumerate(blocks)}
    places = placed(pieces, blocks)
    known = sorted((at[place], i) for i, place in enumerate(places) if place is not None)
    behind: defaultdict[int, list[_BodyLine]] = defaultdict(list)
    for block in _in_other_words(unknown, pieces):
        before = bisect_left(known, (at[block], -1)) - 1
        piece = Piece(KINDS.get(block.tag, "p"), block.text, HEADINGS.get(block.tag, 0))
        behind[known[before][1] if before >= 0 else -1].append(_BodyLine(piece, block, taken=False))
    lines = behind[-1]
    for index, (piece, place) in enumerate(zip(pieces, places, strict=True)):
        lines += [_BodyLine(piece, place, taken=True), *behind[index]]
    return lines


def _untaken(pieces: Sequence[Piece], blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks of the article that stand as a whole in no piece."""
    keys = dict.fromkeys(title_key(piece.text) for piece in pieces)
    everything = "".join(keys)
    own = (block for block in blocks if block.zone == "article" and block.tag in _TAGS)
    return [block for block in own if block.key not in keys and block.key not in everything]


def _in_other_words(blocks: Sequence[Block], pieces: Sequence[Piece]) -> Iterator[Block]:
    """Yield the blocks of whose runs of words most are in no piece."""
    runs = {run for piece in pieces for run in _runs_of(piece.text)}
    for block in blocks:
        own = _runs_of(block.text)
        if not own or sum(run in runs for run in own) <= len(own) * _MOST_KNOWN:
            yield block


def _runs_of(text: str) -> list[tuple[str, ...]]:
    words = text.casefold().split()
    return list(zip(*(words[start:] for start in range(_RUN)), strict=False))


@dataclass(frozen=True, slots=True)
class _Shares:
    """How many characters of each group of lines there are, and how many of them were taken."""

    taken: Counter[Any]
    whole: Counter[Any]

    def beside(self, group: object, length: int) -> float | None:
        """Return the share that was taken of the others of a group, None where it is alone."""
        others = self.whole[group] - length
        return self.taken[group] / others if others else None


def _features(
    lines: Sequence[_BodyLine], blocks: Sequence[Block]
) -> Iterator[tuple[_BodyLine, dict[str, float]]]:
    """Yield the lines that were left out, and what speaks for and against each."""
    container = container_of(blocks)
    contained = {
        line
        for line in lines
        if not line.taken
        and container is not None
        and line.block is not None
        and is_inside(line.block.element, container)
    }
    page = _of_page(lines, contained)
    siblings, alike = _shares(lines, _parent), _shares(lines, _look)
    running = [i for i, line in enumerate(lines) if line.taken and line.runs]
    first, last = (running[0], running[-1]) if running else (0, len(lines) - 1)
    said = Counter(line.piece.text for line in lines)
    for index, line in enumerate(lines):
        if line.taken:
            continue
        told = _of_text(line) | _of_place(line, siblings, alike, page["taken"])
        told |= _of_neighbours(lines, index)
        told["in container"] = float(line in contained)
        told["repeated"] = float(said[line.piece.text] > 1)
        told["before"], told["after"] = float(index < first), float(index > last)
        told["far after"] = float(index > last + _FAR)
        told |= {name: page[name] for name in _PAGE}
        yield line, told


_PAGE = ("more on the page", "more in the container", "little taken")


def _of_page(lines: Sequence[_BodyLine], contained: set[_BodyLine]) -> dict[str, float]:
    """Return how much was taken, and how much more of running text the page has."""
    taken = sum(len(line.piece.text) for line in lines if line.taken) or 1
    more = [line for line in lines if not line.taken and line.runs]
    outside = sum(len(line.piece.text) for line in more)
    inside = sum(len(line.piece.text) for line in more if line in contained)
    return {
        "taken": taken,
        "more on the page": min(_MOST_MORE, math.log1p(outside / taken)),
        "more in the container": min(_MOST_MORE, math.log1p(inside / taken)),
        "little taken": float(taken < _LITTLE),
    }


def _of_text(line: _BodyLine) -> dict[str, float]:
    text, length = line.piece.text, len(line.piece.text)
    ends = text.rstrip("\"'”“»’)] ").endswith((".", "!", "?", "…"))
    return {
        f"kind {line.piece.kind}": 1.0,
        "length": math.log(length + 1) / _LONG,
        "sentence": float(ends and length >= _SHORTEST_SENTENCE),
        "short": float(length < _SHORT),
        "long": float(length >= SHORTEST_RUNNING),
        "colon": float(text.endswith(":")),
        "question": float(text.endswith("?")),
    }


def _of_place(line: _BodyLine, siblings: _Shares, alike: _Shares, taken: float) -> dict[str, float]:
    block, length = line.block, len(line.piece.text)
    if block is None:
        return {}
    told = {"linked": block.share, "all link": float(block.share > _ALL_LINK)}
    if block.tag in _ODD_TAGS:
        told[f"tag {block.tag}"] = 1.0
    for name, shares, group in (
        ("sibling", siblings, _parent(line)),
        ("alike", alike, _look(line)),
    ):
        share = shares.beside(group, length)
        told[f"{name} taken"] = _UNTOLD if share is None else share
        told[f"no {name}"] = float(share is None)
    told["much alike"] = min(1.0, alike.taken[_look(line)] / taken)
    return told


def _of_neighbours(lines: Sequence[_BodyLine], index: int) -> dict[str, float]:
    told = {}
    for name, step in (
        ("previous", -1),
        ("next", 1),
        ("previous but one", -2),
        ("next but one", 2),
    ):
        if not 0 <= index + step < len(lines):
            continue
        line = lines[index + step]
        told[f"{name} taken"] = float(line.taken)
        if abs(step) == 1:
            told[f"{name} runs"] = float(line.taken and line.runs)
    return told


def _shares(lines: Sequence[_BodyLine], group_of: Any) -> _Shares:
    shares = _Shares(Counter(), Counter())
    for line in lines:
        if line.block is not None:
            shares.whole[group_of(line)] += len(line.piece.text)
            shares.taken[group_of(line)] += len(line.piece.text) * line.taken
    return shares


def _parent(line: _BodyLine) -> object:
    return line.block and line.block.element.getparent()


def _look(line: _BodyLine) -> object:
    return line.block and (line.block.tag, line.block.label)
