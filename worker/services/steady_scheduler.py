"""APScheduler for a machine whose clock may jump: no job stalls, and missed runs count as one."""

import time
from datetime import UTC, datetime
from math import ceil
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

JUMP_SECONDS = 5.0


class SteadyScheduler(BackgroundScheduler):
    """A scheduler that adjusts to a clock that is put back."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._offset = time.time() - time.monotonic()

    def add_job(self, func: Any, trigger: Any = None, *args: Any, **options: Any) -> Any:
        """Add a job whose missed runs count as one."""
        if isinstance(trigger, BaseTrigger):
            trigger = LatestRun(trigger)
        return super().add_job(func, trigger, *args, **options)

    def follow_clock(self) -> bool:
        """Run every job now if the clock was put back; return whether it was."""
        before, self._offset = self._offset, time.time() - time.monotonic()
        if before - self._offset < JUMP_SECONDS:
            return False
        for job in self.get_jobs():
            job.modify(next_run_time=datetime.now(UTC))
        return True


class LatestRun(BaseTrigger):
    """A trigger that skips the runs that were missed.

    APScheduler lists them one by one, which takes forever after a clock jumped ahead by years.
    """

    def __init__(self, trigger: BaseTrigger) -> None:
        self.trigger = trigger

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> Any:
        """Return the next time after the previous one, or after now if that is past."""
        found = self.trigger.get_next_fire_time(previous_fire_time, now)
        if previous_fire_time is None or found is None or found >= now:
            return found
        if isinstance(self.trigger, IntervalTrigger):  # its start may be years in the future
            interval = self.trigger.interval
            return found + interval * ceil((now - found) / interval)
        return self.trigger.get_next_fire_time(None, now)

    def __str__(self) -> str:
        return str(self.trigger)
