"""What bad inputs do one after the other, all at once, in a question, in the settings."""

import csv
import io
import json
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lesart import SearchQueryError, open_archive
from storage.cli.exits import run
from tests.bad_inputs.build import FILES
from worker.cli import commands as cli

pytestmark = pytest.mark.starts_first

ROOT = Path(__file__).parents[2]
ORIGIN = "https://www.kuestenbote.example/region/schaeferin"


def command(folder: Path, *arguments: str) -> list[str]:
    return [*arguments, "--archive", str(folder / "a.sqlite3")]


def lesart(folder: Path, *arguments: str, given: str = "") -> list[dict[str, Any]]:
    """Run one command, with `given` on standard input, and return the rows that it wrote."""
    told = folder / "told.json"
    stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(given.encode()), "utf-8")
    try:
        code = run(cli.app, [*command(folder, *arguments), "--output", str(told)])
    finally:
        sys.stdin = stdin
    assert code in {0, 1}
    return json.loads(told.read_text("utf-8"))


def seen(folder: Path, text: str, observed_at: str) -> dict[str, Any]:
    return lesart(
        folder, "ingest", "-", "--type", "seed", "--origin", ORIGIN, "--observed-at", observed_at,
        given=text,
    )[0]  # fmt: skip


def text_of(name: str) -> str:
    return (FILES / name).read_text("utf-8")


# --------------------------------------------------------------------------------- B49, B50


@pytest.mark.slow
def test_the_same_bytes_twice_are_unchanged(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(text_of("b49_a.txt"), "utf-8")
    first = lesart(tmp_path, "ingest", str(tmp_path / "in"), "--source", "bad")[0]
    second = lesart(tmp_path, "ingest", str(tmp_path / "in"), "--source", "bad")[0]
    assert (first["new_articles"], first["unchanged"]) == (1, 0)
    assert (second["new_articles"], second["new_versions"], second["unchanged"]) == (0, 0, 1)


@pytest.mark.slow
def test_one_digit_changed_in_a_file_is_a_new_version(tmp_path):
    (tmp_path / "in").mkdir()
    for name, count in (("b49_a.txt", "new_articles"), ("b49_one_character.txt", "new_versions")):
        (tmp_path / "in" / "a.txt").write_text(text_of(name), "utf-8")
        assert lesart(tmp_path, "ingest", str(tmp_path / "in"), "--source", "bad")[0][count] == 1
    with open_archive(tmp_path / "a.sqlite3") as archive:
        (step,) = archive.changes()
    assert (step.removed, step.added) == (("312",), ("313",))
    assert "number" in step.changes


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)], ids=["in order", "backwards", "the middle first"]
)
def test_a_wording_that_returns_is_a_third_version_in_any_order(tmp_path, order):
    texts = [text_of("b49_a.txt"), text_of("b49_one_character.txt"), text_of("b49_a.txt")]
    for hour in order:
        seen(tmp_path, texts[hour], f"2024-06-18T{hour + 8:02}:00:00Z")
    with open_archive(tmp_path / "a.sqlite3") as archive:
        versions = list(archive.history(ORIGIN))
    assert [each.version for each in versions] == [1, 2, 3]
    assert versions[0].wording == versions[2].wording != versions[1].wording
    assert "reversion" in versions[2].changes


def test_paragraphs_in_another_order_are_a_new_version(tmp_path):
    seen(tmp_path, text_of("b49_a.txt"), "2024-06-18T08:00:00Z")
    summary = seen(tmp_path, text_of("b49_reordered.txt"), "2024-06-18T09:00:00Z")
    assert summary["new_versions"] == 1


# -------------------------------------------------------------------------------------- B47

QUERIES = {
    "a statement": "'; DROP TABLE wording; --",
    "operators of tsquery": "schaf & !wolf | (hund <-> katze):*",
    "wildcards of LIKE": "%_%",
    "an unfinished NEAR": "NEAR(",
    "operators of FTS5": 'schaf AND OR NOT ^herde "',
    "columns of FTS5": "tokens : schaf",
    "a NUL": "schaf\0herde",
    "half a character pair": "schaf\ud83d",
    "a slow pattern": "(a+)+$" * 50,
    "a megabyte": "schaf " * 170_000,
    "nothing": "",
    "blanks": " \t\n",
    "only signs": "«»—…!?*",
    "an open quote": '"Schäferin zählt',
    "a prefix of everything": "*",
}


def test_no_query_raises_or_finds_missing_texts(tmp_path, empty_database_url):
    (tmp_path / "in").mkdir()
    for name in ("b49_a.txt", "b17_latin.txt"):
        (tmp_path / "in" / name).write_text(text_of(name), "utf-8")
    assert run(cli.app, ["ingest", str(tmp_path / "in"), "--archive", empty_database_url]) == 0
    with open_archive(empty_database_url) as archive:
        assert len(list(archive.search("Schäferin"))) == 1
        for name, query in QUERIES.items():
            with suppress(SearchQueryError):  # it names what the search cannot answer
                found = [hit.title for hit in archive.search(query)]
                assert set(found) <= {"Schäferin zählt ihre Herde"}, name
        assert len(list(archive.articles())) == 2


# --------------------------------------------------------------------------------- B19, B20


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Give an archive with a headline full of escapes and one that is a formula."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "in").mkdir()
    for name in ("b19_ansi_escapes.txt", "b20_formula_headline.txt", "b15_bidi_override.txt"):
        (folder / "in" / name).write_bytes((FILES / name).read_bytes())
    (folder / "in" / "zeile\nzwei.txt").write_bytes((FILES / "b17_latin.txt").read_bytes())
    lesart(folder, "ingest", str(folder / "in"), "--source", "bad")
    return folder


@pytest.mark.parametrize("words", [["list"], ["show", "seed:bad/b19_ansi_escapes.txt"]], ids=str)
def test_nothing_of_a_text_commands_the_terminal(odd, capsys, words):
    assert run(cli.app, [*words, "--archive", str(odd / "a.sqlite3"), "--format", "table"]) == 0
    told = capsys.readouterr().out
    assert "Hafenrat tagt" in told
    assert not [sign for sign in told if unicodedata.category(sign) == "Cc" and sign != "\n"]


def test_a_change_of_direction_is_made_visible(odd, capsys):
    words = ["show", "seed:bad/b15_bidi_override.txt", "--format", "table"]
    assert run(cli.app, [*words, "--archive", str(odd / "a.sqlite3")]) == 0
    assert "\u202e" not in capsys.readouterr().out


def test_a_line_end_in_a_name_makes_no_second_line(odd, capsys):
    assert run(cli.app, ["list", "--archive", str(odd / "a.sqlite3"), "--format", "table"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 4


@pytest.mark.parametrize(
    ("option", "first"), [([], "="), (["--spreadsheet-safe"], "'=")], ids=["data", "spreadsheet"]
)
def test_a_formula_stays_as_it_is_unless_a_spreadsheet_is_to_be_guarded(odd, capsys, option, first):
    words = ["list", "--format", "csv", *option, "--archive", str(odd / "a.sqlite3")]
    assert run(cli.app, words) == 0
    titles = [row["title"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert f"{first}SUMME(A1:A9) stand auf dem Plakat" in titles


# -------------------------------------------------------------------------------------- B51

WRONG_SETTINGS = {
    "an unknown key": ('seedz = "in"', {}, "seedz"),
    "an unknown key in the environment": ("", {"LESART_SEEDZ": "in"}, "LESART_SEEDZ"),
    "an address of another database": ('database_url = "mysql://db/lesart"', {}, "database_url"),
    "a broker of another kind": ('broker_url = "amqp://rabbit"', {}, "broker_url"),
    "a negative interval": ('every = "-5m"', {}, "every"),
    "an interval without sense": ('every = "oft"', {}, "every"),
    "a time zone with a slip": ('timezone = "Europe/Berln"', {}, "timezone"),
    "a language that is none": ('languages = "de,klingonisch"', {}, "languages"),
    "a file that is no TOML": ("every = ", {}, "lesart.toml"),
    "a secret that is missing": ("", {"LESART_DATABASE_URL_FILE": "/nowhere/secret"}, "LESART_DATABASE_URL_FILE"),
    "a number below one": ("batch_items = 0", {}, "batch_items"),
}  # fmt: skip


@pytest.mark.parametrize(("toml", "environment", "key"), [
    pytest.param(*case, id=name) for name, case in WRONG_SETTINGS.items()
])  # fmt: skip
@pytest.mark.parametrize("words", [["up", "--once"], ["list"], ["config"]], ids=lambda w: w[0])
def test_a_wrong_setting_stops_the_start_and_names_the_key(
    tmp_path, monkeypatch, capsys, words, toml, environment, key
):
    (tmp_path / "lesart.toml").write_text(toml, "utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run(cli.app, words) == 2
    assert key in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["lesart.toml"], "it left something"


def test_a_password_is_in_no_message(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LESART_DATABASE_URL", "mysql://lesart:geheim@db/lesart")
    assert run(cli.app, ["config"]) == 2
    assert "geheim" not in capsys.readouterr().err
