import json

import pytest

from storage.cli.output import AnswerTarget, write_rows
from storage.database.views import COLUMNS
from storage.export.texts import FLAT_COLUMNS, Selection, flat_rows, json_lines
from storage.read.archive import CursorError, Filters

pytestmark = pytest.mark.each_case

PEGEL, FERRY, KOPIE = "seed:seeds/pegel", "seed:seeds/ferry", "seed:seeds/kopie"


def told(archive, **asked):
    return [(line["origin"], line["version"]) for line in json_lines(archive, Selection(**asked))]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [(PEGEL, 3), (FERRY, 1), (KOPIE, 1)]),
        (
            {"every_version": True},
            [(PEGEL, 1), (PEGEL, 2), (PEGEL, 3), (FERRY, 1), (KOPIE, 1)],
        ),
        ({"filters": Filters(language="en")}, [(FERRY, 1)]),
        ({"query": "36"}, [(KOPIE, 1)]),
        ({"query": "36", "every_version": True}, [(KOPIE, 1), (PEGEL, 2)]),
        ({"query": "36", "every_version": True, "limit": 1}, [(KOPIE, 1)]),
        ({"query": "nirgends"}, []),
        ({"limit": 2}, [(PEGEL, 3), (FERRY, 1)]),
    ],
    ids=str,
)
def test_an_export_contains_the_selected_articles(archive, asked, expected):
    assert told(archive, **asked) == expected


def test_a_line_carries_the_fields_of_show_and_a_cursor(archive):
    line = next(json_lines(archive, Selection()))
    cursor = line.pop("cursor")
    assert line == archive.version(PEGEL).to_dict()
    assert told(archive, after=cursor) == [(FERRY, 1), (KOPIE, 1)]


@pytest.mark.parametrize("query", [None, "Zentimeter"])
def test_an_export_goes_on_after_any_line(archive, query):
    whole = list(json_lines(archive, Selection(query=query, every_version=True)))
    for at, line in enumerate(whole):
        rest = Selection(query=query, every_version=True, after=line["cursor"])
        assert list(json_lines(archive, rest)) == whole[at + 1 :]


def test_a_cursor_of_another_list_is_refused(archive):
    cursor = next(archive.articles()).cursor
    with pytest.raises(CursorError):
        told(archive, after=cursor)


def test_flat_rows_have_the_columns_of_the_view(archive):
    rows = list(flat_rows(archive, Selection(every_version=True)))
    assert len(rows) == 5
    assert (
        tuple(rows[0])
        == FLAT_COLUMNS
        == (*COLUMNS["versions"], "origin", "origins", "source", "cursor")
    )
    found = archive.sql("SELECT * FROM versions ORDER BY article, version")
    viewed = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    for row, view in zip(
        sorted(rows, key=lambda r: (r["article"], r["version"])), viewed, strict=True
    ):
        assert row["text"] == view["text"]
        assert row["authors"] == json.loads(view["authors"])
        assert row["published_precision"] == view["published_precision"]


def test_an_export_is_written_as_csv_and_as_json_lines(archive, tmp_path):
    flat, lines = tmp_path / "a.csv", tmp_path / "a.jsonl"
    write_rows(flat_rows(archive, Selection()), AnswerTarget("csv", flat), FLAT_COLUMNS)
    write_rows(json_lines(archive, Selection()), AnswerTarget("jsonl", lines))
    assert flat.read_text("utf-8").splitlines()[0].split(",") == list(FLAT_COLUMNS)
    assert [json.loads(line)["origin"] for line in lines.read_text("utf-8").splitlines()] == [
        PEGEL, FERRY, KOPIE,
    ]  # fmt: skip
