"""Let one call of this process fail, by the place in our code that makes it."""

import contextlib
import errno
import hashlib
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

HOWS = ("error", "timeout", "partial", "kill")
"""The call fails; or it fails after a wait; or half of it is done; or the process is killed.

Half of a write: from then on no file can grow beyond the middle of the next page. Half of a
started process: it ends at once, or stands still for `timeout`. Half of a commit on PostgreSQL:
it is done, and its answer is lost.
"""
KINDS = {
    "file": ("error", "kill"),
    "write": ("error", "partial", "kill"),
    "process": HOWS,
    "connection": ("error", "timeout", "kill"),
    "change": HOWS,
    "commit": HOWS,
    "slow query": ("timeout",),
    "lost query": ("error",),
}
"""The kinds of calls, and how each can fail.

A query fails in one of two ways, by its site. A kill before it leaves the same files as one before
the next call that changes something.
"""
OURS = tuple(str(Path(__file__).parents[3] / name) for name in ("storage", "worker", "lesart"))
REACHING = tuple(f"{each}/database/" for each in OURS)
FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link"})
PROCESS_EVENTS = frozenset({"subprocess.Popen", "os.posix_spawn"})
CHANGES = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "VACUUM", "REPLACE", "COPY")
PAGE = 4096


@dataclass(frozen=True)
class Point:
    """The n-th call from one site: a statement or kind of call, and the stack of our code."""

    how: str
    site: str
    number: int
    place: str = ""
    """The kind of call, and the line of our code that makes it."""


@dataclass
class Sites:
    """The calls of one run by site, and the kind and the line of each site."""

    calls: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    """The line of our code that calls from there; the modules that reach the database do not count."""

    @classmethod
    def read(cls, path: Path) -> "Sites":
        if not path.exists():
            return cls()
        told = json.loads(path.read_text())
        return cls(Counter(told["calls"]), told["kinds"], told["lines"])

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(vars(self)))

    def add(self, what: str, kind: str) -> str:
        """Count a call; return its site."""
        stack = _own_stack()
        site = hashlib.sha256(f"{kind} {what} {' '.join(stack)}".encode()).hexdigest()[:16]
        if kind == "query":
            kind = "slow query" if int(site, 16) % 2 else "lost query"
        self.calls[site] += 1
        self.kinds[site] = kind
        self.lines[site] = next((each for each in stack if not each.startswith(REACHING)), "")
        return site

    def points(self, how: str) -> Iterator[Point]:
        """Yield the first and the last call of each site that can fail like this."""
        for site, kind in self.kinds.items():
            if how in KINDS[kind]:
                for number in sorted({1, self.calls[site]}):
                    yield Point(how, site, number, f"{kind} {self.lines[site]}")


class Injector:
    """Counts the calls of this process to files, processes, sockets and the database."""

    def __init__(self, point: Point | None, folder: Path, *, is_postgres: bool) -> None:
        self.point, self.folder, self.is_postgres = point, str(folder), is_postgres
        self.sites = Sites()
        self.active = True
        self._next_process: int | None = None

    def install(self) -> None:
        sys.addaudithook(self._audit)
        event.listen(Engine, "before_cursor_execute", self._execute)
        event.listen(Engine, "commit", self._commit)
        start = subprocess.Popen.__init__

        def started(process: subprocess.Popen[Any], *words: Any, **more: Any) -> None:
            start(process, *words, **more)
            if self._next_process is not None:
                os.kill(process.pid, self._next_process)
                self._next_process = None

        subprocess.Popen.__init__ = started  # type: ignore[method-assign]

    def _audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "sqlite3.connect":
            if self._fails(name, "file"):
                raise sqlite3.OperationalError("unable to open database file")
        elif name in FILE_EVENTS:
            self._touch(name, arguments)
        elif name in PROCESS_EVENTS:
            if how := self._fails(name, "process"):
                if how == "error":
                    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                self._next_process = signal.SIGKILL if how == "partial" else signal.SIGSTOP
        elif name == "socket.connect" and (how := self._fails(name, "connection")):
            number = errno.ECONNREFUSED if how == "error" else errno.ETIMEDOUT
            raise OSError(number, os.strerror(number))

    def _touch(self, name: str, arguments: tuple[Any, ...]) -> None:
        path = arguments[0]
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, str) or not str(Path(path).absolute()).startswith(self.folder):
            return
        writes = name == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        how = self._fails(name, "write" if writes else "file", path)
        if how == "partial":
            self._fill_disk(path)
        elif how:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    def _execute(self, connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        changes = statement.lstrip(" (\n").upper().startswith(CHANGES)
        if how := self._fails(statement, "change" if changes else "query"):
            self._break(connection, statement, how)

    def _commit(self, connection: Any) -> None:
        if how := self._fails("COMMIT", "commit"):
            if how == "partial" and self.is_postgres:
                connection.connection.dbapi_connection.commit()
            self._break(connection, "COMMIT", how)

    def _break(self, connection: Any, statement: str, how: str) -> None:
        if how == "partial" and not self.is_postgres:
            self._fill_disk(f"{connection.engine.url.database}-wal")
            return
        lost: Exception
        if self.is_postgres:
            lost = psycopg.OperationalError("server closed the connection unexpectedly")
            if how == "timeout":
                lost = psycopg.errors.QueryCanceled("canceling statement due to statement timeout")
        else:
            lost = sqlite3.OperationalError(
                "database is locked" if how == "timeout" else "disk I/O error"
            )
        raise OperationalError(statement, None, lost)

    def _fill_disk(self, path: str) -> None:
        """Let no file grow beyond a part of a page more than this one has."""
        size = 0
        with contextlib.suppress(OSError):
            size = Path(path).stat().st_size
        assert self.point is not None
        room = Random(f"{self.point}").randrange(1, PAGE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))

    def _fails(self, what: str, kind: str, where: str = "") -> str:
        """Count a call; return how it fails, if it does."""
        if not self.active:
            return ""
        what = re.sub(r"\d+", "N", " ".join(what.split()))
        site = self.sites.add(what, kind)
        point = self.point
        if point is None or (site, self.sites.calls[site]) != (point.site, point.number):
            return ""
        os.write(2, f"FAILS at {what[:160]} {where}\n".encode())
        if point.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return point.how


def _own_stack() -> list[str]:
    """Return the lines of our code that lead to a call, the last one first."""
    places = []
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS):
            places.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        frame = frame.f_back  # type: ignore[assignment]
    return places
