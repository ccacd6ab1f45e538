"""Each kind of row of the record, and of what articles are, is made in one place."""

import re
from pathlib import Path

import pytest

from storage.database import tables

ROOT = Path(tables.__file__).parents[1]
PLACE_OF = {
    "ObservationRow": "record/observations.py",
    "VerdictRow": "record/observations.py",
    "RefusalRow": "record/observations.py",
    "WordingRow": "record/derivations.py",
    "CaptureRow": "record/captures.py",
    "OriginRow": "record/origins.py",
    "SourceRow": "record/sources.py",
    "ArticleRow": "history/article_rows.py",
    "VersionRow": "history/article_rows.py",
    "SightRow": "history/article_rows.py",
}
MADE = re.compile(r"\.add\(\s*(\w+Row)\b|insert\(\s*table_of\((\w+Row)\)")
INSERTED = re.compile(r"insert\(\s*([A-Z_]+)\)")


def made_in(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    rows = {row for pair in MADE.findall(text) for row in pair if row}
    return rows | {f"{name.title().replace('_', '')}Row" for name in INSERTED.findall(text)}


@pytest.mark.parametrize("row", sorted(PLACE_OF))
def test_a_kind_of_row_is_made_in_one_place(row):
    assert hasattr(tables, row)
    places = [
        str(path.relative_to(ROOT)) for path in sorted(ROOT.rglob("*.py")) if row in made_in(path)
    ]
    assert places == [PLACE_OF[row]]
