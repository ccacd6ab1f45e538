"""Fit the weights that tell whether a name in two articles is one person; `--write` stores them.

    python -m bench.fit.identities --texts FILE … --pairs FILE [--judge FILE] [--write]

Each of TEXTS has one article a line: `id`, `day`, `text`, and `is_background` if it only counts for
the common words. PAIRS and JUDGE have one pair a line: `a`, `b`, `name_a`, `name_b`, `same`, and
`how` the pair was found: `hard` ones, of two names in the most similar texts, count less. JUDGE has
the pairs of other articles, for the figures of what was not fitted.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from storage.capabilities.quotations import identity
from storage.language.topic import topical

TARGET = Path(identity.__file__).with_name("identity.toml")
COMMON_SHARE, PENALTY, HARD, STEPS = 0.01, 1.0, 0.2, 60
CLOSE = 1e-4
"""The change of weights below which they are found; they are stored with two decimals."""
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.85, 0.88, 0.9, 0.95)
Rows = list[dict[str, Any]]


def read(files: Iterable[Path]) -> Rows:
    """Return the rows of files of JSON lines."""
    return [
        json.loads(line) for file in files for line in file.read_text("utf-8").strip().split("\n")
    ]


def common_words(texts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the words of at least one of a hundred texts."""
    counted = Counter(
        word for each in texts for word in topical(each["text"][: identity.MOST_LETTERS])
    )
    least = COMMON_SHARE * len(texts)
    return sorted(word for word, n in counted.items() if n >= least and word.isalpha())


def describe_pair(
    pair: Mapping[str, Any], texts: Mapping[str, Mapping[str, Any]]
) -> tuple[identity.Appearance, identity.Appearance]:
    """Return what the two articles of a pair tell."""
    a, b = (_describe(texts[pair[side]], pair[f"name_{side}"]) for side in "ab")
    return a, b


def _describe(text: Mapping[str, Any], name: str) -> identity.Appearance:
    day = date.fromisoformat(text["day"]) if text["day"] else None
    return identity.describe(text["id"], name, None, text["text"], day)


def fit(features: Sequence[identity.Features], pairs: Rows, hard: float = HARD) -> dict[str, float]:
    """Return the weights of a logistic regression with a penalty on large ones.

    `hard` is the share that hard pairs count, of which there are many.
    """
    names = sorted({name for each in features for name in each})
    table = np.array([[*(each.get(name, 0.0) for name in names), 1.0] for each in features])
    same = np.array([float(each["same"]) for each in pairs])
    counts = np.array([hard if each["how"] == "hard" else 1.0 for each in pairs])
    penalty = np.array([*(PENALTY for _ in names), 0.01])
    weights = np.zeros(len(penalty))
    for _ in range(STEPS):
        found = 1 / (1 + np.exp(-table @ weights))
        slope = table.T @ (counts * (same - found)) - penalty * weights
        bend = (table.T * (counts * found * (1 - found))) @ table + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        weights += step
        if np.abs(step).max() < CLOSE:
            break
    return {name: round(float(w), 2) for name, w in zip([*names, "always"], weights, strict=True)}


def judge(pairs: Rows, scores: Sequence[float]) -> Iterator[str]:
    """Yield the precision and recall at each threshold, without the hard pairs, then with them."""
    for least in THRESHOLDS:
        joined = [each for each, score in zip(pairs, scores, strict=True) if score >= least]
        right = sum(each["same"] for each in joined)
        hard = sum(each["how"] == "hard" for each in joined)
        every = sum(each["same"] for each in pairs)
        usual = len(joined) - hard
        yield (
            f"{least:.2f}: {right} of {every} joined ({right / every:.3f}), right "
            f"{right / usual if usual else 1:.3f} of {usual}, with {hard} hard ones "
            f"{right / len(joined) if joined else 1:.3f}"
        )


def write(common: Sequence[str], weights: Mapping[str, float], threshold: float, n: int) -> None:
    """Write the data file."""
    lines = [
        "# The evidence that a name in two articles is one person: weights of the features, fitted",
        f"# by bench/fit/identities.py on {n} labelled pairs, and words that are common.",
        "",
        f"threshold = {threshold:.2f}",
        f'common = """{_fold_lines(common)}"""',
        "",
        "[weights]",
        *(f"{name} = {weight:.2f}" for name, weight in weights.items()),
    ]
    TARGET.write_text("\n".join(lines) + "\n", "utf-8")


def _fold_lines(words: Sequence[str], columns: int = 98) -> str:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) >= columns:
            lines.append("")
        lines[-1] += f"{word} "
    return "\n" + "\n".join(line.rstrip() for line in lines) + "\n"


def main() -> None:
    """Fit, print the figures of the pairs that were not fitted, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=Path, nargs="+", required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--threshold", type=float, default=0.9)
    parser.add_argument("--write", action="store_true", help="write the data file")
    options = parser.parse_args()
    listed = read(options.texts)
    texts = {each["id"]: each for each in listed}
    pairs = read([options.pairs])
    of_pairs = {each[side] for each in pairs for side in "ab"}
    common = common_words([e for e in listed if e["id"] in of_pairs or e.get("is_background")])
    if not TARGET.exists() or options.write:
        write(common, {"always": 0.0}, options.threshold, 0)
        identity.load_fit.cache_clear()
    features = [identity.compare(*describe_pair(each, texts)) for each in pairs]
    weights = fit(features, pairs)
    if options.write:
        write(common, weights, options.threshold, len(pairs))
        identity.load_fit.cache_clear()
    judged = read([options.judge]) if options.judge else pairs
    scores = [identity.weigh(identity.compare(*describe_pair(e, texts)))[0] for e in judged]
    print("\n".join(judge(judged, scores)))


if __name__ == "__main__":
    main()
