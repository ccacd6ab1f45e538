"""Run a command in a process of its own that fails, or is killed, at its n-th call."""

import errno
import os
import shutil
import signal
import sqlite3
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from storage.cli.exits import run
from tests.services import PostgresDatabases
from tests.tools.failures.operations import FIRST, Operation, fill
from worker.cli.commands import app
from worker.cli.program import EXIT_CODES

HOWS = ("error", "kill")
DOCUMENTED = frozenset({0, 1, 2, 3, 4, 130})
FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link"})
OTHER_EVENTS = frozenset({"subprocess.Popen", "os.posix_spawn", "socket.connect"})
SECONDS = 120


@dataclass
class Result:
    """What the trials of one command showed."""

    calls: int = 0
    trials: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Bench:
    """A folder with an archive, which is the same before each trial; on PostgreSQL beside it."""

    def __init__(self, folder: Path, postgres: PostgresDatabases | None = None) -> None:
        self.folder, self.work, self.base = folder, folder / "work", folder / "base"
        self.postgres = postgres
        if postgres is not None:
            postgres.copy_to("template0", "work")
        self.log = folder / "log"
        self.work.mkdir()
        fill(self.work)
        for words in FIRST:
            self._must(words)
        self._move(self.work, self.base)

    def _must(self, words: tuple[str, ...]) -> None:
        code, _calls = self.run(words)
        assert code in {0, 1}, (words, code, self.log.read_text())

    def prepare(self, operation: Operation) -> Path:
        """Return a folder in which everything that precedes the command was done."""
        ready = self.folder / "ready"
        for each in (ready, self.work):
            shutil.rmtree(each, ignore_errors=True)
        self.renew(self.base)
        for words in operation.before:
            self._must(words)
        if operation.change is not None:
            operation.change(self.work)
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

    def try_all(self, operation: Operation, how: str, most: int, seed: int) -> Result:
        """Let the command fail at each of its calls, or at as many as `most` says."""
        ready, result = self.prepare(operation), Result()
        self.renew(ready)
        words = (*operation.words, *self._place_of(operation))
        code, result.calls = self.run(words)
        if code not in operation.again | {0}:
            result.faults.append(f"ends with {code} unharmed: {self.log.read_text()[-500:]}")
            return result
        chosen = list(range(1, result.calls + 1))
        if most and most < len(chosen):
            chosen = sorted(Random(seed).sample(chosen, most))
        for number in chosen:
            self.renew(ready)
            result.trials += 1
            for fault in self._try(operation, words, how, number, result):
                result.faults.append(f"call {number}: {fault}")
        shutil.rmtree(self.work, ignore_errors=True)
        return result

    def _try(
        self, operation: Operation, words: tuple[str, ...], how: str, number: int, result: Result
    ) -> list[str]:
        faults = []
        code, _calls = self.run(words, how, number)
        said = self.log.read_text()
        failing = next((each for each in said.splitlines() if each.startswith("FAILS")), "")
        result.codes[code] += 1
        if code not in DOCUMENTED and not (how == "kill" and code == -signal.SIGKILL):
            faults.append(f"ends with {code}; {failing}; {said[-600:]}")
        if "Traceback" in said:
            faults.append(f"shows a trace; {failing}; {said[-600:]}")
        code, _calls = self.run(words)
        if code not in operation.again:
            faults.append(f"ends with {code} when given again; {failing}; {self._tail()}")
        code, _calls = self.run(("verify", *self._place_of(operation)))
        if code:
            faults.append(f"verify ends with {code}; {failing}; {self._tail()}")
        left = [each.name for each in self.work.rglob("*") if each.name.endswith((".part", ".tmp"))]
        if left:
            faults.append(f"leaves {left}; {failing}")
        return faults

    def _place_of(self, operation: Operation) -> tuple[str, ...]:
        if operation.archive is None:
            return ()
        return ("--archive", self.postgres.address("new") if self.postgres else operation.archive)

    def _tail(self) -> str:
        return self.log.read_text()[-600:]

    def run(self, words: tuple[str, ...], how: str = "", number: int = 0) -> tuple[int, int]:
        """Run a command in the work folder; return its exit code and how many calls it made."""
        count = self.folder / "count"
        count.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            code = 99
            with suppress(BaseException):
                code = self._inside(words, how, number, count)
            os._exit(code)
        _pid, status = os.waitpid(child, 0)
        calls = int(count.read_text()) if count.exists() else 0
        return os.waitstatus_to_exitcode(status), calls

    def _inside(self, words: tuple[str, ...], how: str, number: int, count: Path) -> int:
        os.chdir(self.work)
        signal.alarm(SECONDS)
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ["LESART_HOME"] = str(self.work)
        if self.postgres is not None:
            os.environ["LESART_DATABASE_URL"] = self.postgres.address("work")
        given = [self._named(word) for word in words]
        lost: Exception = sqlite3.OperationalError("disk I/O error")
        if self.postgres is not None:
            lost = psycopg.OperationalError("server closed the connection unexpectedly")
        injector = Injector(how, number, self.work, lost)
        injector.install()
        try:
            code = run(app, given, exit_codes=EXIT_CODES)
        except BaseException:  # noqa: BLE001  # nothing may leave the program
            traceback.print_exc()
            code = 98
        injector.active = False
        sys.stdout.flush()
        sys.stderr.flush()
        count.write_text(str(injector.calls))
        return code

    def _named(self, word: str) -> str:
        if word != "RELATION":
            return word
        lowest = "SELECT min(id) FROM relation"
        if self.postgres is not None:
            with psycopg.connect(self.postgres.address("work")) as connection:
                return str(connection.execute(lowest).fetchone()[0])
        (archive,) = self.work.rglob("lesart.sqlite3")
        with sqlite3.connect(archive) as connection:
            return str(connection.execute(lowest).fetchone()[0])


class Injector:
    """Counts the calls of this process to files, processes, sockets and the database."""

    def __init__(self, how: str, number: int, folder: Path, lost: Exception) -> None:
        self.how, self.number, self.folder = how, number, str(folder)
        self.lost = lost
        self.calls = 0
        self.active = True

    def install(self) -> None:
        sys.addaudithook(self._audit)
        event.listen(Engine, "before_cursor_execute", self._execute)
        event.listen(Engine, "commit", self._commit)

    def _audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "sqlite3.connect":
            away = sqlite3.OperationalError("unable to open database file")
            self._call(name, lambda: away)
        elif name in FILE_EVENTS:
            path = arguments[0]
            if isinstance(path, bytes):
                path = os.fsdecode(path)
            if not isinstance(path, str):
                return
            if not str(Path(path).absolute()).startswith(self.folder):
                return
            self._call(f"{name} {path}", lambda: OSError(errno.EIO, os.strerror(errno.EIO), path))
        elif name in OTHER_EVENTS:
            self._call(name, lambda: OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)))

    def _execute(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self._call(statement, lambda: OperationalError(statement, None, self.lost))

    def _commit(self, _connection: Any) -> None:
        self._call("COMMIT", lambda: OperationalError("COMMIT", None, self.lost))

    def _call(self, what: str, error: Callable[[], Exception]) -> None:
        if not self.active:
            return
        self.calls += 1
        if self.calls != self.number:
            return
        os.write(2, f"FAILS at {' '.join(what.split())[:160]}\n".encode())
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise error()
