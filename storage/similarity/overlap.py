"""PURE: shared passages of two texts, and different statements in the same place.

Words are compared without case and punctuation. Shared text is found by runs of `RUN` words in any
place; differences are found by aligning both texts in order.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from operator import gt

from rapidfuzz.distance import Indel

from storage.language.facts import Fact, facts_in
from storage.language.senders import sender_spans

RUN = 4
"""Minimum number of consecutive common words; three match too many stock phrases."""
GAP = 3
"""Maximum number of words between two shared runs of one passage."""
SHORTEST = 8
"""Minimum number of words of a passage."""
MAX_CELLS = 40_000_000
"""Maximum number of cells of an alignment; longer texts (6,300 words each) are aligned by their
beginnings only.
"""

WORD = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W_]+")
"""
>>> WORD.findall("Am 3.2. um 14:30 Uhr: 1.250 Leute, t-online_x")
['Am', '3.2', 'um', '14:30', 'Uhr', '1.250', 'Leute', 't', 'online', 'x']
"""

Span = tuple[int, int]


class WordSequence:
    """The words of a text with its facts; positions count words.

    `story` excludes words about contacts, the sender and its profile.
    """

    def __init__(self, text: str, common: Iterable[Span] = ()) -> None:
        """Split a text into words; `common` are its spans that occur in many texts."""
        self.text = plain(text)
        found = list(WORD.finditer(self.text))
        self.starts = [match.start() for match in found]
        self.ends = [match.end() for match in found]
        self.written = [match[0] for match in found]
        self.folded = [word.casefold() for word in self.written]
        self.outside = [False] * len(found)
        for start, end in (*sender_spans(self.text), *common):
            first, last = self.words_between(start, end)
            self.outside[first:last] = [True] * (last - first)

    def words_between(self, start: int, end: int) -> Span:
        """Return the first word of a span of code points, and the word after its last."""
        return bisect_left(self.starts, start), bisect_left(self.starts, end)

    @cached_property
    def size(self) -> int:
        """Return the number of words of the story."""
        return self.outside.count(False)

    @cached_property
    def runs(self) -> frozenset[tuple[str, ...]]:
        """Return the runs of `RUN` words of the story."""
        return frozenset(
            run
            for start, run in enumerate(self._make_runs())
            if not self.outside[start] and not self.outside[start + RUN - 1]
        )

    def _make_runs(self) -> Iterator[tuple[str, ...]]:
        words = self.folded
        return zip(*(words[shift:] for shift in range(RUN)), strict=False)

    @cached_property
    def facts(self) -> dict[int, Fact]:
        """Return the facts of the story by each of their words, without contacts."""
        found: dict[int, Fact] = {}
        for fact in facts_in(self.text):
            if fact.kind != "contact":
                for position in range(*self.words_between(fact.start, fact.end)):
                    if not self.outside[position]:
                        found[position] = fact
        return found

    @cached_property
    def values(self) -> frozenset[tuple[str, str]]:
        """Return kind and value of every fact of the story."""
        return frozenset((fact.kind, fact.value) for fact in self.facts.values())

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the capitalised words of the story, folded; in German they include all nouns."""
        return frozenset(
            folded
            for position, (folded, written) in enumerate(
                zip(self.folded, self.written, strict=True)
            )
            if self.is_name(position, written)
        )

    def is_name(self, position: int, written: str) -> bool:
        return (
            len(written) > 2
            and written[0].isupper()
            and not self.outside[position]
            and position not in self.facts
        )

    @cached_property
    def all_folded(self) -> frozenset[str]:
        return frozenset(self.folded)

    def passages(self, others: "WordSequence") -> list[Span]:
        """Return the passages (first word, end) of the story that `others` contains too."""
        hit = self._find_shared_words(others)
        return [
            (first, last)
            for first, last in _join_stretches(_stretches(hit))
            if sum(hit[first:last]) >= SHORTEST
        ]

    def identical_stretches(
        self, others: "WordSequence", passages: Iterable[Span], differing: Iterable[Span]
    ) -> list[Span]:
        """Return the stretches of passages that `others` contains word for word, without the words
        in `differing`.
        """
        hit = self._find_shared_words(others)
        for first, last in (*differing, *self.rest(passages)):
            hit[first:last] = bytes(last - first)
        return list(_stretches(hit))

    def _find_shared_words(self, others: "WordSequence") -> bytearray:
        """Return 1 for each word of the story in a run that `others` contains too."""
        shared = others.runs
        hit = bytearray(len(self.folded))
        for start, run in enumerate(self._make_runs()):
            if run in shared:
                hit[start : start + RUN] = b"\1" * RUN
        return bytearray(map(gt, hit, self.outside))

    def rest(self, passages: Iterable[Span]) -> list[Span]:
        """Return the stretches of words of the story outside `passages`."""
        free = bytearray(not outside for outside in self.outside)
        for first, last in passages:
            free[first:last] = bytes(last - first)
        return list(_stretches(free))

    def text_of(self, first: int, last: int) -> str:
        """Return the text from one word up to another."""
        return self.text[self.starts[first] : self.ends[last - 1]]


def plain(text: str) -> str:
    """Return the text in composed form without soft hyphens, so that equal letters compare
    equal.
    """
    text = text.replace("\u00ad", "")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def slots(a: WordSequence, b: WordSequence) -> list[tuple[Span, Span]]:
    """Return the places where b has other words than a: the replaced and the replacing words.

    Words that were only removed or only added are not in a slot.
    """
    most = len(a.folded), len(b.folded)
    if most[0] * most[1] > MAX_CELLS:
        share = (MAX_CELLS / (most[0] * most[1])) ** 0.5
        most = int(most[0] * share), int(most[1] * share)
    found: list[tuple[Span, Span]] = []
    left = put = (0, 0)
    for op in Indel.opcodes(a.folded[: most[0]], b.folded[: most[1]]):
        if op.tag == "equal":
            _close_slot(found, left, put)
            left = put = (0, 0)
        elif op.tag == "delete":
            left = (left[0] if left[1] else op.src_start, op.src_end)
        else:
            put = (put[0] if put[1] else op.dest_start, op.dest_end)
    _close_slot(found, left, put)
    return found


def _close_slot(slots_found: list[tuple[Span, Span]], old: Span, new: Span) -> None:
    if old[1] and new[1]:
        slots_found.append((old, new))


def _stretches(hit: bytearray) -> Iterator[Span]:
    """Yield the start and end of each run of ones.

    >>> list(_stretches(bytearray([0, 1, 1, 0, 1])))
    [(1, 3), (4, 5)]
    """
    start = hit.find(1)
    while start >= 0:
        end = hit.find(0, start)
        end = len(hit) if end < 0 else end
        yield start, end
        start = hit.find(1, end)


def _join_stretches(stretches: Iterable[Span]) -> list[Span]:
    """Join stretches with at most `GAP` words between them.

    >>> _join_stretches([(0, 4), (7, 11), (20, 24)])
    [(0, 11), (20, 24)]
    """
    found: list[Span] = []
    for start, end in stretches:
        if found and start - found[-1][1] <= GAP:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def word_count(hit: Sequence[Span]) -> int:
    """Return the number of words in passages."""
    return sum(end - start for start, end in hit)
