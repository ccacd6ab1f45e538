"""PURE: texts as numbers: each piece between blanks is looked up once, the rest is arithmetic.

Nine of ten pieces of a text are already known. So the hashes and tokens of a piece are computed
once and stored in arrays by the number of the piece.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count, islice
from threading import local
from typing import Any, Self

import numpy as np

from storage.language.tokens import MAX_BYTES, MAX_TOKENS, stemming, tokens_of_each

Numbers = np.ndarray[tuple[int], np.dtype[Any]]

CAPACITY = 200_000
CHARACTERS = 4_000_000
"""Cached pieces per thread and language, and their total length; then the cache is emptied.

Together they take about 50 MB.
"""

MAX_POSITION = 16_383
MAX_POSITIONS = 255
"""Limits of a tsvector: the highest position, and the number of positions of one lexeme."""

_COUNTS = tuple(number.to_bytes(2, "big") for number in range(MAX_POSITIONS + 1))


class Vocabulary:
    """The pieces of one language: their hashes and tokens."""

    def __init__(self, language: str | None) -> None:
        self.language = language
        self.words: list[str] = []
        self.lexemes: list[bytes] = []
        self.hashes = np.zeros(CAPACITY, dtype=np.uint64)
        self.first = np.zeros(CAPACITY, dtype=np.int32)
        self.count = np.zeros(CAPACITY, dtype=np.int32)
        self.sizes = np.zeros(CAPACITY, dtype=np.int32)
        self.flat = np.zeros(CAPACITY, dtype=np.int32)
        self._known = self._characters = 0
        self._tokens: defaultdict[str, int] = defaultdict(count().__next__)
        self._pieces: defaultdict[str, int] = defaultdict(count().__next__)

    @property
    def is_full(self) -> bool:
        return len(self._pieces) >= CAPACITY or self._characters >= CHARACTERS

    def cut(self, pieces: Sequence[str]) -> "Cut":
        """Return texts, split at blanks, as numbers; new pieces are added."""
        numbers = map(self._pieces.__getitem__, pieces)
        found = np.fromiter(numbers, dtype=np.int32, count=len(pieces))
        if len(self._pieces) > self._known:
            self._learn(list(islice(reversed(self._pieces), len(self._pieces) - self._known))[::-1])
        return Cut(self, found)

    def _learn(self, pieces: Sequence[str]) -> None:
        """Compute the hashes and tokens of new pieces, which have numbers already."""
        start, end = self._known, self._known + len(pieces)
        tokens, counts = tokens_of_each(pieces, self.language)
        known = int(self.first[start - 1] + self.count[start - 1]) if start else 0
        length = known + len(tokens)
        self.hashes = _grown(self.hashes, end)
        self.first, self.count = _grown(self.first, end), _grown(self.count, end)
        self.flat = _grown(self.flat, length)
        self.hashes[start:end] = list(map(word_hash, pieces))
        self.count[start:end] = counts
        self.first[start:end] = known + np.cumsum(counts) - counts
        self.flat[known:length] = list(map(self._tokens.__getitem__, tokens))
        new = list(islice(reversed(self._tokens), len(self._tokens) - len(self.words)))[::-1]
        self.sizes = _grown(self.sizes, len(self._tokens))
        self.sizes[len(self.words) : len(self._tokens)] = [len(token) + 1 for token in new]
        self.lexemes += [f"{token}\0".encode() for token in new]
        self.words += new
        self._characters += sum(map(len, pieces))
        self._known = end


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A text as the numbers of its pieces."""

    vocabulary: Vocabulary
    numbers: Numbers

    def __getitem__(self, part: slice) -> Self:
        return type(self)(self.vocabulary, self.numbers[part])

    @property
    def hashes(self) -> Numbers:
        """Return `word_hash` of each piece, 64 bits each."""
        found: Numbers = self.vocabulary.hashes[self.numbers]
        return found

    def tokens(self) -> "Tokens":
        """Return the tokens of the pieces, in order."""
        known = self.vocabulary
        count = known.count[self.numbers]
        ends = count.cumsum()
        total = int(ends[-1]) if len(ends) else 0
        offsets = np.repeat(known.first[self.numbers] - ends + count, count)
        return Tokens(known, known.flat[offsets + np.arange(total, dtype=np.int32)])


@dataclass(slots=True, eq=False)
class Tokens:
    """The tokens of a text, by number."""

    vocabulary: Vocabulary
    numbers: Numbers
    _text: str | None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self.numbers)

    def words(self) -> tuple[str, ...]:
        """Return the tokens as text, like `storage.language.tokens.index_tokens`."""
        return tuple(map(self.vocabulary.words.__getitem__, self.numbers.tolist()))

    def text(self) -> str:
        """Return the tokens as one text, computed once."""
        if self._text is None:
            self._text = " ".join(self.words())
        return self._text

    def truncate(self) -> tuple[Self, bool]:
        """Return as many tokens as both engines can store, and whether any were omitted."""
        kept = self.numbers[:MAX_TOKENS]
        sizes = self.vocabulary.sizes[kept].cumsum()
        if len(kept) and sizes[-1] > MAX_BYTES:
            kept = kept[: int(sizes.searchsorted(MAX_BYTES, side="right"))]
        return type(self)(self.vocabulary, kept), len(kept) < len(self.numbers)

    def tsvector(self) -> bytes:
        r"""Return a tsvector in the format of PostgreSQL's binary COPY, at a fifth of the cost of
        its text form.

        It contains the number of lexemes (int32), then for each its bytes and a NUL, the number of
        its positions (int16) and the positions (int16 each, all big-endian). PostgreSQL stores
        positions up to 16,383 and 255 per lexeme; further ones are omitted. So a word is found
        anywhere, and a phrase only if its positions are stored.

        >>> Vocabulary(None).cut(["b", "a", "b"]).tokens().tsvector()
        b'\x00\x00\x00\x02b\x00\x00\x02\x00\x01\x00\x03a\x00\x00\x01\x00\x02'
        """
        placed = self.numbers[:MAX_POSITION]
        order = placed.argsort(kind="stable")
        ordered = placed[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        ends = np.append(starts[1:], len(ordered))
        ends = np.minimum(ends, starts + MAX_POSITIONS)
        positions = (order + 1).astype(">u2").tobytes()
        lexemes = self.vocabulary.lexemes
        entries = [
            lexemes[token] + _COUNTS[end - start] + positions[2 * start : 2 * end]
            for token, start, end in zip(
                ordered[starts].tolist(), starts.tolist(), ends.tolist(), strict=True
            )
        ]
        if len(self.numbers) > MAX_POSITION:
            beyond = np.setdiff1d(self.numbers[MAX_POSITION:], placed).tolist()
            entries += [lexemes[token] + _COUNTS[0] for token in beyond]
        return b"".join([len(entries).to_bytes(4, "big"), *entries])


def word_hash(word: str) -> int:
    """Return a 64-bit hash of a word, independent of case and machine."""
    folded = word.casefold().encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(folded, digest_size=8).digest(), "little")


def vocabulary(language: str | None) -> Vocabulary:
    """Return the vocabulary of this thread for a language."""
    known: dict[str, Vocabulary] = _THREAD.__dict__
    name = stemming(language) or "none"
    found = known.get(name)
    if found is None or found.is_full:
        found = known[name] = Vocabulary(language)
    return found


def tokens_of(texts: Iterable[str], language: str | None) -> Tokens:
    """Return the tokens of `texts`, in order."""
    return vocabulary(language).cut(" ".join(texts).split()).tokens()


def wording_tokens(title: str | None, body: str | None, language: str | None) -> Tokens:
    """Return the tokens of a wording for full text: its title, then its paragraphs."""
    return tokens_of([title or "", *(body or "").split("\n\n")], language).truncate()[0]


def _grown(array: Numbers, length: int) -> Numbers:
    if length <= len(array):
        return array
    return np.concatenate([array, np.zeros(max(length, len(array)), dtype=array.dtype)])


_THREAD = local()
