"""No room for the archive: nothing is lost, no document is to blame, and work goes on with room."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from storage.database.engine import DatabaseError
from storage.values.failures import is_machine_failure
from storage.values.verdict import Counts
from tests.flow.driver import newsroom_at, seed
from tests.flow.processes import lesart_process, rows
from worker.flow.order import target_of

pytestmark = pytest.mark.slow

FILES = 40


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """Give a disk of some kilobytes, where the machine permits one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def write_files(folder: Path) -> None:
    for number in range(FILES):
        path = folder / f"{number}.txt"
        body = os.urandom(6000).hex()  # nothing that packs well
        path.write_text(seed(f"Kutter {number}", f"Es lagen {number} Kutter im Hafen.", body))
        os.utime(path, (1_700_000_000, 1_700_000_000))


def test_a_full_disk_ends_a_command_with_4_and_with_room_it_goes_on(small_disk, tmp_path):
    (tmp_path / "seeds").mkdir()
    write_files(tmp_path / "seeds")
    archive = str(small_disk / "a.sqlite3")
    ended = lesart_process(tmp_path, "ingest", "seeds", "--archive", archive)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert "disk is full; free some disk space" in ended.stderr
    assert "Traceback" not in ended.stderr
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    (summary,) = rows(tmp_path, "ingest", "seeds", "--archive", archive)
    assert (summary["new_articles"], summary["failed"]) == (FILES, 0)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert len(rows(tmp_path, "list", "--archive", archive)) == FILES
    for words in (["source", "list"], ["token", "list"], ["alert", "list"], ["rederive"]):
        ended = lesart_process(tmp_path, *words, "--archive", archive)
        assert ended.returncode == 0, ended.stderr
    ended = lesart_process(tmp_path, "ingest", "seeds", "--archive", archive)
    assert ended.returncode == 4
    assert "check the permissions" in ended.stderr


def test_a_backup_for_which_there_is_no_room_ends_with_4_and_leaves_nothing(small_disk, tmp_path):
    (tmp_path / "seeds").mkdir()
    write_files(tmp_path / "seeds")
    archive, copied = str(tmp_path / "a.sqlite3"), tmp_path / "copy.sqlite3"
    rows(tmp_path, "ingest", "seeds", "--archive", archive)
    assert lesart_process(tmp_path, "backup", str(copied), "--archive", archive).returncode == 0
    for words in (
        ["backup", str(small_disk / "b.sqlite3"), "--archive", archive],
        ["restore", str(copied), "--archive", str(small_disk / "c.sqlite3")],
    ):
        ended = lesart_process(tmp_path, *words)
        assert (ended.returncode, ended.stdout) == (4, "")
        assert "free some disk space" in ended.stderr
    assert [each.name for each in small_disk.iterdir() if each.suffix == ".sqlite3"] == []


def test_an_export_to_a_full_disk_ends_with_4_and_leaves_nothing_there(small_disk, tmp_path):
    (tmp_path / "seeds").mkdir()
    write_files(tmp_path / "seeds")
    assert lesart_process(tmp_path, "ingest", "seeds").returncode == 0
    (small_disk / "fill").write_bytes(bytes(255 * 4096))
    for more in (["export"], ["export", "--format", "warc"], ["list"]):
        ended = lesart_process(tmp_path, *more, "--output", str(small_disk / "x"))
        assert (ended.returncode, ended.stdout) == (4, ""), ended.stderr
        assert "free some disk space" in ended.stderr
        assert [each.name for each in small_disk.iterdir()] == ["fill"]


def test_a_job_that_found_no_room_is_given_back_untried(tmp_path):
    with newsroom_at(f"sqlite:///{tmp_path / 'a.sqlite3'}", tmp_path) as room:
        write_files(room.folder)
        job = room.ordered([target_of(room.source)])
        pages = room.number("PRAGMA page_count")
        limit = [pages + 12]

        def bound(connection, _record, _proxy) -> None:
            connection.execute(f"PRAGMA max_page_count = {limit[0]}")

        event.listen(room.archive.engine, "checkout", bound)
        for _ in range(5):  # more often than a job is tried
            with pytest.raises(DatabaseError) as caught:
                room.worked(job)
            assert is_machine_failure(caught.value)
        assert room.one("SELECT state, attempts FROM job WHERE id = :job", job=job) == {
            "state": "ready",
            "attempts": 0,
        }
        limit[0] = 1_000_000
        assert room.worked(job) == Counts(new_articles=FILES)
