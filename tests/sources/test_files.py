"""A file is read when it has settled, never through a link, never beyond its limit."""

import os
import threading
import time
from pathlib import Path

import pytest

from storage.values.refusals import RefusalReason
from tests.sources.descriptors import open_descriptors
from worker.sources.containers.items import UnsettledFile
from worker.sources.folders.files import (
    FileChangedError,
    Patience,
    ReadFile,
    SettledFile,
    open_settled,
    read_settled,
)

SECOND = 1_000_000_000
LIMIT = 1_000_000


def read(folder, path: str, *, wait: bool = False, earlier=None, limit: int = LIMIT):
    return read_settled(folder.root, path, limit, folder.clock.patience(wait=wait), earlier)


def test_an_old_file_is_read_with_its_stamp(folder):
    status = folder.write("2024/06/a.txt", "Der Text").stat()
    assert read(folder, "2024/06/a.txt") == ReadFile(
        b"Der Text", (8, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    )


def test_an_empty_file_is_read(folder):
    folder.write("a.txt", "")
    assert read(folder, "a.txt").raw == b""


@pytest.mark.parametrize("size", [LIMIT + 1, 200 * 2**20, 10 * 2**30])
def test_a_file_above_the_limit_is_refused_without_reading_a_byte(folder, monkeypatch, size):
    path = folder.write("a.txt", "")
    os.truncate(path, size)
    monkeypatch.setattr(SettledFile, "read_whole", lambda _: pytest.fail("it was read"))
    refused = read(folder, "a.txt")
    assert refused.code == "too_large"
    assert str(LIMIT) in refused.message


def test_a_file_of_exactly_the_limit_is_read(folder):
    folder.write("a.txt", b"x" * 100)
    assert len(read(folder, "a.txt", limit=100).raw) == 100
    assert read(folder, "a.txt", limit=99).code == "too_large"


def test_a_fresh_file_is_left_to_the_next_try(folder):
    folder.write("a.txt", "Text", age_ns=SECOND // 2)
    outcome = read(folder, "a.txt")
    assert isinstance(outcome, UnsettledFile)
    assert outcome.seen_ns == folder.clock.now_ns
    assert folder.clock.slept == []


def test_a_fresh_file_is_waited_for_exactly_until_it_is_a_second_old(folder):
    folder.write("a.txt", "Text", age_ns=SECOND // 4)
    assert read(folder, "a.txt", wait=True).raw == b"Text"
    assert folder.clock.slept == [0.75]


def test_a_file_from_the_future_settles_by_staying_unchanged_for_a_second(folder):
    folder.write("a.txt", "Text", age_ns=-3600 * SECOND)
    assert read(folder, "a.txt", wait=True).raw == b"Text"
    assert sum(folder.clock.slept) == pytest.approx(1)


def test_a_file_from_the_future_settles_between_two_scans(folder):
    folder.write("a.txt", "Text", age_ns=-3600 * SECOND)
    first = read(folder, "a.txt")
    assert isinstance(first, UnsettledFile)
    folder.clock.now_ns += SECOND // 2
    second = read(folder, "a.txt", earlier=first)
    assert isinstance(second, UnsettledFile)
    folder.clock.now_ns += SECOND // 2
    assert read(folder, "a.txt", earlier=first).raw == b"Text"


def test_a_file_from_the_future_that_changed_since_has_not_settled(folder):
    folder.write("a.txt", "Text", age_ns=-3600 * SECOND)
    first = read(folder, "a.txt")
    folder.clock.now_ns += 2 * SECOND
    folder.write("a.txt", "Texte", age_ns=-3600 * SECOND)
    assert isinstance(read(folder, "a.txt", earlier=first), UnsettledFile)


def test_a_file_that_never_rests_is_refused_after_half_a_minute(folder):
    path = folder.write("a.txt", "Text", age_ns=0)

    def grow() -> None:
        with path.open("a") as file:
            file.write("x")
        os.utime(path, ns=(folder.clock.now_ns, folder.clock.now_ns))

    folder.clock.on_sleep = grow
    assert read(folder, "a.txt", wait=True).code == "not_settled"
    assert 30 <= sum(folder.clock.slept) <= 31


def test_a_file_that_changes_during_the_read_is_not_taken(folder, monkeypatch):
    path = folder.write("a.txt", "Erste Fassung")
    really_read = os.fstat

    def change_then_look(descriptor):
        path.write_text("Zweite Fassung")
        return really_read(descriptor)

    opened = open_settled(folder.root, "a.txt", LIMIT, folder.clock.patience(wait=False))
    monkeypatch.setattr("worker.sources.folders.files.os.fstat", change_then_look)
    with opened, pytest.raises(FileChangedError):
        opened.read_whole()


@pytest.mark.parametrize("change", ["grows", "shrinks", "is touched"])
def test_a_stream_stops_at_the_first_read_after_a_change(folder, change):
    path = folder.write("a.jsonl", b"x" * 1000)
    with open_settled(folder.root, "a.jsonl", LIMIT, folder.clock.patience(wait=False)) as opened:
        assert opened.read(10) == b"x" * 10
        match change:
            case "grows":
                os.truncate(path, 2000)
            case "shrinks":
                os.truncate(path, 500)
            case _:
                os.utime(path, ns=(5, 5))
        with pytest.raises(FileChangedError):
            opened.read(10)


def test_no_half_text_is_ever_read_while_a_writer_rewrites_in_place(folder):
    """The writer sets the time back each time, so that only the stamp can tell."""
    folder.write("a.txt", b"a" * 50_000)
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            for letter in (b"b", b"a"):
                folder.write("a.txt", letter * 50_000)
                stop.wait(0.006)  # longer than a tick of the file system's clock

    patience = Patience(wait=False, now_ns=folder.clock.now, sleep=time.sleep)
    writer = threading.Thread(target=rewrite)
    writer.start()
    outcomes = []
    try:
        while len(outcomes) < 2_000:
            outcomes.append(read_settled(folder.root, "a.txt", LIMIT, patience))
    finally:
        stop.set()
        writer.join()
    texts = {outcome.raw for outcome in outcomes if isinstance(outcome, ReadFile)}
    assert texts
    assert texts <= {b"a" * 50_000, b"b" * 50_000}


@pytest.mark.parametrize(
    "path",
    ["../geheim.txt", "a/../../geheim.txt", "/etc/passwd", "", "a//b.txt", "./a.txt", "a\0b"],
)
def test_a_path_that_leaves_the_root_is_refused(folder, path):
    (folder.root.parent / "geheim.txt").write_text("Geheim")
    folder.write("a/b.txt", "Text")
    assert "leads out" in read(folder, path).message


def test_links_are_refused_wherever_they_are_in_the_path(folder, tmp_path):
    (tmp_path / "geheim.txt").write_text("Geheim")
    (folder.root / "link.txt").symlink_to(tmp_path / "geheim.txt")
    (folder.root / "up").symlink_to(tmp_path)
    assert read(folder, "link.txt").code == "not_regular_file"
    assert read(folder, "up/geheim.txt").code == "not_regular_file"


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_path_that_is_no_file_is_refused_without_opening_it(folder, monkeypatch, kind):
    path = folder.root / "a.txt"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            try:
                os.mknod(path, 0o020600, os.makedev(1, 5))
            except PermissionError:
                pytest.skip("only root may make a device")
    refused = read(folder, "a.txt")
    assert refused.code == "not_regular_file"
    assert kind in refused.message


def test_a_pipe_put_in_place_between_look_and_open_is_refused_at_once(folder, monkeypatch):
    folder.write("a.txt", "Text")
    really_open = os.open

    def swap_then_open(path, *args, **kwargs):
        if path == "a.txt":
            (folder.root / "a.txt").unlink()
            os.mkfifo(folder.root / "a.txt")
        return really_open(path, *args, **kwargs)

    monkeypatch.setattr("worker.sources.folders.files.os.open", swap_then_open)
    assert read(folder, "a.txt").code == "not_regular_file"


def test_a_vanished_file_says_so(folder):
    refused = read(folder, "weg.txt")
    assert (refused.code, "vanished" in refused.message) == ("unreadable", True)


def test_a_file_without_permissions_is_unreadable(folder):
    path = folder.write("a.txt", "Text")
    path.chmod(0)
    outcome = read(folder, "a.txt")
    if os.geteuid() == 0:
        assert outcome.raw == b"Text"  # root may read it all the same
    else:
        assert (outcome.code, "permissions" in outcome.message) == ("unreadable", True)


def test_a_read_error_is_unreadable_and_closes_the_file(folder, monkeypatch):
    folder.write("a.txt", "Text")

    def fail(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(SettledFile, "read_whole", fail)
    open_before = open_descriptors()
    assert read(folder, "a.txt").code == "unreadable"
    assert open_descriptors() == open_before


@pytest.mark.parametrize("swapped", ["the file", "its folder"])
def test_a_link_that_is_swapped_in_and_out_is_never_followed(folder, tmp_path, swapped):
    outside = tmp_path / "draussen"
    outside.mkdir()
    (outside / "a.txt").write_bytes(b"GEHEIM")
    folder.write("f/a.txt", "Text")
    stop = threading.Event()
    target = folder.root / "f" / "a.txt" if swapped == "the file" else folder.root / "f"
    spare = folder.root / "spare"
    aim = outside / "a.txt" if swapped == "the file" else outside

    def swap() -> None:
        while not stop.is_set():
            Path(target).rename(spare)
            target.symlink_to(aim)
            target.unlink()
            spare.rename(target)

    swapper = threading.Thread(target=swap)
    swapper.start()
    tries = 2_000
    try:
        outcomes = [read(folder, "f/a.txt") for _ in range(tries)]
    finally:
        stop.set()
        swapper.join()
    read_texts = {outcome.raw for outcome in outcomes if isinstance(outcome, ReadFile)}
    refused = {outcome.code for outcome in outcomes if isinstance(outcome, RefusalReason)}
    assert read_texts <= {b"Text"}
    assert refused <= {"not_regular_file", "unreadable"}
    assert read(folder, "f/a.txt").raw == b"Text"
