"""Two archives become one: the histories are those of one archive that saw both."""

from pathlib import Path

import pytest

from storage.cli.exits import run
from storage.write.copies import copy
from tests.export.test_warc_export import knows
from tests.flow.driver import SENTENCES, Newsroom, hour, newsroom_at, page, seed
from worker.cli.commands import app
from worker.flow.spool import spool_archive

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
URL = "https://bote.example/deich"


def silent(_what: str, _number: int) -> None:
    """Show no progress."""


@pytest.fixture
def other(tmp_path):
    """Give a second archive, which saw an address at other times than the first."""
    with newsroom_at(f"sqlite:///{tmp_path / 'other.sqlite3'}", tmp_path / "other") as found:
        found.write("deich.md", page(SENTENCES[0], url=URL, observed_at=hour(0)))
        found.write("deich-3.md", page(SENTENCES[2], url=URL, observed_at=hour(3)))
        found.write(
            "boot.md", page(SENTENCES[3], url="https://bote.example/boot", observed_at=hour(2))
        )
        found.scan(4)
        yield found


def filled(room: Newsroom) -> None:
    room.write("deich.md", page(SENTENCES[1], url=URL, observed_at=hour(1.5)))
    room.write("deich-5.md", page(SENTENCES[0], url=URL, observed_at=hour(5)))
    room.write("eigen.txt", seed("Fähre fährt", "Die Fähre legt am Morgen wieder ab."))
    room.scan(6)


def merged(room: Newsroom, other: Newsroom, monkeypatch, *options: str) -> int:
    monkeypatch.setenv("LESART_HOME", str(room.root))
    return run(app, ["merge", other.url, "--archive", room.url, *options])


def test_the_history_is_that_of_one_archive_which_saw_both(room, other, monkeypatch, tmp_path):
    filled(room)
    own = room.rows('SELECT observed_at FROM observations WHERE NOT "foreign"')
    before = knows(other)
    assert merged(room, other, monkeypatch) == 0
    with newsroom_at(f"sqlite:///{tmp_path / 'one.sqlite3'}", tmp_path / "one") as one:
        for folder in (room.folder, other.folder):
            for file in folder.iterdir():
                one.write(
                    f"{folder.parent.name}-{file.name}" if file.suffix == ".md" else file.name,
                    file.read_bytes(),
                )
        one.scan(6)
        assert knows(one) == knows(room)
    assert (
        room.number(
            "SELECT count(*) FROM versions WHERE article = (SELECT article FROM articles WHERE origin = :o)",
            o=URL,
        )
        == 4
    )
    assert knows(other) == before, "the other archive is only read"
    assert room.rows('SELECT observed_at FROM observations WHERE NOT "foreign"') == own
    assert not list((room.root / "merging").iterdir())


@pytest.mark.slow
def test_merged_twice_nothing_is_new(room, other, monkeypatch):
    filled(room)
    assert merged(room, other, monkeypatch) == 0
    known, observed = knows(room), room.number("SELECT count(*) FROM observations")
    assert merged(room, other, monkeypatch) == 0
    assert (knows(room), room.number("SELECT count(*) FROM observations")) == (known, observed)


@pytest.mark.slow
def test_a_merge_that_was_killed_goes_on_where_it_was(room, other, monkeypatch):
    filled(room)
    file = spool_archive(other.settings, room.root, "lesart test", silent)
    assert spool_archive(other.settings, room.root, "lesart test", silent) == file
    job = room.ordered([_place(room, file)])
    room.collected(job)  # and here its process dies: captured, nothing of it read
    assert merged(room, other, monkeypatch) == 0
    known, observed = knows(room), room.number("SELECT count(*) FROM observations")
    assert len(known["versions"]) == 6
    assert merged(room, other, monkeypatch) == 0
    assert (knows(room), room.number("SELECT count(*) FROM observations")) == (known, observed)


@pytest.mark.slow
def test_a_merge_that_was_killed_before_the_other_archive_grew_leaves_nothing(
    room, other, monkeypatch
):
    left = spool_archive(other.settings, room.root, "lesart test", silent)
    room.ordered([_place(room, left)])  # and here its process dies
    address = "https://bote.example/neu"
    other.write("neu.md", page(SENTENCES[1], url=address, observed_at=hour(4)))
    other.scan(5)
    assert merged(room, other, monkeypatch) == 0
    assert not list((room.root / "merging").iterdir())
    assert room.rows("SELECT state FROM job WHERE state NOT IN ('done', 'cancelled')") == []
    assert room.number("SELECT count(*) FROM articles WHERE origin = :o", o=address) == 1


def _place(room: Newsroom, file):
    from worker.flow.order import target_at

    return target_at(room.archive, room.settings, str(file))


def test_there_is_no_other_archive_where_nothing_is(room, monkeypatch, tmp_path):
    monkeypatch.setenv("LESART_HOME", str(room.root))
    assert run(app, ["merge", str(tmp_path / "none.sqlite3"), "--archive", room.url]) == 3
    assert not (tmp_path / "none.sqlite3").exists()


@pytest.mark.slow
def test_what_both_know_from_before_a_copy_was_made_makes_no_version(room, monkeypatch, tmp_path):
    filled(room)
    copy(room.url, str(tmp_path / "fork.sqlite3"), silent)
    known = knows(room)
    with newsroom_at(f"sqlite:///{tmp_path / 'fork.sqlite3'}", tmp_path / "fork") as fork:
        assert merged(room, fork, monkeypatch) == 0
        assert knows(room) == known
        for file in room.folder.iterdir():
            fork.write(file.name, file.read_bytes())
        fork.write("spaeter.md", page(SENTENCES[2], url=URL, observed_at=hour(7)))
        fork.scan(8)
        assert merged(room, fork, monkeypatch) == 0
        assert knows(room)["versions"] == knows(fork)["versions"]


@pytest.mark.slow
def test_merged_articles_are_read_again_under_another_source(tmp_path, monkeypatch):
    folder = tmp_path / "in"
    folder.mkdir()
    for each in SEEDS.glob("*_kanalbruecke_*.md"):
        (folder / each.name).write_bytes(each.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert run(app, ["ingest", "in", "--source", "first"]) == 0
    assert run(app, ["backup", "copy.sqlite3"]) == 0
    assert run(app, ["merge", "copy.sqlite3"]) == 0
    assert run(app, ["ingest", "in", "--source", "second"]) == 0
    assert run(app, ["ingest", "in", "--source", "third"]) == 0
