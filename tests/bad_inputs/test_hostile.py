"""Files made to hurt end soon, within a gibibyte, with their code; what lies beside them is read."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from lesart import open_archive
from tests.bad_inputs.hostile import HOSTILE, Hostile
from tests.flow.driver import SENTENCES, seed, touch
from tests.flow.processes import LESART, environment

MOST_BYTES = 1024**3
MOST_SECONDS = 60
"""Of processor time, all processes together: a test machine has other things to do."""
QUICK = ("letters.txt", "aliases.md", "laughs.xml")
FILES = [each for each in HOSTILE if each.type is None]
ON_THE_STACK = [case for number, case in enumerate(FILES) if number % 7 not in {1, 3, 5}]
"""Thirty of them, of all kinds."""


@dataclass
class Peak:
    """The most that a process and those that it started ever took."""

    bytes: int = 0
    _seconds: dict[int, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return sum(self._seconds.values())

    def look(self, process: psutil.Process) -> None:
        for each in [process, *process.children(recursive=True)]:
            try:
                status = Path(f"/proc/{each.pid}/status").read_text()
                self._seconds[each.pid] = sum(each.cpu_times()[:2])
            except (OSError, psutil.Error):
                continue
            if "VmHWM:" in status:
                kibibytes = int(status.split("VmHWM:")[1].split()[0])
                self.bytes = max(self.bytes, kibibytes * 1024)


@contextmanager
def watched(pid: int) -> Iterator[Peak]:
    peak, done, process = Peak(), threading.Event(), psutil.Process(pid)

    def look() -> None:
        while not done.wait(0.05):
            try:
                peak.look(process)
            except psutil.NoSuchProcess:
                return

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def put(folder: Path, case: Hostile) -> Path:
    """Write a hostile file and, where a folder can be read whole, good ones around it."""
    folder.mkdir()
    path = folder / case.name
    path.write_bytes(case.make())
    touch(path)
    if case.type is None:
        for name in ("a_gut.txt", "z_gut.txt"):
            (folder / name).write_text(seed(f"Gute Meldung {name}", *SENTENCES), "utf-8")
            touch(folder / name)
    return path


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=() if case.name in QUICK else pytest.mark.slow)
        for case in HOSTILE
    ],
)
def test_a_hostile_file_costs_little_and_only_itself(case, tmp_path):
    path = put(tmp_path / "in", case)
    named = [str(path), "--type", case.type] if case.type else [str(path.parent)]
    archive = tmp_path / "archive.sqlite3"
    command = [
        *LESART, "ingest", *named, "--source", "bad", "--archive", str(archive), "--format", "json",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path
    )
    with watched(process.pid) as peak:
        said, complained = process.communicate(timeout=600)
    assert process.returncode in {0, 1}, complained.decode()
    assert peak.bytes < MOST_BYTES, f"{peak.bytes >> 20} MiB"
    assert peak.seconds < MOST_SECONDS
    assert json.loads(said)[0]["failed"] == 0
    with open_archive(archive) as read:
        origins = {each.origin for each in read.articles()}
        refusals = [each for each in read.refusals() if "_gut" not in each.locator]
    if case.type is None:
        assert {"seed:bad/a_gut.txt", "seed:bad/z_gut.txt"} <= origins
    ended(case, {each.code for each in refusals})
    assert all(each.kept for each in refusals if each.code.startswith(("resource", "too_many_p")))


def ended(case: Hostile, codes: set[str]) -> None:
    assert codes <= set(case.ends), f"{case.name}: {codes}"
    assert codes or "taken" in case.ends, f"{case.name} was taken"
