"""PURE: the places where two texts differ, with their paragraphs."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from storage.diff.alignment import TextBlock, is_edit
from storage.diff.operation import Operation
from storage.diff.paragraph_breaks import BETWEEN_PARAGRAPHS, BlockRun
from storage.diff.word_diff import Side

PlaceKind = Literal["edit", "paragraph", "move", "break"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One place of a difference: removed text, added text, and the blocks that contain them.

    An `edit` is inside the title or a paragraph; a block is None if a text has no title. A
    `paragraph` was added or removed as a whole. A `move` moved as a whole; it may have further
    edits. A `break` is a new or removed paragraph break inside a paragraph of the other text: a
    `split` or `join` operation. The blocks of places in a split or joined paragraph contain all its
    parts.
    """

    kind: PlaceKind
    role: str
    gone: Operation | None
    new: Operation | None
    a: TextBlock | None
    b: TextBlock | None

    @property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(op for op in (self.gone, self.new) if op is not None)


def places(operations: Sequence[Operation], a: Side, b: Side) -> list[Edit]:
    """Return the places of the operations between two sides, in order."""
    sides = _RegroupedSide(a, operations, "join"), _RegroupedSide(b, operations, "split")
    all_places: list[Edit] = []
    moved: set[int] = set()
    for op in operations:
        if op.op == "equal":
            continue
        if op.op == "move":
            block = sides[1].block_at(op.b_start)
            if block.start not in moved:
                moved.add(block.start)
                all_places.append(
                    Edit("move", op.role, None, op, sides[0].block_at(op.a_start), block)
                )
        elif op.op in {"split", "join"}:
            gone, new = (None, op) if op.op == "split" else (op, None)
            blocks = sides[0].block_at(op.a_start), sides[1].block_at(op.b_start)
            all_places.append(Edit("break", op.role, gone, new, *blocks))
        elif (whole := _find_paragraph(op, a if op.op == "delete" else b)) is not None:
            _add_paragraph(all_places, op, whole)
        else:
            _add_edit(all_places, op, *sides)
    return all_places


class _RegroupedSide:
    """A side whose split or joined paragraphs are one block."""

    def __init__(self, side: Side, operations: Iterable[Operation], name: str) -> None:
        self.title = side.title
        self._side = side
        self._runs: dict[int, BlockRun] = {}
        parts: list[TextBlock] = []
        for op in operations:
            if op.op != name:
                continue
            index = bisect_left(side.body, _start(op), key=attrgetter("start"))
            before, block = side.body[index - 1], side.body[index]
            parts = [*parts, block] if parts and parts[-1] is before else [before, block]
            self._runs |= dict.fromkeys(map(id, parts), BlockRun(parts))

    def block_at(self, position: int) -> TextBlock:
        block = self._side.block_at(position)
        return self._runs.get(id(block), block)


def _start(op: Operation) -> int:
    return op.a_start if op.op in {"delete", "join"} else op.b_start


def pair_paragraphs(all_places: Sequence[Edit]) -> list[tuple[Edit, Edit]]:
    """Pair paragraphs that were removed as a whole with those that replaced them, in order."""
    pairs: list[tuple[Edit, Edit]] = []
    gone: list[Edit] = []
    next_start = 0
    for place in all_places:
        if place.kind != "paragraph":
            continue
        if place.gone is not None:
            if gone and gone[-1].gone is not None and gone[-1].gone.b_start != place.gone.b_start:
                gone = []
            gone.append(place)
            next_start = place.gone.b_start
        elif place.new is not None and gone and place.new.b_start == next_start:
            pairs.append((gone.pop(0), place))
            next_start = place.new.b_start + len(place.new.b_text) + len(BETWEEN_PARAGRAPHS)
    return pairs


def _find_paragraph(op: Operation, side: Side) -> TextBlock | None:
    """Return the paragraph that an operation removes or adds as a whole; None for the title."""
    start, text = _start(op), op.a_text or op.b_text
    position = bisect_left(side.body, start, key=attrgetter("start"))
    block = side.body[position] if position < len(side.body) else None
    is_whole = block is not None and (block.start, block.end) == (start, start + len(text))
    return block if is_whole else None


def _add_paragraph(edits: list[Edit], op: Operation, block: TextBlock) -> None:
    """Add a paragraph; a short one without a common word counts as edited."""
    last = edits[-1] if edits else None
    if op.op == "delete":
        edits.append(Edit("paragraph", op.role, op, None, block, None))
    elif last is not None and last.a is not None and _ends_at(last, op) and is_edit(last.a, block):
        edits[-1] = Edit("edit", op.role, last.gone, op, last.a, block)
    else:
        edits.append(Edit("paragraph", op.role, None, op, None, block))


def _add_edit(edits: list[Edit], op: Operation, a: _RegroupedSide, b: _RegroupedSide) -> None:
    """Add an edit, or join an insertion with the deletion at the same place."""
    last = edits[-1] if edits else None
    if op.op == "insert" and last is not None and last.kind == "edit" and _ends_at(last, op):
        edits[-1] = Edit("edit", op.role, last.gone, op, last.a, last.b)
        return
    gone, new = (op, None) if op.op == "delete" else (None, op)
    if _is_of_title(op, a, b):
        edits.append(Edit("edit", op.role, gone, new, a.title, b.title))
    else:
        blocks = a.block_at(op.a_start), b.block_at(op.b_start)
        edits.append(Edit("edit", op.role, gone, new, *blocks))


def _is_of_title(op: Operation, a: _RegroupedSide, b: _RegroupedSide) -> bool:
    if op.op == "delete":
        return a.title is not None and op.a_start < a.title.end
    return b.title is not None and op.b_start < b.title.end


def _ends_at(place: Edit, insertion: Operation) -> bool:
    removed = place.gone
    if removed is None or place.new is not None:
        return False
    end = removed.a_start + len(removed.a_text)
    return (end, removed.b_start) == (insertion.a_start, insertion.b_start)
