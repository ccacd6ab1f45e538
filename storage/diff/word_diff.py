"""PURE: word-level differences between two texts."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter

from storage.diff.alignment import Run, TextBlock, blocks, equal_runs, pairs
from storage.diff.operation import Op, Operation
from storage.diff.paragraph_breaks import (
    BETWEEN_PARAGRAPHS,
    BREAK,
    BlockRun,
    as_one,
    breaks_of,
    group_blocks,
    parts_of,
)
from storage.language.word_lists import TOKEN
from storage.values.digest import canonical, canonical_all

_HEADLINE = "headline"


@dataclass(frozen=True, slots=True)
class Text:
    """A title and the paragraphs (role, text) of `text`."""

    title: str | None
    paragraphs: tuple[tuple[str, str], ...]

    @property
    def parts(self) -> list[str]:
        """Return the title, empty if there is none, and the paragraphs."""
        return [self.title or "", *(paragraph for _role, paragraph in self.paragraphs)]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two compared texts: its title, and the blocks below it."""

    title: TextBlock | None
    body: list[TextBlock]

    @property
    def all(self) -> list[TextBlock]:
        return [self.title, *self.body] if self.title else self.body

    def start_of(self, index: int) -> int:
        """Return the offset of a block of the body, or the offset after the last block."""
        if index < len(self.body):
            return self.body[index].start
        return self.all[-1].end if self.all else 0

    def block_at(self, position: int) -> TextBlock:
        """Return the block that contains an offset of the joined text, or ends there."""
        blocks = self.all
        return blocks[bisect_right(blocks, position, key=attrgetter("start")) - 1]


def join_text(text: Text) -> str:
    """Return the title and the paragraphs, separated by blank lines.

    Parts that are empty in canonical form are omitted, as in the digest. The offsets of operations
    are code points in this text.
    """
    return BETWEEN_PARAGRAPHS.join(block.text for block in sides(text)[0].all)


def diff(a: Text, b: Text) -> tuple[Operation, ...]:
    """Return the operations that change `a` into `b`, in the order of b.

    An operation is inside one paragraph; the blank lines between paragraphs belong to no operation.
    Equal paragraphs are matched first; similar ones of the rest are compared word by word. A moved
    paragraph is a `move`; if it was edited too, its unchanged pieces are moves, and the words
    between them are deleted or inserted. If a paragraph was split, a `split` is between the
    operations of its parts; if paragraphs were joined, a `join`. For replaced words, the `delete`
    comes before its `insert`. Differences that the wording digest ignores are `equal`.

    >>> before = Text(None, (("text", "Es sind 3,6 Prozent."),))
    >>> after = Text(None, (("text", "Es sind 36 Prozent."),))
    >>> [(found.op, found.a_text or found.b_text) for found in diff(before, after)]
    [('equal', 'Es sind '), ('delete', '3,6'), ('insert', '36'), ('equal', ' Prozent.')]
    """
    return operations_between(*sides(a, b))


def operations_between(a: Side, b: Side) -> tuple[Operation, ...]:
    """Return the result of `diff` for two texts prepared by `sides`."""
    return tuple(_operations(a, b))


def sides(*texts: Text) -> list[Side]:
    """Convert texts to canonical form; parts that they share are converted once."""
    known = list({part: None for text in texts for part in text.parts})
    canon = dict(zip(known, canonical_all(known), strict=True))
    return [side_of(text, canon) for text in texts]


def side_of(text: Text, canonical: Mapping[str, str]) -> Side:
    """Prepare one text; `canonical` are the canonical forms of its title and paragraphs."""
    title = text.title or ""
    found = blocks([(_HEADLINE, title), *text.paragraphs], canonical, len(BETWEEN_PARAGRAPHS))
    titles = 1 if canonical[title] else 0
    return Side(found[0] if titles else None, found[titles:])


def words_added(operations: Iterable[Operation]) -> int:
    """Return the number of inserted words; a number is a word, punctuation is not."""
    return sum(count_words(op.b_text) for op in operations if op.op == "insert")


def words_removed(operations: Iterable[Operation]) -> int:
    """Return the number of deleted words; a number is a word, punctuation is not."""
    return sum(count_words(op.a_text) for op in operations if op.op == "delete")


def passages(operations: Iterable[Operation]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the removed and the added passages, with the changed text only.

    If only punctuation changed, the passage is the mark; a pilcrow is a paragraph break.
    """
    removed: list[str] = []
    added: list[str] = []
    for op in operations:
        match op.op:
            case "delete" | "join":
                removed.append(op.a_text.strip() if op.op == "delete" else BREAK)
            case "insert" | "split":
                added.append(op.b_text.strip() if op.op == "insert" else BREAK)
    return tuple(filter(None, removed)), tuple(filter(None, added))


# ------------------------------------------------------------------------------ operations


def _operations(a: Side, b: Side) -> Iterator[Operation]:
    if a.title and b.title:
        yield from _operations_inside(a.title, b.title, "equal")
    elif a.title:
        yield _deletion(a.title, 0)
    elif b.title:
        yield _insertion(b.title, 0)
    groups = group_blocks(a.body, b.body, pairs(a.body, b.body))
    gone = {i for indexes, _ in groups.moved.values() for i in indexes}
    moved = {j for _, indexes in groups.moved.values() for j in indexes}
    i = j = 0
    last = range(len(a.body), len(a.body) + 1), range(len(b.body), len(b.body) + 1)
    for in_a, in_b in [*groups.in_order, last]:
        deleted = (k for k in range(i, in_a.start) if k not in gone)
        yield from (_deletion(a.body[k], b.start_of(j)) for k in deleted)
        for k in range(j, in_b.start):
            if k in groups.moved:
                from_a, to_b = groups.moved[k]
                pair = as_one(a.body, from_a), as_one(b.body, to_b)
                yield from _operations_inside(*pair, "move")
            elif k not in moved:
                yield _insertion(b.body[k], a.start_of(in_a.start))
        if in_a.start < len(a.body):
            yield from _operations_inside(as_one(a.body, in_a), as_one(b.body, in_b), "equal")
        i, j = in_a.stop, in_b.stop


def _deletion(block: TextBlock, b_start: int) -> Operation:
    return Operation("delete", block.role, block.text, "", block.start, b_start)


def _insertion(block: TextBlock, a_start: int) -> Operation:
    return Operation("insert", block.role, "", block.text, a_start, block.start)


def _operations_inside(a: TextBlock, b: TextBlock, op_if_equal: Op) -> list[Operation]:
    """Return the operations inside a pair of blocks; unchanged pieces get the operation
    `op_if_equal`.
    """
    if isinstance(a, BlockRun) or isinstance(b, BlockRun):
        return _regroup(a, b, op_if_equal)
    if a.canon == b.canon:
        return [Operation(op_if_equal, b.role, a.text, b.text, a.start, b.start)]
    found = _pieces(a, b, op_if_equal, equal_runs(a, b))
    if all(op.op == op_if_equal for op in found):  # the change is within one letter of `text`
        return [_deletion(a, b.start), _insertion(b, a.end)]
    return found


def _pieces(
    a: TextBlock, b: TextBlock, op_if_equal: Op, runs_in_order: Iterable[Run]
) -> list[Operation]:
    found: list[Operation] = []
    a_at = b_at = 0
    for begin, start, size in [*runs_in_order, (len(a.canon), len(b.canon), 0)]:
        a_end, b_end = a.place(begin), b.place(start)
        if text := a.text[a_at:a_end]:
            found.append(Operation("delete", a.role, text, "", a.start + a_at, b.start + b_at))
        if text := b.text[b_at:b_end]:
            found.append(Operation("insert", b.role, "", text, a.start + a_end, b.start + b_at))
        if size:
            a_at, b_at = a.place(begin + size), b.place(start + size)
            a_text, b_text = a.text[a_end:a_at], b.text[b_end:b_at]
            found.append(
                Operation(op_if_equal, b.role, a_text, b_text, a.start + a_end, b.start + b_end)
            )
    return found


# ------------------------------------------------------------------ split, joined paragraphs


def _regroup(a: TextBlock, b: TextBlock, op_if_equal: Op) -> list[Operation]:
    """Return the operations between a paragraph and the several ones of the other text."""
    runs = [(0, 0, len(a.canon))] if a.canon == b.canon else equal_runs(a, b)
    pieces = [
        part
        for piece in _pieces(a, b, op_if_equal, _runs_without_breaks(a, b, runs))
        for part in _cut_at_breaks(piece, a, b)
    ]
    found: list[Operation] = []
    blank = ""
    for piece, following in zip_longest(pieces, pieces[1:]):
        last = found[-1].op if found else None
        if following and piece.a_text.isspace() and (last, following.op) == (op_if_equal, "split"):
            found[-1] = found[-1]._replace(a_text=found[-1].a_text + piece.a_text)
        elif following and piece.b_text.isspace() and (last, following.op) == ("join", op_if_equal):
            blank = piece.b_text
        else:
            b_text, b_start = blank + piece.b_text, piece.b_start - len(blank)
            found.append(piece._replace(b_text=b_text, b_start=b_start))
            blank = ""
    return found


def _runs_without_breaks(a: TextBlock, b: TextBlock, runs: Iterable[Run]) -> Iterator[Run]:
    """Cut runs of equal letters at the blanks that are paragraph breaks in one text."""
    breaks = (breaks_of(a), breaks_of(b))
    for *offsets, size in runs:
        steps = {
            at - offset
            for offset, places in zip(offsets, breaks, strict=True)
            for at in places
            if offset <= at < offset + size
        }
        done = 0
        for step in [*sorted(steps), size]:
            if step > done:
                yield offsets[0] + done, offsets[1] + done, step - done
            done = step + 1


def _cut_at_breaks(piece: Operation, a: TextBlock, b: TextBlock) -> Iterator[Operation]:
    """Yield a piece in parts, with a `split` or `join` for each paragraph break inside it."""
    name: Op = "join" if piece.op == "delete" else "split"
    side, block = ("a", a) if name == "join" else ("b", b)
    start, text = getattr(piece, f"{side}_start"), getattr(piece, f"{side}_text")
    end, parts = start + len(text), parts_of(block)
    for part, following in zip_longest(parts, parts[1:]):
        low, high = max(start, part.start), min(end, part.end)
        if low < high:
            own = {f"{side}_start": low, f"{side}_text": text[low - start : high - start]}
            yield piece._replace(role=part.role, **own)
        if following and start <= part.end and following.start <= end:
            own = {f"{side}_start": following.start, f"{side}_text": ""}
            yield piece._replace(op=name, role=following.role, **own)


def count_words(text: str) -> int:
    """Return the number of words of a text; a number is a word, punctuation is not."""
    return sum(1 for token in TOKEN.findall(canonical(text)) if token.strip()[:1].isalnum())
