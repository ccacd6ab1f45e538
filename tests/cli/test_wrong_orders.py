"""A wrong command ends with 2 and a sentence, and changes nothing in the archive."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from storage.cli.exits import run
from storage.database.schema_version import HEAD
from tests.flow.driver import SENTENCES, seed
from worker.cli.commands import app
from worker.cli.program import EXIT_CODES

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]


@pytest.fixture
def folder(_sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with an empty archive and a folder of texts."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lesart-data").mkdir()
    shutil.copyfile(_sqlite_template, tmp_path / "lesart-data" / "lesart.sqlite3")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "damm.txt").write_text(seed("Pegel", SENTENCES[0]))
    return tmp_path


def rows(capsys, *words: str) -> list[dict]:
    capsys.readouterr()
    assert run(app, [*words, "--format", "jsonl"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


WRONG = {
    "nothing to ingest": ["ingest", ""],
    "nothing to watch": ["source", "add", ""],
    "a type that is none": ["ingest", "in", "--type", "nope"],
    "an origin that is none": ["ingest", "in/damm.txt", "--origin", "nope"],
    "an origin with a password": ["ingest", "in/damm.txt", "--origin", "https://a:b@c.example/d"],
    "an origin that is a script": ["ingest", "in/damm.txt", "--origin", "javascript:alert(1)"],
    "a capture of the future": ["ingest", "in/damm.txt", "--observed-at", "2999-01-01"],
    "a source without a name": ["ingest", "in", "--source", ""],
    "a source with a path for a name": ["ingest", "in", "--source", "a/b"],
    "a watched one with a path for a name": ["source", "add", "in", "--name", "a/b"],
    "a watched page with two lines": ["source", "add", "https://a.example/b", "--name", "a\nb"],
    "a folder without a name": ["source", "add", "/"],
    "never": ["source", "add", "in", "--every", "0s"],
    "in a million years": ["source", "add", "in", "--every", "99999999d"],
    "a job that no database knows": ["retry", "9" * 20],
    "an open job that no database knows": ["cancel", "9" * 20],
    "a decision that no database knows": ["undo", "9" * 20],
    "a page at no port": ["web", "--address", "127.0.0.1:99999"],
    "a page at no address": ["web", "--address", "x"],
}


@pytest.mark.parametrize("verb", [["set", "--every", "2h"], ["pause"], ["resume"], ["remove"]])
def test_a_source_is_found_by_the_address_that_was_given(verb, folder, capsys):
    given = "http://quay.example/"
    assert run(app, ["source", "add", given]) == 0
    assert run(app, ["source", verb[0], given, *verb[1:]]) == 0


def test_a_refused_locator_is_named_with_its_reason_in_a_pipe(folder, capsys):
    assert run(app, ["ingest", "htp://quay.example/a"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["refused"] == 1
    assert told.err.startswith("lesart: refused htp://quay.example/a: ")


@pytest.mark.parametrize(("words", "said"), [
    (["list", "-o", "list.csv"], "wrote 1 row"),
    (["list", "-o", "list.jsonl"], "wrote 1 row"),
    (["list", "--format", "table", "-o", "list.txt"], "wrote 1 row"),
    (["changes", "-o", "changes.csv"], "wrote 0 rows"),
    (["sql", "SELECT 1 UNION SELECT 2", "-o", "two.csv"], "wrote 2 rows"),
    (["export", "-o", "texts.csv"], "wrote 1 version"),
    (["export", "-o", "texts.warc.gz"], "wrote 3 records"),
    (["list"], None),
])  # fmt: skip
def test_a_list_in_a_file_states_what_was_written(words, said, folder, capsys):
    assert run(app, ["ingest", "in/damm.txt"]) == 0
    capsys.readouterr()
    assert run(app, words) == 0
    assert capsys.readouterr().err == ("" if said is None else f"lesart: {said}\n")


@pytest.mark.slow
def test_a_merge_names_the_other_archive(folder, capsys):
    other = folder / "other.sqlite3"
    assert run(app, ["ingest", "in/damm.txt", "--archive", str(other)]) == 0
    (row,) = rows(capsys, "merge", "other.sqlite3")
    assert row["source"] == str(other)


@pytest.mark.few_cases
@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_order_ends_with_2_and_leaves_nothing(words, folder, capsys):
    assert run(app, words, exit_codes=EXIT_CODES) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err
    assert "a:b@" not in told.err
    for asked in (["source", "list"], ["jobs"], ["list"]):
        assert rows(capsys, *asked) == []


@pytest.mark.parametrize(
    "words", [["list"], ["ingest", "in"], ["up", "--once"], ["db", "upgrade"], ["backup", "b.db"]]
)
def test_an_archive_of_a_newer_program_ends_every_command_with_2_at_once(words, folder, capsys):
    with closing(sqlite3.connect("lesart-data/lesart.sqlite3")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert run(app, words, exit_codes=EXIT_CODES) == 2
    told = capsys.readouterr().err
    assert "has schema 9999" in told
    assert f"knows {HEAD}" in told


def test_an_origin_that_is_named_is_cleaned(folder, capsys):
    named = "HTTPS://Bote.example:443/damm?utm_source=x&id=3#top"
    assert run(app, ["ingest", "in/damm.txt", "--origin", named]) == 0
    assert rows(capsys, "list")[0]["origins"] == ["https://bote.example/damm?id=3"]


def test_a_folder_may_be_watched_by_its_address(folder, capsys):
    assert run(app, ["source", "add", (folder / "in").as_uri()]) == 0
    assert rows(capsys, "source", "list")[0]["locator"] == str(folder / "in")


def test_a_wrong_share_is_reported_before_anything_of_texts(folder, capsys):
    assert run(app, ["verify", "--sample", "much"]) == 2
    assert "derived" not in capsys.readouterr().err


def test_json_has_no_number_without_an_end(folder, capsys):
    assert run(app, ["sql", "SELECT 1e400 AS much, -1e400 AS little", "--format", "jsonl"]) == 0
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert told == {"much": "Infinity", "little": "-Infinity"}


@pytest.fixture
def memory() -> Iterator[Path]:
    """Give a folder in /dev/shm, which ends with a container as its writable layer does."""
    with TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.parametrize(
    "words",
    [
        ["backup", "{}/copy.sqlite3"],
        ["backup", "{}"],
        ["backup", "--update", "{}"],
        ["list", "-o", "{}/list.jsonl"],
        ["export", "-o", "{}/texts.jsonl"],
        ["proof", "checkpoint", "-o", "{}/checkpoint"],
        ["proof", "tiles", "{}/log"],
    ],
)
def test_a_file_that_would_be_lost_with_the_container_is_refused(
    folder, memory, words, monkeypatch, capsys
):
    monkeypatch.setenv("LESART_IMAGE", "true")
    assert run(app, [each.format(memory) for each in words], exit_codes=EXIT_CODES) == 2
    assert "it would be lost with this container. Mount a folder" in capsys.readouterr().err
    assert list(memory.iterdir()) == []


def test_outside_of_the_image_a_backup_may_go_to_memory(folder, memory):
    assert run(app, ["backup", str(memory)]) == 0
    assert [each.suffix for each in memory.iterdir()] == [".sqlite3"]


def test_in_the_image_devices_are_written_to(folder, monkeypatch):
    monkeypatch.setenv("LESART_IMAGE", "true")
    assert run(app, ["export", "-o", "/dev/null"]) == 0
