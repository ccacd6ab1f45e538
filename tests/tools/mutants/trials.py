"""Tries mutants in children of one process that has collected all tests."""

import contextlib
import gc
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.tools.mutants.mutate import Mutant
from tests.tools.mutants.selection import Recorded
from tests.tools.mutants.swap import swap

OPTIONS = ("-q", "-x", "-n0", "-s", "-m", "", "-p", "no:cacheprovider")
OTHER_TIERS = ("browser", "chaos", "compose", "large", "slow")
LONGEST_SECONDS = 900.0
"""Seconds after which the tests of a mutant do not end; in processor time, see `_run_child`."""
ANEW = 3
"""The exit code of a child that cannot put the mutant into the modules it has."""
Fate = tuple[str, int]
"""The first test that failed, or an empty string, and the number of tests that were chosen."""


class Trials:
    """A plugin of pytest that tries mutants instead of running the tests once."""

    def __init__(
        self, copy: Path, recorded: Recorded, named: dict[str, tuple[str, ...]], seconds: float
    ) -> None:
        self.copy, self.recorded, self.named, self.seconds = copy, recorded, named, seconds
        self.first: Iterable[str] = ()
        self.sound: dict[str, bool] = {}
        """Whether a test that failed with a mutant passes without one."""
        self.failed: list[str] = []
        self.tried = 0
        self._work = copy.parent / "work"
        self.work: Callable[[], None]

    def run(self, work: Callable[[], None], first: Iterable[str]) -> None:
        """Collect the tests in the copy, and do some work that calls `fate`."""
        self.work, self.first = work, tuple(first)
        os.chdir(self.copy)
        os.environ["PYTHONPATH"] = sys.path[0] = str(self.copy)
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(self._work)
        self._work.mkdir()
        for name in [each for each in sys.modules if each.partition(".")[0] == "tests"]:
            del sys.modules[name]
        named = (each for names in self.named.values() for each in names)
        names = (*(name for name, _seconds in self.recorded.tests), *named, *self.first)
        places = {name.partition("::")[0] for name in names}
        assert pytest.main([*OPTIONS, *sorted(places)], plugins=[self]) == 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.unfreeze()
        self.session = session
        self.items = {item.nodeid: item for item in session.items}
        self.work()
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def fate(self, group: str, file: str, mutant: Mutant) -> Fate:
        """Run the tests of a mutant until one fails that passes without it."""
        path = self.copy / file
        before = path.read_bytes()
        known = self.recorded.select(file, before.decode(), mutant, self.named[group], self.seconds)
        tests = [*self._tests_at(self.first), *(known or self._named_tests(group))]
        tests = [
            each for each in dict.fromkeys(tests)
            if each in self.items and self.sound.get(each, True)
        ]  # fmt: skip
        after = mutant.apply(before)
        while True:
            self._write(path, after)
            try:
                failed = self._try(tests, lambda: swap(path, before, after))
            finally:
                self._write(path, before)
            if failed not in self.items:
                return failed, len(tests)
            if failed not in self.sound:
                self.sound[failed] = not self._try([failed], lambda: True)
            if self.sound[failed]:
                return failed, len(tests)
            tests.remove(failed)

    def _tests_at(self, places: Iterable[str]) -> list[str]:
        return [name for each in places for name in self.items if name.startswith(each)]

    def _named_tests(self, group: str) -> list[str]:
        """Return the tests of a group in the default tier, pure ones first."""
        found = [self.items[each] for each in self._tests_at(self.named[group])]
        usual = [each for each in found if not any(map(each.get_closest_marker, OTHER_TIERS))]
        return [each.nodeid for each in sorted(usual, key=is_impure)]

    def _write(self, path: Path, source: bytes) -> None:
        """Write a source with a time of its own: by it, Python knows which compiled file is old."""
        path.write_bytes(source)
        self.tried += 1
        os.utime(path, (self.tried, self.tried))

    def _try(self, tests: list[str], put_in: Callable[[], bool]) -> str:
        """Run tests in a child, or in a new process if need be; return the first that failed."""
        with tempfile.TemporaryFile("w+") as told:
            child = os.fork()
            if not child:
                self._run_child(tests, put_in, told.fileno())
            code = _wait(child)
            told.seek(0)
            failed = told.read()
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir()
        if code != ANEW:
            return failed or ("" if code == 0 else f"ended by {code}")
        command = [sys.executable, "-m", "pytest", *OPTIONS, *tests]
        with tempfile.TemporaryFile("w+") as told:
            started = subprocess.Popen(
                command, cwd=self.copy, stdout=told, stderr=told, start_new_session=True
            )
            code = _wait(started.pid)
            started.returncode = code
            told.seek(0)
            lines = told.read().splitlines()
        failing = [each.split()[1] for each in lines if each.startswith(("FAILED ", "ERROR "))]
        return "" if code == 0 else (failing or [f"ended by {code}"])[0]

    def _run_child(self, tests: list[str], put_in: Callable[[], bool], told: int) -> None:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        limit = round(3 * self.seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        if not put_in():
            os._exit(ANEW)
        items, began = [self.items[each] for each in tests], sum(os.times()[:4])
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed or (following and sum(os.times()[:4]) > began + self.seconds):
                os.write(told, "".join(self.failed[:1]).encode())
                self.session._setupstate.teardown_exact(None)
                break
        os._exit(bool(self.failed))


def is_impure(item: pytest.Item) -> bool:
    return item.get_closest_marker("unit") is None


def _wait(child: int) -> int:
    """Wait for a process, end those that it started, and return its exit code."""
    end = time.monotonic() + LONGEST_SECONDS
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(ended[1])
