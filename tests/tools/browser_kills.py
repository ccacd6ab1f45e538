"""`python -m tests.tools.browser_kills --count 1000 --kills 40 --seed 1`: pages of scripts under kills.

`lesart up` on SQLite, or a worker and the scheduler on PostgreSQL, read pages by a browser. At
moments that a seed chooses, the worker, Chromium or the first process of its namespaces is killed,
or the disk with the archive and temporary files is full for a while (as root, who may mount one).
At the end each page has its text or a refused check with a code, and no process, profile, temporary
file, socket or open job is left. The memory is that of all browsers and their rooms, by samples.
"""

import argparse
import ctypes
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import psutil

from tests import services
from tests.flow.processes import Service, Supervisor, lesart_process, until
from tests.tools.chaos.checker import asking
from tests.tools.chaos.corpus import WORDS
from tests.web.site import Reply, Web, simulated_web

HOSTS = 10
MEGABYTES, MEGABYTES_PER_PAGE = 60, 0.3
LONGEST_PAUSE_SECONDS, LONGEST_FULL_SECONDS = 3.0, 4.0
SECONDS_PER_PAGE = 60.0
PROFILE = Path("/tmp/profile")  # the name in a room
SAMPLE_SECONDS = 0.5
OF_KILLED = ("lesart-web-", "pymp-")
"""Folders that stay if their process is killed: locks of a web server, and of multiprocessing."""
PR_SET_CHILD_SUBREAPER = 36
SETTINGS = {"batch_items": "20", "batch_seconds": "20s", "lease_seconds": "60s", "pace": "0.01s"}
SHELL = """<!doctype html><html lang=de><head><title>Zeitung</title></head><body><div id=a></div>
<script>fetch('/text/{number}').then(r => r.text()).then(t => {{
  document.getElementById('a').attachShadow({{mode: 'closed'}}).innerHTML = t }})</script></body></html>"""
TEXTS = (
    "SELECT r.origin, w.text FROM version v JOIN article a ON a.id = v.article_id "
    "JOIN origin r ON r.id = a.origin_id JOIN wording w ON w.id = v.wording_id"
)
CODES = "SELECT locator, code FROM refusals"
OPEN = (
    "SELECT kind, state, trigger, attempts, arguments FROM job WHERE state IN ('ready', 'running')"
)


@dataclass
class Run:
    """The parameters of a run, and its results."""

    count: int
    kills: int
    database: str
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    texts: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    peak_mb: float = 0.0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def told(self) -> str:
        """Return the summary that the command prints."""
        return "\n".join([
            f"{self.count} pages, {self.done.total()} kills, {self.database}, seed {self.seed}: "
            + ("well" if not self.faults else f"{len(self.faults)} FAULTS"),
            f"  kills      {dict(sorted(self.done.items()))}; services started again: {self.restarts}",
            f"  pages      {self.texts} with their text, refused: {dict(self.codes)}",
            f"  in all     {self.seconds:.0f} s, browsers at most {self.peak_mb:.0f} MB (PSS)",
            *(f"  fault      {each}" for each in self.faults[:20]),
        ])  # fmt: skip


def run(count: int, kills: int, database: str, seed: int) -> Run:
    """Make one run and return its results."""
    made, began = Run(count, kills, database, seed), time.monotonic()
    with ExitStack() as resources:
        resources.enter_context(_orphans_are_children())
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="lesart-kills-")))
        disk = _Disk(folder / "disk", MEGABYTES + int(count * MEGABYTES_PER_PAGE))
        resources.enter_context(disk.mounted())
        web = resources.enter_context(simulated_web(folder, lambda: datetime.now(UTC)))
        texts = _put_pages(web, count, Random(seed))
        scene = _Scene(made, folder, disk, web, resources)
        before = set(psutil.Process().children(recursive=True))
        with Supervisor(*scene.services) as supervisor, scene.measured():
            scene.work(supervisor)
        made.restarts = sum(supervisor.restarts.values())
        made.faults += scene.left(set(psutil.Process().children(recursive=True)) - before)
        _check_pages(made, scene.url, texts)
        verified = lesart_process(folder, "verify", **scene.settings)
        if verified.returncode:
            made.faults.append(f"verify: {verified.stdout}{verified.stderr}")
    made.seconds = time.monotonic() - began
    return made


@contextmanager
def _orphans_are_children() -> Iterator[None]:
    """Become the parent of processes whose own parent was killed, so that none is overlooked."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


class _Disk:
    """A small disk, which can be full for a while; without the right to mount it is a folder."""

    def __init__(self, path: Path, megabytes: int) -> None:
        self.path, self.megabytes = path, megabytes
        path.mkdir()
        self.is_small = False

    @contextmanager
    def mounted(self) -> Iterator[None]:
        words = ["mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m", "tmpfs", self.path]
        self.is_small = subprocess.run(words, capture_output=True, check=False).returncode == 0
        try:
            yield
        finally:
            if self.is_small:
                subprocess.run(["umount", "-l", self.path], check=True)

    def fill(self, seconds: float) -> None:
        """Leave no byte free for some seconds; what is freed meanwhile is taken again."""
        filler, end = self.path / "filler", time.monotonic() + seconds
        with filler.open("wb", buffering=0) as file:
            while time.monotonic() < end:
                for size in (1 << 20, 1 << 12):
                    with suppress(OSError):
                        while file.write(bytes(size)) == size:
                            pass
                time.sleep(0.05)
        filler.unlink()


def _put_pages(web: Web, count: int, chance: Random) -> dict[str, str]:
    """Put pages of scripts on several servers, and their list on another; return texts by page."""
    texts = {}
    for number in range(count):
        host, words = f"z{number % HOSTS}.example", " ".join(chance.choices(WORDS, k=60))
        text = f"Meldung {number} von der Küste, wie die Lotsen am Abend sagten: {words}."
        web.put(f"https://{host}/m/{number}", SHELL.format(number=number))
        inner = f"<article><h1>Meldung {number}</h1><p>{text}</p></article>"
        web.put(f"https://{host}/text/{number}", Reply(inner.encode()))
        texts[f"https://{host}/m/{number}"] = text
    web.put("https://liste.example/seiten.txt", Reply("\n".join(texts).encode(), type="text/plain"))
    return texts


class _Scene:
    """The services of a run, and what is done to them."""

    def __init__(
        self, made: Run, folder: Path, disk: _Disk, web: Web, resources: ExitStack
    ) -> None:
        self.made, self.folder, self.disk, self.chance = made, folder, disk, Random(made.seed)
        self.temporary = disk.path / "tmp"
        for each in (self.temporary, folder / "seeds"):
            each.mkdir()
        self.settings = {
            **SETTINGS, "allow_hosts": web.allow_hosts(), "ca_file": str(web.ca_file),
            "home": str(disk.path / "home"), "seeds": str(folder / "seeds"),
        }  # fmt: skip
        self.url, words = f"sqlite:///{disk.path}/home/lesart.sqlite3", [["up"]]
        if made.database == "postgresql":
            self.url = resources.enter_context(services.own_postgres()).url("postgres")
            self.settings |= {
                "database_url": self.url,
                "broker_url": resources.enter_context(services.own_redis()).url,
                "browser": "/usr/lib/chromium/chromium",
            }
            words = [["worker", "--concurrency", "2"], ["scheduler"]]
        else:
            self.settings["web_address"] = "127.0.0.1:0"
        self._command("db", "upgrade")
        self._command(
            "source", "add", "https://liste.example/seiten.txt", "--browser", "--recheck", "off",
            "--every", "30d",
        )  # fmt: skip
        self.services = [Service(folder, *each, **self.settings) for each in words]
        for service in self.services:
            service.variables["TMPDIR"] = str(self.temporary)

    def _command(self, *words: str) -> None:
        ended = lesart_process(self.folder, *words, **self.settings)
        assert ended.returncode == 0, ended.stderr

    def work(self, supervisor: Supervisor) -> None:
        """Kill while pages are read, evenly over the run; return when all is done."""
        for number in range(self.made.kills):
            wanted = number * self.made.count // (self.made.kills + 1)
            until(lambda n=wanted: self._done() >= n, self._patience, f"{wanted} pages")
            until(self._browsers, self._patience, "a browser")
            time.sleep(self.chance.uniform(0, LONGEST_PAUSE_SECONDS))
            kinds = ["worker", "chromium", "room"] + ["disk"] * self.disk.is_small
            kind = kinds[number % len(kinds)]
            self._hit(kind, supervisor)
            self.made.done[kind] += 1
        until(self._is_done, self._patience, "the end of all jobs")
        until(lambda: not self._browsers(), 60, "the end of the last browser")
        until(lambda: not list(self._room_sockets()), 60, "the end of the last socket")

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Sample the memory of browsers and their rooms meanwhile."""
        is_over = threading.Event()
        thread = threading.Thread(target=self._sample, args=(is_over,))
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def _sample(self, is_over: threading.Event) -> None:
        while not is_over.wait(SAMPLE_SECONDS):
            found = [each for s in self.services for each in s.children()]
            inner = {each for room in found if _is_room(room) for each in _descendants(room)}
            total = 0
            for each in inner:
                with suppress(psutil.Error):
                    total += each.memory_full_info().pss
            self.made.peak_mb = max(self.made.peak_mb, total / 1e6)

    def _room_sockets(self) -> Iterator[str]:
        """Yield the open sockets of services that are in no list of their own network."""
        found = {}
        for each in [p for s in self.services for p in (psutil.Process(s.pid), *s.children())]:
            with suppress(OSError):
                for link in Path(f"/proc/{each.pid}/fd").iterdir():
                    name = str(link.readlink())
                    if name.startswith("socket:"):
                        found[name[8:-1]] = f"{each.name()} {name}"
        tables = [
            Path("/proc/net", name) for name in ("tcp", "tcp6", "udp", "udp6", "unix", "netlink")
        ]
        known = set(" ".join(each.read_text() for each in tables if each.exists()).split())
        yield from (text for number, text in found.items() if number not in known)

    @property
    def _patience(self) -> float:
        return 600 + self.made.count * SECONDS_PER_PAGE / 10

    def _hit(self, kind: str, supervisor: Supervisor) -> None:
        if kind == "disk":
            self.disk.fill(self.chance.uniform(0.5, LONGEST_FULL_SECONDS))
            return
        with supervisor.lock:
            found = [each for s in self.services for each in s.children()]
            rooms = [each for each in found if _is_room(each)]
            if kind == "chromium":
                targets = self._browsers()
            elif kind == "room":
                targets = rooms
            else:
                inner = {each for room in rooms for each in _descendants(room)}
                own = [psutil.Process(s.pid) for s in self.services if s.is_alive]
                targets = [*own, *(each for each in found if each not in {*inner, *rooms})]
            if targets:
                with suppress(psutil.NoSuchProcess):
                    self.chance.choice(sorted(targets, key=lambda each: each.pid)).kill()

    def _browsers(self) -> list[psutil.Process]:
        found = [each for s in self.services for each in s.children()]
        return [each for each in found if _name(each) == "chromium"]

    def _done(self) -> int:
        """Return how many pages have a check so far."""
        return int(self._rows("SELECT count(DISTINCT locator_id) FROM observation")[0][0]) - 1

    def _is_done(self) -> bool:
        return self._done() >= self.made.count and not self._rows(OPEN)

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with asking(self.url) as ask:
            return ask.rows(query)

    def left(self, processes: set[psutil.Process]) -> Iterator[str]:
        """Yield the processes and temporary files that the services left."""
        until(lambda: not any(_is_running(each) for each in processes), 20, "the end of processes")
        files = [each.name for each in self.temporary.iterdir()]
        if files := [each for each in files if not each.startswith(OF_KILLED)]:
            yield f"temporary files: {files}"
        if PROFILE.exists():
            yield f"the profile of a browser: {PROFILE}"
        if jobs := self._rows(OPEN):
            yield f"open jobs: {jobs}"


def _check_pages(made: Run, url: str, texts: dict[str, str]) -> None:
    """Check that each page has its text once, or a refusal with a code."""
    with asking(url) as ask:
        found, codes = ask.rows(TEXTS), dict(ask.rows(CODES))
    stored = Counter(origin for origin, _text in found)
    for origin, text in found:
        if text.strip() != texts.get(origin):
            made.faults.append(f"{origin} has another text: {text[:80]}")
    for origin in texts:
        if stored[origin] > 1 or (not stored[origin] and origin not in codes):
            made.faults.append(f"{origin} has {stored[origin]} versions and no code")
    made.texts = len(stored)
    made.codes = Counter(codes[each] for each in texts if not stored[each] and each in codes)


def _is_room(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "".join(process.cmdline()[-1:]).endswith("/browser_pages/room.py")
    return False


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return str(process.name())
    return ""


def _is_running(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.browser_kills", description=__doc__
    )
    parser.add_argument("--count", type=int, default=1000, help="pages")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the kills")
    given = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    made = run(given.count, given.kills, given.database, given.seed)
    sys.stdout.write(f"{made.told()}\n")
    return 1 if made.faults else 0


if __name__ == "__main__":
    sys.exit(main())
