"""The real `lesart` in processes of its own: started, signalled and ended by their ids."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psutil
from typer.testing import CliRunner

from storage.cli.exits import only_named
from tests import services
from worker.cli.commands import app

ROOT = Path(__file__).parents[2]
LESART = (sys.executable, "-m", "worker")
READS = frozenset({
    "alert log", "changes", "doctor", "history", "jobs", "list", "noise", "refusals", "search",
    "show", "sql", "stats",
})  # fmt: skip
"""Commands that only read: they run in this process, as a test that waits repeats them often."""


def environment(**settings: str) -> dict[str, str]:
    """Return the environment of a process with these settings and no others."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LESART_")}
    given = {f"LESART_{name.upper()}": value for name, value in settings.items()}
    return {**plain, **given, "PYTHONPATH": str(ROOT)}


class Service:
    """A `lesart` command that goes on until it is stopped; it dies with the tests."""

    def __init__(self, folder: Path, *words: str, **settings: str) -> None:
        self.folder, self.words, self.settings = folder, words, settings
        self.name = words[0]
        self.log = folder / f"{'-'.join(words)}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*LESART, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment(**self.settings),
                preexec_fn=services.die_with_parent(signal.SIGTERM),  # noqa: PLW1509  # one system call
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def children(self) -> list[psutil.Process]:
        """Return the processes that this one started, and theirs."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """Kill -9 the main process alone; its children have to notice."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self, how: signal.Signals = signal.SIGTERM, seconds: float = 20.0) -> float:
        """Ask it to go; return how many seconds that took."""
        assert self.process is not None
        began, left = time.monotonic(), self.children()
        if self.is_alive:
            self.process.send_signal(how)
        try:
            self.process.wait(seconds)
            return time.monotonic() - began
        finally:
            self.process.kill()
            for child in psutil.wait_procs(left, 2)[1]:  # they may be writing still
                with suppress(psutil.NoSuchProcess):
                    child.kill()

    def told(self) -> str:
        return self.log.read_text(errors="replace")


class Supervisor:
    """Starts again what has died, as compose does with `restart`."""

    def __init__(self, *services: Service) -> None:
        self.services = list(services)
        self.restarts: dict[str, int] = dict.fromkeys((each.name for each in services), 0)
        self.lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        for each in self.services:
            each.start()
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()
        for each in self.services:
            if each.process is not None:
                each.end()

    @contextmanager
    def without(self, *services: Service) -> Iterator[None]:
        """Leave services ended for a while."""
        with self.lock:
            self.services = [each for each in self.services if each not in services]
        for each in services:
            each.end()
        try:
            yield
        finally:
            for each in services:
                each.start()
            with self.lock:
                self.services += services

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            with self.lock:
                for each in self.services:
                    if not each.is_alive:
                        each.start()
                        self.restarts[each.name] += 1


def lesart(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one command and return how it ended."""
    return subprocess.run(
        [*LESART, *words], cwd=folder, env=environment(**settings), capture_output=True,
        encoding="utf-8", timeout=600, check=False,
    )  # fmt: skip


def rows(folder: Path, *words: str, **settings: str) -> list[dict[str, Any]]:
    """Run a command that must end well and return the rows that it wrote."""
    asked = (*words, "--format", "jsonl")
    if {words[0], " ".join(words[:2])} & READS:
        given = {name: value for name, value in environment(**settings).items() if "LESART" in name}
        with chdir(folder):
            answer = CliRunner().invoke(only_named(app, asked), asked, env=given)
        code, told, complained = (
            answer.exit_code,
            answer.stdout,
            f"{answer.stderr}{answer.exception}",
        )
    else:
        ended = lesart(folder, *asked, **settings)
        code, told, complained = ended.returncode, ended.stdout, ended.stderr
    assert code in {0, 1}, complained
    return [json.loads(line) for line in told.splitlines()]


def until(true: Callable[[], object], seconds: float = 240.0, what: str = "it") -> None:
    """Wait for what has to come; how soon is a matter of the machine, unless a test says so.

    Whoever asks often takes the time of what is waited for: a question has a fifth of it at most.
    """
    end, pause = time.monotonic() + seconds, 0.02
    while True:
        began = time.monotonic()
        if true():
            return
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(max(pause, min(4 * (time.monotonic() - began), 2.0)))
        pause = min(1.3 * pause, 0.5)
