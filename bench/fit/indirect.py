"""Fit the weights that tell indirect speech; `--write` stores them.

    python -m bench.fit.indirect [--real FOLDER] [--more FILE …] [--write]

German is fitted on the annotated articles of Wikinews, each of four folds (by the digest of the
document) judged with weights fitted on the other three; English on FILEs of labelled texts that are
not part of the project, one a line: `{"language", "paragraphs": […], "statements": [TEXT …]}`,
where all statements of the paragraphs are listed. Needs `pip install -e '.[fit]'`.
"""

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import exp
from pathlib import Path
from typing import Any, NamedTuple

from bench.fit.english_speakers import WEIGHTS, write_weights
from bench.fit.speakers import Case, fit
from bench.judge.quotation_gold import articles, paragraphs_of, same_text
from bench.judge.table import FOLDS, fold_of
from storage.values.draft import Paragraph
from worker.text.annotate.indirect import Statement, indirect_quotes

REPOSITORY = Path(__file__).resolve().parents[2]
PENALTY = 1.0
TARGET = WEIGHTS / "indirect.json"
TOLD = {"Indirect", "FreeIndirect", "IndirectFreeIndirect", "Reported"}
WANTED = TOLD - {"Reported"}
"""What is to be found; reported speech is not wrong if it is found."""


class Labelled(NamedTuple):
    """A text with what it tells indirectly, and what of it is to be found."""

    name: str
    language: str
    paragraphs: Sequence[Paragraph]
    told: Sequence[str]
    wanted: Sequence[str]


def german(folder: Path) -> Iterator[Labelled]:
    """Yield the annotated articles."""
    for each in articles(folder / "wikinews_de"):
        told = [quote["text"] for quote in each["quotes"] if quote["type"] in TOLD]
        wanted = [quote["text"] for quote in each["quotes"] if quote["type"] in WANTED]
        yield Labelled(str(each["id"]), "de", paragraphs_of(each), told, wanted)


def further(files: Iterable[Path]) -> Iterator[Labelled]:
    """Yield labelled texts that are not part of the project."""
    for file in files:
        for line in file.read_text("utf-8").strip().split("\n"):
            text = json.loads(line)
            paragraphs = [Paragraph("text", each) for each in text["paragraphs"]]
            yield Labelled("", text["language"], paragraphs, text["statements"], text["statements"])


def cases(every: Iterable[Labelled]) -> Iterator[Case]:
    """Yield each candidate, with whether the gold knows it."""
    for text in every:
        seen: list[Case] = []

        def weigh(
            statement: Statement,
            words: str,
            text: Labelled = text,
            seen: list[Case] = seen,
        ) -> float:
            right = any(same_text(words, each) for each in text.told)
            features = dict.fromkeys(statement.features, 1.0)
            seen.append(Case(text.name, (features, {}), (right, not right)))
            return float(right)

        indirect_quotes(text.paragraphs, text.language, weigh)
        yield from seen


def figures(every: Iterable[Labelled], weights: Mapping[str, float]) -> tuple[int, int, int, int]:
    """Return how many are wanted, how many of them are found, how many are given, and right."""

    def weigh(statement: Statement, _words: str) -> float:
        return 1 / (1 + exp(-sum(weights.get(name, 0.0) for name in statement.features)))

    wanted = found = given = right = 0
    for text in every:
        read = [each.text for each in indirect_quotes(text.paragraphs, text.language, weigh)]
        wanted += len(text.wanted)
        found += sum(any(same_text(each, one) for one in read) for each in text.wanted)
        given += len(read)
        right += sum(any(same_text(each, one) for one in text.told) for each in read)
    return wanted, found, given, right


def main() -> None:
    """Fit, judge, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--real", type=Path, default=Path(default) / "data")
    parser.add_argument("--more", type=Path, nargs="*", default=[])
    parser.add_argument("--write", action="store_true", help="write the data file")
    options = parser.parse_args()
    every: list[Any] = list(german(options.real))
    more = list(further(options.more))
    for fold in range(FOLDS):
        learnt: list[Labelled] = [each for each in every if fold_of(each.name) != fold]
        fitted = fit([*cases(learnt), *cases(more)], PENALTY)
        left = [each for each in every if fold_of(each.name) == fold]
        wanted, found, given, right = figures(left, fitted)
        print(
            f"fold {fold}, weights of the other three: {found} of {wanted} found, "
            f"{right} of {given} right", flush=True,
        )  # fmt: skip
    if options.write:
        every_case = [*cases(every), *cases(more)]
        write_weights(
            TARGET, "tell indirect speech", "indirect", len(every_case), fit(every_case, PENALTY)
        )


if __name__ == "__main__":
    main()
