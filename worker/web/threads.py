"""Threads that only wait for servers, and return results as they arrive."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any

Act = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class ThreadResult:
    """The result of a call: `caller` requested it; `value` is its result, `error` its exception."""

    caller: Any
    began: datetime
    ended: datetime
    value: Any = None
    error: BaseException | None = None


class Threads:
    """Up to `max_threads` daemon threads, which do not keep the process alive."""

    def __init__(self, max_threads: int, clock: Callable[[], datetime]) -> None:
        self._most, self._clock = max_threads, clock
        self._orders: SimpleQueue[tuple[Any, Act] | None] = SimpleQueue()
        self._came: SimpleQueue[ThreadResult] = SimpleQueue()
        self._running = 0
        self.busy = 0

    @property
    def has_room(self) -> bool:
        """Check whether another call would start at once."""
        return self.busy < self._most

    def start(self, caller: Any, call: Act) -> None:
        """Run `call` in a thread on behalf of `caller`."""
        self.busy += 1
        if self._running < self.busy:
            self._running += 1
            threading.Thread(target=self._run, name="fetch", daemon=True).start()
        self._orders.put((caller, call))

    def next(self, seconds: float) -> ThreadResult | None:
        """Return the next result, waiting for up to `seconds`."""
        try:
            came = self._came.get(block=seconds > 0, timeout=max(0.0, seconds))
        except Empty:
            return None
        self.busy -= 1
        return came

    def give_up(self) -> None:
        """Give up a thread that hangs."""
        self.busy -= 1
        self._running -= 1

    def restore(self) -> None:
        """Restore a thread that was given up; `next` returned its result."""
        self.busy += 1
        self._running += 1

    def close(self) -> None:
        """Stop the threads when they finish their current calls."""
        for _ in range(self._running):
            self._orders.put(None)

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            caller, call = order
            began = self._clock()
            try:
                value = call()
            except BaseException as error:  # noqa: BLE001  # the caller must know
                self._came.put(ThreadResult(caller, began, self._clock(), error=error))
            else:
                self._came.put(ThreadResult(caller, began, self._clock(), value=value))
