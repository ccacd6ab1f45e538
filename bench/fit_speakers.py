"""Fit the weights by which one is chosen who speaks, and print how they do on other folds.

    python -m bench.fit_speakers --real ../shared/data

Learns from folds 0 and 1 of the annotated articles (four folds by the digest of the document);
folds 2 and 3 stay unused. Needs `pip install -e '.[fit]'`.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench.fit_follow_ups import FOLDS, LEARNT, fold_of
from bench.judgement.quotation_gold import (
    articles,
    direct,
    likest,
    paragraphs_of,
    same_speaker,
    same_text,
)
from storage.values.draft import Paragraph, Quote
from worker.text.annotate.quotes import quotes
from worker.text.annotate.speaker.candidates import Features, Speaker
from worker.text.annotate.speaker.choice import choose, speaker_weights
from worker.text.annotate.speaker.speech import QuotedWords, described
from worker.text.annotate.speaker.speech import weights as speech_weights

TARGET = Path("worker/text/annotate/speaker/weights.toml")
SPEECH = TARGET.with_name("speech.toml")
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

        quotes(paragraphs, "de", choice)
        for named, speakers in zip(wanted, seen, strict=True):
            right = tuple(same_speaker(each.text, named) for each in speakers)
            if any(right):
                yield Case(str(article["id"]), tuple(each.features for each in speakers), right)


def labelled() -> list[dict[str, Any]]:
    """Return the passages that this project labelled itself, as articles."""
    lines = (Path("tests/text/quotations.jsonl")).read_text("utf-8").splitlines()
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

    found = quotes(paragraphs, "de", choice)
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
            seen.append(described(quoted))
            return True

        found = quotes(paragraphs_of(article), "de", speech=speech)
        gold = direct(article)
        for each, features in zip(found, seen, strict=True):
            right = any(same_text(each.text, quote["text"]) for quote in gold)
            yield Case(str(article["id"]), (features, {}), (right, not right))


Array = NDArray[np.float64]
Table = tuple[Array, Array, float]


def fit(every: Sequence[Case]) -> tuple[dict[str, float], float]:
    """Return the weights, and the share of cases right where their article was left out."""
    names = sorted({name for each in every for row in each.rows for name in row})
    tables = [_table(each, names) for each in every]
    right = 0
    for fold in range(FOLDS):
        left = {at for at, each in enumerate(every) if fold_of(f"{each.group} left") == fold}
        found = _fitted([each for at, each in enumerate(tables) if at not in left], len(names))
        for at in left:
            rows, is_right, weight = tables[at]
            right += weight == 1.0 and bool(is_right[int((rows @ found).argmax())])
    found = _fitted(tables, len(names))
    kept = {n: float(w) for n, w in zip(names, found, strict=True) if abs(w) >= LEAST}
    return kept, right / sum(each.weight == 1.0 for each in every)


def _table(each: Case, names: Sequence[str]) -> Table:
    rows = [[row.get(name, 0.0) for name in names] for row in each.rows]
    return np.array(rows, float), np.array(each.right, float), each.weight


def _fitted(tables: Sequence[Table], size: int) -> Array:
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
        value = PENALTY * float(found @ found) / 2 + float(weight @ np.log(every / mine))
        missed = odds / np.repeat(every, counts) - odds * right / np.repeat(mine, counts)
        return value, PENALTY * found + rows.T @ (heavy * missed)

    found: Array = minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B").x
    return found


def figures(every: Iterable[Mapping[str, Any]]) -> tuple[int, int, int, int, int, int]:
    """Return how many quotations there are, are found, have a speaker, have the right one, have
    the right one with whom a pronoun means, and how many are given.
    """
    wanted = found = speakers = right = meant = given = 0
    for article in every:
        read = quotes(paragraphs_of(article), "de")
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
    """Fit, write the weights, and print the figures of what was not used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, default=Path("../shared/data"))
    every = articles(parser.parse_args().real / "wikinews_de")
    learnt = [each for each in every if fold_of(str(each["id"])) in LEARNT]
    unused = [each for each in every if fold_of(str(each["id"])) not in LEARNT]
    spoken = list(speech_of([*learnt, *labelled()]))
    fitted_speech, right_speech = fit(spoken)
    head_speech = [f"{right_speech:.3f} of {len(spoken)} right where their article was left out"]
    _write(SPEECH, "words in marks are told to be speech", head_speech, fitted_speech)
    speech_weights.cache_clear()
    fitted: Mapping[str, float] = {}
    head: list[str] = []
    for _ in range(ROUNDS):
        _write(TARGET, "one is chosen who speaks", head, fitted)
        speaker_weights.cache_clear()
        examples = [*cases([*learnt, *labelled()]), *spoken_of(learnt)]
        fitted, right = fit(examples)
        head = [f"{right:.3f} of {len(examples)} right where their article was left out"]
    _write(TARGET, "one is chosen who speaks", head, fitted)
    speaker_weights.cache_clear()
    for name, mine in (("not used", unused), ("learnt from", learnt)):
        wanted, found, speakers, right_ones, meant, given = figures(mine)
        head.append(
            f"folds {name}: {found} of {wanted} quotations found, {right_ones} of {speakers} "
            f"speakers right, {meant} with whom they mean, {given} given"
        )
    _write(TARGET, "one is chosen who speaks", head, fitted)
    print(TARGET.read_text("utf-8"))


def _write(target: Path, what: str, head: Iterable[str], fitted: Mapping[str, float]) -> None:
    lines = [
        f"# Weights of the features by which {what}, fitted by",
        "# bench/fit_speakers.py.",
        *(f"# {line}" for line in head),
        "",
        "[weights]",
        *(f'"{name}" = {weight:.2f}' for name, weight in fitted.items()),
    ]
    target.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
