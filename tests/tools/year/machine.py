"""A machine whose time is simulated, and the schedulers that run on it.

The real `Scheduler` runs with its own timers (APScheduler), one thread for each process; where it
waits, the time goes on until some process has something to do. Nothing waits for real.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, tzinfo
from math import inf
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.base import BaseScheduler

from storage.settings import Settings
from storage.write.archive import Archive
from worker.services.schedule import act_monitor, scheduler
from worker.services.schedule.act import PeriodicAct
from worker.services.schedule.scheduler import Scheduler
from worker.services.schedule.steady_scheduler import SteadyScheduler

TIMED = ("apscheduler.", "worker.services.schedule.")
"""The modules that must go by the clocks of the machine."""


class Machine:
    """Two clocks: `elapsed` never jumps and counts sleep, `awake` does not count it.

    What the machine shows is `START` and `elapsed`, wrong by `error`.
    """

    def __init__(self, start: datetime) -> None:
        self.start, self.error = start, timedelta(0)
        self.elapsed = self.awake = 0.0
        self.processes: list[Process] = []

    def wall(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed) + self.error

    def sleep(self, seconds: float) -> None:
        """Suspend the machine: no process notices but by the time of day."""
        self.elapsed += seconds

    def run(self, seconds: float) -> None:
        """Let the processes run for so long."""
        end = self.awake + seconds
        while self.processes:
            process = min(self.processes, key=lambda each: each.wakes_at)
            if process.wakes_at > end:
                break
            self._go_to(process.wakes_at)
            process.go_on()
        self._go_to(end)

    def _go_to(self, awake: float) -> None:
        self.elapsed += max(0.0, awake - self.awake)
        self.awake = max(self.awake, awake)


class Process:
    """A process with a scheduler; it is also the event that tells `Scheduler.run` to stop."""

    def __init__(self, machine: Machine, archive: Archive, settings: Settings) -> None:
        self.machine = machine
        self.scheduler = Scheduler(archive, settings, SimpleNamespace(), lambda _queue: 0)  # type: ignore[arg-type]
        self.timers: Any = self.scheduler._ticking
        self._waits_until = machine.awake
        self.failure: Exception | None = None
        self._is_set = False
        self._turn, self._rest = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        machine.processes.append(self)

    @property
    def leads(self) -> bool:
        return self.scheduler._leads

    @property
    def wakes_at(self) -> float:
        return min(self._waits_until, self.timers.due)

    def go_on(self) -> None:
        """Let the process run until it waits again."""
        self._turn.release()
        self._rest.acquire()
        if self.failure is not None:
            raise self.failure

    def end(self) -> None:
        self.machine.processes.remove(self)
        self._is_set = True
        self.go_on()
        self._thread.join()

    def _live(self) -> None:
        self._turn.acquire()
        try:
            with self.scheduler:
                self.scheduler.run(self)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 -- it is raised where the machine runs
            self.failure = error
        self._rest.release()

    # what `Scheduler.run` asks of its event

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Run what the timers of this process start meanwhile."""
        end = self.machine.awake + seconds
        while not self._is_set:
            self._waits_until = end
            self._rest.release()
            self._turn.acquire()
            if self._is_set:
                break
            if self.timers.due <= self.machine.awake:
                self.timers.run_due()
            else:
                return False
        return True


class _AnyDatetime(type(datetime)):  # type: ignore[misc]
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


def _timers_of(machine: Machine) -> type[SteadyScheduler]:
    """Return the timers of a process, which run in its thread and by the clocks of a machine."""

    class Timers(SteadyScheduler):
        due = inf

        def start(self, *, paused: bool = False) -> None:
            BaseScheduler.start(self, paused)

        def shutdown(self, *, wait: bool = True) -> None:
            BaseScheduler.shutdown(self, wait)

        def wakeup(self) -> None:
            self.due = machine.awake

        def run_due(self) -> None:
            self.due = inf
            seconds = self._process_jobs()
            if seconds is not None:
                self.due = min(self.due, machine.awake + seconds)

    return Timers


@contextmanager
def simulated_time(machine: Machine, acts: list[PeriodicAct]) -> Iterator[None]:
    """Let schedulers run these acts by the clocks of a machine."""

    class Now(datetime, metaclass=_AnyDatetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return machine.wall().astimezone(tz)

    clocks = SimpleNamespace(
        monotonic=lambda: machine.awake, time=lambda: machine.wall().timestamp()
    )
    places = [each for name, each in list(sys.modules.items()) if name.startswith(TIMED)]
    with ExitStack() as patches:
        for name, real, simulated in (("datetime", datetime, Now), ("time", time, clocks)):
            for each in places:
                if getattr(each, name, None) is real:
                    patches.enter_context(patch.object(each, name, simulated))
        for name, value in (
            ("SteadyScheduler", _timers_of(machine)),
            ("ThreadPoolExecutor", lambda _number: DebugExecutor()),
            ("ACTS", acts),
        ):
            patches.enter_context(patch.object(scheduler, name, value))
        patches.enter_context(patch.object(act_monitor, "LOG", Mock()))  # acts that are stretched
        yield
