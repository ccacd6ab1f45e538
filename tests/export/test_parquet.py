"""A Parquet file has the typed values of the archive for foreign programs."""

import json

import pytest
from pyarrow import parquet

from storage.cli.archive_commands import app
from storage.cli.exits import run
from storage.export.parquet import write_parquet
from storage.export.texts import FLAT_COLUMNS, Selection, flat_rows


@pytest.fixture
def file(archive, tmp_path):
    path = tmp_path / "versions.parquet"
    with path.open("wb") as stream:
        assert write_parquet(archive, Selection(every_version=True), stream, "lesart 0") == 5
    return path


def test_duckdb_reads_the_rows_of_the_archive(archive, file):
    import duckdb

    found = duckdb.sql(f"SELECT * FROM '{file}' ORDER BY seq")
    assert found.columns == list(FLAT_COLUMNS)
    rows = {(row["article"], row["version"]): row for row in found.df().to_dict("records")}
    for told in flat_rows(archive, Selection(every_version=True)):
        row = rows.pop((told["article"], told["version"]))
        assert (row["title"], row["text"], row["wording"]) == (
            told["title"], told["text"], told["wording"],
        )  # fmt: skip
        assert json.loads(row["authors"]) == told["authors"]
    assert rows == {}


def test_pandas_reads_times_as_times(file):
    import pandas as pd

    table = pd.read_parquet(file)
    assert str(table["first_seen"].dtype) == "datetime64[us, UTC]"
    assert (table["first_seen"] <= table["last_seen"]).all()
    assert table["version"].dtype == "int64"


def test_the_file_names_its_own_type(file):
    sheet = json.loads(parquet.read_metadata(file).metadata[b"lesart"])
    assert (sheet["every_version"], sheet["made_by"]) == (True, "lesart 0")
    assert "coverage" in sheet["gaps"]


def test_the_command_takes_filters_and_the_ending_of_the_file(shared_url, tmp_path, capsys):
    import pandas as pd

    path = tmp_path / "englisch.parquet"
    words = ["export", "--language", "en", "-o", str(path), "--archive", shared_url]
    assert run(app, words) == 0
    assert "wrote 1 version" in capsys.readouterr().err
    assert pd.read_parquet(path)["language"].tolist() == ["en"]
