"""PURE: what two texts have in common, and what the one puts where the other says something else.

Words compare without case and punctuation. What is shared is found by runs of `RUN` words, wherever
they stand; what differs is found by laying both texts beside each other in their order.
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
"""Words in a row that two texts must have in common; three are too many stock phrases."""
GAP = 3
"""Words between two shared runs over which they are one passage."""
SHORTEST = 8
"""Words of a passage that counts."""
MAX_CELLS = 40_000_000
"""Texts beyond it (6,300 words each) are laid beside each other in their beginnings alone."""

WORD = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W_]+")
"""
>>> WORD.findall("Am 3.2. um 14:30 Uhr: 1.250 Leute, t-online_x")
['Am', '3.2', 'um', '14:30', 'Uhr', '1.250', 'Leute', 't', 'online', 'x']
"""

Span = tuple[int, int]


class WordSequence:
    """The words of a text with the facts among them; positions count words.

    Outside of `story` are words of which it says whom to ask, who sent it, what the sender is.
    """

    def __init__(self, text: str, common: Iterable[Span] = ()) -> None:
        """Take a text and the spans of it that are known to stand in many texts."""
        self.text = plain(text)
        found = list(WORD.finditer(self.text))
        self.starts = [match.start() for match in found]
        self.ends = [match.end() for match in found]
        self.written = [match[0] for match in found]
        self.folded = [word.casefold() for word in self.written]
        self.outside = [False] * len(found)
        for start, end in (*sender_spans(self.text), *common):
            first, last = self.between(start, end)
            self.outside[first:last] = [True] * (last - first)

    def between(self, start: int, end: int) -> Span:
        """Return the first word of a span of code points, and the one behind its last."""
        return bisect_left(self.starts, start), bisect_left(self.starts, end)

    @cached_property
    def size(self) -> int:
        """Return how many words the story has."""
        return self.outside.count(False)

    @cached_property
    def runs(self) -> frozenset[tuple[str, ...]]:
        """Return the runs of `RUN` words of the story."""
        return frozenset(
            run
            for start, run in enumerate(self._each_run())
            if not self.outside[start] and not self.outside[start + RUN - 1]
        )

    def _each_run(self) -> Iterator[tuple[str, ...]]:
        words = self.folded
        return zip(*(words[shift:] for shift in range(RUN)), strict=False)

    @cached_property
    def facts(self) -> dict[int, Fact]:
        """Return the facts of the story by each of their words; `contact` is none."""
        found: dict[int, Fact] = {}
        for fact in facts_in(self.text):
            if fact.kind != "contact":
                for position in range(*self.between(fact.start, fact.end)):
                    if not self.outside[position]:
                        found[position] = fact
        return found

    @cached_property
    def values(self) -> frozenset[tuple[str, str]]:
        """Return kind and value of every fact of the story."""
        return frozenset((fact.kind, fact.value) for fact in self.facts.values())

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the capitalised words of the story, folded: in German every noun is among them."""
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

    def passages(self, other: "WordSequence") -> list[Span]:
        """Return which words of the story `other` has too, as passages (first word, end)."""
        shared = other.runs
        hit = bytearray(len(self.folded))
        for start, run in enumerate(self._each_run()):
            if run in shared:
                hit[start : start + RUN] = b"\1" * RUN
        hit = bytearray(map(gt, hit, self.outside))
        return [
            (first, last)
            for first, last in _bridged(_stretches(hit))
            if sum(hit[first:last]) >= SHORTEST
        ]

    def rest(self, passages: Iterable[Span]) -> list[Span]:
        """Return the words of the story that are in none of `passages`, as stretches."""
        free = bytearray(not outside for outside in self.outside)
        for first, last in passages:
            free[first:last] = bytes(last - first)
        return list(_stretches(free))

    def quoted(self, first: int, last: int) -> str:
        """Return the text from one word up to before another."""
        return self.text[self.starts[first] : self.ends[last - 1]]


def plain(text: str) -> str:
    """Return a text in which equal letters are equal: composed, without soft hyphens."""
    text = text.replace("\u00ad", "")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def slots(a: WordSequence, b: WordSequence) -> list[tuple[Span, Span]]:
    """Return where b has other words than a in the same place: what was put for what.

    Words that were only left out or only put in are in no slot.
    """
    most = len(a.folded), len(b.folded)
    if most[0] * most[1] > MAX_CELLS:
        share = (MAX_CELLS / (most[0] * most[1])) ** 0.5
        most = int(most[0] * share), int(most[1] * share)
    found: list[tuple[Span, Span]] = []
    left = put = (0, 0)
    for op in Indel.opcodes(a.folded[: most[0]], b.folded[: most[1]]):
        if op.tag == "equal":
            _close(found, left, put)
            left = put = (0, 0)
        elif op.tag == "delete":
            left = (left[0] if left[1] else op.src_start, op.src_end)
        else:
            put = (put[0] if put[1] else op.dest_start, op.dest_end)
    _close(found, left, put)
    return found


def _close(found: list[tuple[Span, Span]], left: Span, put: Span) -> None:
    if left[1] and put[1]:
        found.append((left, put))


def _stretches(hit: bytearray) -> Iterator[Span]:
    """Yield where 1 follows 1, from the first to behind the last.

    >>> list(_stretches(bytearray([0, 1, 1, 0, 1])))
    [(1, 3), (4, 5)]
    """
    start = hit.find(1)
    while start >= 0:
        end = hit.find(0, start)
        end = len(hit) if end < 0 else end
        yield start, end
        start = hit.find(1, end)


def _bridged(stretches: Iterable[Span]) -> list[Span]:
    """Join stretches between which no more than `GAP` words stand.

    >>> _bridged([(0, 4), (7, 11), (20, 24)])
    [(0, 11), (20, 24)]
    """
    found: list[Span] = []
    for start, end in stretches:
        if found and start - found[-1][1] <= GAP:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def covered(hit: Sequence[Span]) -> int:
    """Return how many words passages have."""
    return sum(end - start for start, end in hit)
