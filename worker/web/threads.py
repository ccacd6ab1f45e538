"""Threads that only wait for servers, and return results as they arrive."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any

Act = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Came:
    """The result of a call: `who` requested it, `value` is its result, or `error` its exception."""

    who: Any
    began: datetime
    ended: datetime
    value: Any = None
    error: BaseException | None = None


class Threads:
    """Up to `most` daemon threads, which do not keep the process alive."""

    def __init__(self, most: int, clock: Callable[[], datetime]) -> None:
        self._most, self._clock = most, clock
        self._orders: SimpleQueue[tuple[Any, Act] | None] = SimpleQueue()
        self._came: SimpleQueue[Came] = SimpleQueue()
        self._running = 0
        self.busy = 0

    @property
    def has_room(self) -> bool:
        """Check whether another call would start at once."""
        return self.busy < self._most

    def start(self, who: Any, act: Act) -> None:
        """Run `act` in a thread on behalf of `who`."""
        self.busy += 1
        if self._running < self.busy:
            self._running += 1
            threading.Thread(target=self._run, name="fetch", daemon=True).start()
        self._orders.put((who, act))

    def next(self, seconds: float) -> Came | None:
        """Return the next result, waiting for up to `seconds`."""
        try:
            came = self._came.get(block=seconds > 0, timeout=max(0.0, seconds))
        except Empty:
            return None
        self.busy -= 1
        return came

    def lose(self) -> None:
        """Give up a thread that hangs."""
        self.busy -= 1
        self._running -= 1

    def return_lost(self) -> None:
        """Restore a thread that was given up; `next` returned its result."""
        self.busy += 1
        self._running += 1

    def close(self) -> None:
        """Stop the threads when they finish their current calls."""
        for _ in range(self._running):
            self._orders.put(None)

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            who, act = order
            began = self._clock()
            try:
                value = act()
            except BaseException as error:  # noqa: BLE001  # whoever asked has to know
                self._came.put(Came(who, began, self._clock(), error=error))
            else:
                self._came.put(Came(who, began, self._clock(), value=value))
