"""Real pages of many publishers are read without errors, and mostly correctly."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.values.draft import Draft
from worker.text.annotate.bylines import ADDRESS, DATE_STAMP
from worker.text.hints import Hints, TextSettings
from worker.text.page.read_page import read_page

FOLDER = (
    Path(os.environ.get("LESART_REAL_DATA", Path(__file__).resolve().parents[3] / "shared"))
    / "data"
)
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (FOLDER / "html_fundus").is_dir(), reason=f"no real pages in {FOLDER}"),
]


@pytest.mark.parametrize("name", ["html_fundus", "html_trafilatura_dach"])
def test_real_pages_become_articles_with_a_headline(name):
    lines = (FOLDER / name / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:: len(lines) // 12]]
    outcomes = []
    for row in rows:
        raw = gzip.decompress((FOLDER / row["file"]).read_bytes())
        hints = Hints("html", row["file"], None, datetime(2026, 9, 1, tzinfo=UTC), row["url"])
        outcomes.append(read_page(raw, hints, TextSettings()))
    drafts = [outcome for outcome in outcomes if isinstance(outcome, Draft)]
    assert len(drafts) >= len(rows) - 1
    assert all(draft.title and draft.text_paragraphs() for draft in drafts)


@pytest.mark.parametrize(
    "name",
    [
        "html_fundus",
        "html_trafilatura_dach",
        pytest.param("html_wcxb", marks=pytest.mark.slow),
        "html_aeb",
    ],
)
def test_no_person_of_a_real_page_is_a_date_a_label_or_a_number_and_every_page_is_kept(name):
    lines = (FOLDER / name / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines[::8]):
        raw = gzip.decompress((FOLDER / row["file"]).read_bytes())
        hints = Hints("html", row["file"], None, datetime(2026, 9, 1, tzinfo=UTC), row["url"])
        draft = read_page(raw, hints, TextSettings())
        assert isinstance(draft, Draft), row["file"]
        authors = draft.fields.get("authors")
        for author in (authors.value if authors else None) or ():
            assert not any(map(str.isdecimal, author)), (row["file"], author)
            assert not DATE_STAMP.search(author), (row["file"], author)
            assert not ADDRESS.search(author) or author.islower(), (row["file"], author)
