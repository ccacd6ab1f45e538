"""PURE: of which classes a change is: a number, a name, a quotation, other words …"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from storage.alignment import Block
from storage.compare import Operation, Side, Text, between, sides
from storage.names import names_in
from storage.places import Place, places
from storage.quotation import quoted

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

_SHORTEST_GENITIVE = 4
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
    a_side, b_side = sides(a, b)
    found = between(a_side, b_side) if operations is None else operations
    return classes_of(places(found, a_side, b_side), a_side, b_side)


def classes_of(found: Iterable[Place], a: Side, b: Side) -> tuple[str, ...]:
    """Return the classes that some places of a change have, as `classify` tells them."""
    classes: set[str] = set()
    edits: list[_Edit] = []
    marked = _Marked()
    for place in found:
        classes |= _whole_classes(place)
        if place.kind == "edit":
            edits.append(_edit(place, marked))
    classes |= _edit_classes(edits, a, b)
    return tuple(name for name in CLASSES if name in classes)


# ------------------------------------------------------------------------- whole paragraphs


def _whole_classes(place: Place) -> set[str]:
    """Return what a place shows by itself: a paragraph that came, went or moved, a notice."""
    found: set[str] = set()
    if place.kind == "move":
        found.add("moved")
    elif place.kind == "paragraph":
        found.add("paragraph_added" if place.new is not None else "paragraph_removed")
    is_edited = place.kind == "edit" or place.new is not None
    if place.role == "notice" and place.kind != "move" and is_edited:
        found.add("notice")
    return found


# ------------------------------------------------------------------------------------ words


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

    is_title: bool
    gone: tuple[_Word, ...]
    new: tuple[_Word, ...]

    @property
    def words(self) -> tuple[_Word, ...]:
        return self.gone + self.new


class _Marked:
    """The tokens of blocks, told by offset, with what stands inside quotation marks."""

    def __init__(self) -> None:
        self._quoted: dict[int, list[bool]] = {}

    def words(self, block: Block | None, start: int, text: str) -> tuple[_Word, ...]:
        if block is None or not text:
            return ()
        if id(block) not in self._quoted:
            self._quoted[id(block)] = quoted(block.canon, block.words.starts)
        marks = self._quoted[id(block)]
        begin = start - block.start
        return tuple(
            _Word(block.tokens[k], marks[k], block.canon[block.words.end_of(k) :][:1].isdigit())
            for k in block.tokens_within(begin, begin + len(text))
        )


def _edit(place: Place, marked: _Marked) -> _Edit:
    gone = marked.words(place.a, place.gone.a_start, place.gone.a_text) if place.gone else ()
    new = marked.words(place.b, place.new.b_start, place.new.b_text) if place.new else ()
    return _Edit(place.role == "headline", gone, new)


def _edit_classes(edits: Sequence[_Edit], a: Side, b: Side) -> set[str]:
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
    if edit.is_title:
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


def _names(edits: Iterable[_Edit], a: Side, b: Side) -> frozenset[str]:
    """Return the stems of the names of both texts, if a changed word may be one."""
    if not any(word.token[0].isupper() for edit in edits for word in edit.words):
        return frozenset()
    found = names_in([block.tokens for block in (*a.all, *b.all)])
    return frozenset(map(_stem, found))


def _stem(token: str) -> str:
    """Return a name without the `s` of its genitive."""
    return token.removesuffix("'s").removesuffix("s") if len(token) > _SHORTEST_GENITIVE else token
