"""Run a command in a process of its own that fails, or is killed, at one of its calls."""

import fcntl
import gc
import importlib
import os
import pkgutil
import shutil
import signal
import sqlite3
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psycopg

import storage
import worker
from storage.cli.exits import run
from tests.services import PostgresDatabases
from tests.tools.failures.injector import Injector, Point, Sites
from tests.tools.failures.network import ANSWERS, Servers
from tests.tools.failures.operations import FIRST, QUERIES, Operation, Step, fill
from worker.cli.commands import app
from worker.cli.program import EXIT_CODES
from worker.text.annotate import language

DOCUMENTED = frozenset({0, 1, 2, 3, 4, 130})
SECONDS = 900
OUTPUT = 1 << 20
"""The size of the pipe that takes the output: a file could not grow on a full disk."""


@dataclass
class Result:
    """What the trials of one command showed; `missed`: it did not come to the call again."""

    calls: int = 0
    sites: int = 0
    points: int = 0
    trials: int = 0
    missed: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    faults: int = 0

    def report(self, fault: str) -> None:
        """Count a fault, and print it at once: a run may take hours."""
        self.faults += 1
        sys.stdout.write(f"  {fault}\n")
        sys.stdout.flush()


class Bench:
    """A folder with an archive, which is the same before each trial; on PostgreSQL beside it."""

    def __init__(
        self, folder: Path, servers: Servers, postgres: PostgresDatabases | None = None
    ) -> None:
        self.folder, self.work, self.base = folder, folder / "work", folder / "base"
        self.servers, self.postgres = servers, postgres
        self.said = ""
        self.tried: set[tuple[str, str]] = set()
        """The ways and places of all failures so far, in whichever command."""
        if postgres is not None:
            postgres.copy_to("template0", "work")
        _load_all()
        self.work.mkdir()
        fill(self.work)
        for step in FIRST:
            self._take(step, {})
        self._move(self.work, self.base)

    def _take(self, step: Step, settings: Mapping[str, str]) -> None:
        if callable(step):
            step(self.work)
            return
        code, _sites = self.run(step, settings)
        assert code in {0, 1}, (step, code, self.said)

    def prepare(self, operation: Operation) -> Path:
        """Return a folder in which everything that precedes the command was done."""
        ready = self.folder / "ready"
        for each in (ready, self.work):
            shutil.rmtree(each, ignore_errors=True)
        self.renew(self.base)
        for step in operation.before:
            self._take(step, self._settings_of(operation))
        self._move(self.work, ready)
        return ready

    def _move(self, folder: Path, to: Path) -> None:
        folder.rename(to)
        if self.postgres is not None:
            self.postgres.copy_to(folder.name, to.name)

    def renew(self, ready: Path) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(ready, self.work)
        if self.postgres is not None:
            self.postgres.copy_to(ready.name, "work")
            self.postgres.copy_to("template0", "new")

    def try_all(
        self,
        operation: Operation,
        hows: tuple[str, ...],
        most: int,
        seed: int,
        *,
        each_place: bool = False,
    ) -> Iterator[tuple[str, Result]]:
        """Let the command fail in each of these ways at each site, or at `most` points of each.

        With `each_place`, only at one site of each place where no command failed before.
        """
        ready = self.prepare(operation)
        self.renew(ready)
        words = (*operation.words, *self._place_of(operation))
        self.servers.expect()
        code, sites = self.run(words, self._settings_of(operation))
        answers = range(1, 1 + self.servers.expect())
        for how in hows:
            result = Result(sites.calls.total(), len(sites.calls))
            if code not in operation.again | {0}:
                result.report(f"ends with {code} unharmed: {self.said[-600:]}")
                yield how, result
                return
            points = list(sites.points(how))
            if how in ANSWERS:
                points = [Point(how, "answer", n, f"answer {n} of {words}") for n in answers]
            if each_place:
                new = {each.place: each for each in points if (how, each.place) not in self.tried}
                points = list(new.values())
            result.points = len(points)
            if most and most < len(points):
                points = Random(seed).sample(points, most)
            for point in points:
                self.renew(ready)
                result.trials += 1
                missed = result.missed
                for fault in self._try(operation, words, point, result):
                    result.report(f"{how}, {point.site}, {point.number}: {fault}")
                if result.missed == missed:
                    self.tried.add((how, point.place))
            yield how, result
        shutil.rmtree(self.work, ignore_errors=True)

    def _try(
        self, operation: Operation, words: tuple[str, ...], point: Point, result: Result
    ) -> Iterator[str]:
        settings = self._settings_of(operation)
        if point.how in ANSWERS:
            self.servers.expect(point.how, point.number)
        code, _sites = self.run(words, settings, point)
        said = self.said
        answers = self.servers.expect()
        failing = next((each for each in said.splitlines() if each.startswith("FAILS")), "")
        result.codes[code] += 1
        if point.how in ANSWERS and answers >= point.number:
            failing = f"{point.how} of answer {point.number}"
        result.missed += not failing
        if code not in DOCUMENTED and not (point.how == "kill" and code == -signal.SIGKILL):
            yield f"ends with {code}; {failing}; {said[-600:]}"
        if "Traceback" in said:
            yield f"shows a trace; {failing}; {said[-600:]}"
        code, _sites = self.run(words, settings)
        if code not in operation.again:
            yield f"ends with {code} when given again; {failing}; {self.said[-600:]}"
        code, _sites = self.run(("verify", *self._place_of(operation)), settings)
        if code:
            yield f"verify ends with {code}; {failing}; {self.said[-600:]}"
        left = [
            each.name
            for each in self.work.rglob("*")
            if each.suffix in {".part", ".tmp"} and not each.is_relative_to(self.work / "objects")
        ]  # `lesart sweep` removes objects that no row names
        left += [each.name for each in (self.work / "temporary").iterdir()]
        if left:
            yield f"leaves {left}; {failing}"

    def _place_of(self, operation: Operation) -> tuple[str, ...]:
        if operation.archive is None:
            return ()
        return ("--archive", self.postgres.address("new") if self.postgres else operation.archive)

    def _settings_of(self, operation: Operation) -> Mapping[str, str]:
        own = {k: v.replace("{work}", str(self.work)) for k, v in operation.settings.items()}
        return {**self.servers.settings, **own} if operation.fetches else own

    def run(
        self, words: tuple[str, ...], settings: Mapping[str, str], point: Point | None = None
    ) -> tuple[int, Sites]:
        """Run a command in the work folder; return its exit code and its calls."""
        told = self.folder / "sites"
        told.unlink(missing_ok=True)
        self.said = ""
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, OUTPUT)
        child = os.fork()
        if child == 0:
            code = 99
            try:
                self._enter(settings, writing)
                code = self._inside(words, point, told)
            except BaseException:  # noqa: BLE001  # nothing may leave this process
                traceback.print_exc()
            os._exit(code)
        os.close(writing)
        _pid, status = os.waitpid(child, 0)
        os.set_blocking(reading, False)  # a process that it started may still hold the other end
        with suppress(BlockingIOError):
            self.said = os.read(reading, OUTPUT).decode(errors="replace")
        os.close(reading)
        return os.waitstatus_to_exitcode(status), Sites.read(told)

    def _enter(self, settings: Mapping[str, str], output: int) -> None:
        """Make this process one that was started in the work folder."""
        os.chdir(self.work)
        signal.alarm(SECONDS)
        for number, target in enumerate((os.open(os.devnull, os.O_RDWR), output, output)):
            os.dup2(target, number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        temporary = self.work / "temporary"
        temporary.mkdir(exist_ok=True)
        tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
        os.environ["LESART_HOME"] = str(self.work)
        if self.postgres is not None:
            os.environ["LESART_DATABASE_URL"] = self.postgres.address("work")
        os.environ.update(settings)

    def _inside(self, words: tuple[str, ...], point: Point | None, told: Path) -> int:
        given = [str(self._find(QUERIES[word])) if word in QUERIES else word for word in words]
        injector = Injector(point, self.work, is_postgres=self.postgres is not None)
        injector.install()
        code = run(app, given, exit_codes=EXIT_CODES)
        injector.active = False
        sys.stdout.flush()
        sys.stderr.flush()
        if point is None:
            injector.sites.write(told)
        return code

    def _find(self, query: str) -> object:
        if self.postgres is not None:
            with psycopg.connect(self.postgres.address("work")) as connection:
                return connection.execute(query).fetchone()[0]
        with sqlite3.connect(self.work / "lesart.sqlite3") as connection:
            return connection.execute(query).fetchone()[0]


def _load_all() -> None:
    """Import once what each trial would import again."""
    for package in (storage, worker):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    language._model()
    gc.freeze()  # for what is collected would be copied in each trial
