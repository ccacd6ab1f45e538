"""Each field records its place, and its value occurs on the page."""

import gzip
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.values.draft import Candidate, Draft, Field
from tests.page.conftest import SEEN_AT, html
from tests.page.test_page_metadata import json_ld_script
from worker.text.annotate.dates import MONTH_NUMBERS
from worker.text.annotate.measures import title_key
from worker.text.hints import Hints, SourceValue, TextSettings
from worker.text.page.fields.titles import plain_title
from worker.text.page.read_page import read_page

OF_THE_BODY = frozenset({"word_count", "language", "agency", "accessible_for_free"})
DIGITS = re.compile(r"\d+")


def key(value: object) -> str:
    return title_key(plain_title(json.dumps(value, ensure_ascii=False)))


def fields_without_source(draft: Draft) -> list[str]:
    """Return the fields without a place, or whose value occurs neither in a candidate nor the text."""
    text = key([p.text for p in draft.paragraphs])
    found = [name for name, field in draft.fields.items() if not field.found_in]
    return found + [
        f"{name}: {part!r}"
        for name, field in draft.fields.items()
        if name not in OF_THE_BODY and field.value is not None
        for part in (field.value if isinstance(field.value, list) else [field.value])
        if not has_source(name, part, [c.value for c in field.candidates], text)
    ]


def has_source(name: str, part: object, offered: list[object], text: str) -> bool:
    if name in ("published", "modified"):
        digits = {number.lstrip("0") for number in DIGITS.findall(part["value"])}
        named = " ".join(map(str, offered)).lower()
        months = {str(number) for name, number in MONTH_NUMBERS.items() if name in named}
        return digits <= {n.lstrip("0") for n in DIGITS.findall(named)} | months
    return key(part) in key(offered) or key(part) in text


HEAD = json_ld_script(
    headline="Niederlohe streitet um den Deich",
    author=[{"name": "Ada Kern"}, {"@type": "Organization", "name": "Küstenbote"}, {"name": "dpa"}],
    datePublished="2024-06-17T06:00:00+02:00",
    dateModified="2024-06-18",
    articleSection="Region",
    keywords=["Deich", "Lohe"],
    image={"url": "/deich.jpg", "caption": "Der Deich"},
) + (
    "<title>Niederlohe streitet um den Deich | Küstenbote</title>"
    '<meta property="og:site_name" content="Küstenbote"><meta name="date" content="2024-06-16">'
    '<meta name="description" content="Der Deich soll höher werden, und eine Linde steht im Weg.">'
    '<link rel="canonical" href="https://www.kuestenbote.example/region/2024/06/17/deich">'
)
BODY = (
    "<p class=byline>Von Bo Lind</p><time datetime=2024-06-17>gestern</time>"
    "<p class=intro>Der Deich soll höher werden, und eine Linde steht im Weg.</p>"
    "<figure><img src=/a.jpg><figcaption>Die Linde. Foto: Cy Dorn</figcaption></figure>"
)
SOURCE_VALUES = (SourceValue("title", "Streit um den Deich", "feed title"),)


def test_each_field_of_a_page_states_its_place_and_its_other_candidates():
    hints = Hints(
        "html", "deich.html", None, SEEN_AT, "https://www.kuestenbote.example/x", SOURCE_VALUES
    )
    draft = read_page(html(HEAD, BODY), hints, TextSettings())
    assert isinstance(draft, Draft)
    assert fields_without_source(draft) == []
    assert {
        "title", "authors", "published", "modified", "section", "tags", "publisher", "lead",
        "images", "url", "language", "word_count",
    } <= draft.fields.keys()  # fmt: skip
    places = {c.found_in for c in draft.fields["title"].candidates}
    assert {"JSON-LD headline", "title", "feed title"} <= places


@pytest.mark.parametrize(
    ("name", "value", "candidate"),
    [
        ("authors", ["Nie Mand"], ["Ada Kern"]),
        ("title", "Ganz anders", "Niederlohe streitet"),
        ("published", {"value": "2024-06-17"}, "Juni 2024"),
    ],
)
def test_a_value_that_no_one_gave_is_found_out(name, value, candidate):
    draft = read_page(html(), Hints("html", "x", None, SEEN_AT, None), TextSettings())
    assert isinstance(draft, Draft)
    forged = {name: Field(value, "h1", None, (Candidate(candidate, "h1"),))}
    assert fields_without_source(replace(draft, fields=forged)) == [
        f"{name}: {part!r}" for part in (value if isinstance(value, list) else [value])
    ]


@pytest.mark.real
@pytest.mark.parametrize(
    "name", ["html_fundus", pytest.param("html_trafilatura_dach", marks=pytest.mark.slow)]
)
def test_each_field_of_real_pages_says_where_it_was_found(name, real_data: Path):
    folder = real_data / "data"
    lines = (folder / name / "gold.jsonl").read_text("utf-8").splitlines()
    for row in map(json.loads, lines[::5]):
        raw = gzip.decompress((folder / row["file"]).read_bytes())
        hints = Hints("html", row["file"], None, datetime(2026, 11, 1, tzinfo=UTC), row["url"])
        draft = read_page(raw, hints, TextSettings())
        assert not isinstance(draft, Draft) or fields_without_source(draft) == [], row["file"]
