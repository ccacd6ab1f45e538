"""Measure how right pages are read, beside trafilatura alone, and print the table.

    python -m bench.pages_quality [--data FOLDER] [--half dev|test] [--german] [--misses FIELD]

Rules are developed on one half of the publishers (`dev`) and judged on the other (`test`). A
column "given" counts only the pages for which the gold names a value: in the hand-made set an
empty author or date often means that nobody looked.
"""

import argparse
import gzip
import json
import os
import re
import sys
import time
import unicodedata
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import trafilatura
from lxml.html import fromstring
from trafilatura.settings import Document

from storage.values.dates import span
from storage.values.draft import Draft, PartialDate
from worker.text.hints import Hints, TextSettings
from worker.text.page.read_page import read_page

REPOSITORY = Path(__file__).resolve().parent.parent
UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
NAME_BREAK = re.compile(r"\s*(?:,|;|/|\s(?:und|and|et)\s)\s*")
GERMAN = frozenset({"de", "at", "ch", "MallorcaMagazin", "LuxemburgerWort", "Wochenblatt"})
SHINGLE = 4
SETS = ("html_fundus", "html_trafilatura_dach")


@dataclass(slots=True)
class Reading:
    """What one reader made of one page."""

    title: str = ""
    authors: frozenset[str] = frozenset()
    date: PartialDate | None = None
    text: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Score:
    """Means under way."""

    sums: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, value: float) -> None:
        self.sums[name] += value
        self.counts[name] += 1

    def mean(self, name: str) -> str:
        if not self.counts[name]:
            return "–"
        if name == "ms":
            return f"{self.sums[name] / self.counts[name]:.1f}"
        return f"{self.sums[name] / self.counts[name]:.3f}"


def main() -> None:
    options = _options()
    folder = data_folder(options.data)
    for name in SETS:
        scores = {reader: Score() for reader in READERS}
        rows = [row for row in rows_of(folder, name) if _wanted(row, options)]
        for row in rows:
            for reader, misses in judge_page(row, scores).items():
                if reader == "lesart" and options.misses in misses:
                    print(f"  {row['file']}: {misses[options.misses]}")
        _print(name, len(rows), scores)


def data_folder(given: Path) -> Path:
    """Return the folder with the sets of pages, or end with a sentence."""
    folder = given / "data"
    if not (folder / SETS[0]).is_dir():
        sys.exit(f"no pages in {folder}: name the folder with --data or LESART_REAL_DATA")
    return folder


def rows_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the gold of a set with the bytes of each page as `raw`, and its half."""
    with (folder / name / "gold.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            publisher = row.get("publisher") or (urlsplit(row["url"]).hostname or "")
            row["half"] = "dev" if zlib.crc32(publisher.encode()) % 2 else "test"
            row["raw"] = gzip.decompress((folder / row["file"]).read_bytes())
            yield row


def judge_page(row: dict[str, Any], scores: dict[str, Score]) -> dict[str, dict[str, str]]:
    """Read a page with each of the readers in `scores` and judge it; return the misses."""
    judge = _judge_fundus if "body" in row else _judge_dach
    return {
        reader: judge(READERS[reader](row["raw"], row), row, score)
        for reader, score in scores.items()
    }


def body_of(score: Score) -> float:
    """Return the measure of the body: F1 of shingles, or F of the segments of the gold."""
    if "wanted" in score.sums:
        return _segments_f(score)
    return score.sums["body"] / max(1, score.counts["body"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("LESART_REAL_DATA", REPOSITORY.parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--half", choices=("dev", "test"))
    parser.add_argument("--german", action="store_true")
    parser.add_argument("--misses", default="")
    return parser.parse_args()


def _wanted(row: dict[str, Any], options: argparse.Namespace) -> bool:
    if options.german and "country" in row and not GERMAN & {row["country"], row["publisher"]}:
        return False
    return options.half is None or row["half"] == options.half


def _ours(raw: bytes, row: dict[str, Any]) -> Reading:
    seen = datetime.fromisoformat(row.get("crawl_date") or "2026-01-01").replace(tzinfo=UTC)
    hints = Hints("html", row["file"], None, seen + timedelta(hours=9), row["url"])
    start = time.process_time()
    draft = read_page(raw, hints, TextSettings())
    seconds = time.process_time() - start
    if not isinstance(draft, Draft):
        return Reading(seconds=seconds)
    authors, published = draft.fields.get("authors"), draft.fields.get("published")
    return Reading(
        draft.title or "",
        frozenset(authors.value or () if authors else ()),
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
    authors = frozenset((document.author or "").split("; ")) - {""}
    return Reading(document.title or "", authors, date or None, document.text or "", seconds)


def _judge_fundus(reading: Reading, row: dict[str, Any], score: Score) -> dict[str, str]:
    misses: dict[str, str] = {}
    gold_date = row["publishing_date"] and datetime.fromisoformat(row["publishing_date"])
    same_day, same_minute = _same_time(reading.date, gold_date)
    body = row["body"]
    parts = [*body["summary"]]
    for section in body["sections"]:
        parts += [*section["headline"], *section["paragraphs"]]
    f1 = _f1(reading.text, "\n".join(parts))
    checks = {
        "title": _plain(reading.title) == _plain(row["title"]),
        "authors": set(map(_plain, reading.authors)) == set(map(_plain, row["authors"])),
        "day": same_day,
        "minute": same_minute,
        "body": f1,
    }
    for name, value in checks.items():
        score.add(name, float(value))
        if value < 0.95:
            misses[name] = _miss(name, reading, row, f1)
    score.add("ms", reading.seconds * 1000)
    return misses


def _judge_dach(reading: Reading, row: dict[str, Any], score: Score) -> dict[str, str]:
    misses: dict[str, str] = {}
    gold_authors = {_plain(name) for name in NAME_BREAK.split(row["author"] or "") if name.strip()}
    day = _day_in_berlin(reading.date) if reading.date else ""
    checks = {
        "title": _plain(reading.title) == _plain(row["title"]),
        "authors": set(map(_plain, reading.authors)) == gold_authors,
        "day": day == row["date"],
    }
    wanted = sum(_has(reading.text, text) for text in row["with"] or ())
    unwanted = sum(_has(reading.text, text) for text in row["without"] or ())
    score.sums["wanted"] += wanted
    score.sums["missing"] += len(row["with"] or ()) - wanted
    score.sums["unwanted"] += unwanted
    for name, named in (("authors", row["author"]), ("day", row["date"])):
        if named:
            score.add(f"{name} given", float(checks[name]))
    for name, value in checks.items():
        score.add(name, float(value))
        if not value:
            misses[name] = _miss(name, reading, row, 0)
    if wanted < len(row["with"] or ()) or unwanted:
        misses["body"] = f"wanted {wanted}/{len(row['with'] or ())} unwanted {unwanted}"
    score.add("ms", reading.seconds * 1000)
    return misses


def _day_in_berlin(date: PartialDate) -> str:
    """Return the day that the people who made the gold read on the page."""
    if date.zone and date.precision in ("minute", "second"):
        return span(date)[0].astimezone(ZoneInfo("Europe/Berlin")).date().isoformat()
    return date.value[:10]


def _miss(name: str, reading: Reading, row: dict[str, Any], f1: float) -> str:
    gold = {
        "title": row["title"],
        "authors": row.get("authors", row.get("author")),
        "day": row.get("publishing_date", row.get("date")),
        "minute": row.get("publishing_date"),
        "body": "",
    }[name]
    got = {
        "title": reading.title,
        "authors": sorted(reading.authors),
        "day": reading.date,
        "minute": reading.date,
        "body": f1,
    }[name]
    return f"got {got!r}, gold {gold!r}"


def _same_time(date: PartialDate | None, gold: datetime | None) -> tuple[bool, bool]:
    """Tell whether day and minute are right, in the zone of the gold where both name one."""
    if date is None or gold is None:
        return date is None and gold is None, date is None and gold is None
    if date.precision not in ("minute", "second"):
        return date.value == gold.date().isoformat(), False
    if date.zone and gold.tzinfo:
        ours = span(date)[0].astimezone(gold.tzinfo)
        return ours.date() == gold.date(), ours.replace(second=0) == gold.replace(
            second=0, microsecond=0
        )
    return date.value[:10] == gold.date().isoformat(), date.value[:16] == gold.isoformat()[:16]


def _plain(text: str) -> str:
    return " ".join(UNSEEN.sub("", unicodedata.normalize("NFC", text)).split())


def _has(text: str, segment: str) -> bool:
    return _plain(segment) in _plain(text)


def _f1(ours: str, gold: str) -> float:
    found, wanted = _shingles(ours), _shingles(gold)
    shared = sum((found & wanted).values())
    if not shared:
        return float(not found and not wanted)
    precision, recall = shared / found.total(), shared / wanted.total()
    return 2 * precision * recall / (precision + recall)


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", _plain(text).casefold())
    if len(words) < SHINGLE:
        return Counter([tuple(words)] if words else [])
    return Counter(zip(*(words[i:] for i in range(SHINGLE)), strict=False))


def _print(name: str, pages: int, scores: dict[str, Score]) -> None:
    columns = ("title", "authors", "authors given", "day", "day given", "minute", "body", "ms")
    print(f"{name}, {pages} pages")
    print(f"{'':14}" + "".join(f"{column:>{_width(column)}}" for column in columns))
    for reader, score in scores.items():
        cells = {column: score.mean(column) for column in columns}
        cells["body"] = f"{body_of(score):.3f}"
        print(f"{reader:14}" + "".join(f"{cells[c]:>{_width(c)}}" for c in columns))


def _width(column: str) -> int:
    return max(9, len(column) + 2)


def _segments_f(score: Score) -> float:
    wanted = score.sums["wanted"]
    return 2 * wanted / (2 * wanted + score.sums["missing"] + score.sums["unwanted"])


READERS: dict[str, Callable[[bytes, dict[str, Any]], Reading]] = {
    "lesart": _ours,
    "trafilatura": _theirs,
}


if __name__ == "__main__":
    fromstring("<p>warm</p>")
    main()
