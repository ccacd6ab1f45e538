"""Part real data into folds, gather what was judged, and print it as one table."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDS = 4


@dataclass(frozen=True, slots=True)
class Judged:
    """One judgement of one document: `value` is 0 to 1 and counts `weight` times.

    An F-measure over documents is such a mean too: of 2·right over 2·right + missing + wrong,
    weighed with the latter.
    """

    part: str
    field: str
    reader: str
    fold: int
    value: float
    weight: float = 1.0


Judge = Callable[[Path, frozenset[int]], Iterator[Judged]]
"""Judges the sets that it knows in the folder, of the documents in the folds."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What is judged together: `looked_at` are the folds that rules and weights came from."""

    name: str
    judge: Judge
    looked_at: frozenset[int]


def fold_of(name: str) -> int:
    """Return the fold of a host, publisher or document, the same in all sets.

    >>> fold_of("www.bote.example") == fold_of("bote.example")
    True
    """
    plain = name.casefold().removeprefix("www.")
    return sha256(plain.encode()).digest()[0] % FOLDS


def gold_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of the gold of a set."""
    with (folder / name / "gold.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def table_of(judged: Iterable[Judged], readers: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table: a part and field each, the mean of each reader, and points.

    A point is what one judgement of weight one moves the mean by, in hundredths.
    """
    sums: defaultdict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for each in judged:
        total = sums[each.part, each.field, each.reader]
        total[0] += each.value * each.weight
        total[1] += each.weight
        total[2] += 1
    yield f"{'set':24}{'field':22}" + "".join(f"{name:>14}" for name in readers) + f"{'judged':>10}"
    for part, field in dict.fromkeys((part, field) for part, field, _ in sums):
        cells = [sums.get((part, field, reader)) for reader in readers]
        means = "".join(f"{_mean(cell):>14}" for cell in cells)
        count = next(cell[2] for cell in cells if cell)
        yield f"{part:24}{field:22}{means}{count:>10.0f}"


def _mean(cell: list[float] | None) -> str:
    return f"{cell[0] / cell[1]:.3f}" if cell and cell[1] else "–"
