"""A short, seeded run of the chaos harness, and a try of its checker."""

import sqlite3
from random import Random

import pytest

from tests.flow.driver import Newsroom
from tests.tools.chaos import __main__ as command
from tests.tools.chaos.checker import faults
from tests.tools.chaos.corpus import corpus
from tests.tools.chaos.harness import run

pytestmark = pytest.mark.starts_first


@pytest.mark.postgresql("large")
@pytest.mark.chaos
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_is_lost_and_nothing_is_done_twice_when_processes_are_killed(database):
    made = run(seeds=70, kills=3, database=database, seed=1, parts=3)
    assert made.faults == [], made.told()
    assert made.killed.total() == 3


@pytest.mark.parametrize("place", ["processes", "compose"])
def test_a_run_of_minutes_says_what_is_not_there(tmp_path, monkeypatch, capsys, place):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tests.tools.chaos.breakable.FAKETIME", None)
    with pytest.raises(SystemExit, match="2"):
        command.main(["--minutes", "1", "--on", place])
    told = capsys.readouterr().err
    wanted = ("libfaketime", "git", *(["docker"] if place == "compose" else []))
    assert [name for name in wanted if name not in told] == []


def doubled(table, changes):
    """Return statements that put the first row of `table` into it again, with `changes`."""
    return (
        f"CREATE TEMP TABLE twin AS SELECT * FROM {table} ORDER BY id LIMIT 1;"
        f"UPDATE twin SET id = id + 100000{changes};"
        f"INSERT INTO {table} SELECT * FROM twin"
    )


DAMAGE = {
    "a verdict is missing": "DELETE FROM verdict WHERE id = (SELECT min(id) FROM verdict)",
    "an article is missing": "DELETE FROM article WHERE id = (SELECT min(id) FROM article)",
    "a version stands twice": doubled("version", ", seq = seq + 1, number = 2"),
    "a text is another": "UPDATE wording SET text = 'x' WHERE id = (SELECT min(id) FROM wording)",
    "bytes are not kept": "DELETE FROM capture WHERE id = (SELECT max(id) FROM capture)",
    "a job counts too much": "UPDATE job SET new_articles = new_articles + 1 WHERE kind = 'read'",
    "a job is still open": "UPDATE job SET state = 'ready' WHERE kind = 'read'",
    "an item failed": "UPDATE job SET failed = 1 WHERE kind = 'read'",
    "a file was observed twice": doubled("observation", ""),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Give an archive of a few seeds, without its guards, and the seeds."""
    root = tmp_path_factory.mktemp("sound")
    files = list(corpus(60, Random(1), 3))
    for each in files:
        each.write(root)
    room = Newsroom(f"sqlite:///{root / 'a.sqlite3'}", root)
    for name in ("seeds", "parts"):
        source = room.watch(name, root / name)
        room.scan(0, source)
    with room.archive.engine.begin() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    room.close()
    return root / "a.sqlite3", files


def test_the_checker_has_nothing_against_a_sound_archive(sound):
    path, files = sound
    assert faults(f"sqlite:///{path}", files) == []


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE.keys())
def test_the_checker_sees(sound, tmp_path, statement):
    path, files = sound
    copy = tmp_path / "a.sqlite3"
    with sqlite3.connect(path) as whole, sqlite3.connect(copy) as damaged:
        whole.backup(damaged)
        damaged.executescript(statement)
    damaged.close()
    whole.close()
    assert faults(f"sqlite:///{copy}", files)


def test_the_checker_misses_texts_that_were_never_archived(sound):
    path, files = sound
    (more,) = list(corpus(61, Random(2), 3))[60:]
    assert faults(f"sqlite:///{path}", [*files, more])
