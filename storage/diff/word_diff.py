"""PURE: what changed between two texts, word by word."""

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
    """A title and the paragraphs (role, text) that make `text`."""

    title: str | None
    paragraphs: tuple[tuple[str, str], ...]

    @property
    def parts(self) -> list[str]:
        """Return the title, empty where there is none, and the paragraphs."""
        return [self.title or "", *(paragraph for _role, paragraph in self.paragraphs)]


class Operation(NamedTuple):
    """One piece of a diff.

    `a_start` and `b_start` are code points into `joined(a)` and `joined(b)`: where the piece
    stands, or where it would. An `equal` piece may differ in what the digest forgives. A `move`
    is told once, where it stands in b.
    """

    op: Op
    role: str
    a_text: str
    b_text: str
    a_start: int
    b_start: int


@dataclass(frozen=True, slots=True)
class Side:
    """One text of two, read for comparing: its title, and the blocks below it."""

    title: TextBlock | None
    body: list[TextBlock]

    @property
    def all(self) -> list[TextBlock]:
        return [self.title, *self.body] if self.title else self.body

    def start_of(self, index: int) -> int:
        """Return where a block of the body stands, or would stand after the last."""
        if index < len(self.body):
            return self.body[index].start
        return self.all[-1].end if self.all else 0

    def block_at(self, position: int) -> TextBlock:
        """Return the block that a place of the joined text lies in, or that ends there."""
        blocks = self.all
        return blocks[bisect_right(blocks, position, key=attrgetter("start")) - 1]


def joined(text: Text) -> str:
    """Return the title and the paragraphs, a blank line between each two.

    What is empty in canonical form is left out, as in the digest. The offsets of operations
    count code points in this.
    """
    return BETWEEN_PARAGRAPHS.join(block.text for block in sides(text)[0].all)


def diff(a: Text, b: Text) -> tuple[Operation, ...]:
    """Return the operations that lead from `a` to `b`, in the order of b.

    An operation stands inside one paragraph, and the blank lines between paragraphs are in
    none. Equal paragraphs are found first; of the rest, similar ones are compared word by word.
    A paragraph that went elsewhere is a `move`; if it was edited on the way, its unchanged
    pieces are moves and the words between them put in or taken out. Where words were replaced,
    a `delete` stands before its `insert`. What the wording digest forgives is `equal`.

    >>> before = Text(None, (("text", "Es sind 3,6 Prozent."),))
    >>> after = Text(None, (("text", "Es sind 36 Prozent."),))
    >>> [(found.op, found.a_text or found.b_text) for found in diff(before, after)]
    [('equal', 'Es sind '), ('delete', '3,6'), ('insert', '36'), ('equal', ' Prozent.')]
    """
    return between(*sides(a, b))


def between(a: Side, b: Side) -> tuple[Operation, ...]:
    """Return what `diff` does, of two texts that were read by `sides`."""
    return tuple(_operations(a, b))


def sides(*texts: Text) -> list[Side]:
    """Read texts in canonical form, each part that they share once."""
    known = list({part: None for text in texts for part in text.parts})
    canon = dict(zip(known, canonical_all(known), strict=True))
    return [side_of(text, canon) for text in texts]


def side_of(text: Text, canonical: Mapping[str, str]) -> Side:
    """Read one text; `canonical` are the canonical forms of its title and paragraphs."""
    title = text.title or ""
    found = blocks([(_HEADLINE, title), *text.paragraphs], canonical, len(BETWEEN_PARAGRAPHS))
    titles = 1 if canonical[title] else 0
    return Side(found[0] if titles else None, found[titles:])


def words_added(operations: Iterable[Operation]) -> int:
    """Return how many words were put in; a number is a word, punctuation is none."""
    return sum(_count_words(op.b_text) for op in operations if op.op == "insert")


def words_removed(operations: Iterable[Operation]) -> int:
    """Return how many words were taken out; a number is a word, punctuation is none."""
    return sum(_count_words(op.a_text) for op in operations if op.op == "delete")


def passages(operations: Iterable[Operation]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the removed and the added passages, with nothing but the changed text.

    Where punctuation alone changed, the passage is the mark.
    """
    operations = tuple(operations)
    removed = [op.a_text.strip() for op in operations if op.op == "delete"]
    added = [op.b_text.strip() for op in operations if op.op == "insert"]
    return tuple(filter(None, removed)), tuple(filter(None, added))


# ------------------------------------------------------------------------------ operations


def _operations(a: Side, b: Side) -> Iterator[Operation]:
    if a.title and b.title:
        yield from _within(a.title, b.title, "equal")
    elif a.title:
        yield _deleted(a.title, 0)
    elif b.title:
        yield _inserted(b.title, 0)
    paired = pairs(a.body, b.body)
    gone = set(paired.moved.values())
    i = j = 0
    for to_i, to_j in [*paired.in_order, (len(a.body), len(b.body))]:
        yield from (_deleted(a.body[k], b.start_of(j)) for k in range(i, to_i) if k not in gone)
        for k in range(j, to_j):
            if k in paired.moved:
                yield from _within(a.body[paired.moved[k]], b.body[k], "move")
            else:
                yield _inserted(b.body[k], a.start_of(to_i))
        if to_i < len(a.body):
            yield from _within(a.body[to_i], b.body[to_j], "equal")
        i, j = to_i + 1, to_j + 1


def _deleted(block: TextBlock, b_start: int) -> Operation:
    return Operation("delete", block.role, block.text, "", block.start, b_start)


def _inserted(block: TextBlock, a_start: int) -> Operation:
    return Operation("insert", block.role, "", block.text, a_start, block.start)


def _within(a: TextBlock, b: TextBlock, same: Op) -> list[Operation]:
    """Return the operations inside a pair of blocks; what stays is called `same`."""
    if a.canon == b.canon:
        return [Operation(same, b.role, a.text, b.text, a.start, b.start)]
    found = _pieces(a, b, same)
    if all(op.op == same for op in found):  # the change is within one letter of `text`
        return [_deleted(a, b.start), _inserted(b, a.end)]
    return found


def _pieces(a: TextBlock, b: TextBlock, same: Op) -> list[Operation]:
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
            found.append(Operation(same, b.role, a_text, b_text, a.start + a_end, b.start + b_end))
    return found


def _count_words(text: str) -> int:
    return sum(1 for token in TOKEN.findall(canonical(text)) if token.strip()[:1].isalnum())
