"""APScheduler for a machine whose clock may jump: no job stalls, and missed runs count as one."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

LONGER_WAIT = timedelta(seconds=5)
"""A job that waits this much longer than its trigger wants was scheduled by another clock."""


class SteadyScheduler(BackgroundScheduler):
    """A scheduler that adjusts to a clock that is put back."""

    def add_job(self, func: Any, trigger: Any = None, *args: Any, **options: Any) -> Any:
        """Add a job whose missed runs count as one."""
        if isinstance(trigger, BaseTrigger):
            trigger = LatestRun(trigger)
        return super().add_job(func, trigger, *args, **options)

    def follow_clock(self) -> bool:
        """Run every job now if the clock was put back; return whether it was.

        The jobs themselves show it, however short the time was between two jumps.
        """
        now, jobs = datetime.now(UTC), self.get_jobs()
        if not any(_waits_too_long(job, now) for job in jobs):
            return False
        for job in jobs:
            with suppress(JobLookupError):  # it was removed meanwhile
                job.modify(next_run_time=now)
        return True


def _waits_too_long(job: Job, now: datetime) -> bool:
    latest = job.trigger.get_next_fire_time(now, now)
    return latest is not None and job.next_run_time - latest > LONGER_WAIT


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
