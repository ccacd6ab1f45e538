"""A database that is no archive of ours is refused, and not a byte of it changes."""

import hashlib
import shutil
import sqlite3
from contextlib import closing

import psycopg
import pytest

from storage.cli.exits import exit_code_of, run
from storage.database.archive_errors import ArchiveMissingError, ForeignDatabaseError
from storage.read.archive import open_archive
from storage.write.archive import Archive
from worker.cli.commands import app

MADE = {
    "other tables": "CREATE TABLE note (body); INSERT INTO note VALUES ('mein Text')",
    "a table of the same name": "CREATE TABLE article (id, title)",
    "migrations of another program": (
        "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('ae10')"
    ),
    "a log beside it": "PRAGMA journal_mode = WAL; CREATE TABLE note (body)",
    "a view alone": "CREATE VIEW jobs AS SELECT 1 AS job",
}


@pytest.fixture(params=MADE.values(), ids=MADE.keys())
def other(request, tmp_path):
    path = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(request.param)
        connection.commit()
    return path


def everything(folder) -> dict[str, str]:
    """Return the name and the digest of each file of a folder."""
    return {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in folder.iterdir()
        if each.is_file()
    }


def test_a_file_of_another_program_is_not_touched(other):
    before = everything(other.parent)
    for create in (True, False):
        with pytest.raises(ForeignDatabaseError) as caught:
            Archive.open(other, create=create)
    assert str(other) in str(caught.value)
    with pytest.raises(ForeignDatabaseError):
        open_archive(other)
    assert everything(other.parent) == before


def test_a_file_that_another_program_has_open_is_not_touched(tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.sqlite3")) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE note (body)")
        before = everything(tmp_path)
        with pytest.raises(ForeignDatabaseError):
            Archive.open(tmp_path / "other.sqlite3")
        assert {**everything(tmp_path), "other.sqlite3-shm": ""} == {
            **before,
            "other.sqlite3-shm": "",
        }


def test_a_text_is_not_touched(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"Dies ist ein Text und keine Datenbank. " * 100)
    before = everything(tmp_path)
    with pytest.raises(ForeignDatabaseError):
        Archive.open(path)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "command",
    [["db", "upgrade"], ["up", "--once"], ["retry", "1"]],
    ids=" ".join,
)
def test_each_command_that_writes_ends_with_2(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE article (id)")
    before = path.read_bytes()
    (tmp_path / "seeds").mkdir()
    assert run(app, [*command, "--archive", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "is no archive of Lesart" in told.err
    assert path.read_bytes() == before


def test_an_empty_file_becomes_an_archive(tmp_path):
    path = tmp_path / "lesart.sqlite3"
    path.touch()
    Archive.open(path).close()
    open_archive(path).close()


def test_an_archive_without_its_log_file_is_still_ours(tmp_path):
    Archive.open(tmp_path / "a.sqlite3").close()
    shutil.copyfile(tmp_path / "a.sqlite3", tmp_path / "b.sqlite3")
    Archive.open(tmp_path / "b.sqlite3").close()


@pytest.mark.parametrize(
    "name", ["article", "jobs", "alembic_version", "search_text", "sentence_text"]
)
def test_tables_of_others_that_are_named_like_ours_are_not_touched(postgres_url, name):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {name} (version_num text)")
        connection.execute(f"INSERT INTO {name} VALUES ('x')")
        with pytest.raises(ForeignDatabaseError) as caught:
            Archive.open(postgres_url)
        assert name in str(caught.value)
        assert exit_code_of(caught.value) == 2
        query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        assert [row[0] for row in connection.execute(query) if not row[0].startswith("pg_")] == [
            name
        ]
    with pytest.raises(ArchiveMissingError):
        open_archive(postgres_url)


def test_foreign_tables_with_other_names_may_be_in_the_same_database(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE note (body text)")
    Archive.open(postgres_url).close()
    open_archive(postgres_url).close()
