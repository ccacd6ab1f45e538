"""SQL of strangers, in a child process with limits on memory and time."""

import json
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, cast

from sqlalchemy.exc import DBAPIError

from storage.child_process import LENGTH, READY, Child, begin, limit_time, receive, send
from storage.database import archive_errors
from storage.database.archive_errors import ArchiveUnreachableError
from storage.read.archive.reader import UNUSABLE_REPLICA, ReadOnlyArchive, open_archive
from storage.read.sql import NO_MEMORY, TOO_SLOW, QueryError, QueryLimits, size_of
from storage.values.draft import Json

MEMORY_MB = 256
"""Limit of the address space of the process, of which Lesart itself takes about 60 MB."""
WALL_FACTOR = 1.5
"""Factor by which the wall-clock limit of a query exceeds its limit, at which the database ends it.

Some functions of the database do not look at the limit.
"""
QUERIES_PER_CHILD = 500
"""Queries after which the child is replaced: some memory is not released."""
_NICENESS = 10


class SqlProcess:
    """Answers queries, one at a time, in a child process that is started with the first query."""

    def __init__(self, addresses: Sequence[str], memory_mb: int = MEMORY_MB) -> None:
        """Read the first of the `addresses` of the archive that can be read."""
        self._addresses = tuple(addresses)
        self._memory_mb = memory_mb
        self._child: _Child | None = None
        self.is_stopped = False

    @property
    def child_pid(self) -> int | None:
        """Return the process id of the child; None if there is none."""
        return None if self._child is None else self._child.process.pid

    def ask(self, query: str, limit: int, limits: QueryLimits) -> dict[str, Any]:
        """Return `columns`, `items` and `is_cut`: up to `limit` rows within `limits.value_bytes`.

        Raises: QueryError; ChildStartError; ArchiveError.
        """
        if self._child is None:
            orders = {"addresses": self._addresses, "limits": asdict(limits)}
            self._child = _Child.launch(self._memory_mb, orders)
        child = self._child
        if self.is_stopped:
            child.process.kill()
        try:
            answer = child.answer(query, limit, limits)
        except BaseException:
            self.close()
            raise
        if child.queries >= QUERIES_PER_CHILD or "failure" in answer:
            self.close()
        if "refused" in answer:
            if answer["refused"] == NO_MEMORY:
                self.close()
            raise QueryError(query, answer["refused"])
        if "failure" in answer:
            raise _failure(*answer["failure"])
        return answer

    def stop(self) -> None:
        """Kill the child, from any thread: the query that it answers ends."""
        self.is_stopped = True
        if (child := self._child) is not None:
            with suppress(ProcessLookupError):
                child.process.kill()

    def close(self) -> None:
        """End the child process; the next query starts another one."""
        child, self._child = self._child, None
        if child is not None and child.owner == os.getpid():
            child.end()


class _Child(Child):
    """The parent's end of one child process."""

    module = "storage.capabilities.assistants.sql_process"
    purpose = "The process for SQL {}."
    queries = 0

    def answer(self, query: str, limit: int, limits: QueryLimits) -> dict[str, Any]:
        """Return the answer of the child, which may have ended afterwards."""
        self.queries += 1
        request = json.dumps({"query": query, "limit": limit, "limits": asdict(limits)}).encode()
        wall = limits.seconds * WALL_FACTOR + 1
        try:
            frame = self.exchange(LENGTH.pack(len(request)) + request, wall)
        except TimeoutError as error:
            raise QueryError(query, TOO_SLOW) from error
        if frame is None:
            is_late = self.exit_code() in {-signal.SIGPROF, -signal.SIGALRM}
            raise QueryError(query, TOO_SLOW if is_late else NO_MEMORY)
        return cast("dict[str, Any]", json.loads(frame))


def _failure(kind: str, message: str) -> Exception:
    """Return an error of the child in this process."""
    found = getattr(archive_errors, kind, None)
    if found is None:
        return RuntimeError(f"{kind}: {message}")
    error: Exception = found.__new__(found)
    Exception.__init__(error, message)
    return error


# ----------------------------------------------------------------------- in the child process


def main() -> None:
    """Answer queries until the pipe ends."""
    requests, answers, orders = begin()
    os.nice(_NICENESS)  # the web server goes first
    send(answers, READY)
    while (frame := receive(requests)) is not None:
        send(answers, json.dumps(_answer(orders["addresses"], json.loads(frame))).encode())


def _answer(addresses: Sequence[str], request: Mapping[str, Any]) -> dict[str, Any]:
    limits, limit = QueryLimits(**request["limits"]), request["limit"]
    wall = limits.seconds * WALL_FACTOR
    try:
        with limit_time(wall, wall), _open(addresses, limits) as archive:
            found = archive.sql(request["query"], limits=limits)
            rows, is_cut = _take(found.rows, limit, limits.value_bytes)
            return {"columns": found.columns, "items": rows, "is_cut": is_cut}
    except QueryError as error:
        return {"refused": error.reason}
    except MemoryError:
        return {"refused": NO_MEMORY}
    except DBAPIError as error:
        return {"failure": (ArchiveUnreachableError.__name__, str(error.orig))}
    except Exception as error:  # noqa: BLE001 -- it is raised in the other process
        kinds = (kind.__name__ for kind in type(error).__mro__)
        known = (kind for kind in kinds if hasattr(archive_errors, kind))
        return {"failure": (next(known, type(error).__name__), str(error))}


def _open(addresses: Sequence[str], limits: QueryLimits) -> ReadOnlyArchive:
    *replicas, primary = addresses
    for each in replicas:
        with suppress(*UNUSABLE_REPLICA):
            return open_archive(each, seconds=int(limits.seconds) + 1)
    return open_archive(primary, seconds=int(limits.seconds) + 1)


def _take(
    rows: Iterable[tuple[Json, ...]], limit: int, most_bytes: int
) -> tuple[list[tuple[Json, ...]], bool]:
    """Return the first rows, and whether there are others."""
    taken: list[tuple[Json, ...]] = []
    size = 0
    for row in rows:
        size += size_of(row)
        if len(taken) == limit or (taken and size > most_bytes):
            return taken, True
        taken.append(row)
    return taken, False


if __name__ == "__main__":
    main()
