"""A year of schedules: zones that change their offset, wrong clocks, sleep, schedulers that die.

In between, an hour of the year is a few steps: the acts and the pauses of the schedulers are
stretched to `Year.stride`. Around each event they have their own lengths.
"""

import itertools
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Connection, select, update

from storage.database.tables import JOB, WATCH
from storage.database.unit import Unit, update_rows
from storage.schedule.check_times import Schedule
from storage.settings import Settings, load_settings
from storage.write.archive import Archive
from tests.tools.year.judge import (
    DAY,
    FEED,
    FEED_SECONDS,
    HOUR,
    INTERVALS,
    LINES,
    Gap,
    Lived,
    Moment,
    faults,
)
from tests.tools.year.machine import Machine, Process, simulated_time
from worker.flow.order import order, order_due
from worker.flow.standing_sources import watch_address
from worker.services.schedule import scheduler, source_slots
from worker.services.schedule.act import PeriodicAct
from worker.services.schedule.steady_scheduler import LatestRun

START = datetime(2028, 1, 1, tzinfo=UTC)
QUIET = 60.0
"""So long before and after each event nothing is stretched."""


@dataclass
class Year:
    """The parameters of a run, and its results."""

    seed: int = 1
    days: float = 366.0
    events: int = 40
    stride: float = 1800.0
    database_url: str | None = None
    faults: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def told(self) -> str:
        verdict = "well" if not self.faults else f"{len(self.faults)} FAULTS"
        lines = [f"  {name:<10} {value}" for name, value in self.figures.items()]
        faults = [f"  fault  {each}" for each in self.faults[:40]]
        return "\n".join([f"{self.days:g} days, seed {self.seed}: {verdict}", *lines, *faults])


def run(year: Year) -> Year:
    """Live through the year and fill in its results."""
    began = time.monotonic()
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="lesart-year-")))
        url = year.database_url or f"sqlite:///{folder / 'lesart.sqlite3'}"
        given = {"home": str(folder), "seeds": str(folder / "none"), "timezone": "Europe/Berlin"}
        settings = load_settings(environ={f"LESART_{k.upper()}": v for k, v in given.items()})
        machine = Machine(START)
        archive = Archive.open(url, machine.wall)
        resources.callback(archive.close)
        life = Life(year, machine, archive, settings)
        life.patch_with(resources)
        life.live(folder)
        lived = Lived(life.acts, life.sources, life.gaps, life.stretched, year.stride)
        year.faults += faults(lived, [act.name for act in scheduler.ACTS])
        year.figures |= life.figures()
    year.figures["in all"] = f"{time.monotonic() - began:.0f} s"
    return year


class Life:
    """The year as it goes by, and what ran in it."""

    def __init__(self, year: Year, machine: Machine, archive: Archive, settings: Settings) -> None:
        self.year, self.machine, self.archive, self.settings = year, machine, archive, settings
        self.acts: dict[str, list[Moment]] = defaultdict(list)
        self.sources: dict[str, list[Moment]] = defaultdict(list)
        self.gaps: list[Gap] = []
        self.stretched: list[tuple[float, float]] = []
        self.chance = Random(year.seed)

    def now(self) -> Moment:
        return Moment(self.machine.elapsed, self.machine.awake, self.machine.wall())

    def figures(self) -> dict[str, Any]:
        return {
            "acts": ", ".join(f"{name} {len(each)}" for name, each in sorted(self.acts.items())),
            "sources": ", ".join(f"{name} {len(each)}" for name, each in self.sources.items()),
            "events": ", ".join(
                f"{what} {number}" for what, number in Counter(x.what for x in self.gaps).items()
            ),
        }

    # ------------------------------------------------------------------ what is simulated

    def patch_with(self, resources: ExitStack) -> None:
        """Record acts instead of doing them, and jobs as done when they are inserted."""
        acts = [replace(act, function=self._recorded(act)) for act in scheduler.ACTS]
        resources.enter_context(simulated_time(self.machine, acts))
        for module, name, value in (
            (source_slots, "order", self._order),
            (scheduler, "order_due", self._order_due),
            (scheduler, "LEAD_SECONDS", scheduler.LEAD_SECONDS),
            (scheduler, "LEADER_RETRY_SECONDS", scheduler.LEADER_RETRY_SECONDS),
        ):
            resources.enter_context(patch.object(module, name, value))

    def _recorded(self, act: PeriodicAct) -> Callable[[Any], None]:
        def record(services: Any) -> None:
            self.acts[act.name].append(self.now())
            if act.name == "sources":
                self.archive.follow_clock()  # as the claims of workers do
                act.function(services)

        return record

    def _order(self, archive: Archive, targets: Any, trigger: str, slot: str | None) -> int | None:
        number = order(archive, targets, trigger, slot)
        if number is not None:
            archive.transact_unnumbered(_finish, [number])
            self.sources[archive.source_by_id(targets[0].source_id).name].append(self.now())
        return number

    def _order_due(self, archive: Archive, settings: Settings) -> list[int]:
        jobs = order_due(archive, settings)
        for source_id in archive.transact(_check_quietly, jobs) if jobs else []:
            self.sources[archive.source_by_id(source_id).name].append(self.now())
        return jobs

    # ------------------------------------------------------------------------ the year

    def live(self, folder: Path) -> None:
        for name, seconds in INTERVALS.items():
            self._watch(folder, name, every_seconds=seconds)
        for name, (line, zone) in LINES.items():
            self._watch(folder, name, cron=line, timezone=zone)
        watch_address(
            self.archive, self.settings, "https://zeitung.example/feed", name=FEED, kind="feed",
            every_seconds=FEED_SECONDS,
        )  # fmt: skip
        self._happen("start", lambda: (self._start(), self._start()))
        self.machine.run(QUIET)
        for at, act in self._calendar():
            self._run_stretched(at - QUIET - self.machine.elapsed)
            self.machine.run(max(0.0, at - self.machine.elapsed))
            act()
            self.machine.run(QUIET)
        self._run_stretched(self.year.days * DAY - self.machine.elapsed)
        self._happen("end", lambda: None)
        for process in list(self.machine.processes):
            process.end()

    def _watch(self, folder: Path, name: str, **schedule: Any) -> None:
        (folder / name).mkdir()
        self.archive.ensure_source(name, "folder", str(folder / name), standing=True, **schedule)

    def _start(self) -> None:
        Process(self.machine, self.archive, self.settings)

    def _run_stretched(self, seconds: float) -> None:
        """Let time go on with long pauses, the last of which end shortly before the others."""
        if seconds < HOUR:
            self.machine.run(max(0.0, seconds))
            return
        began, own = self.machine.awake, (scheduler.LEAD_SECONDS, scheduler.LEADER_RETRY_SECONDS)
        self._pace(min(self.year.stride, seconds / 4))
        scheduler.LEAD_SECONDS = scheduler.LEADER_RETRY_SECONDS = seconds - 20.0
        self.machine.run(5.0)  # now all of them wait for so long
        scheduler.LEAD_SECONDS, scheduler.LEADER_RETRY_SECONDS = own
        self.machine.run(seconds - 5.0)
        self._pace(0.0)
        self.stretched.append((began, self.machine.awake))

    def _pace(self, least: float) -> None:
        """Give each act at least so many seconds, or its own."""
        for process in self.machine.processes:
            for act in scheduler.ACTS:
                if act.seconds < self.year.stride:
                    every = IntervalTrigger(seconds=max(act.seconds, least), timezone=UTC)
                    process.timers.reschedule_job(act.name, trigger=LatestRun(every))

    def _calendar(self) -> list[tuple[float, Callable[[], None]]]:
        """Return what happens when, in seconds since the start."""
        found = [(at, lambda: None) for at in _moments_of_zones(self.year.days)]
        every = self.year.days * DAY / (self.year.events + 1)
        for number in range(self.year.events):
            found += self._event((number + self.chance.uniform(0.5, 1.0)) * every, every / 3)
        end = self.year.days * DAY - QUIET
        return sorted([each for each in found if each[0] < end], key=lambda each: each[0])

    def _event(self, at: float, longest: float) -> list[tuple[float, Callable[[], None]]]:
        """Return something that may happen to a machine at a time, and how it ends."""
        if self.chance.random() < 0.5:  # shortly before, at or after the busiest times of a day
            at = at // DAY * DAY + self.chance.choice([0.0, 1800.0, 5400.0, 43_200.0])
            at += self.chance.uniform(-60.0, 60.0)
        length = self.chance.choice([90.0, 1.1 * HOUR, 5 * HOUR, 30 * HOUR])
        length = min(length * self.chance.uniform(0.5, 2.0), longest)
        wrong = timedelta(seconds=self.chance.choice([90.0, 2 * HOUR, DAY, 40 * DAY]))
        right = (at + length, lambda: self._leap(timedelta(0)))
        match self.chance.choice(["ahead", "back", "sleep", "death", "outage"]):
            case "ahead":
                return [(at, lambda: self._leap(wrong)), right]
            case "back":
                return [(at, lambda: self._leap(-wrong)), right]
            case "sleep":
                return [(at, lambda: self._happen("sleep", lambda: self.machine.sleep(length)))]
            case "death":
                return [(at, self._kill_leader), (at + length, self._start)]
        return [(at, lambda: self._happen("outage", lambda: self._pause(length)))]

    def _happen(self, what: str, act: Callable[[], object]) -> None:
        began = self.now()
        act()
        self.gaps.append(Gap(what, began, self.now()))

    def _leap(self, error: timedelta) -> None:
        what = "leap ahead" if error > self.machine.error else "leap back"
        self._happen(what, lambda: setattr(self.machine, "error", error))

    def _kill_leader(self) -> None:
        leader = next(each for each in self.machine.processes if each.leads)
        self._happen("death of the leader", leader.end)

    def _pause(self, seconds: float) -> None:
        number = len(self.machine.processes)
        for process in list(self.machine.processes):
            process.end()
        self.machine.run(seconds)
        for _ in range(number):
            self._start()


def _finish(connection: Connection, jobs: list[int]) -> None:
    connection.execute(update(JOB).where(JOB.c.id.in_(jobs)).values(state="done"))


def _check_quietly(unit: Unit, jobs: list[int]) -> set[int]:
    """Check the addresses of jobs as if none had changed; return their sources."""
    unit.flush()
    query = select(WATCH.c.source_id, WATCH.c.origin_id).where(WATCH.c.job_id.in_(jobs))
    keys = [(row[0], row[1]) for row in unit.connection.execute(query)]
    schedule = Schedule(unit, keys)
    rows = [
        {"source_id": s, "origin_id": o, "job_id": None, **schedule.changes_after((s, o), "quiet")}
        for s, o in keys
    ]
    update_rows(unit.connection, WATCH, ("source_id", "origin_id"), rows)
    _finish(unit.connection, jobs)
    return {source for source, _origin in keys}


def _moments_of_zones(days: float) -> Iterator[float]:
    """Yield the leap day, and when the offset of a zone changes."""
    yield (datetime(START.year, 2, 29, 12, tzinfo=UTC) - START).total_seconds()
    for name in sorted({zone for _line, zone in LINES.values()}):
        zone, hours = ZoneInfo(name), range(int(days * 24))
        moments = [START + timedelta(hours=each) for each in hours]
        for before, after in itertools.pairwise(moments):
            if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
                yield (after - START).total_seconds()
