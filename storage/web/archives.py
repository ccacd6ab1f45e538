"""The archive of a server, opened read-only for any pair of clocks."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import chain
from time import monotonic
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from storage.database.engine import database_url
from storage.database.ownership import file_of
from storage.database.servers.hosts import preferring_replicas, server_of
from storage.database.servers.position import read_position
from storage.read.archive import LANGUAGES, ReadOnlyArchive, open_archive
from storage.read.filters import TODAY, Clocks
from storage.read.render.translations import LANGUAGES as PAGE_LANGUAGES
from storage.read.search import archive_state
from storage.values.messages import message_text
from storage.values.net.capture_place import CapturePlace
from storage.web.accepting import choose_language
from storage.web.problems import Problem

T = TypeVar("T")
STATEMENT_SECONDS = 20
THREADS = 8
"""Requests answered at the same time; each holds at most one connection."""
MOST_EARLIER_TIMES = 2
"""Maximum number of simultaneous requests for an earlier time: each builds its own views."""
WAIT_SECONDS = 10
MOST_CACHED_VALUES = 2_000
MOST_CACHED_BYTES = 16 * 1024 * 1024
"""Maximum size of the cached responses of one process, with their headers."""
CACHE_ENTRY_BYTES = 1_024
"""Approximate overhead of a cached entry, in bytes."""


@dataclass(frozen=True, slots=True)
class ServedArchive:
    """Location of the archive and its captures, time zone, languages of the text and the pages.

    `replicas` is the address of replicas, if there are some, and `sql_url` one with the role for
    SQL. `since` tells one run of a server from another; all of its processes have the same.
    """

    url: str
    timezone: tzinfo = UTC
    languages: Sequence[str] = LANGUAGES
    language: str = "en"
    captures: CapturePlace | None = None
    replicas: str | None = None
    sql_url: str | None = None
    since: str = field(default_factory=partial(secrets.token_hex, 8))

    def open(self, clocks: Clocks = TODAY, *, by_driver: bool = False) -> ReadOnlyArchive:
        """Open the archive for reading. Raises: see `open_archive`."""
        return self._open(self.url, clocks, by_driver=by_driver)

    def open_replica(self) -> ReadOnlyArchive:
        """Open a replica. Raises: see `open_archive`."""
        assert self.replicas is not None
        return self._open(self.replicas, TODAY)

    @property
    def sql_addresses(self) -> Sequence[str]:
        """The addresses for SQL of users; those of replicas come first, and may be out of reach."""
        primary = self.sql_url or self.url
        if self.replicas is None:
            return [primary]
        return [self.replicas if self.sql_url is None else preferring_replicas(primary), primary]

    def _open(self, url: str, clocks: Clocks, *, by_driver: bool = False) -> ReadOnlyArchive:
        return open_archive(
            url,
            timezone=self.timezone,
            languages=self.languages,
            captures=self.captures,
            clocks=clocks,
            seconds=STATEMENT_SECONDS,
            by_driver=by_driver,
        )


class ResponseCache:
    """Responses of one state of the archive; a new state empties the cache."""

    def __init__(self) -> None:
        self._state = ""
        self._bytes = 0
        self._answers: dict[str, tuple[Sequence[tuple[bytes, bytes]], bytes]] = {}

    def in_state(self, state: str) -> Mapping[str, tuple[Sequence[tuple[bytes, bytes]], bytes]]:
        """Return the head and body of a response cached in a state; older ones are deleted."""
        if state != self._state:
            self._clear(state)
        return self._answers

    def store(self, state: str, name: str, answer: Response) -> None:
        """Store a complete response unless the archive has changed since."""
        if state != self._state or isinstance(answer, StreamingResponse):
            return
        body = bytes(answer.body)
        size = len(body) + sum(map(len, chain(*answer.raw_headers))) + CACHE_ENTRY_BYTES
        if size > MOST_CACHED_BYTES // 16:
            return
        if self._bytes + size > MOST_CACHED_BYTES:
            self._clear(state)
        self._bytes += size
        self._answers[name] = [*answer.raw_headers], body

    def _clear(self, state: str) -> None:
        self._state, self._bytes, self._answers = state, 0, {}


class ArchivePool:
    """Read-only archives of one server process, closed with it.

    `today` is the archive to read, by default the one at `place`; earlier times are always built
    there.
    """

    def __init__(self, place: ServedArchive, today: ReadOnlyArchive | None = None) -> None:
        self.place = place
        self._file = file_of(database_url(place.url))
        self._today = today or place.open(by_driver=True)
        self._commits = self._today.commits()
        self._state: tuple[int | None, str] | None = None
        self._earlier_times = threading.BoundedSemaphore(MOST_EARLIER_TIMES)
        self.responses = ResponseCache()
        self._values: dict[str, tuple[float, Any]] = {}
        self._locks: dict[str, threading.Lock] = {}

    def close(self) -> None:
        self._today.close()

    async def state(self) -> str:
        """Return a value that changes whenever a response of the archive may change.

        Without a commit in between it is the same value.
        """
        commits = self._commits.read_version()
        known = self._state
        if commits is None or known is None or known[0] != commits:
            self._state = known = commits, await run_in_threadpool(self._state_now)
        return known[1]

    def _state_now(self) -> str:
        with self._today.connect() as connection:
            return f"{self.place.since} {self._file} {archive_state(connection)}"

    async def mark(self) -> str:
        """Return what an ETag states about the position of the server that was read.

        It is after all that a response shows, and empty without replicas.
        """
        if self.place.replicas is None:
            return ""
        return f"-{await run_in_threadpool(self.position):x}"

    def position(self) -> int:
        """Return the position up to which the server that is read shows all commits."""
        with self._today.connect() as connection:
            return read_position(connection)

    @property
    def server(self) -> tuple[str, int] | None:
        """The server that is read, if the address names several."""
        return server_of(self._today.engine)

    @property
    def today(self) -> ReadOnlyArchive:
        return self._today

    @contextmanager
    def archive_at(self, clocks: Clocks = TODAY) -> Iterator[ReadOnlyArchive]:
        """Provide the archive at `clocks` for one response, on one connection.

        Raises: Problem if too many requests are for earlier times.
        """
        with self.long_lived_archive_at(clocks) as archive, archive.single_connection() as one:
            yield one

    @contextmanager
    def long_lived_archive_at(self, clocks: Clocks = TODAY) -> Iterator[ReadOnlyArchive]:
        """Provide the archive at `clocks`, with a connection for each query.

        Raises: Problem if too many requests are for earlier times.
        """
        if not clocks.are_set:
            yield self._today
            return
        if not self._earlier_times.acquire(timeout=WAIT_SECONDS):
            raise Problem(
                "unavailable",
                message_text("past_busy"),
            )
        try:
            with self.place.open(clocks) as archive:
                yield archive
        finally:
            self._earlier_times.release()

    def cached_value(self, name: str, seconds: float, compute: Callable[[], T]) -> T:
        """Return the result of `compute`, computed at most `seconds` ago.

        One request computes it; the others wait, or use the previous result meanwhile.
        """
        entry = self._values.get(name)
        if entry is None or monotonic() - entry[0] >= seconds:
            lock = self._locks.setdefault(name, threading.Lock())
            if lock.acquire(blocking=entry is None):
                try:
                    entry = self._compute(name, seconds, compute)
                finally:
                    lock.release()
        assert entry is not None  # otherwise it was computed above
        value: T = entry[1]
        return value

    def _compute(self, name: str, seconds: float, compute: Callable[[], T]) -> tuple[float, T]:
        entry = self._values.get(name)
        if entry is not None and monotonic() - entry[0] < seconds:
            return entry
        value = compute()
        if len(self._values) >= MOST_CACHED_VALUES:
            self._values.clear()
            self._locks.clear()
        self._values[name] = entry = (monotonic(), value)
        return entry


POOL = "lesart.pool"
"""The key of the pool in the scope of a request, if it is not that of the application."""


def pool_of(request: Request) -> ArchivePool:
    """Return the pool that answers a request."""
    pool: ArchivePool = request.scope.get(POOL) or request.app.state.pool
    return pool


def language_of(request: Request) -> str:
    """Return the language of the page: requested, preferred by the browser, or default."""
    language = request.query_params.get("lang")
    if language in PAGE_LANGUAGES:
        return language
    default = pool_of(request).place.language
    others = (each for each in PAGE_LANGUAGES if each != default)
    return choose_language(request.headers, (default, *others))


async def archive_pool(request: Request) -> ArchivePool:
    """Return the archive pool of the server, without a thread for this lookup."""
    return pool_of(request)


PoolDep = Annotated[ArchivePool, Depends(archive_pool)]


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
