"""Run `lesart` as its users do."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.flow.processes import run_here

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 120.0


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the state did not come"
        time.sleep(0.05)


@dataclass
class Shell:
    """A folder in which commands run; `settings` are variables of the environment."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command that runs until it is stopped."""
        process = subprocess.Popen(
            [sys.executable, "-m", "worker", *words], cwd=self.folder, env=self._environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        self.running.append(process)
        return process

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in this process."""
        return run_here(self.folder, words, self._environment())

    def _environment(self) -> dict[str, str]:
        path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        return {**os.environ, "PYTHONPATH": path, **self.settings}

    def end(self) -> None:
        """End what still runs."""
        for process in self.running:
            process.kill()
            process.communicate()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Give an empty folder to run commands in."""
    found = Shell(tmp_path)
    yield found
    found.end()


@pytest.fixture
def archived(small_archive: Path) -> Iterator[Shell]:
    """Give a folder with an archive of three articles at its default place."""
    found = Shell(small_archive.parents[1])
    yield found
    found.end()
