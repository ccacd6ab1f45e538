"""The archive that requests ask: open for reading alone, for any pair of clocks."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from time import monotonic
from typing import Any, TypeVar

from starlette.requests import Request

from storage.read.archive import LANGUAGES, ReadOnlyArchive, open_archive
from storage.read.filters import TODAY, Clocks
from storage.web.problems import Problem

T = TypeVar("T")
STATEMENT_SECONDS = 20
MOST_TURNED_BACK = 2
"""So many requests at a time may look at another time than today: each builds its views anew."""
WAIT_SECONDS = 10
MOST_REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class ServedArchive:
    """Where the archive is, and how its times and words are read."""

    url: str
    timezone: tzinfo = UTC
    languages: Sequence[str] = LANGUAGES


class Library:
    """Gives archives to read from; made once for a server, closed with it."""

    def __init__(self, place: ServedArchive) -> None:
        self.place = place
        self._today = self._open(TODAY)
        self._turned_back = threading.BoundedSemaphore(MOST_TURNED_BACK)
        self._remembered: dict[str, tuple[float, Any]] = {}

    def close(self) -> None:
        self._today.close()

    @property
    def today(self) -> ReadOnlyArchive:
        return self._today

    @contextmanager
    def at(self, clocks: Clocks = TODAY) -> Iterator[ReadOnlyArchive]:
        """Give the archive by `clocks`.

        Raises: Problem where too many ask for other times than today.
        """
        if not clocks.are_set:
            yield self._today
            return
        if not self._turned_back.acquire(timeout=WAIT_SECONDS):
            raise Problem("unavailable", "too many ask for other times than today: try again")
        try:
            with self._open(clocks) as archive:
                yield archive
        finally:
            self._turned_back.release()

    def remembered(self, name: str, seconds: float, ask: Callable[[], T]) -> T:
        """Return what `ask` said within the last so many seconds, or says now."""
        known = self._remembered.get(name)
        if known is not None and monotonic() - known[0] < seconds:
            found: T = known[1]
            return found
        value = ask()
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[name] = (monotonic(), value)
        return value

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


def utc_now() -> datetime:
    """Return the moment that it is."""
    return datetime.now(UTC)
