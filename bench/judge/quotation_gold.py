"""The annotated quotations of Wikinews articles, who reads them, and when two are the same."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from storage.values.draft import Paragraph, Quote
from worker.text.annotate.quotes import Choices, quotes
from worker.text.annotate.speaker import choice
from worker.text.annotate.speaker.candidates import clear_weight_caches
from worker.text.annotate.speaker.speech import MIN_SUMS, QuotedWords, speech_features

BY_FOLD = Path(__file__).parent / "weights" / "speakers.json"
"""The weights of speech and speakers that were fitted without each of the folds."""

SAME, ALIKE = 0.7, 0.5
_ARTICLES = frozenset("der die das des dem den ein eine einer eines von und".split())


def articles(folder: Path) -> list[dict[str, Any]]:
    """Return the annotated articles."""
    lines = (folder / "articles.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def paragraphs_of(article: Mapping[str, Any]) -> list[Paragraph]:
    """Return the paragraphs of an article."""
    return [Paragraph("text", each) for each in re.split(r"\n+", article["text"]) if each.strip()]


Reader = Callable[[Sequence[Paragraph]], Sequence[Quote]]
"""Finds the quotations of a German text."""


def reader_by(speech: Mapping[str, float], speakers: Mapping[str, float]) -> Reader:
    """Return who reads quotations by other weights than those of the product."""

    def is_speech(quoted: QuotedWords) -> bool:
        told = speech_features(quoted).items()
        return sum(speech.get(name, 0.0) * each for name, each in told) >= MIN_SUMS[quoted.rule]

    def read(paragraphs: Sequence[Paragraph]) -> Sequence[Quote]:
        table = choice.combine_weights(speakers)
        with patch.object(choice, "speaker_weights", lambda: table):
            found = quotes(paragraphs, "de", Choices(speech=is_speech))
        clear_weight_caches()
        return found

    return read


def unused_readers() -> dict[int, Reader]:
    """Return for each fold a reader that was not fitted to it."""
    by_fold = json.loads(BY_FOLD.read_text("utf-8"))
    return {int(fold): reader_by(**fitted) for fold, fitted in by_fold.items()}


def same_text(one: str, other: str) -> bool:
    """Return whether two quotations are one."""
    a, b = _words(one), _words(other)
    return bool(a and b) and len(a & b) >= SAME * min(len(a), len(b))


def likest(texts: Sequence[str], wanted: str) -> int | None:
    """Return which of the quotations is the wanted one: words of a short one stand in others."""
    same = [at for at, each in enumerate(texts) if same_text(each, wanted)]
    b = _words(wanted)
    return max(same, key=lambda at: len((a := _words(texts[at])) & b) / len(a | b), default=None)


def same_speaker(found: str | None, wanted: str | None) -> bool:
    """Return whether a speaker is the one that is wanted: the words of one are in the other."""
    if not found or not wanted:
        return False
    a, b = (_words(each) - _ARTICLES or _words(each) for each in (found, wanted))
    return len(a & b) >= ALIKE * min(len(a), len(b)) and bool(a & b)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def direct(article: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the direct quotations of the gold."""
    return [each for each in article["quotes"] if each["type"] == "Direct"]
