"""The real `lesart` in processes of its own: started, signalled and ended by their ids."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, suppress
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from storage.cli.exits import NO_SUCH, run
from tests import services
from worker.cli.commands import app
from worker.cli.program import EXIT_CODES

ROOT = Path(__file__).parents[2]
LESART = (sys.executable, "-m", "worker")


def environment(**settings: str) -> dict[str, str]:
    """Return the environment of a process with these settings and no others."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LESART_")}
    given = {f"LESART_{name.upper()}": value for name, value in settings.items()}
    return {**plain, **given, "PYTHONPATH": str(ROOT)}


def receives_interrupts(pid: int) -> bool:
    """Check whether a process neither blocks nor ignores SIGINT."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    sets = [int(line.split()[1], 16) for line in lines if line.startswith(("SigBlk", "SigIgn"))]
    return not any(each >> (signal.SIGINT - 1) & 1 for each in sets)


class Service:
    """A `lesart` command that goes on until it is stopped; it dies with the tests."""

    def __init__(self, folder: Path, *words: str, **settings: str) -> None:
        self.folder, self.words, self.settings = folder, words, settings
        self.variables: dict[str, str] = {}
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
                env=environment(**self.settings) | self.variables,
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
    """Restarts dead processes, as compose does with `restart`."""

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


def lesart_process(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one command in a process of its own: it takes half a second more than `lesart`."""
    return subprocess.run(
        [*LESART, *words], cwd=folder, env=environment(**settings), capture_output=True,
        encoding="utf-8", timeout=600, check=False,
    )  # fmt: skip


def lesart(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one command in this process, as its program does, and return how it ended."""
    return run_here(folder, words, environment(**settings))


def run_here(
    folder: Path, words: Sequence[str], variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run one command in this process, in a folder and with these environment variables alone."""
    output, messages = (TextIOWrapper(BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        for name in {*os.environ} - {*variables, "PYTEST_CURRENT_TEST"}:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        for name, stream in (("stdin", StringIO()), ("stdout", output), ("stderr", messages)):
            patch.setattr(sys, name, stream)
        code = run(app, words, exit_codes=EXIT_CODES)
    told, complained = (stream.buffer.getvalue().decode() for stream in (output, messages))
    return subprocess.CompletedProcess(words, code, told, complained)


def rows(folder: Path, *words: str, **settings: str) -> list[dict[str, Any]]:
    """Run a command in this process and return its rows; none while there is no archive."""
    ended = lesart(folder, *words, "--format", "jsonl", **settings)
    assert ended.returncode in {0, 1, NO_SUCH}, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


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
