"""The scheduler: due sources become jobs, and due jobs become wake-ups; it runs no jobs itself."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

from apscheduler.events import EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.triggers.interval import IntervalTrigger
from celery import Celery

from storage.database.engine import DatabaseError
from storage.proof import checkpoints
from storage.proof import log as proof_log
from storage.proof.external.authorities import request_stamps
from storage.proof.external.calendars import request_calendar_stamps
from storage.proof.external.witnesses import read_policy, request_cosignatures
from storage.proof.files import update_tiles
from storage.proof.note import NoteError
from storage.proof.policy import PolicyError
from storage.proof.stamp import read_authorities
from storage.read.figures.edits import EDIT_SUMMARY, renewed_summary
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.schedule import wake as wake_ups
from storage.settings import Settings
from storage.values.arrivals.source import NoSuchSourceError, Source
from storage.write.archive import Archive
from storage.write.index import index_backlog, relate_backlog
from storage.write.redaction.redact_articles import drop_overdue_bytes
from worker.alerts import work as alerts
from worker.errors import LocatorError
from worker.flow.order import default_source, order, order_due, target_of
from worker.flow.work import free_abandoned_jobs
from worker.log import LOG
from worker.outside import work as outside
from worker.services.app import QUEUE, hard_limit_seconds
from worker.services.broker import FAILURES
from worker.services.cron import CronError, cron_trigger
from worker.services.heartbeat import Heartbeat
from worker.services.steady_scheduler import SteadyScheduler

LATE_SECONDS = 60.0
"""An act is late if it has not ended for this many seconds beyond its interval."""
LEAD_SECONDS = 2.0
"""Interval at which the leader checks that it still leads."""
MAX_CONCURRENT_TICKS = 8
"""Maximum number of sources whose jobs are inserted at the same time; each act has its own
thread.
"""
PROOF_ERRORS = (checkpoints.ProofKeyError, NoteError, PolicyError)
"""Errors in the keys and policies of the log; the other work continues."""
LEADER_RETRY_SECONDS = 1.0
LISTEN_SECONDS = 0.5
"""Longest wait for a notification before the stop event is checked."""
MIN_SWEEP_SECONDS = 0.05
"""Minimum time between two sweeps that notifications cause."""
MAX_QUEUED_WAKE_UPS = 100
"""Maximum number of wake-ups in the queue."""


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


def sweep(
    archive: Archive,
    publish: Callable[[int, str], None],
    room: int,
    again_seconds: float = queue.WAKE_AGAIN_SECONDS,
) -> int:
    """Publish a wake-up for up to `room` due jobs, and return their number.

    A wake-up without effect is sent again after `again_seconds`.
    """
    due = archive.transact_unnumbered(wake_ups.wake_due, room, again_seconds=again_seconds)
    for number, kind in due:
        publish(number, kind)
    return len(due)


class Scheduler:
    """Runs the periodic acts in `ACTS` and the schedules of the sources while it leads."""

    def __init__(
        self, archive: Archive, settings: Settings, app: Celery, depth: Callable[[], int]
    ) -> None:
        self.archive, self.settings, self.app, self.depth = archive, settings, app, depth
        self.leadership = _leadership(archive)
        self.job_listener = (
            archive.job_listener() if archive.engine.dialect.name == "postgresql" else None
        )
        self._leads = False
        self._leads_since = time.monotonic()
        self._stop = threading.Event()
        self._fitting = threading.Lock()
        self._jobs: dict[str, tuple[Any, ...]] = {}
        self._ended: dict[str, float] = {}
        self.heartbeat = Heartbeat(settings.home, "scheduler")
        self._quiet: dict[str, float] = {}
        self._ticking = SteadyScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(ACTS) + MAX_CONCURRENT_TICKS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600},
        )

        self._ticking.add_listener(_log_missed, EVENT_JOB_MISSED)
        # A single skipped run is harmless; `_warn_of_late_acts` reports longer delays.
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

    def run(self, stop: threading.Event) -> None:
        """Schedule until `stop` is set; if another scheduler leads, only wait."""
        for act in ACTS:
            self._ticking.add_job(
                self._run_act, IntervalTrigger(seconds=act.seconds), args=[act], id=act.name
            )
        while not stop.is_set():
            if self._ticking.follow_clock():
                self._jobs.clear()
            held_before, holds = self._leads, self._with_error_handling(self.leadership.holds)()
            if holds and not held_before:
                self._begin()
            self._leads = bool(holds)
            if self._leads:
                self._warn_of_late_acts()
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
                heard := self._with_error_handling(self.job_listener.heard)(
                    min(left, LISTEN_SECONDS)
                )
            ) is None:
                stop.wait(LISTEN_SECONDS)
            elif heard:
                self._ticking.modify_job(SWEEP, next_run_time=datetime.now(UTC))
                stop.wait(MIN_SWEEP_SECONDS)

    def _begin(self) -> None:
        """Resume after a scheduler that may have died with its messages; run every act now."""
        self._leads, self._leads_since = True, time.monotonic()
        self._ended.clear()
        self._with_error_handling(self.archive.transact_unnumbered)(wake_ups.forget_wakings)
        for act in ACTS:
            self._ticking.modify_job(act.name, next_run_time=datetime.now(UTC))

    def _run_act(self, act: "PeriodicAct") -> None:
        if self._leads:
            self._with_error_handling(self._end_act)(act)

    def _end_act(self, act: "PeriodicAct") -> None:
        """Run an act, and record that it ended without an error."""
        act.function(self)
        self._ended[act.name] = time.monotonic()

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
                self._update_jobs(targets)
        jobs = order_due(self.archive, self.settings)
        if jobs:
            LOG.debug("addresses_due", jobs=len(jobs))

    def _update_jobs(self, targets: Mapping[str, Source]) -> None:
        for name in self._jobs.keys() - targets.keys():
            self._disarm(name)
            del self._jobs[name]
        for name, source in targets.items():
            schedule = (source.every_seconds, source.cron, source.timezone, source.locator)
            if self._jobs.get(name) != schedule:
                self._jobs[name] = schedule
                self._arm(source)

    def _arm(self, source: Source) -> None:
        zone = ZoneInfo(source.timezone) if source.timezone else self.settings.zone
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
        first = {} if source.cron else {"next_run_time": datetime.now(UTC)}
        self._ticking.add_job(
            self._with_error_handling(self._tick), trigger, args=[source.name],
            id=f"source {source.name}", replace_existing=True, **first,
        )  # fmt: skip

    def _disarm(self, name: str) -> None:
        with suppress(JobLookupError):  # its schedule was invalid
            self._ticking.remove_job(f"source {name}")

    def _tick(self, name: str) -> None:
        if not self._leads:
            return
        try:
            source = self.archive.source(name)
        except NoSuchSourceError:
            return
        number = tick(self.archive, self.settings, source, self.archive.clock())
        if number is not None:
            LOG.debug("source_job_inserted", source=name, job=number)

    def sweep(self) -> None:
        """Release jobs of dead workers, index and relate the backlog, and wake workers."""
        free_abandoned_jobs(self.archive)
        index_backlog(self.archive)
        relate_backlog(self.archive)
        waiting = self.depth()
        is_empty = waiting == 0 and not self.settings.is_embedded
        again = queue.WAKE_AGAIN_SOON_SECONDS if is_empty else queue.WAKE_AGAIN_SECONDS
        sent = sweep(self.archive, self._publish, MAX_QUEUED_WAKE_UPS - waiting, again)
        if sent:
            LOG.debug("wake_ups_sent", number=sent)
        self.heartbeat.beat()

    def extend_log(self) -> None:
        """Append committed rows to the log, and sign a checkpoint when one is due."""
        proof_log.append(self.archive.engine, self.archive.clock)
        signer = checkpoints.read_key(self.settings.proof_key_file)
        if signer is not None and checkpoints.is_due(
            self.archive.engine, self.archive.now(), self.settings.proof_every
        ):
            checkpoint = checkpoints.make(self.archive.engine, self.archive.clock, signer)
            LOG.info("checkpoint_signed", entries=checkpoint.size)

    def request_cosignatures(self) -> None:
        """Ask the witnesses to cosign the newest checkpoint."""
        policy = read_policy(self.settings.proof_witnesses)
        if policy is not None:
            for each in request_cosignatures(self.archive.engine, self.archive.clock, policy):
                LOG.info("cosignature_requested", witness=each.witness, refused=each.reason)

    def request_timestamps(self) -> None:
        """Ask time-stamping authorities and calendars to stamp the newest checkpoint."""
        authorities = read_authorities(self.settings.proof_authorities)
        if authorities:
            engine, clock = self.archive.engine, self.archive.clock
            stamps = request_stamps(engine, clock, authorities)
            for each in (*stamps, *request_calendar_stamps(engine, clock, authorities)):
                LOG.info("timestamp_requested", authority=each.authority, refused=each.reason)

    def expire_captures(self) -> None:
        """Delete the bytes of captures whose retention time is over."""
        if self.archive.leapt_lately():
            return
        for each in drop_overdue_bytes(self.archive, self.settings.retain_captures):
            if each["captures"]:
                LOG.info("captures_expired", **each)

    def write_tiles(self) -> None:
        """Write the tiles of the log up to the newest checkpoint into their folder."""
        folder = self.settings.proof_tiles
        if folder is not None:
            written = self.archive.read(update_tiles, folder)
            if written is not None:
                LOG.info("tiles_written", folder=str(folder), entries=written.size)

    def send_alerts(self) -> None:
        """Match new changes against the alerts, and send the deliveries that are due."""
        alerts.work(self.archive, self.settings, is_over=self._stop.is_set)

    def update_figures(self) -> None:
        """Store the counts of the record, and the edit figures of a large archive."""
        self.archive.update_totals()
        summary = self.archive.read(renewed_summary, self.archive.clock())
        if summary is not None:
            self.archive.store_fact(EDIT_SUMMARY, summary)

    def copy_pages(self) -> None:
        """Submit the pages of new versions to the archives that their sources name."""
        outside.work(self.archive, self.settings, is_over=self._stop.is_set)

    def report_progress(self) -> None:
        """Store that the scheduler is alive, and how long ago each act ended."""
        self.archive.beat("scheduler")
        now = time.monotonic()
        self.archive.record_acts({name: now - ended for name, ended in self._ended.items()})

    def _publish(self, job_id: int, kind: str) -> None:
        """Send a wake-up; a batch that hangs is killed before its lease runs out."""
        limit = hard_limit_seconds(self.settings) if kind == "read" else None
        self.app.send_task("lesart.wake", args=[job_id], queue=QUEUE, retry=False, time_limit=limit)

    def _warn_of_late_acts(self) -> None:
        """Warn once a minute of each act that has not ended for too long."""
        now = time.monotonic()
        for act in ACTS:
            seconds = now - self._ended.get(act.name, self._leads_since)
            if seconds > act.late_after and self._is_new(f"late {act.name}"):
                LOG.warning("periodic_act_late", act=act.name, seconds=round(seconds))

    def _is_new(self, warning: str) -> bool:
        """Check whether a warning was not logged within the last minute."""
        if time.monotonic() - self._quiet.get(warning, -60.0) < 60.0:
            return False
        self._quiet[warning] = time.monotonic()
        return True

    def _with_error_handling(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that survives failures of the broker or the database.

        It logs the failure at most once a minute, and returns None then.
        """

        def handle_errors(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except (DatabaseError, *FAILURES, OSError, *PROOF_ERRORS) as error:
                self._log_failure(error)
            except Exception as error:
                if not type(error).__module__.startswith("kombu"):
                    raise
                self._log_failure(error)
            return None

        return handle_errors

    def _log_failure(self, error: Exception) -> None:
        kind = type(error).__name__
        if self._is_new(kind):
            reason = str(error).splitlines()[0] if str(error) else ""
            LOG.warning("scheduler_waiting", error=kind, reason=reason)


@dataclass(frozen=True, slots=True)
class PeriodicAct:
    """An act that the leading scheduler runs every `seconds`, in its own thread."""

    name: str
    function: Callable[[Scheduler], None]
    seconds: float

    @property
    def late_after(self) -> float:
        """Return the seconds without an end of this act after which it is late."""
        return self.seconds + LATE_SECONDS


SWEEP = "sweep"
ACTS = (
    PeriodicAct(SWEEP, Scheduler.sweep, 0.5),
    PeriodicAct("sources", Scheduler.schedule_sources, 2.0),
    PeriodicAct("alerts", Scheduler.send_alerts, 1.0),
    PeriodicAct("copies", Scheduler.copy_pages, 2.0),
    PeriodicAct("log", Scheduler.extend_log, 0.5),
    PeriodicAct("tiles", Scheduler.write_tiles, 1.0),
    PeriodicAct("witnesses", Scheduler.request_cosignatures, 30.0),
    PeriodicAct("authorities", Scheduler.request_timestamps, 30.0),
    PeriodicAct("retention", Scheduler.expire_captures, 3600.0),
    PeriodicAct("figures", Scheduler.update_figures, 60.0),
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


def _log_missed(event: Any) -> None:
    """Warn that a scheduled check of a source was more than an hour late and was skipped."""
    LOG.warning("scheduled_check_missed", job=event.job_id)


def _leadership(archive: Archive) -> Leadership:
    if archive.engine.dialect.name == "postgresql":
        return archive.leadership()
    place = Path(archive.place)
    return FileLeadership(place.with_name(place.name + ".scheduler"))


def _seconds_between(source: Source) -> int:
    return max(1, round(source.every_seconds or 60))
