"""Judge how right pages are read, field by field, beside trafilatura alone."""

import gzip
import json
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import trafilatura
from trafilatura.settings import Document

from bench.judgement.table import Judged, fold_of, gold_of
from storage.values.dates import span
from storage.values.draft import Draft, PartialDate
from worker.text.annotate.bylines import is_agency
from worker.text.annotate.date_lines import stamps_in
from worker.text.hints import Hints, TextSettings
from worker.text.page.fields import authors
from worker.text.page.fields.weigh import unpacked
from worker.text.page.read_page import NAME, VERSION, read_page

SETS = {
    "html_fundus": "news",
    "html_trafilatura_dach": "by hand",
    "html_wcxb": "all kinds",
    "html_aeb": "news, body",
}
UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
NAME_BREAK = re.compile(r"\s*(?:[,;/]\s*(?:and\s)?|\s(?:und|and|et|&)\s)\s*")
CREDENTIAL = re.compile(r"(?:[A-Z][A-Za-z]{0,5}[.®-]*)+|\d.*")
"""Letters behind a name that a gold names with it: MD, E-RYT 200, CEPF®."""
OUTLET = re.compile(
    r'og:site_name"[^>]{0,20}content="([^"]{2,60})"|"publisher"\s*:\s*\{[^{}]{0,300}?"name"\s*:\s*"([^"]{2,60})"'
)
"""How a page names its outlet."""
WEEKDAY = re.compile(
    r"\b(?:mon|tues?|wed|thu|fri|sat|sun|montag|dienstag|mittwoch|freitag)\b", re.IGNORECASE
)
GERMAN = frozenset({"de", "at", "ch", "MallorcaMagazin", "LuxemburgerWort", "Wochenblatt"})
SHINGLE = 4


@dataclass(slots=True)
class Reading:
    """What one reader made of one page; `kept` says that it made an article of it."""

    kept: bool = False
    title: str = ""
    authors: tuple[str, ...] = ()
    date: PartialDate | None = None
    text: str = ""
    seconds: float = 0.0


Values = Iterator[tuple[str, float] | tuple[str, float, float]]
"""Field, value, and weight where that is not 1."""


def rules() -> str:
    """Name the rules that are measured."""
    return f"{NAME} {VERSION}, trafilatura {trafilatura.__version__} for reference"


def judge(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    """Judge all pages of the folds by both readers."""
    for name in SETS:
        for row in rows_of(folder, name):
            if row["fold"] not in folds:
                continue
            with unused_weights(row["fold"]):
                readings = {reader: read(row["raw"], row) for reader, read in READERS.items()}
            for reader, reading in readings.items():
                yield from judge_page(name, row, reader, reading)


@contextmanager
def unused_weights(fold: int) -> Iterator[None]:
    """Weigh authors meanwhile by the weights that were fitted without a fold."""
    by_fold = json.loads((Path(__file__).parent / "weights" / "authors.json").read_text("utf-8"))
    weighed = unpacked(by_fold[str(fold)])
    with patch.object(authors, "model", lambda _name: weighed):
        yield


def rows_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the gold of a set with the bytes of each page as `raw`, and its fold."""
    for row in gold_of(folder, name):
        row["fold"] = fold_of(urlsplit(row["url"]).hostname or "")
        row["raw"] = gzip.decompress((folder / row["file"]).read_bytes())
        row["head"] = row["raw"].decode("utf-8", "replace")
        yield row


def judge_page(name: str, row: dict[str, Any], reader: str, reading: Reading) -> Iterator[Judged]:
    """Judge what was read of one page."""
    values: list[Any] = [("kept", float(reading.kept)), *JUDGES[name](reading, row)]
    values.append(("ms", reading.seconds * 1000))
    for field, value, *weight in values:
        yield Judged(SETS[name], field, reader, row["fold"], value, *weight)


def _judge_fundus(reading: Reading, row: dict[str, Any]) -> Values:
    gold_date = row["publishing_date"] and datetime.fromisoformat(row["publishing_date"])
    body = row["body"]
    parts = [*body["summary"]]
    for section in body["sections"]:
        parts += [*section["headline"], *section["paragraphs"]]
    value = f1(reading.text, "\n".join(parts))
    yield "body", value
    if GERMAN & {row["country"], row["publisher"]}:
        yield "body, German", value
    yield "headline", float(plain(reading.title) == plain(row["title"]))
    host = (urlsplit(row["url"]).hostname or "").removeprefix("www.")
    named = [row["publisher"], host, host.split(".")[-2], *OUTLET.findall(row["head"])]
    houses = [_letters("".join(each)) for each in named]
    persons = {plain(each) for each in row["authors"] if not _is_house(each, houses)}
    ours = {plain(each) for each in reading.authors if not is_agency(each)}
    yield "authors", float(ours == persons)
    if persons:
        yield "authors, given", float(ours == persons)
    yield from _judge_names(reading)
    if gold_date:
        same_day, same_minute = _same_time(reading.date, gold_date)
        yield "day", float(same_day)
        yield "minute", float(same_minute)


def _is_house(author: str, houses: list[str]) -> bool:
    """Tell whether the gold names an agency or the outlet, which wrote nothing."""
    key = _letters(author)
    return is_agency(author) or any(key.startswith(h) or h.startswith(key) for h in houses if h)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", plain(text).casefold())


def _judge_dach(reading: Reading, row: dict[str, Any]) -> Values:
    wanted = sum(_has(reading.text, text) for text in row["with"] or ())
    missing = len(row["with"] or ()) - wanted
    unwanted = sum(_has(reading.text, text) for text in row["without"] or ())
    total = 2 * wanted + missing + unwanted
    if total:
        yield "body (segments)", 2 * wanted / total, total
    yield "headline", float(plain(reading.title) == plain(row["title"]))
    if row["author"]:
        gold = {plain(name) for name in NAME_BREAK.split(row["author"]) if name.strip()}
        yield "authors, given", float(set(map(plain, reading.authors)) == gold)
    yield from _judge_names(reading)
    if row["date"]:
        day = _day_in_berlin(reading.date) if reading.date else ""
        yield "day, given", float(day == row["date"])


def _judge_wcxb(reading: Reading, row: dict[str, Any]) -> Values:
    yield "body", f1(reading.text, row["text"])
    yield "headline", float(_folded(reading.title) == _folded(row["title"]))
    if row["author"]:
        yield "one author right", float(one_right(reading.authors, row["author"]))
    else:
        yield "silence", float(not reading.authors)
    yield from _judge_names(reading)
    if row["published"]:
        day = reading.date.value[:10] if reading.date else ""
        yield "day, given", float(day == row["published"][:10])


def _judge_aeb(reading: Reading, row: dict[str, Any]) -> Values:
    yield "body", f1(reading.text, row["text"])


def _judge_names(reading: Reading) -> Values:
    """Judge whether any author is no name by its look, whatever the gold says."""
    yield "a date as author", float(any(map(_looks_dated, reading.authors)))


def one_right(authors: tuple[str, ...], gold: str) -> bool:
    """Tell whether one of the authors is one of the gold, which may add what somebody is.

    >>> one_right(("Ada Kern",), "Ada Kern, MD and Bo Lind"), one_right(("MD",), "Ada Kern, MD")
    (True, False)
    """
    named = [_folded(each) for each in NAME_BREAK.split(gold) if each.strip()]
    names = {each for each in named if not CREDENTIAL.fullmatch(each.upper()) or len(named) == 1}
    names.add(_folded(gold))
    return any(_folded(author) in names for author in authors)


def _ours(raw: bytes, row: dict[str, Any]) -> Reading:
    seen = datetime.fromisoformat(row.get("crawl_date") or "2026-01-01").replace(tzinfo=UTC)
    hints = Hints("html", row["file"], None, seen + timedelta(hours=9), row["url"])
    start = time.process_time()
    draft = read_page(raw, hints, TextSettings())
    seconds = time.process_time() - start
    return reading_of(draft, seconds) if isinstance(draft, Draft) else Reading(seconds=seconds)


def reading_of(draft: Draft, seconds: float) -> Reading:
    """Return a draft as what is judged."""
    authors, published = draft.fields.get("authors"), draft.fields.get("published")
    return Reading(
        True,
        draft.title or "",
        tuple(authors.value or ()) if authors else (),
        PartialDate(**published.value) if published and published.value else None,
        "\n".join(draft.text_paragraphs()),
        seconds,
    )


def _theirs(raw: bytes, row: dict[str, Any]) -> Reading:
    start = time.process_time()
    document = trafilatura.bare_extraction(
        raw, url=row["url"], fast=True, with_metadata=True, include_comments=False
    )
    seconds = time.process_time() - start
    if not isinstance(document, Document):
        return Reading(seconds=seconds)
    date = document.date and PartialDate(document.date, "day", None, "trafilatura")
    authors = tuple(each for each in (document.author or "").split("; ") if each)
    text = document.text or ""
    return Reading(True, document.title or "", authors, date or None, text, seconds)


def _day_in_berlin(date: PartialDate) -> str:
    """Return the day that the people who made the gold read on the page."""
    if date.zone and date.precision in ("minute", "second"):
        return span(date)[0].astimezone(ZoneInfo("Europe/Berlin")).date().isoformat()
    return date.value[:10]


def _same_time(date: PartialDate | None, gold: datetime) -> tuple[bool, bool]:
    """Tell whether day and minute are right, in the zone of the gold where both name one."""
    if date is None:
        return False, False
    if date.precision not in ("minute", "second"):
        return date.value == gold.date().isoformat(), False
    minute = gold.replace(second=0, microsecond=0)
    if date.zone and gold.tzinfo:
        ours = span(date)[0].astimezone(gold.tzinfo)
        return ours.date() == gold.date(), ours.replace(second=0) == minute
    return date.value[:10] == gold.date().isoformat(), date.value[:16] == gold.isoformat()[:16]


def plain(text: str) -> str:
    """Return a text without what nobody sees, its blanks squeezed."""
    return " ".join(UNSEEN.sub("", unicodedata.normalize("NFC", text)).split())


def _folded(text: str) -> str:
    """Return a text without case and the forms of quotation marks and dashes."""
    for marks, mark in (("‘’‚`´", "'"), ("“”„«»", '"'), ("–—‑", "-")):
        text = re.sub(f"[{marks}]", mark, text)
    return plain(text).casefold().strip(" .")


def _looks_dated(name: str) -> bool:
    return bool(any(c.isdecimal() for c in name) and next(stamps_in(name), None)) or bool(
        WEEKDAY.search(name)
    )


def _has(text: str, segment: str) -> bool:
    return plain(segment) in plain(text)


def f1(ours: str, gold: str) -> float:
    """Return the F1 of runs of four words."""
    found, wanted = _shingles(ours), _shingles(gold)
    shared = sum((found & wanted).values())
    if not shared:
        return float(not found and not wanted)
    precision, recall = shared / found.total(), shared / wanted.total()
    return 2 * precision * recall / (precision + recall)


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", plain(text).casefold())
    if len(words) < SHINGLE:
        return Counter([tuple(words)] if words else [])
    return Counter(zip(*(words[i:] for i in range(SHINGLE)), strict=False))


READERS: dict[str, Callable[[bytes, dict[str, Any]], Reading]] = {
    "lesart": _ours,
    "reference": _theirs,
}
JUDGES: dict[str, Callable[[Reading, dict[str, Any]], Values]] = {
    "html_fundus": _judge_fundus,
    "html_trafilatura_dach": _judge_dach,
    "html_wcxb": _judge_wcxb,
    "html_aeb": _judge_aeb,
}
