"""Judge reported speech on passages of news that this project labelled itself.

`gold/reported_speech.json` has, for each German or English page of html_fundus and html_aeb, the
language, how many characters of the text of the gold were read, the offsets of each statement with
its speaker, and the offsets of what may also be listed, such as demands and quoted words. The pages
were labelled before any output was seen.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.judge.quotation_gold import likest, same_speaker, same_text
from bench.judge.table import Judged, fold_of, gold_of
from storage.values.draft import Paragraph
from worker.text.annotate.indirect import indirect_quotes

READER = "lesart"
LABELS = Path(__file__).parent / "gold" / "reported_speech.json"
SETS = ("html_fundus", "html_aeb")


def judge(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    """Judge the labelled statements of the folds."""
    by_page = json.loads(LABELS.read_text("utf-8"))
    for row in (row for name in SETS for row in gold_of(folder, name)):
        page = row["file"].removesuffix(".html.gz")
        if page in by_page and fold_of(Path(page).name) in folds:
            yield from _of_page(text_of(row), by_page[page], fold_of(Path(page).name))


def text_of(row: Mapping[str, Any]) -> str:
    """Return the text that the offsets of a page mean."""
    if "text" in row:
        return str(row["text"])
    sections = (each for section in row["body"]["sections"] for each in section["paragraphs"])
    return "\n".join([*row["body"]["summary"], *sections])


def _of_page(full_text: str, labels: Mapping[str, Any], fold: int) -> Iterator[Judged]:
    text, language = full_text[: labels["end"]], labels["language"]
    paragraphs = [Paragraph("text", each) for each in re.split(r"\n+", text) if each.strip()]
    read = indirect_quotes(paragraphs, language)
    wanted = [text[start:end] for start, end, _ in labels["statements"]]
    for words, (_, _, speaker) in zip(wanted, labels["statements"], strict=True):
        at = likest([each.text for each in read], words)
        yield Judged(language, "reported speech: found", READER, fold, float(at is not None))
        if speaker:
            is_right = at is not None and same_speaker(read[at].speaker, speaker)
            yield Judged(language, "speaker: right", READER, fold, float(is_right))
    known = [*wanted, *(text[start:end] for start, end in labels["allowed"])]
    for quote in read:
        is_known = any(same_text(quote.text, each) for each in known)
        yield Judged(language, "listed, in the gold", READER, fold, float(is_known))
