"""Rate limits: a token bucket for each name."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from time import monotonic

MOST_NAMES = 4_096


class RateLimit:
    """At most `per_minute` events a minute for each name; unused events of one minute can be saved.

    Processes with the same file share the limit. It uses the machine's clock.
    """

    def __init__(
        self, per_minute: int, now: Callable[[], float] = monotonic, file: Path | None = None
    ) -> None:
        self._most = float(per_minute)
        self._now = now
        self._file = file
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait(self, name: str, count: int = 1) -> float:
        """Count one event and return 0, or return the seconds until one is allowed.

        With `count=0` nothing is counted.

        With `count=0` the leave stays.

        >>> limit = RateLimit(1, now=lambda: 0.0)
        >>> limit.wait("a", 0), limit.wait("a"), limit.wait("a", 0), limit.wait("b")
        (0.0, 0.0, 60.0, 0.0)
        """
        with self._lock, self._shared_state():
            now = self._now()
            left, since = self._left.get(name, (self._most, now))
            left = min(self._most, left + (now - since) * self._most / 60)
            if left < 1:
                self._left[name] = (left, now)
                return (1 - left) * 60 / self._most
            if name not in self._left and len(self._left) >= MOST_NAMES:
                self._left.clear()
            self._left[name] = (left - count, now)
            return 0.0

    @contextmanager
    def _shared_state(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        with self._file.open("a+", encoding="utf-8") as file:
            flock(file, LOCK_EX)
            file.seek(0)
            self._left = _parse_state(file.read())
            yield
            file.truncate(0)
            json.dump(self._left, file)


def _parse_state(text: str) -> dict[str, tuple[float, float]]:
    """Return the content of a file: empty if its writer was killed meanwhile.

    >>> _parse_state('{"a": [1.0, 2.0]}'), _parse_state('{"a": [1.'), _parse_state("")
    ({'a': [1.0, 2.0]}, {}, {})
    """
    try:
        state: dict[str, tuple[float, float]] = json.loads(text)
    except ValueError:
        return {}
    return state
