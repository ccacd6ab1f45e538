"""Judge what is made of texts: copies, templates, follow-ups, quotations and their speakers.

All police releases go into an archive, in any order, and its relations are compared with the gold;
a pair is of the fold of its first document. Wikinews articles are read for their quotations.
"""

import gzip
import json
import random
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from bench.judge.quotation_gold import (
    Reader,
    articles,
    direct,
    likest,
    paragraphs_of,
    same_speaker,
    same_text,
    unused_readers,
)
from bench.judge.relations import archived
from bench.judge.table import Judged, fold_of, gold_of
from bench.releases.scenes import Scene, Text
from bench.releases.templates import Release
from storage.similarity.follow_up import METHOD as FOLLOWING
from storage.similarity.near_copy import METHOD as LIKENESS

READER = "lesart"
SITE = "releases.example"
NAMES = {
    "resent": "re-sent: found", "template": "templates: merged", "update": "follow-ups: found",
}  # fmt: skip


def rules() -> str:
    """Name the rules that are measured."""
    return f"copies by {LIKENESS}, follow-ups by {FOLLOWING}"


def judge(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    """Judge the police releases and the Wikinews articles of the folds."""
    yield from _releases(folder, folds)
    yield from _quotations(folder, folds)


def _releases(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    with tempfile.TemporaryDirectory() as work:
        found = archived(_scene(folder / "police_de"), Path(work) / "police", 1)
    clusters = _clusters(found.kinds)
    wanted = set()
    for pair in gold_of(folder, "police_de"):
        a, b, kind = pair["a"], pair["b"], pair["kind"]
        if fold_of(a) not in folds:
            continue
        if kind == "update":
            wanted.add((a, b))
            value = (a, b) in found.follows
        else:
            value = clusters.get(a, a) == clusters.get(b, b)
        yield Judged("police_de", NAMES[kind], READER, fold_of(a), float(value))
    for claim in sorted(found.follows):
        if fold_of(claim[0]) in folds:
            is_known = float(claim in wanted)
            yield Judged("police_de", "claims in the gold", READER, fold_of(claim[0]), is_known)


def _scene(folder: Path) -> Scene:
    made = Scene()
    with gzip.open(folder / "releases.jsonl.gz", "rt", encoding="utf-8") as lines:
        for each in map(json.loads, lines):
            paragraphs = tuple(each["text"].split("\n\n"))
            release = Release("", each["title"], paragraphs, date.fromisoformat(each["date"]))
            made.texts.append(Text(each["id"], release, SITE, each["id"], "police"))
    random.Random(2).shuffle(made.texts)
    return made


def _clusters(kinds: Mapping[frozenset[str], object]) -> dict[str, str]:
    """Return by document one that stands for all that copies join it to."""
    above: dict[str, str] = {}
    for one, other in map(sorted, kinds):
        first, second = _top(above, one), _top(above, other)
        if first != second:
            above[second] = first
    return {key: _top(above, key) for key in above}


def _top(above: Mapping[str, str], key: str) -> str:
    while key in above:
        key = above[key]
    return key


def _quotations(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    readers = unused_readers()
    for article in articles(folder / "wikinews_de"):
        fold = fold_of(str(article["id"]))
        if fold in folds:
            yield from _of_article(article, fold, readers[fold])


def _of_article(article: Mapping[str, object], fold: int, reader: Reader) -> Iterator[Judged]:
    read = reader(paragraphs_of(article))
    gold = direct(article)
    for quote in gold:
        at = likest([each.text for each in read], quote["text"])
        mine = None if at is None else read[at]
        yield Judged("wikinews_de", "quotations: found", READER, fold, float(mine is not None))
        if quote["speaker"]:
            is_right = mine is not None and same_speaker(mine.speaker, quote["speaker"])
            yield Judged("wikinews_de", "speaker: right", READER, fold, float(is_right))
    known = [quote["text"] for quote in gold]
    for each in read:
        value = float(_is_among(each.text, known))
        yield Judged("wikinews_de", "given, in the gold", READER, fold, value)


def _is_among(text: str, known: Iterable[str]) -> bool:
    return any(same_text(text, each) for each in known)
