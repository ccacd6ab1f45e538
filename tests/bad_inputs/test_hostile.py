"""Hostile files are refused soon, within a gibibyte, with their code; their neighbours are read."""

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

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.starts_first]

MOST_BYTES = 1024**3
MOST_SECONDS = 60
"""Of processor time, all processes together, beside what each document is given to be read."""
READ_SECONDS = 1.0
TRIES = 2
KINDS = {
    "texts": ("txt",),
    "Markdown": ("md",),
    "records": ("json", "jsonl", "csv"),
    "pages": ("html",),
    "packed": ("gz", "zip"),
}
QUICK = ("letters.txt", "aliases.md")
FILES = [each for each in HOSTILE if each.type is None]
LIST_TIERS = {"laughs.xml": (), "urls.xml": pytest.mark.large}
LISTS = [each for each in HOSTILE if each.type is not None]
FOLDERS = {
    kind: [each for each in FILES if each.name.rpartition(".")[2] in suffixes]
    for kind, suffixes in KINDS.items()
}


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
        while not done.wait(0.2):  # to find all children takes a while
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


def put(folder: Path, cases: list[Hostile]) -> None:
    """Write hostile files, and a good one beside each of them."""
    folder.mkdir()
    for case in cases:
        path = folder / case.name
        path.write_bytes(case.make())
        touch(path)
        path = folder / good(case)
        path.write_text(seed(f"Gute Meldung neben {case.name}", SENTENCES[0]), "utf-8")
        touch(path)


def good(case: Hostile) -> str:
    return f"gut_{case.name.replace('.', '_')}.txt"


def ingested(folder: Path, *named: str, files: int) -> Path:
    """Ingest the named files, soon and within a gibibyte; return the archive."""
    archive = folder / "archive.sqlite3"
    command = [
        *LESART, "ingest", *named, "--source", "bad", "--archive", str(archive), "--format", "json",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
        env=environment(document_seconds=f"{READ_SECONDS}s"),
    )  # fmt: skip
    with watched(process.pid) as peak:
        said, complained = process.communicate(timeout=600)
    assert process.returncode in {0, 1}, complained.decode()
    assert peak.bytes < MOST_BYTES, f"{peak.bytes >> 20} MiB"
    assert peak.seconds < MOST_SECONDS + files * TRIES * READ_SECONDS
    assert json.loads(said)[0]["failed"] == 0
    return archive


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(
            [each for each in FILES if each.name in QUICK],
            id="two of them",
            marks=pytest.mark.slow,
        ),
        *(
            pytest.param(
                cases, id=kind, marks=pytest.mark.slow if kind == "packed" else pytest.mark.large
            )
            for kind, cases in FOLDERS.items()
        ),
    ],
)
def test_hostile_files_in_a_folder_cost_little_and_only_themselves(cases, tmp_path):
    put(tmp_path / "in", cases)
    with open_archive(ingested(tmp_path, "in", files=len(cases))) as read:
        origins = {each.origin for each in read.articles()}
        refusals = list(read.refusals())
    for case in cases:
        ended(case, {each.code for each in refusals if of(case, each.locator)})
        assert f"seed:bad/{good(case)}" in origins
    assert all(each.kept for each in refusals if each.code.startswith(("resource", "too_many_p")))


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=LIST_TIERS.get(case.name, pytest.mark.slow))
        for case in LISTS
    ],
)
def test_a_hostile_list_costs_little(case, tmp_path):
    (tmp_path / case.name).write_bytes(case.make())
    archive = ingested(tmp_path, case.name, "--type", case.type, files=1)
    with open_archive(archive) as read:
        ended(case, {each.code for each in read.refusals()})


def test_every_hostile_file_is_of_a_kind():
    assert sorted(map(str, FILES)) == sorted(
        map(str, (each for some in FOLDERS.values() for each in some))
    )


def of(case: Hostile, locator: str) -> bool:
    """Return whether a refusal speaks of a file, or of what is packed in it."""
    return f"/{case.name.removesuffix('.gz')}" in locator  # which is wrapping, and stands in none


def ended(case: Hostile, codes: set[str]) -> None:
    assert codes <= set(case.ends), f"{case.name}: {codes}"
    assert codes or "taken" in case.ends, f"{case.name} was taken"
