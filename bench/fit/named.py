"""Fit the weights by which words are the name of a person; `--write` stores them.

    python -m bench.fit.named --names FILE [--judge FILE] [--write]

Each of NAMES and JUDGE has a name a line, with the `text` that it is from, its `language`, and
whether it `is_person`. JUDGE has those of other texts, for the figures of what was not fitted.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.fit.english_speakers import WEIGHTS, write_weights
from bench.fit.identities import Rows, fit, read
from worker.text.annotate.fitted import load_weights
from worker.text.annotate.speaker import name_signs

TARGET = WEIGHTS / "named.json"
FEWEST = 4
"""Number of names from which a feature counts."""


def features_of(row: dict[str, str]) -> frozenset[str]:
    """Return the evidence for and against a name."""
    return name_signs.find_person_features(row["name"], row["text"], row["language"])


def fit_words(
    found: Sequence[frozenset[str]], rows: Rows, wanted: str, fewest: int, hard: float = 1.0
) -> dict[str, float]:
    """Return the weights of the features that at least `fewest` of the rows have."""
    counted = Counter(name for each in found for name in each)
    features = [{name: 1.0 for name in each if counted[name] >= fewest} for each in found]
    return fit(features, [{"same": e[wanted], "how": e.get("how", "")} for e in rows], hard)


def count_right(rows: Rows) -> str:
    """Return how many of the names that are accepted are persons, and how many persons they are."""
    kept = [e for e in rows if name_signs.is_person_name(e["name"], e["text"], e["language"])]
    right = sum(each["is_person"] for each in kept)
    persons = sum(each["is_person"] for each in rows)
    return f"{right} of {len(kept)} are persons; {right} of {persons} persons; {len(rows)} names"


def main() -> None:
    """Fit, write, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--names", type=Path, required=True)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--write", action="store_true", help="write the data file")
    options = parser.parse_args()
    rows = read([options.names])
    found = [features_of(each) for each in rows]
    weights = fit_words(found, rows, "is_person", FEWEST)
    if options.write:
        write_weights(TARGET, "decide whether words name a person", "named", len(rows), weights)
        load_weights.cache_clear()
    print(count_right(read([options.judge]) if options.judge else rows))


if __name__ == "__main__":
    main()
