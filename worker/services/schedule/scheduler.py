"""The scheduler: due sources become jobs, and due jobs become wake-ups; it runs no jobs itself."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.triggers.interval import IntervalTrigger
from celery import Celery

from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.schedule import wake as wake_ups
from storage.settings import Settings
from storage.values.arrivals.source import NoSuchSourceError, Source
from storage.write.archive import Archive
from storage.write.index import index_backlog, relate_backlog
from worker.errors import ThreadEndedError
from worker.flow.abandoned import AbandonedJobs
from worker.flow.order import default_source, order_due
from worker.log import LOG
from worker.services.app import FOLDER_QUEUE, QUEUE, RENDER_QUEUE, hard_limit_seconds, queues_of
from worker.services.heartbeat import Heartbeat
from worker.services.schedule.act import PeriodicAct
from worker.services.schedule.act_monitor import ActMonitor
from worker.services.schedule.acts import COMMON_ACTS, PROOF_ACTS
from worker.services.schedule.source_slots import SourceTriggers, tick
from worker.services.schedule.steady_scheduler import SteadyScheduler


class Leadership(Protocol):
    """Ensures that one scheduler at a time is active."""

    def holds(self) -> bool: ...
    def close(self) -> None: ...


class FileLeadership:
    """A lock on a file next to an SQLite archive; it ends with the process."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held = False

    def holds(self) -> bool:
        """Check whether this process leads, and try to become the leader if there is none."""
        if not self._held:
            with suppress(BlockingIOError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._held = True
        return self._held

    def close(self) -> None:
        os.close(self._descriptor)


def leadership_of(archive: Archive) -> Leadership:
    if archive.engine.dialect.name == "postgresql":
        return archive.leadership()
    place = Path(archive.place)
    return FileLeadership(place.with_name(place.name + ".scheduler"))


LEAD_SECONDS = 2.0
"""Interval at which the leader checks that it still leads."""
MAX_CONCURRENT_TICKS = 8
"""Maximum number of sources whose jobs are inserted at the same time; each act has its own
thread.
"""
LEADER_RETRY_SECONDS = 1.0
LISTEN_SECONDS = 0.5
"""Longest wait for a notification before the stop event is checked."""
MIN_SWEEP_SECONDS = 0.05
"""Minimum time between two sweeps that notifications cause."""
MAX_QUEUED_WAKE_UPS = 100
"""Maximum number of wake-ups in the queue."""


def sweep(
    archive: Archive,
    publish: Callable[[int, str], None],
    room: int,
    again_seconds: float = queue.WAKE_AGAIN_SECONDS,
    *,
    folders: bool = False,
    renders: bool = False,
) -> int:
    """Publish a wake-up for up to `room` due jobs, and return their number.

    They are the jobs that read folders, those that need a browser, or all others. A wake-up
    without effect is sent again after `again_seconds`.
    """
    due = archive.transact_unnumbered(
        wake_ups.wake_due, room, again_seconds=again_seconds, folders=folders, renders=renders
    )
    for number, kind in due:
        publish(number, kind)
    return len(due)


class WakeUps:
    """Sends wake-ups for due jobs to the workers, and releases jobs of dead ones."""

    def __init__(
        self, archive: Archive, settings: Settings, app: Celery, depth: Callable[[str], int]
    ) -> None:
        self.archive, self.settings, self.app, self.depth = archive, settings, app, depth
        self._abandoned = AbandonedJobs(archive)

    def send(self) -> None:
        """Release jobs of dead workers, and wake workers for due jobs."""
        self._abandoned.free()
        index_backlog(self.archive)
        relate_backlog(self.archive)
        # only this process reads the messages of an embedded worker
        all_names = (QUEUE, FOLDER_QUEUE, RENDER_QUEUE)
        names = queues_of(self.settings) if self.settings.is_embedded else all_names
        for name in names:
            self._fill(name)

    def _fill(self, name: str) -> None:
        """Fill one queue with wake-ups; a queue without readers takes no room from the other."""
        waiting = self.depth(name)
        is_empty = waiting == 0 and not self.settings.is_embedded
        again = queue.WAKE_AGAIN_SOON_SECONDS if is_empty else queue.WAKE_AGAIN_SECONDS
        sent = sweep(
            self.archive, partial(self._publish, name), MAX_QUEUED_WAKE_UPS - waiting, again,
            folders=name == FOLDER_QUEUE, renders=name == RENDER_QUEUE,
        )  # fmt: skip
        if sent:
            LOG.debug("wake_ups_sent", number=sent)

    def _publish(self, name: str, job_id: int, kind: str) -> None:
        """Send a wake-up; a batch that hangs is killed before its lease runs out."""
        limit = hard_limit_seconds(self.settings) if kind == "read" else None
        self.app.send_task("lesart.wake", args=[job_id], queue=name, retry=False, time_limit=limit)


class Scheduler:
    """Runs the periodic acts in `ACTS` and the schedules of the sources while it leads."""

    def __init__(
        self, archive: Archive, settings: Settings, app: Celery, depth: Callable[[str], int]
    ) -> None:
        self.archive, self.settings = archive, settings
        self.leadership = leadership_of(archive)
        self.job_listener = (
            archive.job_listener() if archive.engine.dialect.name == "postgresql" else None
        )
        self._leads = False
        self._stop = threading.Event()
        self._fitting = threading.Lock()
        self.heartbeat = Heartbeat(settings.home, "scheduler")
        self.monitor = ActMonitor()
        self._wake_ups = WakeUps(archive, settings, app, depth)
        self._ticking = SteadyScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(ACTS) + MAX_CONCURRENT_TICKS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._sources = SourceTriggers(self._ticking, settings.zone, self._tick, self._last_job)
        # A single skipped run is harmless; `ActMonitor` reports longer delays.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def __enter__(self) -> Self:
        self.heartbeat.begin()
        self._ticking.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        with self._fitting:  # `shutdown` holds the lock of the jobs while it waits for the acts
            self._stop.set()
        self._ticking.shutdown(wait=True)
        self.leadership.close()
        if self.job_listener is not None:
            self.job_listener.close()

    def is_over(self) -> bool:
        """Check whether the scheduler is stopping."""
        return self._stop.is_set()

    def run(self, stop: threading.Event) -> None:
        """Schedule until `stop` is set; if another scheduler leads, only wait.

        Raises: ThreadEndedError.
        """
        for act in ACTS:
            self._ticking.add_job(
                self._run_act, IntervalTrigger(seconds=act.seconds), args=[act], id=act.name
            )
        while not stop.is_set():
            if self._ticking.has_ended:
                raise ThreadEndedError(self._ticking.name)
            self._ticking.follow_clock()
            held_before, holds = (
                self._leads,
                self.monitor.with_error_handling(self.leadership.holds)(),
            )
            if holds and not held_before:
                self._begin()
            self._leads = bool(holds)
            if self._leads:
                self.monitor.warn_of_late(ACTS)
                self._listen(stop, LEAD_SECONDS)
            else:
                if holds is not None:  # another scheduler leads, and the archive answers
                    self.heartbeat.beat()
                stop.wait(LEADER_RETRY_SECONDS)

    def _listen(self, stop: threading.Event, seconds: float) -> None:
        """Wait; sweep at once if jobs were inserted meanwhile, instead of at the next interval."""
        end = time.monotonic() + seconds
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            if self.job_listener is None:
                stop.wait(left)
            elif (
                heard := self.monitor.with_error_handling(self.job_listener.heard)(
                    min(left, LISTEN_SECONDS)
                )
            ) is None:
                stop.wait(LISTEN_SECONDS)
            elif heard:
                self._ticking.modify_job(SWEEP, next_run_time=datetime.now(UTC))
                stop.wait(MIN_SWEEP_SECONDS)

    def _begin(self) -> None:
        """Resume after a scheduler that may have died with its messages; run every act now."""
        self._leads = True
        self.monitor.restart()
        self._sources.clear()  # overdue sources are still due
        self.monitor.with_error_handling(self.archive.transact_unnumbered)(wake_ups.forget_wakings)
        for act in ACTS:
            self._ticking.modify_job(act.name, next_run_time=datetime.now(UTC))

    def _run_act(self, act: PeriodicAct) -> None:
        if self._leads:
            self.monitor.with_error_handling(self._end_act)(act)

    def _end_act(self, act: PeriodicAct) -> None:
        """Run an act, and record that it ended without an error."""
        act.function(self)
        self.monitor.record_end(act)

    def schedule_sources(self) -> None:
        """Update the jobs of APScheduler to match the sources, and insert jobs for due
        addresses.
        """
        default_source(self.archive, self.settings)
        targets = {
            source.name: source
            for source in self.archive.sources(standing=True)
            if not source.paused and (source.kind == "folder" or source.cron is not None)
        }
        with self._fitting:
            if not self._stop.is_set():
                self._sources.update(targets)
        jobs = order_due(self.archive, self.settings)
        if jobs:
            LOG.debug("addresses_due", jobs=len(jobs))

    def _tick(self, name: str) -> None:
        """Insert the job of a due source; if that fails, the source is scheduled again."""
        if self._leads and not self.monitor.with_error_handling(self._insert_job)(name):
            self._sources.forget(name)

    def _insert_job(self, name: str) -> bool:
        try:
            source = self.archive.source(name)
        except NoSuchSourceError:
            return True
        number = tick(self.archive, self.settings, source, self.archive.clock())
        if number is not None:
            LOG.debug("source_job_inserted", source=name, job=number)
        return True

    def _last_job(self, source: Source) -> job_progress.LastJob | None:
        return self.archive.read(job_progress.last_job_of, source.id)

    def sweep(self) -> None:
        """Follow the clock, release jobs of dead workers, work the backlog, and wake workers."""
        self.archive.follow_clock()
        self._wake_ups.send()
        self.heartbeat.beat()

    def report_progress(self) -> None:
        """Store that the scheduler is alive, and how long ago each act ended."""
        self.archive.beat("scheduler")
        self.archive.record_acts(self.monitor.ages())


SWEEP = "sweep"
ACTS = (
    PeriodicAct(SWEEP, Scheduler.sweep, 0.5),
    PeriodicAct("sources", Scheduler.schedule_sources, 2.0),
    *COMMON_ACTS,
    *PROOF_ACTS,
    PeriodicAct("progress", Scheduler.report_progress, 5.0),
)
"""All periodic acts of running services. The scheduler runs nothing else on a timer except the
schedules of the sources; `lesart doctor` and `/metrics` report each act by its name.
"""


def late_acts(ages: Mapping[str, float]) -> dict[str, float | None]:
    """Return the acts that are late, with the seconds since they last ended (None: never)."""
    return {
        act.name: ages.get(act.name)
        for act in ACTS
        if ages.get(act.name, act.late_after + 1) > act.late_after
    }
