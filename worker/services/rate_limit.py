"""How often somebody may do something: a bucket of leave for each name, filled as time goes by."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from time import monotonic

MOST_NAMES = 4_096


class RateLimit:
    """So many in a minute for each name, the unused leave of one minute at most.

    Processes that are told the same file share what it holds; it goes with the machine's clock.
    """

    def __init__(
        self, per_minute: int, now: Callable[[], float] = monotonic, file: Path | None = None
    ) -> None:
        self._most = float(per_minute)
        self._now = now
        self._file = file
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait(self, name: str, taken: int = 1) -> float:
        """Take one leave and return 0, or return after how many seconds there is one.

        With `taken=0` the leave stays.

        >>> limit = RateLimit(1, now=lambda: 0.0)
        >>> limit.wait("a", 0), limit.wait("a"), limit.wait("a", 0), limit.wait("b")
        (0.0, 0.0, 60.0, 0.0)
        """
        with self._lock, self._shared():
            now = self._now()
            left, since = self._left.get(name, (self._most, now))
            left = min(self._most, left + (now - since) * self._most / 60)
            if left < 1:
                self._left[name] = (left, now)
                return (1 - left) * 60 / self._most
            if name not in self._left and len(self._left) >= MOST_NAMES:
                self._left.clear()
            self._left[name] = (left - taken, now)
            return 0.0

    @contextmanager
    def _shared(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        with self._file.open("a+", encoding="utf-8") as file:
            flock(file, LOCK_EX)
            file.seek(0)
            self._left = _held(file.read())
            yield
            file.truncate(0)
            json.dump(self._left, file)


def _held(told: str) -> dict[str, tuple[float, float]]:
    """Return what a file holds: nothing where whoever wrote it was killed meanwhile.

    >>> _held('{"a": [1.0, 2.0]}'), _held('{"a": [1.'), _held("")
    ({'a': [1.0, 2.0]}, {}, {})
    """
    try:
        held: dict[str, tuple[float, float]] = json.loads(told)
    except ValueError:
        return {}
    return held
