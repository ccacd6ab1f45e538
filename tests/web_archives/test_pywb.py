"""Histories out of pywb, which serves a WARC file of ours: the same as out of the file itself."""

import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.flow.driver import findings
from tests.flow.processes import Service, lesart, rows, until
from tests.services import die_with_parent, free_port
from tests.warcs import answer, packed, request, response, revisit, warcinfo
from tests.web.desk import PEGEL
from tests.web.site import page
from tests.web_archives.history_archive import stored

PYWB = shutil.which("pywb")
URL = "https://zeitung.example/lohe/pegel?a=1"
DAYS = range(1, 15)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PYWB is None, reason="pywb is installed by .ci/run"),
]


def text_of(day: int) -> bytes:
    """Return the page of a day; it changes every second day."""
    return page("Pegel der Lohe steigt", (PEGEL[0].replace("3,6", f"{day // 2}"), *PEGEL[1:]))


def records() -> Iterator[bytes]:
    """Yield a WARC file with responses, revisits, a redirect and an absence."""
    yield warcinfo()
    for day in DAYS:
        at = f"2024-06-{day:02}T08:00:00Z"
        if day % 2 and day > 1:
            yield revisit(URL, at, of=text_of(day))
        else:
            yield request(URL, at)
            yield response(URL, at, answer(text_of(day)))
    moved = answer(status="301 Moved", headers={"Location": "https://zeitung.example/neu"})
    yield response(URL, "2024-06-20T08:00:00Z", moved)
    yield response(URL, "2024-06-21T08:00:00Z", answer(b"weg", status="404 Not Found"))


@dataclass(frozen=True)
class Server:
    """A running pywb with one collection, and the file in it."""

    port: int
    warc: Path

    @property
    def archives(self) -> str:
        base = f"http://127.0.0.1:{self.port}/press"
        return (
            f"lines=cdx {base}/cdx {base}/{{timestamp}}id_/{{url}}, "
            f"map=timemap {base}/timemap/link/{{url}}"
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    assert PYWB is not None
    folder = tmp_path_factory.mktemp("pywb")
    warc = folder / "press.warc.gz"
    warc.write_bytes(packed(*records()))
    manager = Path(PYWB).resolve().parent / "wb-manager"
    for words in (("init", "press"), ("add", "press", str(warc))):
        subprocess.run([manager, *words], cwd=folder, check=True, capture_output=True, timeout=300)
    port = free_port()
    with (folder / "pywb.log").open("wb") as log:
        process = subprocess.Popen(
            [PYWB, "-b", "127.0.0.1", "-p", str(port)], cwd=folder, stdout=log, stderr=log,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  # one system call
        )  # fmt: skip
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/press/cdx?url={URL}"), what="pywb")
        yield Server(port, warc)
    finally:
        process.kill()
        process.wait()


def answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(address, timeout=60) as answered:
        return answered.status == 200
    return False


def settings(folder: Path, server: Server, **more: str) -> dict[str, str]:
    given = {"home": str(folder / "home"), "pace": "0.01s", "web_archives": server.archives}
    return {**given, "allow_hosts": f"127.0.0.1:{server.port}", **more}


def versions(folder: Path, given: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return the wordings of the article with their times; the archive must be without a flaw."""
    assert findings(f"sqlite:///{folder}/home/lesart.sqlite3") == []
    history = rows(folder, "history", URL, **given)
    return [(row["wording"], row["first_seen"], row["last_seen"]) for row in history]


@pytest.fixture(scope="module")
def expected(server, tmp_path_factory) -> list[tuple[str, str, str]]:
    """Return the history out of the WARC file itself."""
    folder = tmp_path_factory.mktemp("file")
    given = settings(folder, server)
    done = lesart(folder, "ingest", str(server.warc), **given)
    assert done.returncode == 0, done.stderr
    return versions(folder, given)


@pytest.mark.parametrize("name", ["lines", "map"])
def test_a_history_is_that_of_the_file(name, server, expected, tmp_path):
    given = settings(tmp_path, server)
    words = ("ingest", "--history", URL, "--web-archive", name)
    listed = rows(tmp_path, *words, "--dry-run", **given)
    assert len(listed) == 16
    assert len([row for row in listed if row["repeats"]]) == {"lines": 6, "map": 0}[name]
    done = lesart(tmp_path, *words, **given)
    assert done.returncode == 0, done.stderr
    found = versions(tmp_path, given)
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    if name == "lines":  # pywb answers the request of a repeat with the time of the original
        assert found == expected
    observed = rows(tmp_path, "observations", URL, **given)
    assert [row["outcome"] for row in observed[-2:]] == ["redirected", "gone"]
    assert {row["foreign"] for row in observed} == {True}


def test_a_killed_import_from_pywb_is_continued_by_the_same_command(server, expected, tmp_path):
    given = settings(tmp_path, server, pace="2s")
    words = ("ingest", "--history", URL, "--web-archive", "lines")
    command = Service(tmp_path, *words, **given)
    command.log = tmp_path / "ingest.log"
    command.start()
    try:
        until(lambda: stored(tmp_path) > 0, what="the first stored captures")
        command.kill()
    finally:
        command.end()
    done = lesart(tmp_path, *words, **{**given, "pace": "0.01s"})
    assert done.returncode == 0, done.stderr
    assert "continuing the interrupted job" in done.stderr
    assert versions(tmp_path, given) == expected
    assert len(rows(tmp_path, "observations", URL, **given)) == 16
