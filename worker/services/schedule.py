"""The scheduler: due sources become jobs, due jobs become wake-ups; it does no work itself."""

import fcntl
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

from apscheduler.events import EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from celery import Celery

from storage.database.engine import DatabaseError
from storage.proof import checkpoints
from storage.proof import log as proof_log
from storage.proof.files import keep_tiles
from storage.proof.note import NoteError
from storage.proof.others.authorities import ask_authorities
from storage.proof.others.calendars import ask_calendars
from storage.proof.others.witnesses import ask_all, read_policy
from storage.proof.policy import PolicyError
from storage.proof.stamp import read_authorities
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.schedule import wake as wake_ups
from storage.settings import Settings
from storage.values.arrivals.source import NoSuchSourceError, Source
from storage.write.archive import Archive
from worker.alerts import work as alerts
from worker.errors import LocatorError
from worker.flow.order import default_source, order, order_due, target_of
from worker.flow.work import free_abandoned_jobs
from worker.log import LOG
from worker.services.app import QUEUE, hard_limit_seconds
from worker.services.broker import FAILURES
from worker.services.heartbeat import Heartbeat

LATE_SECONDS = 60.0
"""Without a whole sweep for so long, it is said that the scheduler is late."""
SWEEP_SECONDS = 0.5
SYNC_SECONDS = 2.0
BEAT_SECONDS = 5.0
COSIGN_SECONDS = 30.0
RETAIN_SECONDS = 3600.0
TILES_SECONDS = 1.0
UNPROVEN = (checkpoints.ProofKeyError, NoteError, PolicyError)
"""What may be wrong with the keys and policies of the log; the work goes on."""
LEADER_RETRY_SECONDS = 1.0
HEAR_SECONDS = 0.5
"""So long at most the scheduler listens before it looks whether it is to stop."""
RING_SECONDS = 0.05
"""So long after a sweep that somebody rang for the next one waits."""
HIGH = 100
"""Most wake-ups that lie in the queue at once."""

CRON_WEEKDAYS = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>[1-9]\d*))?")
"""One part of the field for weekdays.

>>> CRON_WEEKDAYS.fullmatch("1-5/2").groups()
('1', '5', '2')
"""
DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class CronError(ValueError):
    """A cron expression cannot be read."""

    def __init__(self, given: str, reason: str) -> None:
        super().__init__(f"{given!r} is no cron expression: {reason}")
        self.given, self.reason = given, reason


class Leadership(Protocol):
    """Makes sure that one scheduler at a time does the scheduling."""

    def holds(self) -> bool: ...
    def close(self) -> None: ...


class FileLeadership:
    """A lock on a file beside an SQLite archive; it ends with the process."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held = False

    def holds(self) -> bool:
        """Return whether this process leads, trying to take the lead where nobody has it."""
        if not self._held:
            with suppress(BlockingIOError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._held = True
        return self._held

    def close(self) -> None:
        os.close(self._descriptor)


def cron_trigger(expression: str, zone: ZoneInfo) -> BaseTrigger:
    """Return the trigger of a crontab line of five fields, in which 0 and 7 are Sunday.

    As in every crontab, a day of the month and a weekday that are both named count each.
    Raises: CronError.

    >>> str(cron_trigger("0 6 * * 1-5", ZoneInfo("UTC")).fields[4])
    'mon,tue,wed,thu,fri'
    """
    fields = expression.split()
    if len(fields) != 5:
        raise CronError(expression, "it has five fields: minute hour day month weekday")
    minute, hour, day, month, weekday = fields
    try:
        days = [(day, _weekdays(weekday))]
        if "*" not in {day[0], weekday[0]}:
            days = [(day, "*"), ("*", _weekdays(weekday))]
        triggers = [
            CronTrigger(
                minute=minute, hour=hour, day=each, month=month, day_of_week=names, timezone=zone
            )
            for each, names in days
        ]
    except (ValueError, IndexError) as error:
        raise CronError(expression, str(error)) from error
    return triggers[0] if len(triggers) == 1 else OrTrigger(triggers)


def interval_trigger(source: Source, now: datetime) -> IntervalTrigger:
    """Return the trigger of a source with an interval: it ticks in the middle of each slot.

    A tick near the border of two slots would now and then find its slot taken by the last one.
    """
    seconds = _seconds_between(source)
    start = (now.timestamp() // seconds + 0.5) * seconds
    return IntervalTrigger(
        seconds=seconds, start_date=datetime.fromtimestamp(start, UTC), timezone=UTC
    )


def slot_of(source: Source, now: datetime, zone: ZoneInfo) -> str:
    """Return the name of the tick that `now` falls into: one job at most for each.

    An interval counts from 1970; a cron tick is a minute on the wall, so that the hour that
    comes twice when clocks go back gives one job for each minute and not two.

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
    """Write the job of a due source; None where its slot is taken or it is still at work."""
    with archive.looking() as connection:
        if job_progress.source_is_busy(connection, source.id):
            return None
    zone = ZoneInfo(source.timezone) if source.timezone else settings.zone
    try:
        target = target_of(source)
    except LocatorError as error:
        LOG.warning("source_unreadable", source=source.name, reason=error.reason)
        return None
    return order(archive, [target], "schedule", slot_of(source, now, zone))


def sweep(
    archive: Archive,
    publish: Callable[[int, str], None],
    room: int,
    again_seconds: float = queue.WAKE_AGAIN_SECONDS,
) -> int:
    """Publish a wake-up for up to `room` due jobs; return for how many.

    A wake-up that nobody followed is sent again after `again_seconds`.
    """
    due = archive.run_aside(wake_ups.wake_due, room, again_seconds=again_seconds)
    for number, kind in due:
        publish(number, kind)
    return len(due)


class Scheduler:
    """Keeps APScheduler fitted to the rows of sources, and publishes what is due."""

    def __init__(
        self, archive: Archive, settings: Settings, app: Celery, depth: Callable[[], int]
    ) -> None:
        self.archive, self.settings, self.app, self.depth = archive, settings, app, depth
        self.leadership = _leadership(archive)
        self.job_listener = (
            archive.job_listener() if archive.engine.dialect.name == "postgresql" else None
        )
        self._leads = False
        self._stop = threading.Event()
        self._jobs: dict[str, tuple[Any, ...]] = {}
        self._beaten = 0.0
        self._swept = time.monotonic()
        self.heartbeat = Heartbeat(settings.home, "scheduler")
        self._quiet: dict[str, float] = {}
        self._ticking = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600},
        )

        self._ticking.add_listener(_say_missed, EVENT_JOB_MISSED)
        # That one sweep is skipped because the one before goes on matters to nobody: `_say_late`.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def __enter__(self) -> Self:
        self.heartbeat.begin()
        self._ticking.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ticking.shutdown(wait=True)
        self.leadership.close()
        if self.job_listener is not None:
            self.job_listener.close()

    def run(self, stop: threading.Event) -> None:
        """Schedule until `stop` is set; without the lead only wait for it."""
        self._ticking.add_job(
            self._guarded(self._sweep), IntervalTrigger(seconds=SWEEP_SECONDS), id="sweep"
        )
        logging_acts = (
            (self._log, SWEEP_SECONDS),
            (self._cosign, COSIGN_SECONDS),
            (self._write_tiles, TILES_SECONDS),
            (self._stamp, COSIGN_SECONDS),
            (self._retain, RETAIN_SECONDS),
        )
        for act, seconds in logging_acts:
            self._ticking.add_job(
                self._guarded(act), IntervalTrigger(seconds=seconds), id=act.__name__
            )
        while not stop.is_set():
            held_before, holds = self._leads, self._guarded(self.leadership.holds)()
            self._leads = bool(holds)
            if self._leads and not held_before:
                self._swept = time.monotonic()
                self._guarded(self._begin)()
            if self._leads:
                self._guarded(self._sync)()
                self._say_late()
                self._listen(stop, SYNC_SECONDS)
            else:
                if holds is not None:  # another one leads, and the archive answers
                    self.heartbeat.beat()
                stop.wait(LEADER_RETRY_SECONDS)

    def _listen(self, stop: threading.Event, seconds: float) -> None:
        """Wait; sweep at once where jobs were written meanwhile, not at the next half second."""
        end = time.monotonic() + seconds
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            if self.job_listener is None:
                stop.wait(left)
            elif (heard := self._guarded(self.job_listener.heard)(min(left, HEAR_SECONDS))) is None:
                stop.wait(HEAR_SECONDS)
            elif heard:
                self._ticking.modify_job("sweep", next_run_time=datetime.now(UTC))
                stop.wait(RING_SECONDS)

    def _begin(self) -> None:
        """Take over from a scheduler that may have died with its messages."""
        self.archive.run_aside(wake_ups.forget_wakings)

    def _sync(self) -> None:
        """Fit the jobs of APScheduler to the sources: each schedule can be changed any time."""
        default_source(self.archive, self.settings)
        wanted = {
            source.name: source
            for source in self.archive.sources(standing=True)
            if not source.paused and (source.kind == "folder" or source.cron is not None)
        }
        for name in self._jobs.keys() - wanted.keys():
            self._ticking.remove_job(f"source {name}")
            del self._jobs[name]
        for name, source in wanted.items():
            schedule = (source.every_seconds, source.cron, source.timezone, source.locator)
            if self._jobs.get(name) != schedule:
                self._jobs[name] = schedule
                self._arm(source)
        jobs = order_due(self.archive, self.settings)
        if jobs:
            LOG.debug("addresses_due", jobs=len(jobs))
        self._beat()

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
            return
        first = {} if source.cron else {"next_run_time": datetime.now(UTC)}
        self._ticking.add_job(
            self._guarded(self._tick), trigger, args=[source.name],
            id=f"source {source.name}", replace_existing=True, **first,
        )  # fmt: skip

    def _tick(self, name: str) -> None:
        if not self._leads:
            return
        try:
            source = self.archive.source(name)
        except NoSuchSourceError:
            return
        number = tick(self.archive, self.settings, source, self.archive.clock())
        if number is not None:
            LOG.debug("source_due", source=name, job=number)

    def _sweep(self) -> None:
        if not self._leads:
            return
        free_abandoned_jobs(self.archive)
        self.archive.index_rest()
        self.archive.relate_rest()
        waiting = self.depth()
        is_empty = waiting == 0 and not self.settings.is_embedded
        again = queue.WAKE_AGAIN_SOON_SECONDS if is_empty else queue.WAKE_AGAIN_SECONDS
        sent = sweep(self.archive, self._publish, HIGH - waiting, again)
        if sent:
            LOG.debug("swept", woken=sent)
        self._swept = time.monotonic()
        self.heartbeat.beat()

    def _log(self) -> None:
        """Add to the log what was committed, and sign a checkpoint when one is due.

        It has a thread of its own: no job waits for the log, nor for a key that is damaged.
        """
        if not self._leads:
            return
        proof_log.append(self.archive.engine, self.archive.clock)
        signer = checkpoints.read_key(self.settings.proof_key_file)
        if signer is not None and checkpoints.is_due(
            self.archive.engine, self.archive.clock(), self.settings.proof_every
        ):
            made = checkpoints.make(self.archive.engine, self.archive.clock, signer)
            LOG.info("checkpoint_signed", entries=made.size)

    def _cosign(self) -> None:
        """Ask the witnesses about the newest checkpoint; nothing waits for them."""
        policy = read_policy(self.settings.proof_witnesses) if self._leads else None
        if policy is not None:
            for each in ask_all(self.archive.engine, self.archive.clock, policy):
                LOG.info("witness_asked", witness=each.witness, refused=each.reason)

    def _stamp(self) -> None:
        """Ask time-stamping authorities about the newest checkpoint; nothing waits for them."""
        authorities = read_authorities(self.settings.proof_authorities) if self._leads else ()
        if authorities:
            engine, clock = self.archive.engine, self.archive.clock
            asked = ask_authorities(engine, clock, authorities)
            for each in (*asked, *ask_calendars(engine, clock, authorities)):
                LOG.info("authority_asked", authority=each.authority, refused=each.reason)

    def _retain(self) -> None:
        """Take the bytes whose time is over; nothing waits for it."""
        taken = self.archive.drop_overdue_bytes(self.settings.keep_bytes) if self._leads else ()
        for each in taken:
            if each["captures"]:
                LOG.info("bytes_over", **each)

    def _write_tiles(self) -> None:
        """Keep the folder of tiles at the newest checkpoint; nothing waits for its disk."""
        folder = self.settings.proof_tiles if self._leads else None
        if folder is not None:
            written = self.archive.ask(keep_tiles, folder)
            if written is not None:
                LOG.info("tiles_written", folder=str(folder), entries=written.size)

    def _alert(self) -> None:
        """Send what alerts have to tell, in a thread of its own; no job waits for a receiver."""
        if self._leads:
            alerts.work(self.archive, self.settings, is_over=self._stop.is_set)

    def _publish(self, job_id: int, kind: str) -> None:
        """Send a wake-up; a batch that hangs is killed before its lease runs out."""
        limit = hard_limit_seconds(self.settings) if kind == "read" else None
        self.app.send_task("lesart.wake", args=[job_id], queue=QUEUE, retry=False, time_limit=limit)

    def _say_late(self) -> None:
        """Say once a minute that no sweep came to its end for long: single ones do not matter."""
        late = time.monotonic() - self._swept
        if late > LATE_SECONDS and self._is_new("late"):
            LOG.warning("scheduler_late", seconds=round(late))

    def _is_new(self, complaint: str) -> bool:
        """Return whether a complaint was not made within the last minute."""
        if time.monotonic() - self._quiet.get(complaint, -60.0) < 60.0:
            return False
        self._quiet[complaint] = time.monotonic()
        return True

    def _beat(self) -> None:
        if time.monotonic() - self._beaten >= BEAT_SECONDS:
            self._beaten = time.monotonic()
            self.archive.beat("scheduler")

    def _guarded(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """Keep scheduling when the broker or the database is away; say so once a minute."""

        def guarded(*arguments: Any) -> Any:
            try:
                return act(*arguments)
            except (DatabaseError, *FAILURES, OSError, *UNPROVEN) as error:
                self._complain(error)
            except Exception as error:
                if not type(error).__module__.startswith("kombu"):
                    raise
                self._complain(error)
            return None

        return guarded

    def _complain(self, error: Exception) -> None:
        kind = type(error).__name__
        if self._is_new(kind):
            reason = str(error).splitlines()[0] if str(error) else ""
            LOG.warning("scheduler_waits", error=kind, reason=reason)


def _say_missed(event: Any) -> None:
    """Say that a source was not looked at within the hour in which it was due."""
    LOG.warning("source_missed", job=event.job_id)


def _leadership(archive: Archive) -> Leadership:
    if archive.engine.dialect.name == "postgresql":
        return archive.leadership()
    place = Path(archive.place)
    return FileLeadership(place.with_name(place.name + ".scheduler"))


def _seconds_between(source: Source) -> int:
    return max(1, round(source.every_seconds or 60))


def _weekdays(field: str) -> str:
    """Translate weekdays: crontab counts from Sunday, APScheduler from Monday."""
    found: set[int] = set()
    for part in field.lower().split(","):
        parts = CRON_WEEKDAYS.fullmatch(part)
        if parts is None:
            raise ValueError(f"{part!r} names no weekdays")
        found.update(_weekday_range(parts["first"], parts["last"], parts["step"]))
    return ",".join(DAY_NAMES[number] for number in sorted(found))


def _weekday_range(first: str, last: str | None, step: str | None) -> set[int]:
    if first == "*":
        numbers = range(7)
    else:
        low = _weekday(first)
        high = low if last is None and step is None else 6 if last is None else _weekday(last)
        numbers = range(low, (7 if high == 0 < low else high) + 1)
    if not numbers:
        raise ValueError(f"weekdays go from Sunday to Saturday, not from {first} to {last}")
    return {number % 7 for number in numbers[:: int(step or 1)]}


def _weekday(name: str) -> int:
    if name in DAY_NAMES:
        return DAY_NAMES.index(name)
    if not name.isdecimal() or int(name) > 7:
        raise ValueError(f"weekday {name} is not between 0 and 7")
    return int(name)
