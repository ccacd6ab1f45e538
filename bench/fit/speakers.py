"""Fit the weights that choose the speakers of quotations; `--write` stores them.

    python -m bench.fit.speakers [--real FOLDER] [--more FILE …] [--write]

Each of four folds of the annotated articles (by the digest of the document) is evaluated with
weights fitted on the other three (`bench/judge/weights`). The weights of the product are fitted
on all four; their file header lists the results of the folds. Needs `pip install -e '.[fit]'`.
"""

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench.judge.quotation_gold import (
    BY_FOLD,
    Reader,
    articles,
    direct,
    likest,
    paragraphs_of,
    reader_by,
    same_speaker,
    same_text,
)
from bench.judge.table import FOLDS, fold_of
from storage.values.draft import Paragraph, Quote
from worker.text.annotate.quotes import Choices, quotes
from worker.text.annotate.speaker import choice as choices
from worker.text.annotate.speaker.candidates import Features, Speaker
from worker.text.annotate.speaker.choice import choose, combine_weights
from worker.text.annotate.speaker.speech import QuotedWords, speech_features

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "worker" / "text" / "annotate" / "weights" / "speakers.json"
SPEECH = TARGET.with_name("speech.json")
PENALTY, LEAST = 2.0, 0.1
SHORTEST, LIGHT = 20, 0.5
ROUNDS = 2
"""The first starts from no weights, so that a fit gives the same again; the second has its own."""


@dataclass(frozen=True)
class Case:
    """A quotation with those who may be speaking, and which of them are right."""

    group: str
    rows: tuple[Features, ...]
    right: tuple[bool, ...]
    weight: float = 1.0


def wanted_of(quote: Quote, gold: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the speaker that the gold names for a quotation."""
    at = likest([each["text"] for each in gold], quote.text)
    return None if at is None else gold[at]["speaker"]


def cases(every: Iterable[Mapping[str, Any]]) -> Iterator[Case]:
    """Yield the quotations that the gold knows; each is chosen rightly for the next one."""
    for article in every:
        paragraphs, gold = paragraphs_of(article), direct(article)
        wanted = [wanted_of(each, gold) for each in quotes(paragraphs, "de")]
        seen: list[Sequence[Speaker]] = []

        def choice(
            speakers: Sequence[Speaker],
            seen: list[Sequence[Speaker]] = seen,
            wanted: list[str | None] = wanted,
        ) -> Speaker | None:
            named = wanted[len(seen)]
            seen.append(speakers)
            right = [each for each in speakers if same_speaker(each.text, named)]
            return right[0] if right else choose(speakers)

        quotes(paragraphs, "de", Choices(german=choice))
        for named, speakers in zip(wanted, seen, strict=True):
            right = tuple(same_speaker(each.text, named) for each in speakers)
            if any(right):
                yield Case(str(article["id"]), tuple(each.features for each in speakers), right)


def labelled() -> list[dict[str, Any]]:
    """Return the passages that this project labelled itself, as articles."""
    lines = (Path("tests/annotate/quotations.jsonl")).read_text("utf-8").splitlines()
    articles = [json.loads(line) for line in lines]
    return [
        {
            "id": f"own {number}", "text": each["text"],
            "quotes": [{"type": "Direct", **quote} for quote in each["quotes"]],
        }
        for number, each in enumerate(articles)
        if each["language"] == "de"
    ]  # fmt: skip


def spoken_of(every: Iterable[Mapping[str, Any]]) -> Iterator[Case]:
    """Yield what the gold says is told indirectly, each put into marks as if it were quoted."""
    for article in every:
        paragraphs = paragraphs_of(article)
        for quote in article["quotes"]:
            if quote["type"] == "Direct" or not quote["speaker"] or len(quote["text"]) < SHORTEST:
                continue
            at = next((n for n, p in enumerate(paragraphs) if quote["text"] in p.text), None)
            if at is not None:
                marked = paragraphs[at].text.replace(quote["text"], f"„{quote['text']}“", 1)
                yield from _examples(article, [*paragraphs[:at], Paragraph("text", marked)], quote)


def _examples(
    article: Mapping[str, Any], paragraphs: list[Paragraph], quote: Mapping[str, Any]
) -> Iterator[Case]:
    seen: list[Sequence[Speaker]] = []

    def choice(speakers: Sequence[Speaker]) -> Speaker | None:
        seen.append(speakers)
        return choose(speakers)

    found = quotes(paragraphs, "de", Choices(german=choice))
    for each, speakers in zip(found, seen, strict=True):
        if each.text == quote["text"]:
            right = tuple(same_speaker(one.text, quote["speaker"]) for one in speakers)
            if any(right):
                yield Case(
                    str(article["id"]), tuple(one.features for one in speakers), right, LIGHT
                )


def speech_of(every: Iterable[Mapping[str, Any]]) -> Iterator[Case]:
    """Yield what stands in marks, with whether the gold calls it a direct quotation."""
    for article in every:
        seen: list[Features] = []

        def speech(quoted: QuotedWords, seen: list[Features] = seen) -> bool:
            seen.append(speech_features(quoted))
            return True

        found = quotes(paragraphs_of(article), "de", Choices(speech=speech))
        gold = direct(article)
        for each, features in zip(found, seen, strict=True):
            right = any(same_text(each.text, quote["text"]) for quote in gold)
            yield Case(str(article["id"]), (features, {}), (right, not right))


Array = NDArray[np.float64]
Table = tuple[Array, Array, float]


def fit(every: Sequence[Case], penalty: float = PENALTY) -> dict[str, float]:
    """Return the weights that matter."""
    names = sorted({name for each in every for row in each.rows for name in row})
    found = _fitted([_table(each, names) for each in every], len(names), penalty)
    every_weight = zip(names, found, strict=True)
    return {name: round(float(w), 2) for name, w in every_weight if abs(w) >= LEAST}


def further(files: Iterable[Path]) -> list[dict[str, Any]]:
    """Return labelled texts that are not part of the project, as articles."""
    lines = [line for file in files for line in file.read_text("utf-8").strip().split("\n")]
    return [
        {
            "id": f"further {number}", "text": "\n".join(text["paragraphs"]),
            "quotes": [
                {"type": "Direct", "text": each["text"], "speaker": each["speakers"][0]}
                for each in text["quotes"]
            ],
        }
        for number, text in enumerate(map(json.loads, lines))
    ]  # fmt: skip


def fit_both(
    learnt: Sequence[Mapping[str, Any]], more: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, float]]:
    """Return the weights of what is speech and of who speaks, learnt from articles.

    In `more` only the labelled quotations are known, so they say nothing about what is speech.
    """
    speech = fit(list(speech_of([*learnt, *labelled()])))
    speakers: dict[str, float] = {}
    for _ in range(ROUNDS):
        table = combine_weights(speakers)
        with patch.object(choices, "speaker_weights", lambda table=table: table):
            speakers = fit([*cases([*learnt, *labelled(), *more]), *spoken_of(learnt)])
    return {"speech": speech, "speakers": speakers}


def _table(each: Case, names: Sequence[str]) -> Table:
    rows = [[row.get(name, 0.0) for name in names] for row in each.rows]
    return np.array(rows, float), np.array(each.right, float), each.weight


def _fitted(tables: Sequence[Table], size: int, penalty: float) -> Array:
    """Return the weights under which those who are right are the likeliest choice."""
    rows = np.vstack([each[0] for each in tables])
    right = np.concatenate([each[1] for each in tables])
    weight = np.array([each[2] for each in tables])
    counts = [len(each[1]) for each in tables]
    starts = np.cumsum([0, *counts[:-1]])
    heavy = np.repeat(weight, counts)

    def loss(found: Array) -> tuple[float, Array]:
        sums = rows @ found
        odds = np.exp(sums - np.repeat(np.maximum.reduceat(sums, starts), counts))
        every, mine = np.add.reduceat(odds, starts), np.add.reduceat(odds * right, starts)
        value = penalty * float(found @ found) / 2 + float(weight @ np.log(every / mine))
        missed = odds / np.repeat(every, counts) - odds * right / np.repeat(mine, counts)
        return value, penalty * found + rows.T @ (heavy * missed)

    found: Array = minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B").x
    return found


def figures(
    every: Iterable[Mapping[str, Any]], reader: Reader
) -> tuple[int, int, int, int, int, int]:
    """Return how many quotations there are, are found, have a speaker, have the right one, have
    the right one with whom a pronoun means, and how many are given.
    """
    wanted = found = speakers = right = meant = given = 0
    for article in every:
        read = reader(paragraphs_of(article))
        given += len(read)
        for gold in direct(article):
            wanted += 1
            at = likest([each.text for each in read], gold["text"])
            mine = None if at is None else read[at]
            found += mine is not None
            speakers += bool(gold["speaker"])
            named = mine is not None and same_speaker(mine.speaker, gold["speaker"])
            right += named
            meant += named or (
                mine is not None and same_speaker(mine.speaker_resolved, gold["speaker"])
            )
    return wanted, found, speakers, right, meant, given


def main() -> None:
    """Fit, judge, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--real", type=Path, default=Path(default) / "data")
    parser.add_argument("--write", action="store_true", help="write the data files")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="further labelled texts")
    options = parser.parse_args()
    more = further(options.more)
    every = articles(options.real / "wikinews_de")
    by_fold, head = {}, []
    for fold in range(FOLDS):
        left = [each for each in every if fold_of(str(each["id"])) == fold]
        others = [each for each in every if fold_of(str(each["id"])) != fold]
        by_fold[fold] = fit_both(others, more)
        wanted, found, speakers, right, meant, given = figures(left, reader_by(**by_fold[fold]))
        head.append(
            f"fold {fold}, weights of the other three: {found} of {wanted} quotations found, "
            f"{right} of {speakers} speakers right, {meant} after resolution, {given} assigned"
        )
        print(head[-1], flush=True)
    if options.write:
        fitted = fit_both(every, more)
        _write(SPEECH, "classify quoted words as speech", (), fitted["speech"])
        _write(TARGET, "choose the speaker of a quotation", head, fitted["speakers"])
        BY_FOLD.write_text(json.dumps(by_fold, indent=1) + "\n", "utf-8")


def _write(target: Path, what: str, head: Iterable[str], fitted: Mapping[str, float]) -> None:
    first = f"Weights of the features that {what}, fitted by bench/fit/speakers.py."
    packed = {"fitted": [first, *head], "weights": fitted}
    target.write_text(json.dumps(packed, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
