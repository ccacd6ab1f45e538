"""Count split and joined paragraphs in real revisions, and measure their cost.

    python -m bench.judge.paragraph_breaks [--data FOLDER] [--folds 2 3] [--samples N]

Documents are in four folds by the digest of their name; the rules were chosen on folds 0 and 1.
Paragraphs are lines of the encyclopedia, and blocks between blank lines of the laws. The cost is
the processor time of all comparisons, compared with the same ones without splits and joins, turn
by turn. Samples are for a check by hand.
"""

import argparse
import os
import random
import re
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

from storage.diff import word_diff
from storage.diff.alignment import Pairs
from storage.diff.operation import Operation
from storage.diff.paragraph_breaks import Group, Groups
from storage.diff.word_diff import Text, diff, join_text
from tests.diff.applied import apply

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 3
_HEADER = re.compile(r"\A---.*?\n---\n", re.DOTALL)
_LOOKS = {"equal": "{b}", "move": "<{b}>", "delete": "[-{a}-]", "insert": "{{+{b}+}}",
          "split": "{{+¶+}}", "join": "[-¶-]"}  # fmt: skip


def main() -> None:
    """Print the counts, the cost and the samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", ROOT.parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--folds", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--samples", type=int, default=0)
    given = parser.parse_args()
    samples: list[str] = []
    for name, ending, between in (
        ("wikipedia_versions_en", "txt", r"\n+"),
        ("gesetze_versions", "md", r"\n\s*\n"),
    ):
        steps = list(_steps(given.data / "data" / name, ending, between, set(given.folds)))
        samples += _measure(name, steps)
    for sample in random.Random(5).sample(samples, min(given.samples, len(samples))):
        print(f"\n{sample}")


def _steps(
    top: Path, ending: str, between: str, folds: set[int]
) -> Iterator[tuple[str, Text, Text]]:
    for folder in sorted(each for each in top.iterdir() if each.is_dir()):
        if int(sha256(folder.name.encode()).hexdigest(), 16) % 4 in folds:
            files = sorted(folder.glob(f"*.{ending}"), key=lambda path: (len(path.stem), path.stem))
            for a, b in pairwise(_text(path, between) for path in files):
                if a != b:
                    yield folder.name, a, b


def _text(path: Path, between: str) -> Text:
    body = _HEADER.sub("", path.read_text("utf-8"))
    return Text(None, tuple(("text", each) for each in re.split(between, body) if each.strip()))


def _measure(name: str, steps: Sequence[tuple[str, Text, Text]]) -> list[str]:
    samples: list[str] = []
    seconds = [0.0, 0.0]
    splits = joins = regrouped = moves = 0
    for document, a, b in steps:
        operations, cost = _timed(a, b)
        with patch.object(word_diff, "group_blocks", _pairs_alone):
            _, cost_before = _timed(a, b)
        seconds[0] += cost_before
        seconds[1] += cost
        assert apply(join_text(a), operations) == join_text(b)
        kinds = [op.op for op in operations]
        splits += kinds.count("split")
        joins += kinds.count("join")
        regrouped += "split" in kinds or "join" in kinds
        places = enumerate(operations)
        samples += [f"{document}: {_around(operations, at)}" for at, op in places
                    if op.op in {"split", "join"}]  # fmt: skip
        side = word_diff.sides(b)[0]
        moves += len({side.block_at(op.b_start).start for op in operations if op.op == "move"})
    ratio = seconds[1] / max(seconds[0], 1e-9)
    print(
        f"{name}: {len(steps)} steps, {regrouped} with {splits} splits and {joins} joins; "
        f"{moves} moved paragraphs; processor time {ratio:.2f} times that without"
    )
    return samples


def _timed(a: Text, b: Text) -> tuple[tuple[Operation, ...], float]:
    costs = []
    for _ in range(ROUNDS):
        start = time.process_time()
        operations = diff(a, b)
        costs.append(time.process_time() - start)
    return operations, min(costs)


def _pairs_alone(_a: object, _b: object, paired: Pairs) -> Groups:
    def group(i: int, j: int) -> Group:
        return range(i, i + 1), range(j, j + 1)

    moved = {j: group(i, j) for j, i in paired.moved.items()}
    return Groups(tuple(group(i, j) for i, j in paired.in_order), moved)


def _around(operations: Sequence[Operation], at: int) -> str:
    near = operations[max(0, at - 4) : at + 5]
    return "".join(_LOOKS[op.op].format(a=op.a_text[-90:], b=op.b_text[:90]) for op in near)


if __name__ == "__main__":
    main()
