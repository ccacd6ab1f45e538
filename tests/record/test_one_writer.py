"""Each kind of row of the record, and of what articles are, is made in one place."""

import re
from pathlib import Path

import pytest

from storage.database import tables

ROOT = Path(tables.__file__).parents[2]
PLACE_OF = {
    "OBSERVATION": "record/observations.py",
    "VERDICT": "record/observations.py",
    "REFUSAL": "record/observations.py",
    "WORDING": "record/derivations.py",
    "CAPTURE": "record/captures.py",
    "ORIGIN": "record/observations.py",
    "SOURCE": "record/sources.py",
    "ARTICLE": "history/article_rows.py",
    "VERSION": "history/article_rows.py",
    "SNAPSHOT": "history/article_rows.py",
}
MADE = re.compile(r"(?:\.add|insert)\(\s*([A-Z_]+)\b")


def made_in(path: Path) -> set[str]:
    return set(MADE.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("row", sorted(PLACE_OF))
def test_a_kind_of_row_is_made_in_one_place(row):
    assert hasattr(tables, row)
    places = [
        str(path.relative_to(ROOT)) for path in sorted(ROOT.rglob("*.py")) if row in made_in(path)
    ]
    assert places == [PLACE_OF[row]]
