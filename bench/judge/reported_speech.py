"""Judge reported speech on passages of news that this project labelled itself.

`gold/reported_speech.json` has, for each German or English page of html_fundus and html_aeb, the
language, how many characters of the text of the gold were read, the offsets of each statement with
its speaker, and the offsets of what may also be listed, such as demands and quoted words. The pages
were labelled before any output was seen.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.judge.quotation_gold import likest, same_speaker, same_text
from bench.judge.table import Judged, fold_of, gold_of
from storage.values.draft import Paragraph
from worker.text.annotate.indirect import indirect_quotes
from worker.text.annotate.quotes import quotes

READER = "lesart"
LABELS = Path(__file__).parent / "gold" / "reported_speech.json"
SETS = ("html_fundus", "html_aeb")
LOOKED_AT = frozenset({0, 1, 2, 3})
"""The folds of pages that rules and weights came from."""


class LabelledPage(NamedTuple):
    """A page with its statements, each with its speaker, and what may also be listed."""

    name: str
    language: str
    paragraphs: Sequence[Paragraph]
    statements: Sequence[tuple[str, str | None]]
    allowed: Sequence[str]


def judge(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    """Judge the labelled statements of the folds."""
    for page in labelled_pages(folder, folds):
        yield from _of_page(page, fold_of(page.name))


def labelled_pages(folder: Path, folds: frozenset[int]) -> Iterator[LabelledPage]:
    """Yield the labelled pages of the folds."""
    by_page = json.loads(LABELS.read_text("utf-8"))
    for row in (row for name in SETS for row in gold_of(folder, name)):
        page = row["file"].removesuffix(".html.gz")
        if page in by_page and fold_of(Path(page).name) in folds:
            labels = by_page[page]
            text = text_of(row)[: labels["end"]]
            paragraphs = [
                Paragraph("text", each) for each in re.split(r"\n+", text) if each.strip()
            ]
            statements = [
                (text[start:end], speaker) for start, end, speaker in labels["statements"]
            ]
            allowed = [text[start:end] for start, end in labels["allowed"]]
            yield LabelledPage(Path(page).name, labels["language"], paragraphs, statements, allowed)


def text_of(row: Mapping[str, Any]) -> str:
    """Return the text that the offsets of a page mean."""
    if "text" in row:
        return str(row["text"])
    sections = (each for section in row["body"]["sections"] for each in section["paragraphs"])
    return "\n".join([*row["body"]["summary"], *sections])


def _of_page(page: LabelledPage, fold: int) -> Iterator[Judged]:
    direct = quotes(page.paragraphs, page.language)
    read = indirect_quotes(page.paragraphs, page.language, direct=direct)
    for words, speaker in page.statements:
        at = likest([each.text for each in read], words)
        yield Judged(page.language, "reported speech: found", READER, fold, float(at is not None))
        if speaker:
            is_right = at is not None and same_speaker(read[at].speaker, speaker)
            yield Judged(page.language, "speaker: right", READER, fold, float(is_right))
    known = [*(words for words, _ in page.statements), *page.allowed]
    for quote in read:
        is_known = any(same_text(quote.text, each) for each in known)
        yield Judged(page.language, "listed, in the gold", READER, fold, float(is_known))
