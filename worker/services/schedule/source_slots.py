"""When sources are due: the triggers of APScheduler, and the slots that get one job each."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.jobstores.base import JobLookupError
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from storage.schedule import progress as job_progress
from storage.settings import Settings
from storage.values.arrivals.source import Source
from storage.write.archive import Archive
from worker.errors import LocatorError
from worker.flow.order import order, target_of
from worker.log import LOG
from worker.services.schedule.cron import CronError, cron_trigger
from worker.services.schedule.steady_scheduler import LatestRun, SteadyScheduler


def interval_trigger(source: Source, now: datetime) -> IntervalTrigger:
    """Return the trigger of a source with an interval, in the middle of each slot.

    A run near the border of two slots would sometimes find that the last run used its slot.
    """
    seconds = _seconds_between(source)
    start = (now.timestamp() // seconds + 0.5) * seconds
    return IntervalTrigger(
        seconds=seconds, start_date=datetime.fromtimestamp(start, UTC), timezone=UTC
    )


def slot_of(source: Source, now: datetime, zone: ZoneInfo) -> str:
    """Return the name of the slot that `now` belongs to; each slot gets at most one job.

    An interval counts from 1970. A cron slot is a minute of local time, so that the hour repeated
    at the end of summer time gives one job per minute and not two.

    >>> paris = ZoneInfo("Europe/Paris")
    >>> at = lambda hour: datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    >>> cron = Source(1, "a", "folder", "/a", True, False, None, "30 2 * * *", None, {})
    >>> slot_of(cron, at(0), paris) == slot_of(cron, at(1), paris)
    True
    """
    if source.cron is not None:
        return f"cron {now.astimezone(zone):%Y-%m-%dT%H:%M}"
    seconds = _seconds_between(source)
    return f"every {seconds} {int(now.timestamp() // seconds)}"


def tick(archive: Archive, settings: Settings, source: Source, now: datetime) -> int | None:
    """Insert the job of a due source; None if its slot is used or its last job is still open."""
    with archive.read_connection() as connection:
        if job_progress.source_is_busy(connection, source.id):
            return None
    zone = ZoneInfo(source.timezone) if source.timezone else settings.zone
    try:
        target = target_of(source)
    except LocatorError as error:
        LOG.warning("source_unreadable", source=source.name, reason=error.reason)
        return None
    # Slots of an hour that is repeated are already used.
    slot = None if archive.is_clock_behind() else slot_of(source, now, zone)
    return order(archive, [target], "schedule", slot)


def has_missed_run(
    source: Source, last: job_progress.LastJob, trigger: BaseTrigger, zone: ZoneInfo
) -> bool:
    """Check whether a cron line was due between the last job of its source and now."""
    due = LatestRun(trigger).get_next_fire_time(None, last.created_at)
    while due is not None and slot_of(source, due, zone) == last.slot:
        due = LatestRun(trigger).get_next_fire_time(due, due)
    return due is not None and due <= datetime.now(UTC)


class SourceTriggers:
    """The jobs of APScheduler that call `check` with the name of each due source."""

    def __init__(
        self,
        ticking: SteadyScheduler,
        zone: ZoneInfo,
        check: Callable[[str], None],
        last_job: Callable[[Source], job_progress.LastJob | None],
    ) -> None:
        self._ticking, self._zone, self._check, self._last_job = ticking, zone, check, last_job
        self._jobs: dict[str, tuple[Any, ...]] = {}

    def clear(self) -> None:
        """Schedule each source again at the next update, with a run that it missed."""
        self._jobs.clear()

    def forget(self, name: str) -> None:
        """Schedule a source again at the next update, because its job could not be inserted."""
        self._jobs.pop(name, None)

    def update(self, targets: Mapping[str, Source]) -> None:
        """Update the jobs to match the sources `targets`, by name."""
        for name in self._jobs.keys() - targets.keys():
            self._disarm(name)
            del self._jobs[name]
        for name, source in targets.items():
            schedule = (source.every_seconds, source.cron, source.timezone, source.locator)
            if self._jobs.get(name) != schedule:
                self._jobs[name] = schedule
                self._arm(source)

    def _arm(self, source: Source) -> None:
        zone = ZoneInfo(source.timezone) if source.timezone else self._zone
        try:
            trigger = (
                cron_trigger(source.cron, zone)
                if source.cron
                else interval_trigger(source, datetime.now(UTC))
            )
        except CronError as error:
            LOG.warning("schedule_invalid", source=source.name, reason=error.reason)
            self._disarm(source.name)
            return
        is_due = True
        if source.cron:
            last = self._last_job(source)
            is_due = last is not None and has_missed_run(source, last, trigger, zone)
        first = {"next_run_time": datetime.now(UTC)} if is_due else {}
        self._ticking.add_job(
            self._check, trigger, args=[source.name],
            id=f"source {source.name}", replace_existing=True, **first,
        )  # fmt: skip

    def _disarm(self, name: str) -> None:
        with suppress(JobLookupError):  # its schedule was invalid
            self._ticking.remove_job(f"source {name}")


def _seconds_between(source: Source) -> int:
    return max(1, round(source.every_seconds or 60))
