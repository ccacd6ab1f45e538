"""Fit the weights by which words name what can speak; `--write` stores them.

    python -m bench.fit.able --names FILE [--judge FILE] [--write]

Each of NAMES and JUDGE has words a line (`name`), with the `text` that they are from, its
`language`, and whether they can speak (`is_able`). JUDGE has those of other texts, for the figures
of what was not fitted.
"""

import argparse
from pathlib import Path

from bench.fit.english_speakers import WEIGHTS, write_weights
from bench.fit.identities import Rows, read
from bench.fit.named import fit_words
from worker.text.annotate.fitted import load_weights
from worker.text.annotate.speaker import able

TARGET = WEIGHTS / "able.json"
FEWEST = 5
"""Number of words from which a feature counts."""
FREQUENT = 0.3
"""The share that common nouns count, which are many."""
LEAST = 0.15
"""Weights below it decide nothing."""


def features_of(row: dict[str, str]) -> frozenset[str]:
    """Return the evidence of words."""
    return able.find_features(row["name"], row["text"], row["language"])


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
    weights = fit_words(found, rows, "is_able", FEWEST, FREQUENT)
    weights = {name: each for name, each in weights.items() if abs(each) >= LEAST}
    if options.write:
        write_weights(TARGET, "decide what can speak", "able", len(rows), weights)
        for each in (load_weights, able.can_speak, able._score, able._score_needed):  # noqa: SLF001
            each.cache_clear()
    print(count_right(read([options.judge]) if options.judge else rows))


if __name__ == "__main__":
    main()
