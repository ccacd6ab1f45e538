"""PURE: paragraphs that were split into several, or joined from several.

A paragraph was split if one paragraph of `a` contains most words of consecutive paragraphs of `b`,
in order; it was joined in the other direction.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from operator import itemgetter

from rapidfuzz.distance import LCSseq

from storage.diff.alignment import Pair, Pairs, TextBlock

BETWEEN_PARAGRAPHS = "\n\n"
BREAK = "¶"
"""Mark of a new or removed paragraph break where texts are displayed."""

CONTAINED = 0.6
"""Smallest share of the words of each part that the whole paragraph contains, in order.

Chosen on half of the documents, see docs/decisions/0022-split-paragraphs.md.
"""
_FEWEST_WORDS = 3
_MAX_CELLS = 1_000_000

Group = tuple[range, range]
"""Matched consecutive blocks of a and of b; at least one of both ranges has a single block."""


class BlockRun(TextBlock):
    """Consecutive blocks that are compared as one; a blank separates their canonical forms."""

    __slots__ = ("_canon_starts", "parts")

    def __init__(self, parts: Sequence[TextBlock]) -> None:
        super().__init__(
            parts[0].role,
            BETWEEN_PARAGRAPHS.join(part.text for part in parts),
            " ".join(part.canon for part in parts),
            parts[0].start,
        )
        self.parts = tuple(parts)
        lengths = (len(part.canon) + 1 for part in parts)
        self._canon_starts = list(accumulate(lengths, initial=0))[:-1]

    def place(self, offset: int) -> int:
        index = bisect_right(self._canon_starts, offset) - 1
        part = self.parts[index]
        return part.start - self.start + part.place(offset - self._canon_starts[index])


def parts_of(block: TextBlock) -> tuple[TextBlock, ...]:
    """Return the blocks of a run, or the block itself."""
    return block.parts if isinstance(block, BlockRun) else (block,)


def breaks_of(block: TextBlock) -> list[int]:
    """Return the offsets in `canon` of the blanks between the parts of a run."""
    ends = accumulate(len(part.canon) + 1 for part in parts_of(block))
    return [end - 1 for end in ends][:-1]


def as_one(blocks: Sequence[TextBlock], indexes: range) -> TextBlock:
    """Return the only block of a range, or its blocks as one."""
    if len(indexes) == 1:
        return blocks[indexes.start]
    return BlockRun(blocks[indexes.start : indexes.stop])


@dataclass(frozen=True, slots=True)
class Groups:
    """The matched groups in the order of both texts, and the moved ones by their first block of
    b.
    """

    in_order: tuple[Group, ...]
    moved: Mapping[int, Group]


def group_blocks(a: Sequence[TextBlock], b: Sequence[TextBlock], paired: Pairs) -> Groups:
    """Extend pairs of blocks to groups where a paragraph was split or joined."""
    finder = _BreakFinder(a, b, paired)
    finder.find()
    return finder.groups()


class _BreakFinder:
    """The pairs of two texts, the unpaired blocks, and the groups found so far."""

    def __init__(self, a: Sequence[TextBlock], b: Sequence[TextBlock], paired: Pairs) -> None:
        self._blocks = (a, b)
        self._order: list[Pair] = list(paired.in_order)
        self._moved = [(i, j) for j, i in paired.moved.items()]
        self._candidates = paired.candidates
        pairs = [*self._order, *self._moved]
        self._free = (
            set(range(len(a))).difference(map(itemgetter(0), pairs)),
            set(range(len(b))).difference(map(itemgetter(1), pairs)),
        )
        self._extended: dict[Pair, Group] = {}
        self._words: dict[int, list[str]] = {}

    def find(self) -> None:
        for one, many in ((0, 1), (1, 0)):
            for pair in [*self._order, *self._moved] if self._free[many] else []:
                if self._is_beside_free(pair[many], many):
                    self._extend_pair(pair, one, many)
        for one, many in ((0, 1), (1, 0)):
            for pair in sorted(self._candidates) if all(self._free) else []:
                if pair[0] in self._free[0] and pair[1] in self._free[1]:
                    self._start_group(pair, one, many)

    def groups(self) -> Groups:
        in_order = tuple(map(self._group_of, self._order))
        moved = map(self._group_of, self._moved)
        return Groups(in_order, {group[1].start: group for group in moved})

    def _group_of(self, pair: Pair) -> Group:
        i, j = pair
        return self._extended.get(pair, (range(i, i + 1), range(j, j + 1)))

    def _is_beside_free(self, index: int, many: int) -> bool:
        return index - 1 in self._free[many] or index + 1 in self._free[many]

    def _extend_pair(self, pair: Pair, one: int, many: int) -> None:
        """Extend an edited pair whose block in the text `one` was split in the text `many`."""
        whole, part = self._blocks[one][pair[one]], self._blocks[many][pair[many]]
        if pair in self._extended or whole.canon == part.canon:
            return
        words = self._words_of(whole), self._words_of(part)
        if len(words[0]) * len(words[1]) <= _MAX_CELLS:
            found = self._extend(whole, pair[many], many, LCSseq.similarity(*words))
            self._store(pair, found, one)

    def _start_group(self, pair: Pair, one: int, many: int) -> None:
        """Match an unpaired block with several unpaired ones that it contains."""
        if not self._is_beside_free(pair[many], many):
            return
        whole, part = self._blocks[one][pair[one]], self._blocks[many][pair[many]]
        shared = self._gain(whole, self._words_of(part), 0, part)
        found = self._extend(whole, pair[many], many, shared) if shared else range(1)
        if len(found) > 1:
            place = bisect_left(self._order, pair[0], key=itemgetter(0))
            if place == bisect_left(self._order, pair[1], key=itemgetter(1)):
                self._order.insert(place, pair)
            else:
                self._moved.append(pair)
            self._free[one].discard(pair[one])
            self._store(pair, found, one)

    def _store(self, pair: Pair, found: range, one: int) -> None:
        if len(found) > 1:
            single = range(pair[one], pair[one] + 1)
            self._extended[pair] = (single, found) if one == 0 else (found, single)
            self._free[1 - one].difference_update(found)

    def _extend(self, whole: TextBlock, seed: int, many: int, shared: int) -> range:
        """Return the blocks around `seed` that `whole` contains together with it.

        `shared` is the number of words that `whole` and the seed share.
        """
        blocks, free = self._blocks[many], self._free[many]
        words = self._words_of(blocks[seed])
        ends = [seed, seed]
        for end, step in ((0, -1), (1, 1)):
            while (index := ends[end] + step) in free:
                own = self._words_of(blocks[index])
                longer = [*own, *words] if step < 0 else [*words, *own]
                gain = self._gain(whole, longer, shared, blocks[index])
                if not gain:
                    break
                words, shared = longer, shared + gain
                ends[end] = index
        return range(ends[0], ends[1] + 1)

    def _gain(self, whole: TextBlock, words: Sequence[str], shared: int, part: TextBlock) -> int:
        """Return how many more of `words` are in `whole`, in order, because of `part`; 0 if few."""
        ours, own = self._words_of(whole), self._words_of(part)
        minimum = max(_FEWEST_WORDS, CONTAINED * len(own))
        if len(ours) < minimum or len(ours) * len(words) > _MAX_CELLS:
            return 0
        gain = LCSseq.similarity(ours, own, score_cutoff=ceil(minimum))
        if gain and shared:
            gain = LCSseq.similarity(ours, words) - shared
        return gain if gain >= minimum else 0

    def _words_of(self, block: TextBlock) -> list[str]:
        """Return the words of a block, without punctuation."""
        if id(block) not in self._words:
            self._words[id(block)] = [token for token in block.tokens if token[0].isalnum()]
        return self._words[id(block)]
