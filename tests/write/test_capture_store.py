"""Captures in a store: all is as with bytes in the database, and no crash or outage loses any.

A folder is tried always, a bucket of a real server over HTTP with the slow tests.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from storage.cli.exits import exit_code_of
from storage.database import capture_store as stores
from storage.database.capture_store import CapturesAwayError
from storage.database.compression import DamagedBytesError, pack
from storage.export.warc import ExportSelection, WarcExport
from storage.read.archive import open_archive
from storage.values.net.capture_place import CAPTURES, CapturePlace, capture_place
from storage.verify.doctor import check_captures
from storage.write.copies import copy
from storage.write.orphans import sweep_orphans
from tests import services
from tests.flow.driver import SENTENCES, Newsroom, findings, newsroom_at, seed
from tests.flow.processes import LESART, environment, lesart, rows
from worker.flow.order import target_of

NOWHERE_URL = "s3://texts?endpoint=http://127.0.0.1:9"
NOWHERE = capture_place(NOWHERE_URL, "a", "b")
PLACES = ("folder", pytest.param("bucket", marks=pytest.mark.slow))


@pytest.fixture(scope="module")
def bucket() -> Iterator[services.S3Server]:
    with services.own_s3() as server:
        yield server


@pytest.fixture(params=PLACES)
def place(request, tmp_path) -> CapturePlace:
    """Give a store for the captures of one archive."""
    if request.param == "folder":
        return capture_place(f"file://{tmp_path / 'captures'}")
    server = request.getfixturevalue("bucket")
    return capture_place(server.url(tmp_path.name), server.key, server.secret)


def settings_of(place: CapturePlace) -> dict[str, str]:
    if place.folder is not None:
        return {"captures_url": place.folder.as_uri()}
    url = f"s3://{place.bucket}/{place.prefix}?endpoint={place.endpoint}"
    return {"captures_url": url, "captures_key": place.key, "captures_secret": place.secret}


@pytest.fixture
def room(database_url, tmp_path, place) -> Iterator[Newsroom]:
    """Give a newsroom that keeps its captures in the store."""
    with newsroom_at(database_url, tmp_path, **settings_of(place)) as found:
        assert found.settings.captures == place
        yield found


def opened_with(room: Newsroom, place: CapturePlace | None) -> None:
    """Give the archive of the room another place for captures."""
    room.archive.engine.update_execution_options(**{CAPTURES: place})


def store_of(room: Newsroom) -> stores.CaptureStore:
    return stores.store_of(room.archive.engine)


def nothing_told(_what: str, _number: int) -> None:
    pass


def write_some(room: Newsroom, edit: int = 0) -> None:
    for number, sentence in enumerate(SENTENCES):
        room.write(f"{number}.txt", seed(f"Pegel {number}", sentence, f"Stand {edit}."))


def objects(room: Newsroom) -> list[str]:
    store = store_of(room)
    folder = room.one("SELECT value FROM archive WHERE key = 'captures'")["value"]
    return sorted(name for name, _moment in store.names(folder))


def swept(room: Newsroom, age: timedelta | None = None) -> tuple[int, int, int]:
    found = sweep_orphans(room.archive.engine, room.archive.clock, age=age, with_others=True)
    return found.objects, found.orphans, found.deleted


def test_bytes_lie_in_the_store_and_every_answer_is_as_before(place, room, tmp_path):
    write_some(room)
    assert room.scan(0).new_articles == len(SENTENCES)
    write_some(room, 1)
    assert room.scan(1).new_versions == len(SENTENCES)
    assert len(objects(room)) == 2 * len(SENTENCES)
    assert room.number("SELECT max(length(data)) FROM capture") < 150
    with open_archive(room.url, captures=place) as archive:
        for line in archive.articles():
            raw = archive.raw(f"{line.article}@2")
            assert raw.data == (room.folder / raw.name.rpartition("/")[2]).read_bytes()
        inside = list(WarcExport(archive, ExportSelection(), "a test").records())
    copy(room.url, str(tmp_path / "copy.sqlite3"), nothing_told, held=place)
    assert findings(str(tmp_path / "copy.sqlite3")) == []
    with open_archive(tmp_path / "copy.sqlite3") as archive:
        assert list(WarcExport(archive, ExportSelection(), "a test").records())[1:] == inside[1:]


@pytest.mark.slow
def test_a_copy_that_comes_back_has_objects_of_its_own(place, room, tmp_path):
    write_some(room)
    room.scan(0)
    copy(room.url, str(tmp_path / "backup.sqlite3"), nothing_told, held=place)
    back = str(tmp_path / "back.sqlite3")
    copy(str(tmp_path / "backup.sqlite3"), back, nothing_told, store_of(room))
    assert findings(back, place) == []
    store_of(room).delete(objects(room)[:1])
    assert findings(back, place) == []  # what the one loses, the other keeps
    (found,) = room.findings()
    assert found["kind"] == "bytes_missing"
    with pytest.raises(stores.MissingBytesError):
        copy(room.url, str(tmp_path / "never.sqlite3"), nothing_told, held=place)
    assert not (tmp_path / "never.sqlite3").exists()
    mend(room, tmp_path / "backup.sqlite3")


def mend(room: Newsroom, backup: Path) -> None:
    """Put missing objects again, as they are in a backup."""
    with sqlite3.connect(backup) as copied:
        held = dict(copied.execute("SELECT id, data FROM capture").fetchall())
    copied.close()
    for row in room.rows("SELECT id, digest, data FROM capture"):
        name = stores.name_in(row["digest"], row["data"])
        store_of(room).put(name, held[row["id"]])


def test_other_bytes_in_an_object_are_reported_and_never_shown(place, room, tmp_path):
    write_some(room)
    room.scan(0)
    copy(room.url, str(tmp_path / "backup.sqlite3"), nothing_told, held=place)
    row = room.rows("SELECT digest, data, encoding FROM capture ORDER BY id")[0]
    other = pack(b"anderer Text " * 40)[1] if row["encoding"] == "zstd" else b"other"
    store_of(room).put(stores.name_in(row["digest"], row["data"]), other)
    (found,) = room.findings()
    assert (found["object"], found["kind"]) == ("capture", "bytes_damaged")
    with open_archive(room.url, captures=place) as archive:
        article = next(archive.articles()).article
        with pytest.raises(DamagedBytesError) as told:
            archive.raw(article)
    assert exit_code_of(told.value) == 1
    mend(room, tmp_path / "backup.sqlite3")


def test_nothing_is_put_while_someone_holds_the_write_lock(place, room, monkeypatch):
    real = stores.put_all

    def watched(store, wanted):
        with room.archive.unit():  # it would wait for the lock, and fail after a minute
            real(store, wanted)

    monkeypatch.setattr("storage.record.captures.put_all", watched)
    write_some(room)
    assert room.scan(0).new_articles == len(SENTENCES)


def test_a_known_object_is_not_put_again(place, room):
    write_some(room)
    room.scan(0)
    before = objects(room)
    room.write("again.txt", (room.folder / "0.txt").read_bytes())
    assert room.scan(1).copies == 1
    assert objects(room) == before


def test_a_store_that_is_away_costs_no_attempt_and_no_text(place, room):
    write_some(room)
    job = room.ordered([target_of(room.source)])
    opened_with(room, NOWHERE)
    with pytest.raises(CapturesAwayError) as told:
        room.worked(job)
    assert exit_code_of(told.value) == 4
    assert room.one("SELECT state, attempts FROM job WHERE id = :id", id=job) == {
        "state": "ready", "attempts": 0,
    }  # fmt: skip
    assert room.number("SELECT count(*) FROM observation") == 0
    opened_with(room, None)
    with pytest.raises(stores.CapturesUnsetError):
        room.worked(job)  # it does not store the bytes in the database instead
    opened_with(room, place)
    room.collected(job)
    opened_with(room, None)
    with pytest.raises(stores.CapturesUnsetError):
        room.worked(job)
    opened_with(room, place)
    assert room.worked(job).new_articles == len(SENTENCES)


def test_the_examination_reports_whether_the_store_keeps_anything(room):
    assert [found.state for found in check_captures(room.settings)] == ["ok"]
    (found,) = check_captures(replace(room.settings, captures_url=NOWHERE_URL))
    assert (found.state, "captures_url" in found.mend) == ("broken", True)


def test_a_sweep_removes_objects_that_no_row_names(place, room):
    write_some(room)
    room.scan(0)
    named = objects(room)
    folder = named[0].partition("/")[0]
    store = store_of(room)
    orphan = stores.new_name(folder, bytes(range(32)))
    begun = stores.new_name(folder, bytes(range(32))) + stores.PART
    foreign = f"{folder}/ab/notes.txt"
    for name in (orphan, begun, foreign):
        store.put(name, b"x")
    assert swept(room, timedelta(hours=1)) == (len(named) + 3, 2, 0)
    assert swept(room) == (len(named) + 3, 2, 2)
    assert objects(room) == sorted([*named, foreign])


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["+400d", "-400d"])
@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is missing")
def test_the_command_measures_age_by_the_clock_of_the_store(room, place, tmp_path, clock):
    write_some(room)
    room.scan(0)
    name = stores.new_name(objects(room)[0].partition("/")[0], bytes(range(32)))
    store_of(room).put(name, b"x")
    known = environment(database_url=room.url, **settings_of(place))
    swept = subprocess.run(
        ["faketime", "-f", clock, *LESART, "sweep", "--older-than", "1h"], cwd=tmp_path, capture_output=True,
        env=known | {"NO_FAKE_STAT": "1"}, encoding="utf-8", check=False,
    )  # fmt: skip
    if place.folder is not None:  # a bucket refuses requests that are signed at another time
        assert "unreferenced: 1, deleted: 0" in swept.stderr
    assert name in objects(room)


KILLED = """
import os, signal, sys
from storage.record import captures
real = captures.put_all
def put_and_die(store, objects):
    real(store, objects)
    os.kill(os.getpid(), signal.SIGKILL)
captures.put_all = put_and_die
from worker.cli.program import main
sys.argv = ["lesart", "ingest", "seeds"]
main()
"""


@pytest.mark.chaos
def test_killed_between_the_object_and_its_row_nothing_is_lost_and_the_orphan_goes(tmp_path):
    (tmp_path / "seeds").mkdir()
    for number, sentence in enumerate(SENTENCES):
        path = tmp_path / "seeds" / f"{number}.txt"
        path.write_text(seed(f"Pegel {number}", sentence))
        os.utime(path, (1_700_000_000, 1_700_000_000))
    (tmp_path / "lesart.toml").write_text(
        f'captures_url = "file://{tmp_path}/captures"\nlease_seconds = 3\nbatch_seconds = 2.5\n'
    )
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=tmp_path, env=environment(), capture_output=True,
        check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (summary,) = rows(tmp_path, "ingest", "seeds")
    assert (summary["new_articles"], summary["failed"]) == (len(SENTENCES), 0)
    assert lesart(tmp_path, "verify").returncode == 0
    ended = lesart(tmp_path, "sweep")
    told = (
        f"objects: {2 * len(SENTENCES)}, unreferenced: {len(SENTENCES)}, deleted: {len(SENTENCES)}"
    )
    assert told in ended.stderr
    assert lesart(tmp_path, "verify").returncode == 0
