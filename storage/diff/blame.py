"""PURE: since when each sentence of a text stands there, and which sentences stand no more."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import accumulate

from storage.diff.alignment import TextBlock
from storage.language.sentences import sentences
from storage.values.digest import canonical_all

_REMEMBERED, _LONGEST = 4_096, 4_000
"""Paragraphs that a process knows the sentences of, and the characters of the longest of them."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A version: its number, between which two snapshots it came, the paragraphs of its text."""

    number: int
    changed_after: datetime | None
    changed_by: datetime
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blamed:
    """A sentence as the stand `at` has it, in its `paragraph` (both counted from 0).

    `version` is the number of that stand.

    `canon` is what it is in the canonical form of its paragraph: by that sentences are equal.
    `since` is the version since which it stands there, or stands there no more. `first` is the
    first version that had it. `returned` says that it was absent in between.
    """

    sentence: str
    canon: str
    paragraph: int
    at: int
    version: int
    since: Stand
    first: Stand
    returned: bool


Key = tuple[str, int]
"""A sentence in canonical form, and how many of the same stand before it in the text."""

Where = tuple[str, str, int]
"""A sentence as it stands there, in canonical form, and its paragraph."""


@dataclass(slots=True)
class _Life:
    """In which stands a sentence is: the run that goes on from `since` to `last`."""

    first: int
    since: int
    last: int
    returned: bool = False

    def seen_in(self, stand: int) -> None:
        if self.last < stand - 1:
            self.since = stand
            self.returned = True
        self.last = stand


Lives = tuple[dict[Key, _Life], Mapping[str, Sequence[str]]]
"""In which stands each sentence is, and each paragraph cut up in canonical form."""


def blame(stands: Sequence[Stand], lives: Lives | None = None) -> tuple[Blamed, ...]:
    """Return each sentence of the last of `stands`, in its order; the oldest stand comes first.

    Sentences are equal if they are so in canonical form; where they stand does not matter. Of
    equal ones in one text each counts: the second is as old as the second was. `lives` are those
    of `stands`, where they were worked out before.
    """
    if not stands:
        return ()
    last = len(stands) - 1
    lived, split = lives or lives_in(stands)
    return tuple(
        Blamed(
            *where, last, stands[last].number, stands[life.since], stands[life.first], life.returned
        )
        for life, where in _located(lived, stands[last], split)
    )


def removed(stands: Sequence[Stand], lives: Lives | None = None) -> tuple[Blamed, ...]:
    """Return each sentence that earlier stands had and the last one has not.

    It is told as it stood last, those first that went first; `since` is the version that has it
    no more.
    """
    lived, split = lives or lives_in(stands)
    gone: dict[int, dict[Key, _Life]] = {}
    for key, life in lived.items():
        if life.last < len(stands) - 1:
            gone.setdefault(life.last, {})[key] = life
    return tuple(
        Blamed(
            *where, last, stands[last].number, stands[last + 1], stands[life.first], life.returned
        )
        for last in sorted(gone)
        for life, where in _located(gone[last], stands[last], split)
    )


def lives_in(stands: Sequence[Stand]) -> Lives:
    """Return in which stands each sentence is, and each paragraph cut up in canonical form."""
    lives: dict[Key, _Life] = {}
    split: dict[str, tuple[str, ...]] = {}
    for position, stand in enumerate(stands):
        split |= {each: _cut_of(each) for each in stand.paragraphs if each not in split}
        for key in _keys(piece.strip() for text in stand.paragraphs for piece in split[text]):
            life = lives.get(key)
            if life is None:
                lives[key] = _Life(position, position, position)
            else:
                life.seen_in(position)
    return lives, split


def _cut_of(paragraph: str) -> tuple[str, ...]:
    """Cut a paragraph, or remember how it was cut: a text in one line is not kept in memory."""
    return _cut(paragraph) if len(paragraph) <= _LONGEST else _cut.__wrapped__(paragraph)


@lru_cache(_REMEMBERED)
def _cut(paragraph: str) -> tuple[str, ...]:
    """Return the sentences of a paragraph in canonical form: what is read once is read again."""
    return sentences(*canonical_all([paragraph]))


def _keys(texts: Iterator[str]) -> Iterator[Key]:
    met: Counter[str] = Counter()
    for text in texts:
        yield text, met[text]
        met[text] += 1


def _located(
    lives: dict[Key, _Life], stand: Stand, split: Mapping[str, Sequence[str]]
) -> Iterator[tuple[_Life, Where]]:
    """Yield the sentences of `stand` that are among `lives`, as it has them, in its order."""
    met: Counter[str] = Counter()
    for number, paragraph in enumerate(stand.paragraphs):
        pieces = split[paragraph]
        block = TextBlock("text", paragraph, "".join(pieces), 0)
        ends = list(accumulate(map(len, pieces)))
        for piece, end in zip(pieces, ends, strict=True):
            canon = piece.strip()
            if (life := lives.get((canon, met[canon]))) is not None:
                own = paragraph[block.place(end - len(piece)) : block.place(end)]
                yield life, (own.strip(), canon, number)
            met[canon] += 1
