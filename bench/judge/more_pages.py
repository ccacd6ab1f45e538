"""Judge headlines and persons on pages of all sorts and on magazine pages."""

import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.judge.pages import (
    READERS,
    Reading,
    persons_of,
    plain,
    rows_of,
    rules,
    unused_weights,
)
from bench.judge.table import Judged
from worker.text.annotate.bylines import is_agency

__all__ = ["SETS", "judge", "named_persons", "rules"]

SETS = ("html_fundus", "html_trafilatura_dach", "html_trafilatura", "html_postlight")
GERMAN_COUNTRIES = ("de", "at", "ch")
GERMAN_PAGE = re.compile(r"<html[^>]{0,300}\blang=[\"']?de\b", re.IGNORECASE)
EAST_ASIAN = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
CREDIT = re.compile(r"\s+(?:illustrations?|photos?) by .*|[\[\]]", re.IGNORECASE)
"""Parts of a gold of authors that name no author."""


def judge(folder: Path, folds: frozenset[int]) -> Iterator[Judged]:
    """Judge all pages of the folds by both readers, two pages at a time."""
    pages = ((name, row) for name in SETS for row in rows_of(folder, name) if row["fold"] in folds)
    with ProcessPoolExecutor(2) as pool:
        for judged in pool.map(_judge_page, pages, chunksize=8):
            yield from judged


def _judge_page(page: tuple[str, dict[str, Any]]) -> list[Judged]:
    name, row = page
    with unused_weights(row["fold"]):
        readings = {reader: read(row["raw"], row) for reader, read in READERS.items()}
    return [
        Judged(part, field, reader, row["fold"], value)
        for reader, reading in readings.items()
        for field, value in judge_row(name, row, reading)
        for part in parts_of(name, row)
    ]


def parts_of(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    """Return the parts of the table in which a page counts; German pages may count in two."""
    if name == "html_fundus":
        is_german = row["country"] in GERMAN_COUNTRIES
        return ("news", "news, German") if is_german else ("news",)
    if name == "html_postlight":
        is_east_asian = EAST_ASIAN.search(row["title"] or "")
        return ("magazine, Japanese/Chinese",) if is_east_asian else ("magazine, Latin",)
    if name == "html_trafilatura_dach":
        return ("all sorts, German",)
    host = urlsplit(row["url"]).hostname or ""
    is_german = host.rpartition(".")[2] in GERMAN_COUNTRIES
    is_german = is_german or GERMAN_PAGE.search(row["head"]) is not None
    return ("all sorts", "all sorts, German") if is_german else ("all sorts",)


def judge_row(name: str, row: dict[str, Any], reading: Reading) -> Iterator[tuple[str, float]]:
    """Judge the headline and the persons; case does not count, because style sheets set it."""
    if row["title"]:
        yield "headline", float(_key(reading.title) == _key(row["title"]))
    persons = named_persons(name, row)
    if persons is not None:
        authors = {_key(author) for author in reading.authors if not is_agency(author)}
        yield "persons", float(authors == set(map(_key, persons)))


def named_persons(name: str, row: dict[str, Any]) -> list[str] | None:
    """Return the persons of the gold; None if it is silent, which may mean that nobody looked."""
    if name == "html_fundus":
        return persons_of(row)
    if name == "html_trafilatura_dach":
        return re.split(r"\s*[,;]\s*|\s+und\s+", row["author"]) if row["author"] else None
    if name == "html_trafilatura":
        named = [author for author in row["authors"] if not is_agency(author)]
        return named or None
    if row["authors"] is None:
        return None
    return [CREDIT.sub("", author) for author in row["authors"]]


def _key(text: str) -> str:
    """Return a text without case and without different forms of quotation marks and dashes."""
    return re.sub(r"[‘’‚`´“”„«»\"']", "'", re.sub("[–—‑]", "-", plain(text))).casefold()
