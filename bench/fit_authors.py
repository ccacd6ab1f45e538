"""Fit the weights that tell who wrote a page, fold by fold; `--write` keeps them.

    python -m bench.fit_authors [--data FOLDER] [--write]

Each fold is judged by weights that were fitted on the other three (`bench/judgement/weights`); the
weights of the product are fitted on all four, and the figures of the folds stand in their head.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from bench.judgement.pages import READERS, one_right, rows_of
from bench.judgement.table import FOLDS
from worker.text.page.fields import choose
from worker.text.page.fields.authors import choose_people, features
from worker.text.page.fields.weigh import Features, Model, unpacked

REPOSITORY = Path(__file__).resolve().parent.parent
PRODUCT = REPOSITORY / "worker" / "text" / "page" / "fields" / "weights" / "authors.json"
BY_FOLD = REPOSITORY / "bench" / "judgement" / "weights" / "authors.json"
SETS = ("html_fundus", "html_trafilatura_dach", "html_wcxb")
SILENT_MEANS_UNKNOWN = "html_trafilatura_dach"
"""In this set an empty author means that nobody looked."""
STRENGTH = 0.3
"""The inverse of how strongly weights are pulled to nought."""
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Example:
    """A name that a page offers, and whether the gold names it."""

    fold: int
    features: Features
    right: bool


def main() -> None:
    """Fit, judge, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--write", action="store_true", help="write the data files")
    options = parser.parse_args()
    examples = list(examples_of(options.data / "data"))
    by_fold = [fitted([e for e in examples if e.fold != fold]) for fold in range(FOLDS)]
    figures = []
    for fold, packed in enumerate(by_fold):
        figures.append(judged([e for e in examples if e.fold == fold], unpacked(packed)))
        print(f"fold {fold}, by weights of the other three: {figures[-1]}")
    head = {"fitted": f"bench.fit_authors, {len(examples)} names", "unused_folds": figures}
    if options.write:
        _write(PRODUCT, head | fitted(examples))
        _write(BY_FOLD, {str(fold): packed for fold, packed in enumerate(by_fold)})


def examples_of(folder: Path) -> Iterator[Example]:
    """Yield every name that the pages of the sets offer."""
    for name in SETS:
        for row in rows_of(folder, name):
            gold = row["authors"] if "authors" in row else [row["author"] or ""]
            gold = "; ".join(filter(None, gold))
            if not gold and name == SILENT_MEANS_UNKNOWN:
                continue
            with _recorded() as asked:
                READERS["lesart"](row["raw"], row)
            for author, told in (features(*asked[-1]) if asked else {}).items():
                yield Example(row["fold"], told, bool(gold) and one_right((author,), gold))


def fitted(examples: Sequence[Example]) -> dict[str, Any]:
    """Return the model that fits the examples, as an object of JSON."""
    vectors = DictVectorizer(sparse=False)
    matrix = vectors.fit_transform([dict(each.features) for each in examples])
    regression = LogisticRegression(C=STRENGTH, max_iter=5000)
    regression.fit(matrix, [each.right for each in examples])
    weights = zip(vectors.get_feature_names_out(), regression.coef_[0], strict=True)
    return {
        "bias": round(float(regression.intercept_[0]), 2),
        "threshold": THRESHOLD,
        "weights": {name: round(float(weight), 2) for name, weight in sorted(weights)},
    }


def judged(examples: Sequence[Example], weighed: Model) -> dict[str, float]:
    """Return how many of the names were told right, taken wrongly, and missed."""
    taken = [weighed.probability(each.features) >= weighed.threshold for each in examples]
    pairs = list(zip(taken, examples, strict=True))
    return {
        "names": len(pairs),
        "right": round(sum(t == e.right for t, e in pairs) / max(1, len(pairs)), 3),
        "taken_wrongly": sum(t and not e.right for t, e in pairs),
        "missed": sum(e.right and not t for t, e in pairs),
    }


@contextmanager
def _recorded() -> Iterator[list[Any]]:
    """Keep what the choice of authors is asked for meanwhile."""
    asked: list[Any] = []

    def recording(*question: Any) -> Any:
        asked.append(question)
        return choose_people(*question)

    with patch.object(choose, "choose_people", recording):
        yield asked


def _write(path: Path, packed: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(packed, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
