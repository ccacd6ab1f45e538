"""APScheduler for a machine whose clock may jump: no job stalls, and missed runs count as one."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import current_thread
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

    name = "scheduler"
    has_ended = False
    """Whether its thread ended, even by an error that nobody expects."""

    def _main_loop(self) -> None:
        current_thread().name = self.name
        try:
            super()._main_loop()
        finally:
            self.has_ended = True

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

    APScheduler lists them one by one, which takes forever after a clock jumped ahead by years. It
    also counts an interval from the last run; here it counts from the start of the trigger, so that
    a run out of turn moves no later one.
    """

    def __init__(self, trigger: BaseTrigger) -> None:
        self.trigger = trigger

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> Any:
        """Return the next time after the previous one, or after now if that is past.

        It is in UTC: the difference of two times of a zone ignores that its offset changed.
        """
        found = self._next(previous_fire_time, now)
        return None if found is None else found.astimezone(UTC)

    def _next(self, previous: datetime | None, now: datetime) -> Any:
        if isinstance(self.trigger, IntervalTrigger) and previous is not None:
            start, interval = self.trigger.start_date, self.trigger.interval
            number = max((previous - start) // interval + 1, -((start - now) // interval))
            return start + interval * number
        later = now if previous is None else max(now, previous + timedelta(microseconds=1))
        return self.trigger.get_next_fire_time(None, later)

    def __str__(self) -> str:
        return str(self.trigger)
