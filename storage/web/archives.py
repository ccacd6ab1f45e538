"""The archive that requests ask: open for reading alone, for any pair of clocks."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import chain
from time import monotonic
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from storage.database.engine import database_url
from storage.database.ownership import file_of
from storage.read.archive import LANGUAGES, ReadOnlyArchive, open_archive
from storage.read.filters import TODAY, Clocks
from storage.read.render.words import LANGUAGES as PAGE_LANGUAGES
from storage.read.search import archive_state
from storage.web.problems import Problem

T = TypeVar("T")
STATEMENT_SECONDS = 20
THREADS = 8
"""Requests that are answered at a time; each holds a connection at most."""
MOST_TURNED_BACK = 2
"""Maximum number of simultaneous requests for an earlier time: each builds its own views."""
WAIT_SECONDS = 10
MOST_REMEMBERED = 2_000
MOST_KEPT_BYTES = 16 * 1024 * 1024
"""Answers that a process keeps, with their heads."""
KEPT_BESIDE_BYTES = 1_024
"""Approximate overhead of a cached entry, in bytes."""


@dataclass(frozen=True, slots=True)
class ServedArchive:
    """Location of the archive, time zone, and languages of the text and the pages.

    `since` tells one run of a server from another; all of its processes have the same.
    """

    url: str
    timezone: tzinfo = UTC
    languages: Sequence[str] = LANGUAGES
    language: str = "en"
    since: str = field(default_factory=partial(secrets.token_hex, 8))


class KeptAnswers:
    """Answers as they were given, for as long as the archive stays in one state."""

    def __init__(self) -> None:
        self._state = ""
        self._bytes = 0
        self._answers: dict[str, tuple[Sequence[tuple[bytes, bytes]], bytes]] = {}

    def at(self, state: str) -> Mapping[str, tuple[Sequence[tuple[bytes, bytes]], bytes]]:
        """Return the head and body of a response cached in a state; older ones are deleted."""
        if state != self._state:
            self._forget(state)
        return self._answers

    def keep(self, state: str, name: str, answer: Response) -> None:
        """Keep an answer that is whole, unless the archive has another state by now."""
        if state != self._state or isinstance(answer, StreamingResponse):
            return
        body = bytes(answer.body)
        size = len(body) + sum(map(len, chain(*answer.raw_headers))) + KEPT_BESIDE_BYTES
        if size > MOST_KEPT_BYTES // 16:
            return
        if self._bytes + size > MOST_KEPT_BYTES:
            self._forget(state)
        self._bytes += size
        self._answers[name] = [*answer.raw_headers], body

    def _forget(self, state: str) -> None:
        self._state, self._bytes, self._answers = state, 0, {}


class Library:
    """Gives archives to read from; made once for a server, closed with it."""

    def __init__(self, place: ServedArchive) -> None:
        self.place = place
        self._file = file_of(database_url(place.url))
        self._today = self._open(TODAY)
        self._commits = self._today.commits()
        self._state: tuple[int | None, str] | None = None
        self._turned_back = threading.BoundedSemaphore(MOST_TURNED_BACK)
        self.kept = KeptAnswers()
        self._remembered: dict[str, tuple[float, Any]] = {}
        self._asking: dict[str, threading.Lock] = {}

    def close(self) -> None:
        self._today.close()

    async def state(self) -> str:
        """Return a value that changes whenever a response of the archive may change.

        Where nobody committed anything meanwhile it is what it was.
        """
        commits = self._commits.counted()
        known = self._state
        if commits is None or known is None or known[0] != commits:
            self._state = known = commits, await run_in_threadpool(self._state_now)
        return known[1]

    def _state_now(self) -> str:
        with self._today.connect() as connection:
            return f"{self.place.since} {self._file} {archive_state(connection)}"

    @property
    def today(self) -> ReadOnlyArchive:
        return self._today

    @contextmanager
    def at(self, clocks: Clocks = TODAY) -> Iterator[ReadOnlyArchive]:
        """Give the archive by `clocks` for what one answer asks, by one connection.

        Raises: Problem where too many ask for other times than today.
        """
        with self.for_long(clocks) as archive, archive.single_connection() as one:
            yield one

    @contextmanager
    def for_long(self, clocks: Clocks = TODAY) -> Iterator[ReadOnlyArchive]:
        """Give the archive by `clocks` to those who hold no connection between their questions.

        Raises: Problem where too many ask for other times than today.
        """
        if not clocks.are_set:
            yield self._today
            return
        if not self._turned_back.acquire(timeout=WAIT_SECONDS):
            raise Problem(
                "unavailable",
                "Too many requests for the archive at earlier times. Try again later.",
            )
        try:
            with self._open(clocks) as archive:
                yield archive
        finally:
            self._turned_back.release()

    def remembered(self, name: str, seconds: float, ask: Callable[[], T]) -> T:
        """Return the result of `ask`, computed at most `seconds` ago.

        One request computes it; the others wait, or use the previous result meanwhile.
        """
        known = self._remembered.get(name)
        if known is None or monotonic() - known[0] >= seconds:
            asking = self._asking.setdefault(name, threading.Lock())
            if asking.acquire(blocking=known is None):
                try:
                    known = self._asked(name, seconds, ask)
                finally:
                    asking.release()
        assert known is not None  # otherwise it was requested
        found: T = known[1]
        return found

    def _asked(self, name: str, seconds: float, ask: Callable[[], T]) -> tuple[float, T]:
        known = self._remembered.get(name)
        if known is not None and monotonic() - known[0] < seconds:
            return known
        value = ask()
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
            self._asking.clear()
        self._remembered[name] = found = (monotonic(), value)
        return found

    def _open(self, clocks: Clocks) -> ReadOnlyArchive:
        return open_archive(
            self.place.url,
            timezone=self.place.timezone,
            languages=self.place.languages,
            clocks=clocks,
            seconds=STATEMENT_SECONDS,
        )


def library_of(request: Request) -> Library:
    """Return the library of the server that got a request."""
    found: Library = request.app.state.library
    return found


def language_of(request: Request) -> str:
    """Return the language of the page: requested, preferred by the browser, or default."""
    asked = request.query_params.get("lang")
    if asked in PAGE_LANGUAGES:
        return asked
    for each in request.headers.get("accept-language", "").split(","):
        wanted = each.partition(";")[0].strip().lower()[:2]
        if wanted in PAGE_LANGUAGES:
            return wanted
    return library_of(request).place.language


async def served(request: Request) -> Library:
    """Return the archive pool of the server, without a thread for the look-up."""
    return library_of(request)


def utc_now() -> datetime:
    """Return the moment that it is."""
    return datetime.now(UTC)
