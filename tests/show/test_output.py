"""Formats and places of an answer."""

import csv
import io
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.cli.output import (
    AnswerTarget,
    write_bytes,
    write_rows,
)

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

ROWS = [
    {"title": "Öl, „teuer“", "tags": ["a", "b"], "n": 1, "at": datetime(2024, 6, 18, tzinfo=UTC)},
    {"title": "=1+1", "tags": [], "n": None, "at": None},
]


def written(rows, tmp_path, columns=None, **named) -> str:
    path = tmp_path / "answer"
    write_rows(rows, AnswerTarget(path=path, **named), columns)
    return path.read_bytes().decode()


def test_jsonl_is_an_object_a_line(tmp_path):
    lines = written(ROWS, tmp_path, format="jsonl").splitlines()
    assert json.loads(lines[0])["title"] == "Öl, „teuer“"
    assert json.loads(lines[0])["at"] == "2024-06-18T00:00:00+00:00"
    assert len(lines) == 2


def test_json_is_one_array(tmp_path):
    assert [row["n"] for row in json.loads(written(ROWS, tmp_path, format="json"))] == [1, None]


def test_json_without_rows_is_an_empty_array(tmp_path):
    assert json.loads(written([], tmp_path, format="json")) == []


def test_csv_has_a_heading_and_lists_as_json(tmp_path):
    rows = list(csv.DictReader(io.StringIO(written(ROWS, tmp_path, format="csv"), newline="")))
    assert rows[0]["tags"] == '["a", "b"]'
    assert rows[0]["title"] == "Öl, „teuer“"
    assert rows[1] == {"title": "=1+1", "tags": "[]", "n": "", "at": ""}


def test_tsv_parts_by_tabs(tmp_path):
    assert written([{"a": 1, "b": True}], tmp_path, format="tsv") == "a\tb\n1\ttrue\n"


FORMULAS = {
    "equals": ("=cmd()", "'=cmd()"),
    "plus": ("+49 30 1", "'+49 30 1"),
    "at": ("@SUM(A1)", "'@SUM(A1)"),
    "minus": ("-x", "'-x"),
    "tab": ("\t=1", "'\t=1"),
    "a number is none": ("-5", "-5"),
    "plain text": ("Damm = gut", "Damm = gut"),
}


@pytest.mark.parametrize(("text", "guarded"), FORMULAS.values(), ids=FORMULAS.keys())
def test_only_the_spreadsheet_option_guards_formulas(text, guarded, tmp_path):
    safe = written([{"t": text}], tmp_path, format="csv", is_spreadsheet_safe=True)
    bare = written([{"t": text}], tmp_path, format="csv")
    assert next(csv.DictReader(io.StringIO(safe, newline="")))["t"] == guarded
    assert next(csv.DictReader(io.StringIO(bare, newline="")))["t"] == text


def test_data_formats_leave_escapes_and_bidi_as_they_are(tmp_path):
    title = "a\u202eb\x1b[31m"
    assert json.loads(written([{"t": title}], tmp_path, format="jsonl"))["t"] == title
    assert title in written([{"t": title}], tmp_path, format="csv")
    assert "<U+202E>" in written([{"t": title}], tmp_path, format="table")


def test_a_lone_surrogate_is_written_as_json_knows_it(tmp_path):
    assert json.loads(written([{"t": "a\ud83d"}], tmp_path, format="jsonl"))["t"] == "a\ud83d"


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.fixed_dictionaries({"a": text, "b": text})))
def test_csv_returns_the_written_rows(tmp_path_factory, rows):
    told = written(rows, tmp_path_factory.mktemp("csv"), ["a", "b"], format="csv")
    assert list(csv.DictReader(io.StringIO(told, newline=""))) == rows


@dataclass
class Record:
    """Has a nested and a flat form."""

    n: int

    def to_dict(self):
        return {"date": {"value": self.n}}

    def to_flat(self):
        return {"date": self.n, "date_precision": "year"}


def test_a_record_is_nested_in_json_and_flat_in_csv(tmp_path):
    assert written([Record(2024)], tmp_path, format="jsonl") == '{"date": {"value": 2024}}\n'
    assert written([Record(2024)], tmp_path, format="csv") == "date,date_precision\r\n2024,year\r\n"


def test_in_a_pipe_the_format_is_jsonl_and_on_a_terminal_a_table(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert AnswerTarget().chosen == "jsonl"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert AnswerTarget().chosen == "table"
    assert AnswerTarget().has_colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not AnswerTarget().has_colour


def test_rows_stream(tmp_path):
    seen = []

    def rows():
        for number in range(3):
            seen.append((tmp_path / "pipe-end").exists())
            yield {"n": number}
            (tmp_path / "pipe-end").touch()

    written(rows(), tmp_path, format="jsonl")
    assert seen == [False, True, True]


def test_a_failure_leaves_the_old_file_and_no_scraps(tmp_path):
    path = tmp_path / "answer.csv"
    path.write_text("old")

    def rows():
        yield {"a": 1}
        raise KeyError("lost")

    with pytest.raises(KeyError):
        write_rows(rows(), AnswerTarget(format="csv", path=path))
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["answer.csv"]


def test_a_new_file_is_for_its_owner_alone_and_an_old_one_keeps_its_permissions(tmp_path):
    path = tmp_path / "answer"
    write_bytes(b"a", path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    write_bytes(b"b", path)
    assert path.stat().st_mode & 0o777 == 0o640
