"""Judge the weights that tell indirect speech; `--write` fits and stores them.

    python -m bench.fit.indirect [--real FOLDER] [--write]

The weights are fitted on the annotated articles of Wikinews and on the pages that
`bench/judge/reported_speech.py` judges, of the folds that were looked at. Each of four folds of
Wikinews (by the digest of the document) is judged with weights fitted on the other three and the
pages, and each of six parts of the pages with weights fitted on everything else. Needs
`pip install -e '.[fit]'`.
"""

import argparse
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import exp
from pathlib import Path
from typing import NamedTuple

from bench.fit.english_speakers import WEIGHTS, write_weights
from bench.fit.speakers import Case, fit
from bench.judge.quotation_gold import articles, paragraphs_of, same_text
from bench.judge.reported_speech import LOOKED_AT, labelled_pages
from bench.judge.table import FOLDS, fold_of
from storage.values.draft import Paragraph
from worker.text.annotate.indirect import indirect_quotes
from worker.text.annotate.statements_german import Statement

REPOSITORY = Path(__file__).resolve().parents[2]
PENALTY, PAGE_WEIGHT = 3.0, 3.0
PARTS = 6
TARGET = WEIGHTS / "indirect.json"
WANTED = {"Indirect", "FreeIndirect", "IndirectFreeIndirect"}


class Labelled(NamedTuple):
    """A text with the statements to find, and others that may be found: they teach nothing."""

    name: str
    language: str
    paragraphs: Sequence[Paragraph]
    wanted: Sequence[str]
    allowed: Sequence[str]
    weight: float


def wikinews(folder: Path) -> Iterator[Labelled]:
    """Yield the annotated articles. A summary of what was said is not wrong if it is found."""
    for each in articles(folder / "wikinews_de"):
        quotes = each["quotes"]
        wanted = [quote["text"] for quote in quotes if quote["type"] in WANTED]
        allowed = [quote["text"] for quote in quotes if quote["type"] == "Reported"]
        yield Labelled(str(each["id"]), "de", paragraphs_of(each), wanted, allowed, 1.0)


def pages(folder: Path) -> Iterator[Labelled]:
    """Yield the labelled pages of the folds that were looked at."""
    for each in labelled_pages(folder, LOOKED_AT):
        wanted = [words for words, _ in each.statements]
        yield Labelled(each.name, each.language, each.paragraphs, wanted, each.allowed, PAGE_WEIGHT)


def cases(every: Iterable[Labelled]) -> Iterator[Case]:
    """Yield each candidate, with whether the gold knows it."""
    for text in every:
        seen: list[Case] = []

        def weigh(
            statement: Statement, words: str, text: Labelled = text, seen: list[Case] = seen
        ) -> float:
            right = any(same_text(words, each) for each in text.wanted)
            if right or not any(same_text(words, each) for each in text.allowed):
                features = dict.fromkeys(statement.features, 1.0)
                seen.append(Case(text.name, (features, {}), (right, not right), text.weight))
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
        known = (*text.wanted, *text.allowed)
        right += sum(any(same_text(each, one) for one in known) for each in read)
    return wanted, found, given, right


def judge(parts: Iterable[Sequence[Labelled]], every: Sequence[Labelled], name: str) -> None:
    """Print the figures of all parts, each with weights fitted on everything else."""
    known = {id(text): [*cases([text])] for text in every}
    sums = [0, 0, 0, 0]
    for part in parts:
        left = {id(text) for text in part}
        others = [case for each, some in known.items() if each not in left for case in some]
        found = figures(part, fit(others, PENALTY))
        sums = [one + other for one, other in zip(sums, found, strict=True)]
    wanted, found_of, given, right = sums
    print(
        f"{name}: {found_of} of {wanted} found ({found_of / wanted:.3f}), "
        f"{right} of {given} right ({right / given:.3f})", flush=True,
    )  # fmt: skip


def main() -> None:
    """Fit, and judge or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--real", type=Path, default=Path(default) / "data")
    parser.add_argument("--write", action="store_true", help="write the data file")
    options = parser.parse_args()
    news, labelled = [*wikinews(options.real)], [*pages(options.real)]
    if options.write:
        every_case = [*cases([*news, *labelled])]
        write_weights(
            TARGET, "tell indirect speech", "indirect", len(every_case), fit(every_case, PENALTY)
        )
        return
    for language in ("en", "de"):
        mine = [each for each in labelled if each.language == language]
        others = news if language == "de" else []
        parts = [mine[start::PARTS] for start in range(PARTS)]
        judge(parts, [*mine, *others], f"pages, {language}")
    folds = [[each for each in news if fold_of(each.name) == fold] for fold in range(FOLDS)]
    judge(folds, [*news, *labelled], "Wikinews")


if __name__ == "__main__":
    main()
