"""Fit the weights by which words name what can speak; `--write` stores them.

    python -m bench.fit.able --names FILE [--judge FILE] [--write]

Each of NAMES and JUDGE has words a line (`name`), with the `text` that they are from, its
`language`, and whether they can speak (`is_able`). JUDGE has those of other texts, for the figures
of what was not fitted.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.fit.english_speakers import write_weights
from bench.fit.identities import Rows, read
from worker.text.annotate.speaker import able

TARGET = Path(able.__file__).with_name("able.toml")
FEWEST, PENALTY, STEPS = 5, 1.0, 500
"""Number of words from which a feature counts, and how the weights are found."""
FREQUENT = 0.3
"""The share that common nouns count, which are many."""
LEAST = 0.15
"""Weights below it decide nothing."""


def features_of(row: dict[str, str]) -> frozenset[str]:
    """Return the evidence of words."""
    return able.find_features(row["name"], row["text"], row["language"])


def fit(found: Sequence[frozenset[str]], rows: Rows) -> dict[str, float]:
    """Return the weights of a logistic regression with a penalty, found by accelerated descent."""
    counted = Counter(name for each in found for name in each)
    names = sorted(name for name in counted if counted[name] >= FEWEST)
    place = {name: at for at, name in enumerate(names)}
    table = np.zeros((len(rows), len(names) + 1), dtype=np.float32)
    table[:, -1] = 1
    for row, each in enumerate(found):
        table[row, [place[name] for name in each if name in place]] = 1
    wanted = np.array([float(each["is_able"]) for each in rows], dtype=np.float32)
    counts = np.array([FREQUENT if each.get("how") == "hard" else 1.0 for each in rows])
    penalty = np.array([*(PENALTY for _ in names), 0.01])
    bends = penalty + (counts / 4) @ (table * table.sum(axis=1, keepdims=True))
    weights = before = np.zeros(len(penalty))
    for step in range(STEPS):
        ahead = weights + step / (step + 3) * (weights - before)
        missing = counts * (1 / (1 + np.exp(-(table @ ahead))) - wanted)
        before, weights = weights, ahead - (table.T @ missing + penalty * ahead) / bends
    return {name: round(float(w), 2) for name, w in zip([*names, "always"], weights, strict=True)}


def count_right(rows: Rows) -> str:
    """Return how many of the words that are accepted can speak, and how many of all that can."""
    kept = [each for each in rows if able.can_speak(each["name"], each["text"], each["language"])]
    right = sum(each["is_able"] for each in kept)
    speakers = sum(each["is_able"] for each in rows)
    return f"{right} of {len(kept)} can speak; {right} of {speakers} are kept; {len(rows)} words"


def main() -> None:
    """Fit, write, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--names", type=Path, required=True)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--write", action="store_true", help="write the data file")
    options = parser.parse_args()
    rows = read([options.names])
    found = [features_of(each) for each in rows]
    weights = fit(found, rows)
    weights = {name: each for name, each in weights.items() if abs(each) >= LEAST}
    if options.write:
        write_weights(TARGET, "decide what can speak", "able", len(rows), weights)
        able.forget_weights()
    print(count_right(read([options.judge]) if options.judge else rows))


if __name__ == "__main__":
    main()
