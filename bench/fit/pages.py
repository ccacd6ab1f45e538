"""Fit the weights of the authors, the day, the text and the type of a page.

    python -m bench.fit.pages [--data FOLDER] [--only MODEL] [--write]

`--write` keeps them. Each fold is judged by weights that were fitted on the other three
(`bench/judge/weights`); the weights of the product are fitted on all four, and the figures of
the folds stand in their head.

Who wrote is learnt from each page three times: as it is, as it would be if it stated nothing in its
head, and if no class, relation or address told where it names anybody either. So what it shows is
weighed on more pages than those that state nothing. What is no article is learnt from pages whose
article was taken out (`bench.judge.emptied`), beside the same pages whole and cut short.
"""

import argparse
import json
import os
import re
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from bench.judge.days import STATED
from bench.judge.days import examples as day_examples
from bench.judge.emptied import LEAD, judge
from bench.judge.front_pages import examples as front_page_examples
from bench.judge.pages import (
    BY_FOLD,
    NAME_BREAK,
    READERS,
    SETS,
    body_of,
    one_right,
    persons_of,
    rows_of,
    shared_share,
)
from bench.judge.table import FOLDS
from worker.text.page import read_page
from worker.text.page.body.dropped_blocks import block_features
from worker.text.page.fields import choose
from worker.text.page.fields.authors import choose_authors, features
from worker.text.page.scoring import Features, Model, model_from_json

PRODUCT = Path(__file__).resolve().parents[2] / "worker" / "text" / "page" / "weights"
AUTHOR_SETS = (
    "html_fundus",
    "html_trafilatura_dach",
    "html_wcxb",
    "html_trafilatura",
    "html_postlight",
)
"""Sets that name authors."""
SILENT_MEANS_UNKNOWN = ("html_trafilatura_dach", "html_trafilatura")
"""In these sets an empty author means that nobody looked."""
STRENGTH = {
    "authors": 1.0,
    "dates": 1.0,
    "dropped_blocks": 0.3,
    "front_page": 1.0,
    "no_article": 1.0,
}
"""The inverse of how strongly the weights of each model are pulled to nought."""
LABELLED = re.compile(
    rb"""\s(?:(?:class|id|rel)=(?:"[^"]*(?:auth?or|byline|verfass|writer|contrib)[^"]*"
    |'[^']*(?:auth?or|byline|verfass|writer|contrib)[^']*'|author\b)
    |href=(?:"[^"]*"|'[^']*'))""",
    re.VERBOSE | re.IGNORECASE,
)
"""What tells a machine where a page shows who wrote it."""
UNSTATED_WEIGHT, UNLABELLED_WEIGHT = 0.5, 0.25
"""Of a page that is read without what it states, and without its labels, too."""
STRICT = {"dates": frozenset({0, 1})}
"""Models whose weights for the other folds are fitted on these folds only."""
THRESHOLD = {
    "authors": 0.7,
    "dates": 0.35,
    "dropped_blocks": 0.5,
    "front_page": 0.86,
    "no_article": 0.95,
}


@dataclass(frozen=True, slots=True)
class Example:
    """What a page offers, and whether the gold has it; it counts `weight` times."""

    fold: int
    features: Features
    right: bool
    weight: float = 1.0


def main() -> None:
    """Fit, judge, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", PRODUCT.parents[3].parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--only", choices=sorted(STRENGTH))
    parser.add_argument("--write", action="store_true", help="write the data files")
    options = parser.parse_args()
    models = [options.only] if options.only else sorted(STRENGTH)
    for name, examples in examples_of(options.data / "data", models).items():
        kept = [e for e in examples if name not in STRICT or e.fold in STRICT[name]]
        by_fold = [fitted(name, [e for e in kept if e.fold != f]) for f in range(FOLDS)]
        figures = []
        for fold, packed in enumerate(by_fold):
            figures.append(judged([e for e in examples if e.fold == fold], model_from_json(packed)))
            print(f"{name}, fold {fold}, by weights of other folds: {figures[-1]}")
        head = {"fitted": f"bench.fit.pages, {len(examples)} offers", "unused_folds": figures}
        if options.write:
            _write(PRODUCT / f"{name}.json", head | fitted(name, examples))
            _write(BY_FOLD / f"{name}.json", {str(f): packed for f, packed in enumerate(by_fold)})


def examples_of(folder: Path, models: Collection[str]) -> dict[str, list[Example]]:
    """Return what the models of these names are asked about the pages of the sets."""
    found: dict[str, list[Example]] = {name: [] for name in models}
    if "no_article" in models:
        found["no_article"] += [
            Example(each.fold, each.features, not each.is_article)
            for each in judge(folder, frozenset(range(FOLDS)))
            if each.features and each.counts and each.way != LEAD
        ]
    if "front_page" in models:
        found["front_page"] += [
            Example(page.fold, page.features, page.is_front, page.weight)
            for page in front_page_examples(folder)
        ]
    if "dates" in models:
        found["dates"] += [
            Example(day.fold, day.features, day.right, day.weight) for day in day_examples(folder)
        ]
    if "dropped_blocks" in models:
        for row in (row for name in SETS for row in rows_of(folder, name)):
            found["dropped_blocks"] += _dropped_block_examples(row, _asked(row, with_body=True)[1])
    if "authors" in models:
        pages = ((name, row) for name in AUTHOR_SETS for row in rows_of(folder, name))
        with ProcessPoolExecutor(2) as pool:
            for examples in pool.map(_author_examples, pages, chunksize=8):
                found["authors"] += examples
    return found


def _author_examples(page: tuple[str, dict[str, Any]]) -> list[Example]:
    name, row = page
    names, _ = _asked(row, with_body=False)
    return [*_of_authors(name, row, names), *_of_less(name, row)]


def _asked(
    row: dict[str, Any], *, with_body: bool
) -> tuple[dict[str, Features], list[tuple[str, Features]]]:
    """Read a page, and return what its choices are asked: names, and blocks beside `text`."""
    names: dict[str, Features] = {}
    blocks: list[tuple[str, Features]] = []

    def people(*question: Any) -> Any:
        names.clear()
        names.update(features(*question))
        return choose_authors(*question)

    def body(pieces: Any, page: Any) -> Any:
        blocks.extend(block_features(pieces, page))
        blocks.append((" ".join(piece.text for piece in pieces), {}))
        return pieces

    with ExitStack() as recorded:
        recorded.enter_context(patch.object(choose, "choose_authors", people))
        recorded.enter_context(patch.object(read_page, "restore_dropped_blocks", body))
        if not with_body:  # which costs most of the time
            recorded.enter_context(patch.object(read_page, "extract_body", lambda *_: None))
        READERS["lesart"](row["raw"], row)
    return names, blocks


def _of_authors(
    name: str, row: dict[str, Any], names: dict[str, Features], weight: float = 1.0
) -> Iterator[Example]:
    if row.get("author", row.get("authors")) is None and "author" not in row:
        return
    gold = "; ".join(_named(row))
    if not gold and name in SILENT_MEANS_UNKNOWN:
        return
    for author, told in names.items():
        yield Example(row["fold"], told, bool(gold) and one_right((author,), gold), weight)


def _named(row: dict[str, Any]) -> list[str]:
    if "publisher" in row:
        return persons_of(row)
    if "authors" in row:
        return row["authors"] or []
    return [row["author"]] if row.get("author") else []


def _of_less(name: str, row: dict[str, Any]) -> Iterator[Example]:
    """Yield what a page offers that states nothing, and labels nothing, if it shows its authors."""
    raw = STATED.sub(b"", row["raw"])
    authors = [each for gold in _named(row) for each in NAME_BREAK.split(gold)]
    shown = raw.decode("utf-8", "replace").casefold()
    if authors and all(each.casefold() in shown for each in authors):
        unlabelled = LABELLED.sub(b"", raw)
        for less, weight in ((raw, UNSTATED_WEIGHT), (unlabelled, UNLABELLED_WEIGHT)):
            names, _ = _asked({**row, "raw": less}, with_body=False)
            yield from _of_authors(name, row, names, weight)


def _dropped_block_examples(
    row: dict[str, Any], blocks: list[tuple[str, Features]]
) -> Iterator[Example]:
    """Yield the blocks, each as heavy as its share of the words of its page."""
    gold = body_of(row)
    whole = sum(len(text.split()) for text, _ in blocks) or 1
    for text, told in blocks:
        if gold and told:
            right = shared_share(text, gold) > 0.5
            yield Example(row["fold"], told, right, len(text.split()) / whole)


def fitted(name: str, examples: Sequence[Example]) -> dict[str, Any]:
    """Return the model of that name that fits the examples, as an object of JSON."""
    vectors = DictVectorizer(sparse=False)
    matrix = vectors.fit_transform([dict(each.features) for each in examples])
    regression = LogisticRegression(C=STRENGTH[name], max_iter=5000)
    heavy = sum(each.weight for each in examples) / len(examples)
    weights = [each.weight / heavy for each in examples]
    regression.fit(matrix, [each.right for each in examples], sample_weight=weights)
    fitted_weights = zip(vectors.get_feature_names_out(), regression.coef_[0], strict=True)
    return {
        "bias": round(float(regression.intercept_[0]), 2),
        "threshold": THRESHOLD[name],
        "weights": {each: round(float(weight), 2) for each, weight in sorted(fitted_weights)},
    }


def judged(examples: Sequence[Example], weighed: Model) -> dict[str, float]:
    """Return how many of the offers were told right, taken wrongly, and missed."""
    taken = [weighed.probability(each.features) >= weighed.threshold for each in examples]
    pairs = list(zip(taken, examples, strict=True))
    return {
        "offers": len(pairs),
        "right": round(sum(t == e.right for t, e in pairs) / max(1, len(pairs)), 3),
        "taken_wrongly": sum(t and not e.right for t, e in pairs),
        "missed": sum(e.right and not t for t, e in pairs),
    }


def _write(path: Path, packed: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(packed, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
