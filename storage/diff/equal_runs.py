"""Equal runs of two sequences."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import Indel

MAX_CELLS = 100_000_000
"""Largest comparison of whole sequences, in cells: 10,000 words with 10,000 take about 10 ms and 15
MB.
"""
Run = tuple[int, int, int]  # from in a, from in b, size
Pair = tuple[int, int]  # index in a, index in b
_ANCHOR_WORDS = 4


def common(a: Sequence[str], b: Sequence[str]) -> list[Run]:
    """Return the common runs of both sequences in order: a longest set, unless both are very long.

    For very long sequences, items that occur once in each are fixed points, and only the parts
    between them are compared.
    """
    if len(a) * len(b) <= MAX_CELLS:
        found = Indel.editops(a, b).as_matching_blocks()
        return [(block.a, block.b, block.size) for block in found if block.size]
    runs: list[Run] = []
    i = j = 0
    for to_i, to_j, size in [*_anchors(a, b), (len(a), len(b), 0)]:
        if i < to_i and j < to_j and (to_i - i) * (to_j - j) <= MAX_CELLS:
            runs += [(i + x, j + y, few) for x, y, few in common(a[i:to_i], b[j:to_j])]
        if size:
            runs.append((to_i, to_j, size))
        i, j = to_i + size, to_j + size
    return runs


def rising(candidates: Sequence[Pair]) -> list[Pair]:
    """Return a longest run of pairs with rising second numbers; the first numbers rise already."""
    ends: list[int] = []  # the smallest second number that ends a run of this length
    last: list[int] = []
    before: list[int] = []
    for position, (_, j) in enumerate(candidates):
        length = bisect_left(ends, j)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        last[length : length + 1] = [position]
    run: list[Pair] = []
    position = last[-1] if last else -1
    while position >= 0:
        run.append(candidates[position])
        position = before[position]
    return run[::-1]


def _anchors(a: Sequence[str], b: Sequence[str]) -> Iterator[Run]:
    """Yield runs of several consecutive items that occur once in each sequence, in order."""
    a_rows, b_rows = _rows(a), _rows(b)
    a_counts, b_counts = Counter(a_rows), Counter(b_rows)
    place = {row: j for j, row in enumerate(b_rows) if b_counts[row] == 1}
    found = rising(
        [(i, place[row]) for i, row in enumerate(a_rows) if a_counts[row] == 1 and row in place]
    )
    begin = 0
    for at, (i, j) in enumerate(found, 1):
        if at == len(found) or found[at] != (i + 1, j + 1):
            yield (*found[begin], at - begin)
            begin = at


def _rows(items: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(items[step:] for step in range(_ANCHOR_WORDS)), strict=False))


def extend(runs: list[Run], size: int) -> None:
    if runs and size:
        begin, start, length = runs[-1]
        runs[-1] = (begin, start, length + size)


def append(runs: list[Run], run: Run) -> None:
    if not run[2]:
        return
    if runs and runs[-1][0] + runs[-1][2] == run[0] and runs[-1][1] + runs[-1][2] == run[1]:
        extend(runs, run[2])
    else:
        runs.append(run)
