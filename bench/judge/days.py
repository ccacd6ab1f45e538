"""Judge the day of publication of pages of all sorts, and list examples for its weights."""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from bench.judge.pages import READERS, Reading, rows_of, unused_weights
from bench.judge.table import Judged
from worker.text.page import read_page
from worker.text.page.fields import choose
from worker.text.page.fields.dates import day_features
from worker.text.page.scoring import Features

SETS = {
    "html_trafilatura": "all sorts",
    "html_trafilatura_dach": "by hand, German",
    "html_dates": "news and others",
    "html_wcxb": "all kinds",
    "html_fundus": "news",
    "html_postlight": "magazine",
}
GERMAN_HOST = re.compile(r"\.(?:de|at|ch)\Z")
EAST_ASIAN_PAGE = re.compile(rb"[\x81-\xfe]{200}|<html[^>]{0,200}lang=[\"']?(?:ja|zh|ko)")
"""The bytes of a page in Japanese, Chinese or Korean."""
STATED = re.compile(
    rb"<script[^>]*ld\+json[^>]*>.*?</script>|<meta\b(?![^>]*charset)[^>]*>"
    rb"|\sitemprop=(?:\"[^\"]*\"|'[^']*'|[^\s>]+)",
    re.DOTALL | re.IGNORECASE,
)
"""Metadata, which readers do not see."""
MARKED = re.compile(rb"<time\b[^>]*>|</time>|\s(?:class|id)=(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE)
"""Time elements and classes, which may mark a date."""
UNSTATED_WEIGHT, UNMARKED_WEIGHT = 0.5, 0.25
_STATED_PLACES = ("by linked", "by meta", "by itemprop")
_ZONES = (timedelta(hours=-12), timedelta(), timedelta(hours=14))


@dataclass(frozen=True, slots=True)
class DayExample:
    """A day on a page with its features, and whether it is that of the gold."""

    fold: int
    features: Features
    right: bool
    weight: float


class _StopError(Exception):
    """The dates of a page are known; its text is not needed."""


def judge(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    """Judge all pages of the folds whose gold names a day, by both readers."""
    pages = (
        (name, row)
        for name in SETS
        for row in rows_of(folder, name)
        if row["fold"] in folds and gold_days(name, row)
    )
    with ProcessPoolExecutor(2) as pool:
        for judged in pool.map(_judge_page, pages, chunksize=8):
            yield from judged


def gold_days(name: str, row: Mapping[str, Any]) -> frozenset[str]:
    """Return the days that the gold accepts: a moment without its zone may be on two days."""
    stamp = row.get("published") or row.get("date") or row.get("publishing_date")
    if not stamp:
        return frozenset()
    if name != "html_postlight":
        return frozenset({stamp[:10]})
    moment = datetime.fromisoformat(stamp)
    return frozenset((moment + zone).date().isoformat() for zone in _ZONES)


def _judge_page(page: tuple[str, dict[str, Any]]) -> list[Judged]:
    name, row = page
    with unused_weights(row["fold"]):
        readings = {reader: read(row["raw"], row) for reader, read in READERS.items()}
    return [
        Judged(part, field, reader, row["fold"], value)
        for reader, reading in readings.items()
        for part in _parts_of(name, row)
        for field, value in _outcome(reading, gold_days(name, row))
    ]


def _parts_of(name: str, row: Mapping[str, Any]) -> Iterator[str]:
    if name == "html_postlight" and EAST_ASIAN_PAGE.search(row["raw"]):
        yield "Japanese, Chinese"
        return
    yield SETS[name]
    if name == "html_trafilatura" and GERMAN_HOST.search(urlsplit(row["url"]).hostname or ""):
        yield f"{SETS[name]}, German"


def _outcome(reading: Reading, gold: frozenset[str]) -> Iterator[tuple[str, float]]:
    day = reading.date.value[:10] if reading.date else None
    yield "day", float(day in gold)
    yield "wrong day", float(day is not None and day not in gold)


# ------------------------------------------------------------------ examples


def examples(folder: Path) -> Iterator[DayExample]:
    """Yield the days of each page: unmodified, without metadata, and without marks of dates.

    Pages whose gold is the day of the last update, though they state an earlier publication, are
    left out.
    """
    pages = ((name, row) for name in SETS for row in rows_of(folder, name))
    with ProcessPoolExecutor(2) as pool:
        for page_examples in pool.map(_page_examples, pages, chunksize=8):
            yield from page_examples


def _page_examples(page: tuple[str, dict[str, Any]]) -> list[DayExample]:
    name, row = page
    gold = gold_days(name, row)
    if not gold:
        return []
    unstated = STATED.sub(b"", row["raw"])
    variants = [
        (row["raw"], 1.0),
        (unstated, UNSTATED_WEIGHT),
        (MARKED.sub(b"", unstated), UNMARKED_WEIGHT),
    ]
    found: list[DayExample] = []
    for raw, weight in variants:
        choices = _date_choices(raw, row)
        if raw is row["raw"] and choices and _is_update(choices[0], gold):
            return []
        if raw is row["raw"] and choices and _is_stated(choices[0]):
            choices = choices[:1]
        for days in choices:
            for day, features in days.items():
                right = day in gold
                found.append(DayExample(row["fold"], features, right, weight / len(choices)))
    return found


def _is_update(days: Mapping[str, Features], gold: frozenset[str]) -> bool:
    return any(day in gold and "modified after another" in days[day] for day in days)


def _is_stated(days: Mapping[str, Features]) -> bool:
    return any(place in features for features in days.values() for place in _STATED_PLACES)


def _date_choices(raw: bytes, row: dict[str, Any]) -> list[Mapping[str, Features]]:
    """Return the features of the days, without and with those that trafilatura finds."""
    choices: list[Mapping[str, Features]] = []

    def record(*question: Any) -> None:
        choices.append(day_features(*question))

    def stop(*_: Any) -> None:
        raise _StopError

    with ExitStack() as patched:  # no choice, so trafilatura is always asked
        patched.enter_context(patch.object(choose, "choose_published", record))
        patched.enter_context(patch.object(read_page, "extract_body", stop))
        with suppress(_StopError):
            READERS["lesart"](raw, row)
    return choices
