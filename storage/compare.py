"""PURE: what changed between two texts, word by word, and of which classes the change is."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from storage.alignment import TOKEN, Block, blocks, equal_runs, pairs
from storage.digest import canonical, canonical_all
from storage.names import names_in
from storage.quotation import quoted

BETWEEN_PARAGRAPHS = "\n\n"

Op = Literal["equal", "insert", "delete", "move"]

CLASSES = (
    "headline",
    "number",
    "name",
    "quote",
    "wording",
    "punctuation",
    "paragraph_added",
    "paragraph_removed",
    "moved",
    "notice",
)
"""What `classify` can tell, in its order; `first`, `metadata` and `reversion` are the caller's."""

_HEADLINE = "headline"
_SHORTEST_GENITIVE = 4
_INVERSE: dict[Op, Op] = {"insert": "delete", "delete": "insert", "equal": "equal", "move": "move"}
_QUOTATION_MARKS = frozenset("\"'")
_UNITS = frozenset("%‰€$£¥°")
_SIGNS = frozenset("+-−–±")
_NUMBER_WORDS = frozenset(
    """
    zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig hundert hunderte
    hunderten tausend tausende tausenden dutzend dutzende million millionen mio milliarde
    milliarden mrd billion billionen
    two three four five six seven eight nine ten eleven twelve twenty thirty hundred hundreds
    thousand thousands dozen dozens millions billions trillion trillions
    """.split()  # noqa: SIM905 - words read best as a text
)


@dataclass(frozen=True, slots=True)
class Text:
    """A title and the paragraphs (role, text) that make `text`."""

    title: str | None
    paragraphs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Operation:
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


class OperationsError(ValueError):
    """These operations were not made for this text; `position` is where they leave it."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the operations leave the text at code point {position}")
        self.position = position


def joined(text: Text) -> str:
    """Return the title and the paragraphs, a blank line between each two.

    What is empty in canonical form is left out, as in the digest. The offsets of operations
    count code points in this.
    """
    return BETWEEN_PARAGRAPHS.join(block.text for block in _sides(text)[0].all)


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
    return tuple(_operations(*_sides(a, b)))


def apply(a_joined: str, operations: Iterable[Operation]) -> str:
    """Return what `operations` make of a joined text.

    Raises: OperationsError if they were not made for it.
    """
    operations = tuple(operations)
    if _assembled((op.a_start, op.a_text) for op in operations) != a_joined:
        position = next(
            (op.a_start for op in operations if not a_joined.startswith(op.a_text, op.a_start)),
            len(a_joined),
        )
        raise OperationsError(position)
    return _assembled((op.b_start, op.b_text) for op in operations)


def inverse(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """Return the operations that lead back from b to a."""
    return tuple(
        Operation(_INVERSE[op.op], op.role, op.b_text, op.a_text, op.b_start, op.a_start)
        for op in operations
    )


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


def classify(a: Text, b: Text, operations: Sequence[Operation] | None = None) -> tuple[str, ...]:
    """Return the classes that the change from `a` to `b` has, in the order of `CLASSES`.

    - `headline`: the title changed. Its numbers, names and quotes are told besides.
    - `number`: a word with a digit, a number word (two and more, million …), a unit such as %
      or €, or the sign before a digit came, went or changed. Digits of whole new paragraphs
      are none, nor are those of a sentence that only went elsewhere within the text.
    - `name`: the same for words that the text itself shows to be names (`storage.names`).
    - `quote`: something inside quotation marks changed, or a mark of quotation itself.
    - `wording`: other words changed.
    - `punctuation`: a place where nothing but punctuation or a blank changed.
    - `paragraph_added`, `paragraph_removed`, `moved`: whole paragraphs, as `diff` tells them.
    - `notice`: a paragraph of this role is new or was edited.

    `operations` are those of `diff(a, b)`, if they are at hand.
    """
    a_side, b_side = _sides(a, b)
    if operations is None:
        operations = tuple(_operations(a_side, b_side))
    found: set[str] = set()
    parts: list[Operation] = []
    for op in operations:
        if op.op == "move":
            found.add("moved")
        elif op.op != "equal":
            name = _paragraph_class(op, a_side, b_side)
            found |= {name} if name else set()
            parts += [] if name else [op]
    found |= _notice_class(operations, parts)
    found |= _edit_classes(_edits(parts, _Marked(a_side), _Marked(b_side)), a_side, b_side)
    return tuple(name for name in CLASSES if name in found)


# ------------------------------------------------------------------------------ operations


@dataclass(frozen=True, slots=True)
class _Side:
    """One text of two: its title, and the blocks below it."""

    title: Block | None
    body: list[Block]

    @property
    def all(self) -> list[Block]:
        return [self.title, *self.body] if self.title else self.body

    def start_of(self, index: int) -> int:
        """Return where a block of the body stands, or would stand after the last."""
        if index < len(self.body):
            return self.body[index].start
        return self.all[-1].end if self.all else 0


def _sides(*texts: Text) -> list[_Side]:
    """Read texts in canonical form, each part that they share once."""
    parts = [[(_HEADLINE, text.title or ""), *text.paragraphs] for text in texts]
    known = list({part: None for side in parts for _, part in side})
    canon = dict(zip(known, canonical_all(known), strict=True))
    sides = []
    for text, side in zip(texts, parts, strict=True):
        found = blocks(side, canon, len(BETWEEN_PARAGRAPHS))
        titles = 1 if canon[text.title or ""] else 0
        sides.append(_Side(found[0] if titles else None, found[titles:]))
    return sides


def _operations(a: _Side, b: _Side) -> Iterator[Operation]:
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


def _deleted(block: Block, b_start: int) -> Operation:
    return Operation("delete", block.role, block.text, "", block.start, b_start)


def _inserted(block: Block, a_start: int) -> Operation:
    return Operation("insert", block.role, "", block.text, a_start, block.start)


def _within(a: Block, b: Block, same: Op) -> Iterator[Operation]:
    """Yield the operations inside a pair of blocks; what stays is called `same`."""
    if a.canon == b.canon:
        yield Operation(same, b.role, a.text, b.text, a.start, b.start)
        return
    found = list(_pieces(a, b, same))
    if all(op.op == same for op in found):  # the change is within one letter of `text`
        whole_a, whole_b = _deleted(a, b.start), _inserted(b, a.end)
        found = [whole_a, whole_b]
    yield from found


def _pieces(a: Block, b: Block, same: Op) -> Iterator[Operation]:
    i = j = 0
    for begin, start, size in [*equal_runs(a, b), (len(a.canon), len(b.canon), 0)]:
        gone, new = slice(a.place(i), a.place(begin)), slice(b.place(j), b.place(start))
        if text := a.text[gone]:
            yield Operation("delete", a.role, text, "", a.start + gone.start, b.start + new.start)
        if text := b.text[new]:
            yield Operation("insert", b.role, "", text, a.start + gone.stop, b.start + new.start)
        i, j = begin + size, start + size
        if size:
            a_text, b_text = a.text[gone.stop : a.place(i)], b.text[new.stop : b.place(j)]
            yield Operation(same, b.role, a_text, b_text, a.start + gone.stop, b.start + new.stop)


def _assembled(pieces: Iterable[tuple[int, str]]) -> str:
    """Put pieces (start, text) in their places; between two that do not touch is a blank line."""
    parts: list[str] = []
    end = 0
    for start, text in sorted(piece for piece in pieces if piece[1]):
        if start > end:
            parts.append(BETWEEN_PARAGRAPHS)
        parts.append(text)
        end = start + len(text)
    return "".join(parts)


def _count_words(text: str) -> int:
    return sum(1 for token in TOKEN.findall(canonical(text)) if token.strip()[:1].isalnum())


# --------------------------------------------------------------------------------- classes


@dataclass(frozen=True, slots=True)
class _Word:
    """A changed token and where it stood."""

    token: str
    is_quoted: bool
    before_digit: bool

    @property
    def is_word(self) -> bool:
        return self.token[0].isalnum()

    @property
    def is_number(self) -> bool:
        return (
            any(map(str.isdigit, self.token))
            or self.token in _UNITS
            or (self.token in _SIGNS and self.before_digit)
            or self.token.casefold() in _NUMBER_WORDS
        )


@dataclass(frozen=True, slots=True)
class _Edit:
    """What was taken out and put in at one place inside a block."""

    role: str
    gone: tuple[_Word, ...]
    new: tuple[_Word, ...]

    @property
    def words(self) -> tuple[_Word, ...]:
        return self.gone + self.new


class _Marked:
    """The tokens of one side, told by offset, with what stands inside quotation marks."""

    def __init__(self, side: _Side) -> None:
        self._blocks = side.all
        self._starts = [block.start for block in self._blocks]
        self._quoted: dict[int, list[bool]] = {}

    def words(self, start: int, text: str) -> tuple[_Word, ...]:
        if not text:
            return ()
        block = self._blocks[bisect_right(self._starts, start) - 1]
        if block.start not in self._quoted:
            self._quoted[block.start] = quoted(block.canon, block.words.starts)
        marks = self._quoted[block.start]
        begin = start - block.start
        return tuple(
            _Word(block.tokens[k], marks[k], block.canon[block.words.end_of(k) :][:1].isdigit())
            for k in block.tokens_within(begin, begin + len(text))
        )


def _paragraph_class(op: Operation, a: _Side, b: _Side) -> str | None:
    """Return the class of an operation on a whole paragraph, None for a part or the title."""
    side, start, text, name = (
        (a, op.a_start, op.a_text, "paragraph_removed")
        if op.op == "delete"
        else (b, op.b_start, op.b_text, "paragraph_added")
    )
    position = bisect_left(side.body, start, key=lambda block: block.start)
    block = side.body[position] if position < len(side.body) else None
    is_whole = block is not None and (block.start, block.end) == (start, start + len(text))
    return name if is_whole else None


def _notice_class(operations: Iterable[Operation], parts: Iterable[Operation]) -> set[str]:
    new = any(op.role == "notice" for op in operations if op.op == "insert")
    edited = any(op.role == "notice" for op in parts)
    return {"notice"} if new or edited else set()


def _edits(parts: Iterable[Operation], a: _Marked, b: _Marked) -> list[_Edit]:
    """Put what was deleted together with what was inserted in its place."""
    edits: list[_Edit] = []
    last: Operation | None = None
    for op in parts:
        gone, new = a.words(op.a_start, op.a_text), b.words(op.b_start, op.b_text)
        if last and op.op == "insert" and last.op == "delete" and _ends_at(last, op):
            edits[-1] = _Edit(op.role, edits[-1].gone, new)
        else:
            edits.append(_Edit(op.role, gone, new))
        last = op
    return edits


def _ends_at(removed: Operation, added: Operation) -> bool:
    end = removed.a_start + len(removed.a_text)
    return (end, removed.b_start) == (added.a_start, added.b_start)


def _edit_classes(edits: Sequence[_Edit], a: _Side, b: _Side) -> set[str]:
    names = _names(edits, a, b)
    found: set[str] = set()
    if _differ(edits, lambda word: word.is_number):
        found.add("number")
    if _differ(edits, lambda word: _stem(word.token) in names):
        found.add("name")
    for edit in edits:
        found |= _place_classes(edit, names)
    return found


def _place_classes(edit: _Edit, names: frozenset[str]) -> set[str]:
    """Return what one place shows beside numbers and names; the title has a class of its own."""
    found: set[str] = set()
    if any(word.is_quoted for word in edit.words):
        found.add("quote")
    if edit.role == _HEADLINE:
        return found | {"headline"}
    words = [word for word in edit.words if word.is_word]
    marks = [
        word for word in edit.words if not word.is_number and word.token not in _QUOTATION_MARKS
    ]
    if not words and (marks or not edit.words):
        found.add("punctuation")
    plain = (w for w in words if not (w.is_quoted or w.is_number or _stem(w.token) in names))
    return found | ({"wording"} if any(plain) else set())


def _differ(edits: Iterable[_Edit], is_kind: Callable[[_Word], bool]) -> bool:
    """Return whether words of a kind changed, beyond having gone elsewhere in the text."""
    balance: Counter[str] = Counter()
    for edit in edits:
        gone = [word.token for word in edit.gone if is_kind(word)]
        new = [word.token for word in edit.new if is_kind(word)]
        if edit.gone and edit.new and gone != new:
            return True
        balance.update(new)
        balance.subtract(gone)
    return any(balance.values())


def _names(edits: Iterable[_Edit], a: _Side, b: _Side) -> frozenset[str]:
    """Return the stems of the names of both texts, if a changed word may be one."""
    if not any(word.token[0].isupper() for edit in edits for word in edit.words):
        return frozenset()
    found = names_in([block.tokens for block in (*a.all, *b.all)])
    return frozenset(map(_stem, found))


def _stem(token: str) -> str:
    """Return a name without the `s` of its genitive."""
    return token.removesuffix("'s").removesuffix("s") if len(token) > _SHORTEST_GENITIVE else token
