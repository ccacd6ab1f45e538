"""PURE: a comparison as displayed on pages, in feeds and mails: paragraphs, changed numbers
first.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from storage.diff.operation import Operation
from storage.diff.paragraph_breaks import BREAK
from storage.read.render.translations import translate

NUMBER = re.compile(r"\d+(?:[.,:/–-]\d+)*+")
"""
>>> NUMBER.findall("von 3,6 auf 36 Millionen")
['3,6', '36']
"""
CONTEXT = 70
"""Letters of unchanged text that are displayed next to a change."""


@dataclass(frozen=True, slots=True)
class PassagePiece:
    """A piece of a paragraph: `equal`, `insert`, `delete` or `move`; `is_number` for a changed
    number.

    A new paragraph break is an `insert` of a pilcrow and a line break, a removed one a `delete` of
    a pilcrow. `old_text` is the text of an unchanged piece in the older version, if it differs.
    """

    kind: str
    text: str
    is_number: bool = False
    old_text: str | None = None


@dataclass(frozen=True, slots=True)
class PassageBlock:
    """A paragraph of two texts: its kind, its role, its pieces, and whether it was moved, split or
    joined.
    """

    kind: str
    role: str
    pieces: tuple[PassagePiece, ...]
    labels: tuple[str, ...] = ()

    def label(self, language: str) -> str:
        """Return the labels in a language, separated by commas."""
        return ", ".join(translate(language, f"paragraph {label}") for label in self.labels)

    @property
    def old_pieces(self) -> tuple[PassagePiece, ...]:
        """Return the pieces of the older text."""
        pieces = self._without("insert")
        return tuple(replace(piece, text=piece.old_text or piece.text) for piece in pieces)

    @property
    def new_pieces(self) -> tuple[PassagePiece, ...]:
        """Return the pieces of the newer text."""
        return self._without("delete")

    def _without(self, kind: str) -> tuple[PassagePiece, ...]:
        return tuple(piece for piece in self.pieces if piece.kind != kind)


def blocks(operations: Iterable[Operation]) -> tuple[PassageBlock, ...]:
    """Return the paragraphs of a comparison in their order."""
    return tuple(
        PassageBlock(
            paragraph_kind(paragraph),
            paragraph[0].role,
            tuple(_pieces(paragraph)),
            paragraph_labels(paragraph),
        )
        for paragraph in group_paragraphs(operations)
    )


def excerpt(blocks: Sequence[PassageBlock], limit: int = 3) -> tuple[PassageBlock, ...]:
    """Return the most important changed paragraphs, shortened to the context of their changes."""
    candidates = [block for block in blocks if block.kind != "equal"]
    loud = sorted(range(len(candidates)), key=lambda index: _loudness(candidates[index]))
    chosen = [candidates[index] for index in sorted(loud[:limit])]
    return tuple(replace(block, pieces=_cut(block.pieces)) for block in chosen)


def runs(pieces: Iterable[PassagePiece]) -> list[list[PassagePiece]]:
    """Merge consecutive pieces of one kind."""
    return [list(group) for _kind, group in groupby(pieces, key=lambda piece: piece.kind)]


def _loudness(block: PassageBlock) -> int:
    """Return 0 for headlines and numbers, 1 for other words, 2 for moves and paragraph breaks."""
    if block.role == "headline" or any(piece.is_number for piece in block.pieces):
        return 0
    changed = (piece for piece in block.pieces if piece.kind in {"insert", "delete"})
    return 1 if any(not piece.text.startswith(BREAK) for piece in changed) else 2


def _pieces(paragraph: Sequence[Operation]) -> Iterator[PassagePiece]:
    for operation in paragraph:
        if operation.op == "split":
            yield PassagePiece("insert", f"{BREAK}\n")
            continue
        if operation.op == "join":
            yield PassagePiece("delete", f"{BREAK} ")
            continue
        text = operation.a_text if operation.op == "delete" else operation.b_text
        if operation.op not in {"insert", "delete"}:
            old_text = operation.a_text if operation.a_text != text else None
            yield PassagePiece(operation.op, text, old_text=old_text)
            continue
        at = 0
        for match in NUMBER.finditer(text):
            if match.start() > at:
                yield PassagePiece(operation.op, text[at : match.start()])
            yield PassagePiece(operation.op, match[0], is_number=True)
            at = match.end()
        if at < len(text):
            yield PassagePiece(operation.op, text[at:])


def _cut(pieces: Sequence[PassagePiece]) -> tuple[PassagePiece, ...]:
    """Shorten long unchanged pieces in the middle, and very long new ones."""
    last = len(pieces) - 1
    result = []
    for index, piece in enumerate(pieces):
        keeps_start, keeps_end = index > 0, index < last
        limit = CONTEXT * 4 if piece.kind in {"insert", "delete", "move"} else CONTEXT
        result.append(replace(piece, text=_shorten(piece.text, limit, keeps_start, keeps_end)))
    return tuple(result)


def _shorten(text: str, limit: int, keeps_start: bool, keeps_end: bool) -> str:  # noqa: FBT001
    """Return at most `limit` letters of each end that is retained.

    >>> _shorten("eins zwei drei vier", 6, False, True)
    '… vier'
    """
    if len(text) <= limit * (keeps_start + keeps_end or 1):
        return text
    start = text[:limit].rpartition(" ")[0] if keeps_start or not keeps_end else ""
    end = text[-limit:].partition(" ")[2] if keeps_end else ""
    return f"{start} … {end}".strip() if start and end else f"{start} …" if start else f"… {end}"


LABELS = {"move": "moved", "split": "split", "join": "joined"}
"""Labels of paragraphs whose place or breaks changed, by the operation."""


def group_paragraphs(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Yield the operations of each paragraph: those that are consecutive in both texts.

    The parts of a split or joined paragraph are one.
    """
    paragraph: list[Operation] = []
    for operation in operations:
        if paragraph and not _follows(operation, paragraph[-1]):
            yield from _split_replacement(paragraph)
            paragraph = []
        paragraph.append(operation)
    if paragraph:
        yield from _split_replacement(paragraph)


def paragraph_kind(paragraph: Sequence[Operation]) -> str:
    """Return the kind of a paragraph: one of the operations, or `change` for a mixture."""
    kinds = {operation.op for operation in paragraph}
    if "move" in kinds:
        return "move"
    return kinds.pop() if len(kinds) == 1 else "change"


def paragraph_labels(paragraph: Iterable[Operation]) -> tuple[str, ...]:
    """Return whether a paragraph was moved, split or joined, as codes."""
    kinds = {operation.op for operation in paragraph}
    return tuple(label for kind, label in LABELS.items() if kind in kinds)


def _follows(operation: Operation, previous: Operation) -> bool:
    if operation.op in {"split", "join"}:
        return True
    return operation.a_start == previous.a_start + len(
        previous.a_text
    ) and operation.b_start == previous.b_start + len(previous.b_text)


def _split_replacement(paragraph: list[Operation]) -> Iterator[list[Operation]]:
    """Yield the paragraph, or two of them if one was deleted completely and another inserted."""
    if [operation.op for operation in paragraph] == ["delete", "insert"]:
        yield paragraph[:1]
        yield paragraph[1:]
    else:
        yield paragraph
