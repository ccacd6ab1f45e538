"""Judge English quotations and their speakers on passages that this project labelled itself.

`gold/english_quotations.json` has, for each page of html_wcxb, the offsets of opening quotation
marks in the text of the gold and the speakers as the text names them. It was labelled for this
project before any output was seen. At most the first eight quoted passages of a page are labelled.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from bench.judge.quotation_gold import likest, paragraphs_of, same_speaker
from bench.judge.table import Judged, fold_of, gold_of
from worker.text.annotate.quotes import quotes

READER = "lesart"
LABELS = Path(__file__).parent / "gold" / "english_quotations.json"
SET = "html_wcxb"
_CLOSING = re.compile(r'[”"\n]|\Z')


def labels() -> dict[str, list[tuple[int, str | None]]]:
    """Return the offsets and speakers of the labelled quotations of each page."""
    read: dict[str, list[tuple[int, str | None]]] = json.loads(LABELS.read_text("utf-8"))
    return read


def judge(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    """Judge the labelled quotations of the folds."""
    by_page = labels()
    for row in gold_of(folder, SET):
        page = Path(row["file"]).name.removesuffix(".html.gz")
        fold = fold_of(page)
        if page not in by_page or fold not in folds:
            continue
        read = quotes(paragraphs_of(row), "en")
        texts = [each.text for each in read]
        for offset, speaker in by_page[page]:
            at = likest(texts, quotation_at(row["text"], offset))
            yield Judged(SET, "quotations: found", READER, fold, float(at is not None))
            if speaker:
                is_right = at is not None and same_speaker(read[at].speaker, speaker)
                yield Judged(SET, "speaker: right", READER, fold, float(is_right))


def quotation_at(text: str, offset: int) -> str:
    """Return the text of the quotation that opens at an offset."""
    closing = _CLOSING.search(text, offset + 1)
    return text[offset + 1 : closing.start() if closing else None]
