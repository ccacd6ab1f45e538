"""PURE: which entries of a live blog were added, edited or removed between two captures.

Entries are matched by their text, then by their id, then by their time; those without a time by
similar words. The oldest entries of a
page that give way to new ones are no longer shown; any other missing entry was removed.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, pairwise
from typing import Any, Literal

from storage.diff.word_diff import Text
from storage.values.draft import EntryRange

EntryOp = Literal["added", "edited", "renamed", "removed", "hidden"]

_SAME_ID = 0.3
"""Share of words that two entries with one id have in common, otherwise the id was reused."""
_SAME_TIME = 0.5
"""Share of words that two entries with one time or place have in common."""
_MOST_COMPARED = 50
"""Entries with one time that are compared with each other."""
_HEADLINE = "subheading"


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What happened to one entry; `was` is its id before, if the page changed it.

    `hidden` entries are no longer shown. A `renamed` one has another id and the same text, which is
    not repeated. Headline and text of hidden and removed entries are the last ones.
    """

    op: EntryOp
    id: str
    time: str | None = None
    headline: str | None = None
    text: str | None = None
    was: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON, without empty values."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class EntryText:
    """An entry of a capture: its paragraphs from `start` to before `end`, in canonical form too."""

    id: str
    time: str | None
    start: int
    end: int
    paragraphs: tuple[tuple[str, str], ...]
    canons: tuple[str, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(" ".join(self.canons).casefold().split())

    @property
    def headline(self) -> str | None:
        role, text = self.paragraphs[0]
        return text if role == _HEADLINE else None

    @property
    def text(self) -> str:
        below = self.paragraphs[0 if self.headline is None else 1 :]
        return "\n\n".join(text for _role, text in below)

    def change(self, op: EntryOp, was: str | None = None) -> EntryChange:
        return EntryChange(op, self.id, self.time, self.headline, self.text, was)


@dataclass(frozen=True)
class EntryDifference:
    """The changes of entries, the oldest entry first.

    `edited` are the canonical paragraphs that differ within an entry, by its change. `a_left` and
    `b_left` are the numbers of the paragraphs to compare word by word: without the entries that
    only one of both captures has. Paragraphs that were added or removed with their entry are
    `added` and `removed`, with their roles. `is_live` if both captures have entries.
    """

    changes: tuple[EntryChange, ...]
    is_live: bool
    edited: dict[str, frozenset[str]] = field(default_factory=dict)
    a_left: tuple[int, ...] = ()
    b_left: tuple[int, ...] = ()
    added: tuple[tuple[str, str], ...] = ()
    removed: tuple[tuple[str, str], ...] = ()


def entry_texts(
    text: Text, canons: Sequence[str], entries: Iterable[EntryRange]
) -> tuple[EntryText, ...]:
    """Return the entries of a text; `canons` are its paragraphs in canonical form."""
    return tuple(
        EntryText(
            each.id, each.time, each.start, each.end,
            text.paragraphs[each.start : each.end], tuple(canons[each.start : each.end]),
        )
        for each in entries
        if each.start < each.end <= len(canons)
    )  # fmt: skip


def first_entries(entries: Sequence[EntryText]) -> tuple[EntryChange, ...]:
    """Return all entries of a first version as new ones."""
    return tuple(each.change("added") for each in _oldest_first(entries))


def compare_entries(
    a: Sequence[EntryText], b: Sequence[EntryText], a_size: int, b_size: int
) -> EntryDifference:
    """Return how entries changed; the sizes are the numbers of paragraphs of both texts.

    If only one capture has entries, their texts are compared like any other paragraphs.
    """
    if not a or not b:
        shown = tuple(each.change("hidden") for each in _oldest_first(a)) or first_entries(b)
        return EntryDifference(shown, False, {}, tuple(range(a_size)), tuple(range(b_size)))
    older, newer = _oldest_first(a), _oldest_first(b)
    pairs = _match(older, newer)
    hidden = _find_hidden(pairs, older, newer)
    partners = {j: i for i, j in pairs.items()}
    gone = [i for i in range(len(older)) if i not in pairs]
    new = [j for j in range(len(newer)) if j not in partners]
    changes = [older[i].change("hidden" if i in hidden else "removed") for i in gone]
    edited: dict[str, frozenset[str]] = {}
    for j, entry in enumerate(newer):
        if j not in partners:
            changes.append(entry.change("added"))
            continue
        before = older[partners[j]]
        was = before.id if before.id != entry.id else None
        if before.canons == entry.canons:
            changes += [EntryChange("renamed", entry.id, was=was)] if was else []
        else:
            changes.append(entry.change("edited", was))
            edited[entry.id] = frozenset({*before.canons} ^ {*entry.canons}) or frozenset(
                entry.canons
            )
    return EntryDifference(
        tuple(changes),
        True,
        edited,
        _remaining_paragraphs(a_size, (older[i] for i in gone)),
        _remaining_paragraphs(b_size, (newer[j] for j in new)),
        _paragraphs(newer[j] for j in new),
        _paragraphs(older[i] for i in gone if i not in hidden),
    )


def _oldest_first(entries: Sequence[EntryText]) -> list[EntryText]:
    """Return entries in the order of their events: pages show the newest first, unless their times
    rise.
    """
    times = [each.time for each in entries if each.time is not None]
    rising = sum((a < b) - (a > b) for a, b in pairwise(times))
    return [*entries] if rising > 0 else [*reversed(entries)]


# ---------------------------------------------------------------------------------- matching


def _match(a: Sequence[EntryText], b: Sequence[EntryText]) -> dict[int, int]:
    """Return the index in `b` of each entry of `a` that is the same entry."""
    pairs: dict[int, int] = {}
    matcher = _Matcher(a, b, pairs)
    matcher.match(lambda entry: (entry.id, entry.time, entry.canons))
    matcher.match(lambda entry: (entry.time, entry.canons))
    matcher.match(lambda entry: entry.canons)
    matcher.match(lambda entry: entry.id, _is_same_id)
    matcher.match(lambda entry: entry.time, _is_similar)
    matcher.match(lambda entry: "" if entry.time is None else None, _is_similar)
    return pairs


class _Matcher:
    """Pairs the entries of two captures that are still without a partner."""

    def __init__(
        self, a: Sequence[EntryText], b: Sequence[EntryText], pairs: dict[int, int]
    ) -> None:
        self._a, self._b, self._pairs = a, b, pairs
        self._free = dict.fromkeys(range(len(b)))

    def match(
        self,
        key: Callable[[EntryText], Hashable],
        is_same: Callable[[EntryText, EntryText], bool] | None = None,
    ) -> None:
        """Pair entries with an equal key; of several, the first that `is_same`."""
        candidates: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for j in self._free:
            candidates[key(self._b[j])].append(j)
        for i, entry in enumerate(self._a):
            wanted = key(entry)
            if i in self._pairs or wanted is None or wanted not in candidates:
                continue
            those = candidates[wanted]
            for j in list(islice(those, _MOST_COMPARED if is_same else 1)):
                if is_same is None or is_same(entry, self._b[j]):
                    self._pairs[i] = j
                    del self._free[j]
                    those.remove(j)
                    break


def _is_same_id(a: EntryText, b: EntryText) -> bool:
    """Check whether an id was not reused: a page may number its entries by their position."""
    if a.time is not None and a.time == b.time:
        return True
    return len(a.words & b.words) >= _SAME_ID * min(len(a.words), len(b.words))


def _is_similar(a: EntryText, b: EntryText) -> bool:
    return len(a.words & b.words) >= _SAME_TIME * max(len(a.words), len(b.words))


def _find_hidden(
    pairs: dict[int, int], a: Sequence[EntryText], b: Sequence[EntryText]
) -> frozenset[int]:
    """Return the entries of `a` that are no longer shown because newer ones came.

    They are the oldest ones in a row, and `b` has a new entry that is not older than all others. If
    no entry is left, all of them are.
    """
    if not pairs:
        return frozenset(range(len(a)))
    partners = frozenset(pairs.values())
    has_newer = any(j not in partners for j in range(min(partners), len(b)))
    return frozenset(range(min(pairs))) if has_newer else frozenset()


def _remaining_paragraphs(size: int, entries: Iterable[EntryText]) -> tuple[int, ...]:
    omitted = {index for each in entries for index in range(each.start, each.end)}
    return tuple(index for index in range(size) if index not in omitted)


def _paragraphs(entries: Iterable[EntryText]) -> tuple[tuple[str, str], ...]:
    return tuple(paragraph for each in entries for paragraph in each.paragraphs)
