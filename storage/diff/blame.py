"""PURE: the version that added each sentence of a text, and the removed sentences."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import accumulate, pairwise

from storage.diff.alignment import TextBlock
from storage.language.sentences import sentences
from storage.values.digest import canonical_all

_REMEMBERED, _LONGEST = 4_096, 4_000
"""Number of paragraphs whose sentences a process caches, and the characters of the longest of
them.
"""


@dataclass(frozen=True, slots=True)
class Stand:
    """A version: its number, the two snapshots around its change, and the paragraphs of its
    text.
    """

    number: int
    changed_after: datetime | None
    changed_by: datetime
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlamedSentence:
    """A sentence in the version `at`, in its `paragraph` (both counted from 0).

    `version` is the number of that version.

    `canon` is its form in the canonical paragraph; sentences with the same form are equal. `since`
    is the version that added it, or that removed it. `first` is the first version with this
    sentence. `returned` is true if it was absent in between, None if the text of a version in
    between is unknown, because it was redacted.
    """

    sentence: str
    canon: str
    paragraph: int
    at: int
    version: int
    since: Stand
    first: Stand
    returned: bool | None


Key = tuple[str, int]
"""A sentence in canonical form, and the number of equal sentences before it in the text."""

Where = tuple[str, str, int]
"""A sentence as written, in canonical form, and its paragraph."""


@dataclass(slots=True)
class _Life:
    """The versions with a sentence: the current run from `since` to `last`."""

    first: int
    since: int
    last: int
    returned: bool | None = False

    def add_version(self, stand: int, *, follows: bool) -> None:
        """Add a version; `follows` is false if versions before it have no text."""
        if self.last < stand - 1:
            self.since = stand
            self.returned = True
        elif not follows and not self.returned:
            self.returned = None
        self.last = stand


Lives = tuple[dict[Key, _Life], Mapping[str, Sequence[str]]]
"""The versions with each sentence, and the sentences of each paragraph in canonical form."""


def blame(stands: Sequence[Stand]) -> tuple[BlamedSentence, ...]:
    """Return each sentence of the last version in `stands` in order; the oldest version comes
    first.

    Sentences are equal if their canonical forms are equal, wherever they occur. Repeated sentences
    of one text count separately: the second is as old as the second was.
    """
    if not stands:
        return ()
    last = len(stands) - 1
    lived, split = _lives_in(stands)
    return tuple(
        BlamedSentence(
            *where, last, stands[last].number, stands[life.since], stands[life.first], life.returned
        )
        for life, where in _written_sentences(lived, stands[last], split)
    )


def find_removed_sentences(stands: Sequence[Stand]) -> tuple[BlamedSentence, ...]:
    """Return each sentence of earlier versions that the last version does not contain.

    Each is returned as it was last written, in the order of removal; `since` is the version that
    removed it.
    """
    lived, split = _lives_in(stands)
    gone: dict[int, dict[Key, _Life]] = {}
    for key, life in lived.items():
        if life.last < len(stands) - 1:
            gone.setdefault(life.last, {})[key] = life
    return tuple(
        BlamedSentence(
            *where, last, stands[last].number, stands[last + 1], stands[life.first], life.returned
        )
        for last in sorted(gone)
        for life, where in _written_sentences(gone[last], stands[last], split)
    )


def cut_sentences(paragraph: str) -> tuple[str, ...]:
    """Return the sentences of a paragraph as written, each with the white space after it.

    Joined they are the paragraph again. They have the order and number of those of `blame`.
    """
    return _as_written(paragraph, _cut_of(paragraph))


def _as_written(paragraph: str, pieces: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of a paragraph whose canonical forms are `pieces`."""
    block = TextBlock("text", paragraph, "".join(pieces), 0)
    ends = [0, *map(block.place, accumulate(map(len, pieces)))]
    return tuple(paragraph[start:end] for start, end in pairwise(ends))


def _lives_in(stands: Sequence[Stand]) -> Lives:
    """Return the versions with each sentence, and the sentences of each paragraph in canonical
    form.
    """
    lives: dict[Key, _Life] = {}
    split: dict[str, tuple[str, ...]] = {}
    for position, stand in enumerate(stands):
        follows = position == 0 or stand.number == stands[position - 1].number + 1
        split |= {each: _cut_of(each) for each in stand.paragraphs if each not in split}
        for key in _keys(piece.strip() for text in stand.paragraphs for piece in split[text]):
            life = lives.get(key)
            if life is None:
                lives[key] = _Life(position, position, position)
            else:
                life.add_version(position, follows=follows)
    return lives, split


def _cut_of(paragraph: str) -> tuple[str, ...]:
    """Split a paragraph into sentences, or return the cached result; very long paragraphs are not
    cached.
    """
    return _cut(paragraph) if len(paragraph) <= _LONGEST else _cut.__wrapped__(paragraph)


@lru_cache(_REMEMBERED)
def _cut(paragraph: str) -> tuple[str, ...]:
    """Return the sentences of a paragraph in canonical form."""
    return sentences(*canonical_all([paragraph]))


def _keys(texts: Iterator[str]) -> Iterator[Key]:
    met: Counter[str] = Counter()
    for text in texts:
        yield text, met[text]
        met[text] += 1


def _written_sentences(
    lives: dict[Key, _Life], stand: Stand, split: Mapping[str, Sequence[str]]
) -> Iterator[tuple[_Life, Where]]:
    """Yield the sentences of `stand` that are among `lives`, as written there, in order."""
    met: Counter[str] = Counter()
    for number, paragraph in enumerate(stand.paragraphs):
        for piece, own in zip(
            split[paragraph], _as_written(paragraph, split[paragraph]), strict=True
        ):
            canon = piece.strip()
            if (life := lives.get((canon, met[canon]))) is not None:
                yield life, (own.strip(), canon, number)
            met[canon] += 1
