"""The reading commands against a small archive."""

import csv
import io
import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer

from storage.cli.options import OutputOptions
from storage.cli.report import flat_columns, report_examination
from storage.read.answers import (
    ArticleLine,
    Blame,
    Change,
    Hit,
    Job,
    Observation,
    Refusal,
    Relation,
    VersionLine,
)
from storage.settings import SETTINGS, load_settings
from storage.verify.doctor import Finding

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]


def objects(told: str) -> list[dict]:
    return [json.loads(line) for line in told.splitlines()]


LISTS = {
    "list": (["list"], ArticleLine, 3),
    "search": (["search", "Pegel"], Hit, 3),
    "history": (["history", "seed:seeds/pegel.txt"], VersionLine, 2),
    "changes": (["changes"], Change, 1),
    "blame": (["blame", "seed:seeds/pegel.txt"], Blame, 2),
    "observations": (["observations", "seed:seeds/pegel.txt"], Observation, 2),
    "relations": (["relations"], Relation, 1),
    "refusals": (["refusals"], Refusal, 1),
    "jobs": (["jobs"], Job, 3),
}


@pytest.mark.parametrize(("words", "kind", "count"), LISTS.values(), ids=LISTS.keys())
def test_a_list_is_reported_in_every_format(words, kind, count, written, lesart):
    lines = objects(lesart(*words)[1])
    assert len(lines) == count
    assert json.loads(lesart(*words, "--format", "json")[1]) == lines
    for name, separator in (("csv", ","), ("tsv", "\t")):
        told = lesart(*words, "--format", name)[1]
        rows = list(csv.DictReader(io.StringIO(told, newline=""), delimiter=separator))
        assert len(rows) == count
        assert list(rows[0]) == flat_columns(kind)
    table = lesart(*words, "--format", "table")[1].splitlines()
    assert len(table) == count + 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("list --language fr", "no articles found: archive some with `lesart ingest`, or change the filters"),
        ("changes --language fr", "no changes found"),
        ("relations --language fr", "no relations found"),
        ("blame seed:seeds/pegel.txt@1 --removed", "no removed sentences"),
    ],
)  # fmt: skip
def test_an_empty_result_has_a_heading_in_csv_and_a_message_below_a_table(
    words, reason, written, lesart
):
    nothing = words.split()
    assert lesart(*nothing) == (0, "", "")
    assert lesart(*nothing, "--format", "csv")[1].count("\r\n") == 1
    code, told, message = lesart(*nothing, "--format", "table")
    assert (code, told, message) == (0, "", f"lesart: {reason}\n")


def test_a_table_that_was_cut_says_how_it_goes_on(written, lesart):
    _, _, message = lesart("list", "--limit", "1", "--format", "table")
    cursor = objects(lesart("list", "--limit", "1")[1])[0]["cursor"]
    assert message == f"lesart: there may be more rows: continue with --after {cursor}\n"


def test_a_table_shows_no_escape_and_data_keeps_it(written, lesart):
    table = lesart("list", "--language", "en", "--format", "table")[1]
    assert "=Ferry stays" in table
    assert objects(lesart("list", "--language", "en")[1])[0]["title"] == "=Ferry\x1b[31m stays"


def test_the_spreadsheet_option_guards_a_title(written, lesart):
    told = lesart("list", "--language", "en", "--format", "csv", "--spreadsheet-safe")[1]
    assert "'=Ferry" in told


def test_refusals_of_a_job(written, lesart):
    (refused,) = objects(lesart("refusals")[1])
    assert (refused["code"], refused["kept"]) == ("empty", True)
    assert objects(lesart("refusals", "--job", str(refused["job"]))[1]) == [refused]
    assert objects(lesart("refusals", "--job", "1")[1]) == []


def test_one_job_is_reported_with_its_parts(written, lesart):
    newest = objects(lesart("jobs")[1])[0]
    told = objects(lesart("jobs", str(newest["job"]))[1])
    assert told[0]["job"] == newest["job"]
    assert (newest["seen"], newest["copies"], newest["refused"]) == (3, 1, 1)
    assert lesart("jobs", "999999")[0] == 3


# ------------------------------------------------------------------------------ one version


def test_show_as_text_is_an_article_to_read(written, lesart):
    told = lesart("show", written.article, "--format", "text")[1]
    assert told.splitlines()[0] == "Der Damm hält"
    assert "um 36 Zentimeter" in told
    assert re.search(r"^published +2024-06 \(to the month\) · seed header$", told, re.MULTILINE)
    assert re.search(r"^embargoed +2024-06-18 \(to the day\) · embargo line$", told, re.MULTILINE)
    assert re.search(r"^authors +Ada Lohe \| Bo Wiek · byline$", told, re.MULTILINE)
    assert re.search(r"^seen +after 2024-06-18 .*, by 2024-06-18", told, re.MULTILINE)
    assert told == lesart("show", written.article, "--format", "table")[1]


def test_show_as_csv_has_flat_dates(written, lesart):
    told = lesart("show", written.article, "--format", "csv")[1]
    (row,) = csv.DictReader(io.StringIO(told, newline=""))
    assert (row["published"], row["published_precision"]) == ("2024-06", "month")
    assert json.loads(row["authors"]) == ["Ada Lohe", "Bo Wiek"]


def test_raw_gives_the_bytes_back(written, lesart, tmp_path):
    path = tmp_path / "bytes"
    code, told, message = lesart("raw", f"{written.article}@1", "-o", str(path))
    assert (code, told) == (0, "")
    assert b"um 3,6 Zentimeter" in path.read_text("utf-8").encode()
    assert "SHA-256" in message
    assert lesart("raw", f"{written.article}@1")[1].encode() == path.read_bytes()


def test_raw_writes_no_escape_to_a_terminal(written, lesart, monkeypatch):
    monkeypatch.setattr("storage.cli.article_commands._is_harmless", lambda data: False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, told, message = lesart("raw", written.article)
    assert (code, told) == (2, "")
    assert "-o pegel.txt" in message


def test_diff_shows_the_one_word_and_ends_with_1(written, lesart):
    code, told, _ = lesart("diff", f"{written.article}@1..@2")
    assert code == 1
    assert "um [-3,6-]{+36+} Zentimeter" in told
    assert lesart("diff", written.article)[1] == told
    assert lesart("diff", f"{written.article}@1", f"{written.article}@2")[1] == told


def test_diff_in_the_other_formats(written, lesart, tmp_path):
    code, told, _ = lesart("diff", written.article, "--format", "json")
    assert code == 1
    assert {each["op"] for each in json.loads(told)["operations"]} == {"equal", "delete", "insert"}
    page = tmp_path / "diff.html"
    assert lesart("diff", written.article, "-o", str(page))[0] == 1
    assert page.read_text("utf-8").startswith("<!doctype html>")
    picture = tmp_path / "diff.svg"
    assert lesart("diff", written.article, "-o", str(picture))[0] == 1
    root = ET.parse(picture).getroot()
    assert any("line-through" in str(each.attrib) for each in root.iter())
    assert lesart("diff", written.article, "--format", "csv")[1].startswith("op,role,a_text")


# --------------------------------------------------------------------------- whole archive


def test_sql_asks_the_views_with_parameters(written, lesart):
    query = "SELECT title, language FROM articles WHERE language = :l AND seq > :n"
    code, told, _ = lesart("sql", query, "--param", "l=en", "--param", "n=0")
    assert code == 0
    assert objects(told) == [{"title": "=Ferry\x1b[31m stays", "language": "en"}]


PARAMETERS = {
    "number": ("p=42", 42),
    "fraction": ("p=0.5", 0.5),
    "text": ("p=Damm = gut", "Damm = gut"),
    "text of digits": ('p="42"', "42"),
    "nothing": ("p=null", None),
    "truth": ("p=true", 1),
    "no JSON of ours": ("p=[1]", "[1]"),
    "empty": ("p=", ""),
}


@pytest.mark.parametrize(("given", "value"), PARAMETERS.values(), ids=PARAMETERS.keys())
def test_a_parameter_is_json_or_text(given, value, written, lesart):
    assert objects(lesart("sql", "SELECT :p AS p", "--param", given)[1]) == [{"p": value}]


def test_two_columns_of_one_name_are_both_reported(written, lesart):
    assert objects(lesart("sql", "SELECT 1 AS a, 2 AS a")[1]) == [{"a": 1, "a_2": 2}]


def test_a_query_without_rows_has_its_heading(written, lesart):
    told = lesart("sql", "SELECT title FROM articles WHERE 1 = 0", "--format", "csv")[1]
    assert told == "title\r\n"


@pytest.mark.parametrize(
    "query", ["DELETE FROM articles", "SELECT * FROM capture", "SELEC", "SELECT :missing", ""]
)
def test_a_query_that_is_none_ends_with_2(query, written, lesart):
    code, told, message = lesart("sql", query)
    assert (code, told) == (2, "")
    assert message


STANDARD_INPUT = {
    "search": ("Harbour\n", ["search", "-"], "title"),
    "sql": ("SELECT count(*) AS n FROM articles", ["sql", "-"], "n"),
    "cite": ("um 36 Zentimeter, sagte\n", ["cite", "seed:seeds/pegel.txt", "--passage", "-", "--format", "jsonl"], "exact"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words", "name"), STANDARD_INPUT.values(), ids=STANDARD_INPUT.keys()
)
def test_a_text_is_read_from_standard_input(given, words, name, written, lesart, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    (row,) = objects(lesart(*words)[1])
    assert row[name] in {"=Ferry\x1b[31m stays", 3, "um 36 Zentimeter, sagte"}


def test_an_archive_that_is_missing_is_named_and_not_made(written, lesart):
    code, told, message = lesart("list", "--archive", "nowhere.sqlite3")
    assert (code, told) == (3, "")
    assert message.startswith("lesart: there is no ")
    assert not Path("nowhere.sqlite3").exists()


def test_config_reports_values_and_origins_and_no_secret(written, lesart, monkeypatch):
    monkeypatch.setenv("LESART_BROKER_URL", "redis://:geheim@redis/0")
    told = {row["key"]: row for row in objects(lesart("config")[1])}
    assert told["broker_url"]["value"] == "redis://:***@redis/0"
    assert told["broker_url"]["found_in"] == "LESART_BROKER_URL"
    assert told["timezone"]["found_in"] == "default"
    assert list(told) == list(SETTINGS)


def test_times_without_a_zone_are_in_the_one_of_the_settings(written, lesart, monkeypatch):
    first_seen = objects(lesart("list")[1])[0]["first_seen"]
    assert first_seen.startswith("2024-06-18T12:")
    monkeypatch.setenv("LESART_TIMEZONE", "Pacific/Kiritimati")
    assert objects(lesart("list", "--until", "2024-06-18")[1]) == []
    assert len(objects(lesart("list", "--until", "2024-06-19")[1])) == 3


EXPORTS = {
    "latest": ([], 3),
    "every version": (["--all-versions"], 4),
    "one language": (["--language", "en"], 1),
}


@pytest.mark.parametrize(("words", "count"), EXPORTS.values(), ids=EXPORTS.keys())
def test_an_export_carries_the_fields_of_show(words, count, written, lesart):
    lines = objects(lesart("export", *words)[1])
    assert len(lines) == count
    shown = json.loads(lesart("show", f"{lines[0]['article']}@{lines[0]['version']}")[1])
    assert lines[0].pop("cursor")
    assert lines[0] == shown


def test_an_export_goes_on_after_a_cursor_and_takes_a_query(written, lesart):
    whole = objects(lesart("export")[1])
    assert objects(lesart("export", "--after", whole[0]["cursor"])[1]) == whole[1:]
    assert objects(lesart("export", "--limit", "1")[1]) == whole[:1]
    (found,) = objects(lesart("export", "--query", "harbour")[1])
    assert found["language"] == "en"


def test_an_export_as_csv_has_a_row_a_version(written, lesart, tmp_path):
    path = tmp_path / "alles.csv"
    assert lesart("export", "--all-versions", "-o", str(path))[0] == 0
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert [row["version"] for row in rows if row["article"] == rows[0]["article"]] == ["1", "2"]
    assert rows[0]["published_precision"] == "month"


# ------------------------------------------------------------------------- doctor, database


def test_doctor_reports_the_remedy(written, lesart):
    code, told, _ = lesart("doctor")
    found = {row["check"]: row for row in objects(told)}
    assert code == 0
    assert {"python", "sqlite", "home", "disk", "archive", "guards", "seeds", "jobs"} <= set(found)
    assert found["archive"]["state"] == "ok"
    assert found["seeds"]["state"] == "warning"
    assert found["seeds"]["mend"]


def test_a_table_of_doctor_has_the_problems_and_with_an_option_all_checks(written, lesart):
    rows = objects(lesart("doctor")[1])
    states = [row["state"] for row in rows]
    fine = states.count("ok")
    assert states == [*["warning"] * (len(states) - fine), *["ok"] * fine]
    code, told, message = lesart("doctor", "--format", "table")
    assert code == 0
    assert message == f"lesart: {fine} checks ok; `lesart doctor --all` lists each\n"
    assert "seeds" in told
    assert "sqlite" not in told
    code, told, message = lesart("doctor", "--format", "table", "--all")
    assert (code, message) == (0, "")
    assert {"seeds", "sqlite"} <= {*told.split()}


def test_verify_states_the_verdict_first_and_its_limits_on_request(written, lesart, tmp_path):
    lines = lesart("verify")[2].splitlines()
    assert lines[0] == "lesart: no damage found: 0 broken, 0 redacted"
    assert ", 1 set of write guards, " in lines[1]
    limits = ("not covered: ", "what that does not prove: ")
    assert not [each for each in limits if each in "".join(lines)]
    assert "; --verbose states its limits" in "".join(lines)
    assert lesart("backup", "copy.sqlite3")[0] == 0
    restored = ("restore", "copy.sqlite3", "--archive", str(tmp_path / "again.sqlite3"))
    for words in (("verify",), restored):
        said = lesart(*words, "--verbose")[2]
        assert [each for each in limits if each in said] == [*limits]


def test_doctor_names_columns_that_the_archive_lacks_until_it_is_upgraded(written, lesart):
    with closing(sqlite3.connect(written.path)) as archive:
        archive.executescript("DROP VIEW fields; CREATE VIEW fields AS SELECT 1 AS seq, 2 AS name")
    lacking = [row for row in objects(lesart("doctor")[1]) if row["check"] == "columns"]
    assert [(row["state"], row["mend"]) for row in lacking] == [
        ("broken", "run `lesart db upgrade`")
    ]
    assert "fields.value" in lacking[0]["message"]
    assert "fields.name" not in lacking[0]["message"]
    assert lesart("db", "upgrade")[0] == 0
    assert lesart("doctor")[0] == 0


def test_doctor_ends_with_1_where_something_is_broken(written, lesart):
    written.path.write_bytes(b"no database" * 1000)
    assert lesart("doctor")[0] == 1


def test_doctor_reports_a_clock_before_the_last_row(written, lesart):
    with closing(sqlite3.connect(written.path)) as archive, archive:
        archive.execute("REPLACE INTO counter VALUES ('clock', 4102444800000000)")
    (found,) = (row for row in objects(lesart("doctor")[1]) if row["check"] == "clock")
    assert found["state"] == "warning"
    assert "2100-01-01 00:00:00Z" in found["message"]


def test_doctor_takes_the_checks_of_others_and_survives_them(written, capsys):
    def broken(_settings):
        raise ConnectionError("redis://:geheim@redis says nothing")

    def fine(_settings):
        yield Finding("scheduler", "ok", "ticks")

    checks = [("broker", broken), ("scheduler", fine)]
    with pytest.raises(typer.Exit):
        report_examination(load_settings(), OutputOptions(format="jsonl"), checks)
    found = {row["check"]: row for row in objects(capsys.readouterr().out)}
    assert found["broker"]["state"] == "broken"
    assert "geheim" not in found["broker"]["message"]
    assert found["scheduler"]["state"] == "ok"


def test_db_upgrade_makes_an_archive_and_does_nothing_twice(tmp_path, lesart):
    path = str(tmp_path / "new" / "lesart.sqlite3")
    (first,) = objects(lesart("db", "upgrade", "--archive", path)[1])
    (second,) = objects(lesart("db", "upgrade", "--archive", path)[1])
    assert first["before"] is None
    assert second["before"] == second["after"] == first["after"]
    assert lesart("list", "--archive", path) == (0, "", "")


def test_the_archive_may_be_named_before_the_command(written, lesart):
    assert lesart("--archive", str(written.path), "list") == lesart("list")
