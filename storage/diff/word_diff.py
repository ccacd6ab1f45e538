"""PURE: word-level differences between two texts."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal, NamedTuple

from storage.diff.alignment import TextBlock, blocks, equal_runs, pairs
from storage.language.words import TOKEN
from storage.values.digest import canonical, canonical_all

BETWEEN_PARAGRAPHS = "\n\n"

Op = Literal["equal", "insert", "delete", "move"]

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


class Operation(NamedTuple):
    """One piece of a diff.

    `a_start` and `b_start` are code point offsets in `join_text(a)` and `join_text(b)`: the
    position of
    the piece, or the position where it is missing. An `equal` piece may differ in ways that the
    digest ignores. A `move` is listed once, at its position in b.
    """

    op: Op
    role: str
    a_text: str
    b_text: str
    a_start: int
    b_start: int


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
    between them are deleted or inserted. For replaced words, the `delete` comes before its
    `insert`. Differences that the wording digest ignores are `equal`.

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
    return sum(_count_words(op.b_text) for op in operations if op.op == "insert")


def words_removed(operations: Iterable[Operation]) -> int:
    """Return the number of deleted words; a number is a word, punctuation is not."""
    return sum(_count_words(op.a_text) for op in operations if op.op == "delete")


def passages(operations: Iterable[Operation]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the removed and the added passages, with the changed text only.

    If only punctuation changed, the passage is the mark.
    """
    operations = tuple(operations)
    removed = [op.a_text.strip() for op in operations if op.op == "delete"]
    added = [op.b_text.strip() for op in operations if op.op == "insert"]
    return tuple(filter(None, removed)), tuple(filter(None, added))


# ------------------------------------------------------------------------------ operations


def _operations(a: Side, b: Side) -> Iterator[Operation]:
    if a.title and b.title:
        yield from _operations_inside(a.title, b.title, "equal")
    elif a.title:
        yield _deletion(a.title, 0)
    elif b.title:
        yield _insertion(b.title, 0)
    paired = pairs(a.body, b.body)
    gone = set(paired.moved.values())
    i = j = 0
    for to_i, to_j in [*paired.in_order, (len(a.body), len(b.body))]:
        yield from (_deletion(a.body[k], b.start_of(j)) for k in range(i, to_i) if k not in gone)
        for k in range(j, to_j):
            if k in paired.moved:
                yield from _operations_inside(a.body[paired.moved[k]], b.body[k], "move")
            else:
                yield _insertion(b.body[k], a.start_of(to_i))
        if to_i < len(a.body):
            yield from _operations_inside(a.body[to_i], b.body[to_j], "equal")
        i, j = to_i + 1, to_j + 1


def _deletion(block: TextBlock, b_start: int) -> Operation:
    return Operation("delete", block.role, block.text, "", block.start, b_start)


def _insertion(block: TextBlock, a_start: int) -> Operation:
    return Operation("insert", block.role, "", block.text, a_start, block.start)


def _operations_inside(a: TextBlock, b: TextBlock, op_if_equal: Op) -> list[Operation]:
    """Return the operations inside a pair of blocks; unchanged pieces get the operation
    `op_if_equal`.
    """
    if a.canon == b.canon:
        return [Operation(op_if_equal, b.role, a.text, b.text, a.start, b.start)]
    found = _pieces(a, b, op_if_equal)
    if all(op.op == op_if_equal for op in found):  # the change is within one letter of `text`
        return [_deletion(a, b.start), _insertion(b, a.end)]
    return found


def _pieces(a: TextBlock, b: TextBlock, op_if_equal: Op) -> list[Operation]:
    found: list[Operation] = []
    a_at = b_at = 0
    for begin, start, size in [*equal_runs(a, b), (len(a.canon), len(b.canon), 0)]:
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


def _count_words(text: str) -> int:
    return sum(1 for token in TOKEN.findall(canonical(text)) if token.strip()[:1].isalnum())
