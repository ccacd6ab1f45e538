"""Restore blocks of the article that trafilatura dropped, scored by position and form."""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from worker.text.annotate.measures import title_key
from worker.text.page.body.fallback import HEADINGS, KINDS
from worker.text.page.body.roles import match_blocks
from worker.text.page.layout.blocks import Block, Piece
from worker.text.page.layout.container import SHORTEST_RUNNING, find_container, is_inside
from worker.text.page.scoring import Features, load_model

_TAGS = frozenset({
    "p", "li", "blockquote", "h2", "h3", "h4", "h5", "div", "td", "th", "pre", "dd", "dt",
    "section", "article", "summary",
})  # fmt: skip
_ODD_TAGS = frozenset({"div", "td", "dd", "dt", "pre", "section"})
_RUN_LENGTH = 4  # words
_MAX_KNOWN_SHARE = 0.5
_SHORT = 30  # characters
_SHORTEST_SENTENCE = 25
_LITTLE_TEXT = 1500
_FAR_DISTANCE = 4  # pieces
_MAX_LOG_GROWTH = 3.0
_LOG_LENGTH_SCALE = 5.0
_ALL_LINK = 0.9
_UNKNOWN_SHARE = 0.5
_MIN_GROWTH = 0.2
_MAX_GAP = 3  # blocks


@dataclass(frozen=True, slots=True, eq=False)
class _BodyLine:
    """A piece of the body, or a dropped block, with the block of the page that it matches."""

    piece: Piece
    block: Block | None
    extracted: bool

    @property
    def runs(self) -> bool:
        return self.piece.kind in ("p", "quote") and len(self.piece.text) >= SHORTEST_RUNNING


def restore_headings(pieces: Sequence[Piece], blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Restore headings that trafilatura dropped between two pieces.

    A heading is restored if it shares its parent element with the previous or the next piece.
    """
    positions = {
        title_key(piece.text): index for index, piece in reversed(tuple(enumerate(pieces)))
    }
    joined_keys = "\0".join(positions)
    dropped: defaultdict[int, list[Piece]] = defaultdict(list)
    before: Block | None = None
    between: list[Block] = []
    for block in blocks:
        if block.zone != "article" or block.tag not in _TAGS:
            continue
        if block.key not in positions:
            between.append(block)
            continue
        if before and positions[before.key] < positions[block.key] and len(between) <= _MAX_GAP:
            around = (before.element.getparent(), block.element.getparent())
            dropped[positions[block.key]] += [
                Piece("head", heading.text, HEADINGS[heading.tag])
                for heading in between
                if heading.tag in HEADINGS
                and heading.key not in joined_keys
                and heading.element.getparent() in around
            ]
        before, between = block, []
    return tuple(restored for i, piece in enumerate(pieces) for restored in (*dropped[i], piece))


def restore_dropped_blocks(pieces: Sequence[Piece], blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """Restore dropped blocks that the model classifies as text.

    Nothing is restored if that adds less than 20 %: a line or two are more likely a credit or a
    box.
    """
    min_length = sum(len(piece.text) for piece in pieces) * _MIN_GROWTH
    dropped = _find_dropped_blocks(pieces, blocks)
    if sum(len(block.text) for block in dropped) < min_length:
        return tuple(pieces)
    model = load_model("dropped_blocks")
    lines = _interleave_lines(pieces, blocks, dropped)
    accepted = {
        line
        for line, features in _features(lines, blocks)
        if model.probability(features) >= model.threshold
    }
    if sum(len(line.piece.text) for line in accepted) < min_length:
        return tuple(pieces)
    return tuple(line.piece for line in lines if line.extracted or line in accepted)


def block_features(
    pieces: Sequence[Piece], blocks: Sequence[Block]
) -> Iterator[tuple[str, Features]]:
    """Yield text and features of each dropped block, as input of the model and of its training."""
    for line, features in _features(
        _interleave_lines(pieces, blocks, _find_dropped_blocks(pieces, blocks)), blocks
    ):
        yield line.piece.text, features


def _interleave_lines(
    pieces: Sequence[Piece], blocks: Sequence[Block], candidates: Sequence[Block]
) -> list[_BodyLine]:
    """Return the pieces, each followed by the dropped blocks that follow it on the page."""
    positions = {block: index for index, block in enumerate(blocks)}
    piece_blocks = match_blocks(pieces, blocks)
    matched = sorted(
        (positions[block], i) for i, block in enumerate(piece_blocks) if block is not None
    )
    inserted: defaultdict[int, list[_BodyLine]] = defaultdict(list)
    for block in _without_known_runs(candidates, pieces):
        previous = bisect_left(matched, (positions[block], -1)) - 1
        piece = Piece(KINDS.get(block.tag, "p"), block.text, HEADINGS.get(block.tag, 0))
        inserted[matched[previous][1] if previous >= 0 else -1].append(
            _BodyLine(piece, block, extracted=False)
        )
    lines = inserted[-1]
    for index, (piece, piece_block) in enumerate(zip(pieces, piece_blocks, strict=True)):
        lines += [_BodyLine(piece, piece_block, extracted=True), *inserted[index]]
    return lines


def _find_dropped_blocks(pieces: Sequence[Piece], blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks of the article whose text is not contained in a piece."""
    keys = dict.fromkeys(title_key(piece.text) for piece in pieces)
    joined_keys = "".join(keys)
    candidates = (block for block in blocks if block.zone == "article" and block.tag in _TAGS)
    return [block for block in candidates if block.key not in keys and block.key not in joined_keys]


def _without_known_runs(blocks: Sequence[Block], pieces: Sequence[Piece]) -> Iterator[Block]:
    """Yield the blocks of which at most half of the four-word sequences occur in the pieces."""
    known_runs = {run for piece in pieces for run in _word_runs(piece.text)}
    for block in blocks:
        block_runs = _word_runs(block.text)
        if (
            not block_runs
            or sum(run in known_runs for run in block_runs) <= len(block_runs) * _MAX_KNOWN_SHARE
        ):
            yield block


def _word_runs(text: str) -> list[tuple[str, ...]]:
    words = text.casefold().split()
    return list(zip(*(words[start:] for start in range(_RUN_LENGTH)), strict=False))


@dataclass(frozen=True, slots=True)
class _Shares:
    """Characters per group of lines: all of them, and those of extracted pieces."""

    extracted: Counter[Any]
    total: Counter[Any]

    def share_without(self, group: object, length: int) -> float | None:
        """Return the extracted share of the other lines of a group, or None for a group of one."""
        others = self.total[group] - length
        return self.extracted[group] / others if others else None


def _features(
    lines: Sequence[_BodyLine], blocks: Sequence[Block]
) -> Iterator[tuple[_BodyLine, dict[str, float]]]:
    """Yield the dropped lines, each with its features."""
    container = find_container(blocks)
    in_container = {
        line
        for line in lines
        if not line.extracted
        and container is not None
        and line.block is not None
        and is_inside(line.block.element, container)
    }
    page = _page_features(lines, in_container)
    siblings, alike = _shares(lines, _parent_element), _shares(lines, _style)
    running = [i for i, line in enumerate(lines) if line.extracted and line.runs]
    first, last = (running[0], running[-1]) if running else (0, len(lines) - 1)
    text_counts = Counter(line.piece.text for line in lines)
    for index, line in enumerate(lines):
        if line.extracted:
            continue
        features = _text_features(line) | _place_features(line, siblings, alike, page["taken"])
        features |= _neighbour_features(lines, index)
        features["in container"] = float(line in in_container)
        features["repeated"] = float(text_counts[line.piece.text] > 1)
        features["before"], features["after"] = float(index < first), float(index > last)
        features["far after"] = float(index > last + _FAR_DISTANCE)
        features |= {name: page[name] for name in _PAGE}
        yield line, features


_PAGE = ("more on the page", "more in the container", "little taken")


def _page_features(lines: Sequence[_BodyLine], in_container: set[_BodyLine]) -> dict[str, float]:
    """Return the length of the body and how much running text was dropped in addition to it."""
    body_length = sum(len(line.piece.text) for line in lines if line.extracted) or 1
    dropped_running = [line for line in lines if not line.extracted and line.runs]
    dropped_length = sum(len(line.piece.text) for line in dropped_running)
    contained_length = sum(len(line.piece.text) for line in dropped_running if line in in_container)
    return {
        "taken": body_length,
        "more on the page": min(_MAX_LOG_GROWTH, math.log1p(dropped_length / body_length)),
        "more in the container": min(_MAX_LOG_GROWTH, math.log1p(contained_length / body_length)),
        "little taken": float(body_length < _LITTLE_TEXT),
    }


def _text_features(line: _BodyLine) -> dict[str, float]:
    text, length = line.piece.text, len(line.piece.text)
    ends = text.rstrip("\"'”“»’)] ").endswith((".", "!", "?", "…"))
    return {
        f"kind {line.piece.kind}": 1.0,
        "length": math.log(length + 1) / _LOG_LENGTH_SCALE,
        "sentence": float(ends and length >= _SHORTEST_SENTENCE),
        "short": float(length < _SHORT),
        "long": float(length >= SHORTEST_RUNNING),
        "colon": float(text.endswith(":")),
        "question": float(text.endswith("?")),
    }


def _place_features(
    line: _BodyLine, siblings: _Shares, alike: _Shares, body_length: float
) -> dict[str, float]:
    block, length = line.block, len(line.piece.text)
    if block is None:
        return {}
    features = {"linked": block.share, "all link": float(block.share > _ALL_LINK)}
    if block.tag in _ODD_TAGS:
        features[f"tag {block.tag}"] = 1.0
    for name, shares, group in (
        ("sibling", siblings, _parent_element(line)),
        ("alike", alike, _style(line)),
    ):
        share = shares.share_without(group, length)
        features[f"{name} taken"] = _UNKNOWN_SHARE if share is None else share
        features[f"no {name}"] = float(share is None)
    features["much alike"] = min(1.0, alike.extracted[_style(line)] / body_length)
    return features


def _neighbour_features(lines: Sequence[_BodyLine], index: int) -> dict[str, float]:
    features = {}
    for name, step in (
        ("previous", -1),
        ("next", 1),
        ("previous but one", -2),
        ("next but one", 2),
    ):
        if not 0 <= index + step < len(lines):
            continue
        line = lines[index + step]
        features[f"{name} taken"] = float(line.extracted)
        if abs(step) == 1:
            features[f"{name} runs"] = float(line.extracted and line.runs)
    return features


def _shares(lines: Sequence[_BodyLine], group_of: Any) -> _Shares:
    shares = _Shares(Counter(), Counter())
    for line in lines:
        if line.block is not None:
            shares.total[group_of(line)] += len(line.piece.text)
            shares.extracted[group_of(line)] += len(line.piece.text) * line.extracted
    return shares


def _parent_element(line: _BodyLine) -> object:
    return line.block and line.block.element.getparent()


def _style(line: _BodyLine) -> object:
    return line.block and (line.block.tag, line.block.label)
