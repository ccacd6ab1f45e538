"""PURE: a comparison as displayed on pages, in feeds and mails: paragraphs, changed numbers
first.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from storage.diff.word_diff import Operation
from storage.read.render.paragraphs import kind_of, paragraphs_of

NUMBER = re.compile(r"\d+(?:[.,:/–-]\d+)*")
"""
>>> NUMBER.findall("von 3,6 auf 36 Millionen")
['3,6', '36']
"""
AROUND = 70
"""Letters of unchanged text that are displayed next to a change."""


@dataclass(frozen=True, slots=True)
class ShownPiece:
    """A piece of a paragraph: `equal`, `insert`, `delete` or `move`; `is_number` for a changed
    number.
    """

    kind: str
    text: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """A paragraph of two texts: its kind, its role, its pieces."""

    kind: str
    role: str
    pieces: tuple[ShownPiece, ...]

    @property
    def before(self) -> tuple[ShownPiece, ...]:
        """Return the pieces of the older text."""
        return () if self.kind == "move" else self._without("insert")

    @property
    def after(self) -> tuple[ShownPiece, ...]:
        """Return the pieces of the newer text."""
        return self._without("delete")

    def _without(self, kind: str) -> tuple[ShownPiece, ...]:
        return tuple(piece for piece in self.pieces if piece.kind != kind)


def blocks(operations: Iterable[Operation]) -> tuple[ShownBlock, ...]:
    """Return the paragraphs of a comparison in their order."""
    return tuple(
        ShownBlock(kind_of(paragraph), paragraph[0].role, tuple(_pieces(paragraph)))
        for paragraph in paragraphs_of(operations)
    )


def excerpt(found: Sequence[ShownBlock], most: int = 3) -> tuple[ShownBlock, ...]:
    """Return the most important changed paragraphs, shortened to the context of their changes."""
    changed = [block for block in found if block.kind != "equal"]
    loud = sorted(range(len(changed)), key=lambda index: not _is_loud(changed[index]))
    chosen = [changed[index] for index in sorted(loud[:most])]
    return tuple(replace(block, pieces=_cut(block.pieces)) for block in chosen)


def runs(pieces: Iterable[ShownPiece]) -> list[list[ShownPiece]]:
    """Merge consecutive pieces of one kind."""
    return [list(group) for _kind, group in groupby(pieces, key=lambda piece: piece.kind)]


def _is_loud(block: ShownBlock) -> bool:
    return block.role == "headline" or any(piece.is_number for piece in block.pieces)


def _pieces(paragraph: Sequence[Operation]) -> Iterator[ShownPiece]:
    for operation in paragraph:
        text = operation.a_text if operation.op == "delete" else operation.b_text
        if operation.op not in {"insert", "delete"}:
            yield ShownPiece(operation.op, text)
            continue
        at = 0
        for match in NUMBER.finditer(text):
            if match.start() > at:
                yield ShownPiece(operation.op, text[at : match.start()])
            yield ShownPiece(operation.op, match[0], is_number=True)
            at = match.end()
        if at < len(text):
            yield ShownPiece(operation.op, text[at:])


def _cut(pieces: Sequence[ShownPiece]) -> tuple[ShownPiece, ...]:
    """Shorten long unchanged pieces in the middle, and very long new ones."""
    last = len(pieces) - 1
    shown = []
    for index, piece in enumerate(pieces):
        keeps_start, keeps_end = index > 0, index < last
        most = AROUND * 4 if piece.kind in {"insert", "delete", "move"} else AROUND
        shown.append(replace(piece, text=_shortened(piece.text, most, keeps_start, keeps_end)))
    return tuple(shown)


def _shortened(text: str, most: int, keeps_start: bool, keeps_end: bool) -> str:  # noqa: FBT001
    """Return at most `most` letters of each end that is retained.

    >>> _shortened("eins zwei drei vier", 6, False, True)
    '… vier'
    """
    if len(text) <= most * (keeps_start + keeps_end or 1):
        return text
    start = text[:most].rpartition(" ")[0] if keeps_start or not keeps_end else ""
    end = text[-most:].partition(" ")[2] if keeps_end else ""
    return f"{start} … {end}".strip() if start and end else f"{start} …" if start else f"… {end}"
