"""A row file has exactly one form: parts beyond its definition are refused.

The rows and the forgeries are generated from the definition, table by table and column by column.
"""

import base64
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer

from storage.capabilities.bundles import check_bundle
from storage.capabilities.bundles.bundle_log import (
    CONTENTS,
    PLAIN,
    REDACTABLE,
    LoggedRow,
    Wrong,
    write_json,
)
from storage.database.columns import UtcTime
from storage.database.table_facts import EMPTIED
from storage.database.tables.metadata import METADATA
from storage.proof.leaf import SHAPES, OpenedRow, entry
from tests.capabilities.bundles.forging import (
    Json,
    logged_anew,
    rows,
    set_plain,
    withhold,
    written_anew,
)
from tests.flow.whole_record import KEY

BUNDLES = Path(__file__).with_name("archived")
SAMPLES = {"int": 7, "text": "ein Wort", "bool": True, "float": 0.5,
           "time": "2024-06-18T06:00:00.000000+00:00"}  # fmt: skip


def kind_of(column: Column[Any]) -> str:
    for kinds, name in (((UtcTime,), "time"), ((Boolean,), "bool"),
                        ((Integer, BigInteger), "int"), ((Float,), "float")):  # fmt: skip
        if isinstance(column.type, kinds):
            return f"{name}?" if column.nullable else name
    return "text?" if column.nullable else "text"


@pytest.mark.parametrize("table", CONTENTS)
def test_the_definition_is_that_of_the_record(table):
    shape = SHAPES[table]
    assert CONTENTS[table] == shape.salted
    columns = [each for each in METADATA.tables[table].columns
               if each.name not in {*shape.salted, *shape.covered}]  # fmt: skip
    assert PLAIN[table] == {each.name: kind_of(each) for each in columns}


def test_a_redaction_hides_the_emptied_columns_and_no_others():
    hidden = {
        name: set(columns) & set(SHAPES[table].salted)
        for name, (table, columns) in EMPTIED.items() if table in CONTENTS
    }  # fmt: skip
    assert {name: set(columns) for name, columns in REDACTABLE.items()} == hidden


def sample(table: str) -> Json:
    plain = {name: SAMPLES[kind.rstrip("?")] for name, kind in sorted(PLAIN[table].items())}
    held = {"salt": "00" * 16, "value": base64.b64encode(b'{"a":1}').decode()}
    return {
        "table": table, "seq": 7, "plain": json.dumps(plain), "blind": "11" * 16,
        "contents": {name: dict(held) for name in CONTENTS[table]},
    }  # fmt: skip


@pytest.mark.parametrize("table", CONTENTS)
def test_a_row_in_its_form_is_that_of_the_log(table):
    row = sample(table)
    contents = {name: (bytes(16), b'{"a":1}') for name in CONTENTS[table]}
    opened = OpenedRow(table, row["plain"].encode(), b"\x11" * 16, contents)
    assert LoggedRow(write_json(row)).entry == entry(SHAPES[table].kind, 7, opened.commitment)


Change = Callable[[bytes], bytes]
FILES: dict[str, Change] = {
    "an unknown key": lambda data: data[:-2] + b',\n "note": "x"\n}',
    "a doubled key": lambda data: data[:-2] + b',\n "seq": 7\n}',
    "a doubled key before it": lambda data: data.replace(b'{\n "table"', b'{\n "seq": 9,\n "table"'),
    "a doubled key below": lambda data: data.replace(b'"contents": {', b'"contents": {\n  "x": {},\n  "x": {},'),
    "another order": lambda data: write_json(dict(reversed(json.loads(data).items()))),
    "no key": lambda data: b"{}",
    "a list": lambda data: b"[" + data + b"]",
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "UTF-32": lambda data: data.decode().encode("utf-32-le"),
    "a blank before": lambda data: b" " + data,
    "a line after": lambda data: data + b"\n",
    "another object after": lambda data: data + data,
    "a zero byte after": lambda data: data + b"\0",
    "other line endings": lambda data: data.replace(b"\n", b"\r\n"),
    "escapes": lambda data: data.replace(b'"table"', rb'"\u0074able"'),
    "a number as text": lambda data: data.replace(b'"seq": 7', b'"seq": "7"'),
    "a number as bool": lambda data: data.replace(b'"seq": 7', b'"seq": true'),
    "a number with a point": lambda data: data.replace(b'"seq": 7', b'"seq": 7.0'),
    "a number with an exponent": lambda data: data.replace(b'"seq": 7', b'"seq": 7e0'),
    "NaN": lambda data: data.replace(b'"seq": 7', b'"seq": NaN'),
    "no number": lambda data: data.replace(b'"seq": 7', b'"seq": null'),
    "a list for plain columns": lambda data: data.replace(b'"plain": "', b'"plain": ["').replace(b'",\n "blind', b'"],\n "blind'),
    "a blind in capitals": lambda data: data.replace(b'"11', b'"AA', 1).replace(b"AA11", b"aA11"),
    "a blind with blanks": lambda data: data.replace(b"1111", b"11 11", 1),
    "a shorter blind": lambda data: data.replace(b"1111", b"11", 1),
}  # fmt: skip
"""What a file may have beyond its definition."""
VALUES: dict[str, tuple[Any, ...]] = {
    "int": ("7", True, 7.0, None, [7], 1 << 63, -(1 << 63), 10**400, float("nan"), "seven"),
    "text": (7, True, None, ["x"], {"x": 1}),
    "bool": (1, 0, "true", None, 1.0),
    "float": ("0.5", 1, True, None, float("nan"), float("inf")),
    "time": (
        7, None, "2024-06-18", "2024-06-18T06:00:00+00:00", "2024-06-18T06:00:00.000000",
        "2024-06-18T08:00:00.000000+02:00", "2024-06-18T06:00:00.000000Z", "x",
        "2024-06-18 06:00:00.000000+00:00", "2024-13-18T06:00:00.000000+00:00",
        "２024-06-18T06:00:00.000000+00:00", "2024-06-18T06:00:00.000000+00:00\n",
    ),
}  # fmt: skip
"""Values of another type or form than a column has."""
CONTENT: dict[str, Callable[[Json], Any]] = {
    "hash and value": lambda held: held | {"hash": "22" * 32},
    "hash and value without salt": lambda held: {"hash": "22" * 32, "value": held["value"]},
    "hash and salt": lambda held: {"hash": "22" * 32, "salt": held["salt"]},
    "salt alone": lambda held: {"salt": held["salt"]},
    "value alone": lambda held: {"value": held["value"]},
    "nothing": lambda held: {},
    "an unknown key": lambda held: held | {"note": "x"},
    "another order": lambda held: {"value": held["value"], "salt": held["salt"]},
    "a value that is no text": lambda held: held | {"value": 7},
    "a value that is a list": lambda held: held | {"value": [held["value"]]},
    "a value in plain words": lambda held: held | {"value": "ein Wort"},
    "a value in another base64": lambda held: held | {"value": "eyJhIjoxfR=="},
    "a value with a line ending": lambda held: held | {"value": held["value"] + "\n"},
    "a salt in capitals": lambda held: held | {"salt": "AA" * 16},
    "a longer salt": lambda held: held | {"salt": "00" * 17},
    "a hash in capitals": lambda held: {"hash": "AA" * 32},
    "a shorter hash": lambda held: {"hash": "22" * 31},
    "a hash that is no text": lambda held: {"hash": 7},
    "a list": lambda held: ["hash"],
    "null": lambda held: None,
}  # fmt: skip
"""What a salted column may have instead of a hash, or a salt and a value."""


def forged(table: str) -> Iterator[tuple[str, bytes]]:
    """Yield every forgery of a row of this table, with its name."""
    row, data = sample(table), write_json(sample(table))
    for name, change in FILES.items():
        yield name, change(data)
    plain = json.loads(row["plain"])
    for name, kind in PLAIN[table].items():
        for value in VALUES[kind.rstrip("?")]:
            yield f"{name} {value}", _with_plain(row, plain | {name: value})
        if not kind.endswith("?"):
            yield f"no {name}", _with_plain(row, {n: v for n, v in plain.items() if n != name})
        doubled = json.dumps({name: plain[name]})[1:-1]
        yield f"{name} twice", write_json(row | {"plain": f"{row['plain'][:-1]}, {doubled}}}"})
    yield "an unknown column", _with_plain(row, plain | {"note": "x"})
    yield "a list of columns", write_json(row | {"plain": "[]"})
    for name in CONTENTS[table]:
        for forgery, change in CONTENT.items():
            contents = row["contents"] | {name: change(row["contents"][name])}
            yield f"{name} {forgery}", write_json(row | {"contents": contents})
        less = {n: v for n, v in row["contents"].items() if n != name}
        yield f"no {name}", write_json(row | {"contents": less})
    more = row["contents"] | {"zzz": {"hash": "22" * 32}}
    yield "an unknown salted column", write_json(row | {"contents": more})


def _with_plain(row: Json, plain: Json) -> bytes:
    return write_json(row | {"plain": json.dumps(plain)})


@pytest.mark.parametrize("table", CONTENTS)
def test_unknown_parts_of_a_row_file_are_refused(table):
    held = []
    for name, data in forged(table):
        assert data != write_json(sample(table)), name
        try:
            LoggedRow(data)
        except (Wrong, ValueError, LookupError, TypeError, AttributeError):
            continue
        held.append(name)
    assert held == []


# ----------------------------------------------------------------------------- through the door


def unpacked(name: str, folder: Path) -> Path:
    with zipfile.ZipFile(BUNDLES / name) as found:
        found.extractall(folder)
    return folder


def answer(place: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = check_bundle.main([str(place), "--key", KEY.verifier.vkey, *options])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(each.name for each in BUNDLES.iterdir()))
def test_a_bundle_by_an_older_program_holds(name, capsys):
    code, told = answer(BUNDLES / name, capsys)
    assert code == 0, told
    assert ("the passage is unknown" in told.replace("contained ", "")) == (
        name in {"redacted.zip", "whole.zip", "clock.zip"}
    )
    assert ("Of the WACZ only lesart/bundle.zip was checked" in told) == (name == "web.wacz")


@pytest.mark.few_cases
@pytest.mark.parametrize("forgery", FILES)
def test_a_bundle_with_such_a_file_does_not_hold(forgery, tmp_path, capsys):
    folder = unpacked("clock.zip", tmp_path)
    path = rows(folder, "wording")[0]
    row = json.loads(path.read_bytes()) | {"seq": 7, "blind": "11" * 16}
    path.write_bytes(FILES[forgery](write_json(row)))
    written_anew(folder)
    code, told = answer(folder, capsys)
    assert (code, told.startswith("DOES NOT HOLD: ")) == (1, True), told
    assert "is not the row that was logged" not in told


def test_a_correction_of_the_clock_that_is_withheld_is_missed(tmp_path, capsys):
    folder = unpacked("clock.zip", tmp_path)
    (correction,) = rows(folder, "clock_correction")
    withhold(folder, correction)
    written_anew(folder)
    code, told = answer(folder, capsys)
    assert (code, "no correction of the clock between them is in the bundle" in told) == (1, True)


def test_a_correction_of_the_clock_that_does_not_fit_is_refused(tmp_path, capsys):
    folder = unpacked("clock.zip", tmp_path)
    set_plain(rows(folder, "clock_correction")[0], was="2024-06-18T09:30:00.000000+00:00")
    logged_anew(folder)
    code, told = answer(folder, capsys)
    assert (code, "does not fit the rows before it" in told) == (1, True), told


def test_a_text_that_was_redacted_neither_contains_a_passage_nor_lacks_it(tmp_path, capsys):
    folder = unpacked("whole.zip", tmp_path)
    written_anew(folder, passage="redacted")
    code, told = answer(folder, capsys)
    assert code == 0, told
    assert "Text 1 contains" not in told
    assert "Text 1 does not contain" not in told
    assert "Text 2 does not contain the passage." in told
    assert "enthält die Stelle" not in (folder / "report.html").read_text().partition("Text 2")[0]
