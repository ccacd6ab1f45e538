"""Fit the weights that choose the speakers of English quotations; `--write` stores them.

    python -m bench.fit.english_speakers [--real FOLDER] [--more FILE …] [--write]

Fitted on the labels in `bench/judge/gold/english_quotations.json`, and on further labelled texts
that are not part of the project: each FILE has one text a line, `{"paragraphs": […], "quotes":
[{"paragraph", "text", "speakers": […]}]}`, where each of the speakers is right. Needs
`pip install -e '.[fit]'`.
"""

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.fit.speakers import Case, fit
from bench.judge.english_quotations import SET, labels, quotation_at
from bench.judge.quotation_gold import likest, paragraphs_of, same_speaker
from bench.judge.table import gold_of
from storage.values.draft import Paragraph
from worker.text.annotate.quotes import Choices, EnglishChoice, quotes
from worker.text.annotate.speaker.english import Candidate, choose_english

REPOSITORY = Path(__file__).resolve().parents[2]
OWN = REPOSITORY / "tests" / "annotate" / "quotations.jsonl"
WEIGHTS = REPOSITORY / "worker" / "text" / "annotate" / "weights"
TARGET = WEIGHTS / "english.json"


class Labelled(NamedTuple):
    """A text with its labelled quotations, each with the speakers that are right."""

    paragraphs: Sequence[Paragraph]
    quotes: Sequence[tuple[str, Sequence[str]]]


def labelled(folder: Path, more: Iterable[Path]) -> Iterator[Labelled]:
    """Yield all labelled texts."""
    by_page = labels()
    for row in gold_of(folder, SET):
        named = by_page.get(Path(row["file"]).name.removesuffix(".html.gz"), [])
        told = [(quotation_at(row["text"], at), [each]) for at, each in named if each]
        if told:
            yield Labelled(paragraphs_of(row), told)
    for line in OWN.read_text("utf-8").strip().split("\n"):
        text = json.loads(line)
        if text["language"] == "en":
            told = [(each["text"], [each["speaker"] or ""]) for each in text["quotes"]]
            yield Labelled([Paragraph("text", text["text"])], told)
    for file in more:
        for line in file.read_text("utf-8").strip().split("\n"):
            text = json.loads(line)
            paragraphs = [Paragraph("text", each) for each in text["paragraphs"]]
            yield Labelled(
                paragraphs, [(each["text"], each["speakers"]) for each in text["quotes"]]
            )


def cases(every: Iterable[Labelled]) -> Iterator[Case]:
    """Yield the choices of all quotations; each is made rightly for the next one."""
    for number, text in enumerate(every):
        found = [each.text for each in quotes(text.paragraphs, "en")]
        wanted: list[Sequence[str]] = [()] * len(found)
        for words, names in text.quotes:
            at = likest(found, words)
            if at is not None:
                wanted[at] = names
        seen: list[tuple[int, Sequence[Candidate]]] = []
        quotes(text.paragraphs, "en", Choices(english=_chooser(wanted, seen)))
        for at, options in seen:
            right = tuple(is_right(each.text, wanted[at]) for each in options)
            if any(right):
                rows = tuple(dict.fromkeys(each.features, 1.0) for each in options)
                yield Case(f"{number} {at}", rows, right)


def is_right(found: str, names: Sequence[str]) -> bool:
    """Check whether a candidate is one of the right speakers; "" stands for nobody."""
    return (not found and "" in names) or any(same_speaker(found, each) for each in names)


def _chooser(
    wanted: Sequence[Sequence[str]], seen: list[tuple[int, Sequence[Candidate]]]
) -> EnglishChoice:
    def choice(options: Sequence[Candidate], at: int) -> tuple[Candidate, float]:
        seen.append((at, options))
        right = [each for each in options if is_right(each.text, wanted[at])]
        return (right[0], 1.0) if right else choose_english(options, at)

    return choice


def main() -> None:
    """Fit, print how many choices of the fitted texts are right, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--real", type=Path, default=Path(default) / "data")
    parser.add_argument("--more", type=Path, nargs="*", default=[])
    parser.add_argument("--write", action="store_true", help="write the data file")
    options = parser.parse_args()
    found = list(cases(labelled(options.real, options.more)))
    fitted = fit(found)
    print(f"{len(found)} choices, {count_right(found, fitted)} right by the weights fitted on them")
    if options.write:
        what = "choose the speaker of an English quotation"
        write_weights(TARGET, what, "english_speakers", len(found), fitted)


def count_right(found: Iterable[Case], weights: Mapping[str, float]) -> int:
    """Return how many choices are right."""
    count = 0
    for each in found:
        sums = [_sum(weights, row) for row in each.rows]
        count += each.right[sums.index(max(sums))]
    return count


def write_weights(
    target: Path, what: str, script: str, count: int, fitted: Mapping[str, float]
) -> None:
    """Write a data file of weights."""
    head = (
        f"Weights of the features that {what}, fitted by bench/fit/{script}.py on {count} choices "
        "of labelled texts."
    )
    packed = {"fitted": [head], "weights": fitted}
    target.write_text(json.dumps(packed, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _sum(weights: Mapping[str, float], row: Mapping[str, float]) -> float:
    return sum(weights.get(name, 0.0) * value for name, value in row.items())


if __name__ == "__main__":
    main()
