"""What should have run in a simulated year: each act and source in its time, and no more often.

What was due follows from the lines and intervals alone; nothing here asks the scheduler.
"""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR, DAY = 3600.0, 86400.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ACT_SECONDS = {
    "sweep": 0.5, "sources": 2.0, "alerts": 1.0, "copies": 2.0, "pictures": 2.0,
    "retention": HOUR, "figures": 60.0, "log": 0.5, "tiles": 1.0, "witnesses": 30.0, "authorities": 30.0,
    "progress": 5.0, "jobs": HOUR, "objects": HOUR,
}  # fmt: skip
"""How often each act is promised to run. A new act needs an answer here."""
INTERVALS = {"four hours": 4 * HOUR, "daily": DAY, "weekly": 7 * DAY}
LINES = {
    "half past two": ("30 2 * * *", "Europe/Berlin"),
    "morning of workdays": ("0 6 * * 1-5", "Europe/Berlin"),
    "quarter past two": ("15 2 * * *", "America/New_York"),
    "half an hour of summer": ("45 1 * * *", "Australia/Lord_Howe"),
    "leap day": ("0 12 29 2 *", "UTC"),
    "first of the month": ("5 0 1 * *", "Europe/Berlin"),
}
"""Sources with a cron line, whose minute and hour are numbers."""
FEED, FEED_SECONDS = "feed", 2 * HOUR
SOON = 20.0
"""Within so many seconds the scheduler has noticed a leap, a pause, or that nobody leads."""

FORCING = frozenset({"start", "death of the leader", "outage"})
"""After these each act runs at once: who leads now cannot know when it ran last."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by the three clocks of the machine: `awake` does not count its sleep."""

    elapsed: float
    awake: float
    wall: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A leap of the clock, a sleep, or a time in which no scheduler led."""

    what: str
    began: Moment
    ended: Moment


@dataclass(frozen=True, slots=True)
class Lived:
    """What happened in a year: the runs of acts and sources, and what came between.

    Between two moments of `stretched`, acts ran every `stride` seconds.
    """

    acts: Mapping[str, Sequence[Moment]]
    sources: Mapping[str, Sequence[Moment]]
    gaps: Sequence[Gap]
    stretched: Sequence[tuple[float, float]]
    stride: float

    def parts(self) -> Iterator[tuple[Gap, Gap]]:
        """Yield the parts of the year in which the clock went evenly, as what bounds them."""
        return itertools.pairwise(self.gaps)


def faults(lived: Lived, declared: Sequence[str]) -> Iterator[str]:
    """Yield what did not run when it should, and what ran too often."""
    for name in sorted({*declared} ^ ACT_SECONDS.keys()):
        yield f"the act {name} has no answer in `ACT_SECONDS`, or is declared no more"
    for name, seconds in ACT_SECONDS.items():
        yield from _act_faults(lived, name, seconds)
    for name in (*INTERVALS, *LINES):
        yield from _source_faults(lived, name)
    yield from _feed_faults(lived)


def _act_faults(lived: Lived, name: str, seconds: float) -> Iterator[str]:
    runs = [each.awake for each in lived.acts.get(name, ())]
    for before, after in lived.parts():
        began, ended = before.ended.awake, after.began.awake
        found = runs[bisect_left(runs, began) : bisect_right(runs, ended)]
        first = SOON if before.what in FORCING else SOON + max(seconds, lived.stride)
        if ended - began > first and (not found or found[0] - began > first):
            yield f"{name} did not run soon after: {before}"
        if len([each for each in found if each - began < SOON]) > 3 + SOON / seconds:
            yield f"a storm of {name} after: {before}"
        for one, next_ in itertools.pairwise([*found, ended]):
            is_stretched = any(one < end and start < next_ for start, end in lived.stretched)
            most = seconds + (2 * lived.stride if is_stretched else 0.0)
            if next_ - one > most + 3.0:
                yield f"{name} ran {next_ - one:.1f} s after its last run, at {one:.1f}"
            is_even = one - began > SOON and next_ != ended and not is_stretched
            if is_even and next_ - one < 0.5 * seconds:
                yield f"{name} ran again after {next_ - one:.2f} s, at {one:.1f}"


def _source_faults(lived: Lived, name: str) -> Iterator[str]:
    runs = lived.sources.get(name, ())
    times = [each.elapsed for each in runs]
    for before, after in lived.parts():
        begin, end = before.ended, after.began
        first, last = bisect_left(times, begin.elapsed), bisect_right(times, end.elapsed)
        early = [each for each in runs[first:last] if each.elapsed - begin.elapsed < SOON]
        if len(early) > 1:
            yield f"{name} ran {len(early)} times at once after: {before}"
        missed = list(_due(name, before.began.wall, before.ended.wall))
        is_lost = missed and not early and not _has_slot(name, missed[-1], runs[:first])
        if is_lost and end.elapsed - begin.elapsed > SOON:
            yield f"{name} was due at {missed[-1]} and did not run after: {before}"
        yield from _regular_faults(name, begin, end, runs[:last])


def _regular_faults(name: str, begin: Moment, end: Moment, runs: Sequence[Moment]) -> Iterator[str]:
    """Yield where the runs of a part of the year are not those that were due in it."""
    times = [each.elapsed for each in runs]
    due = list(_due(name, begin.wall, end.wall))
    regular = [begin.elapsed + (moment - begin.wall).total_seconds() for moment in due]
    for moment, at in zip(due, regular, strict=True):
        next_ = bisect_left(times, at - 0.01)
        is_done = next_ < len(times) and times[next_] - at < SOON
        if at < end.elapsed - SOON and not is_done and not _has_slot(name, moment, runs[:next_]):
            yield f"{name} did not run at {moment}, after {begin}"
    late = runs[bisect_left(times, begin.elapsed + SOON) :]
    for each in late:
        last = bisect_right(regular, each.elapsed + 0.01)
        if not last or each.elapsed - regular[last - 1] > SOON:
            yield f"{name} ran at {each.wall}, when it was not due, after {begin}"
    if len(late) > len(due):
        yield f"{name} ran {len(late)} times and was due {len(due)} times, after {begin}"


def _has_slot(name: str, moment: datetime, runs: Sequence[Moment]) -> bool:
    """Check whether a source with an interval ran lately in the slot of a moment."""
    seconds = INTERVALS.get(name)
    return seconds is not None and _slot(moment, seconds) in {
        _slot(each.wall, seconds) for each in runs[-5:]
    }


def _slot(moment: datetime, seconds: float) -> float:
    return (moment - EPOCH).total_seconds() // seconds


def _due(name: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield when a source was due, in a time from `since` to before `until`."""
    if since >= until:
        return
    seconds = INTERVALS.get(name)
    if seconds is not None:
        number = (since - EPOCH).total_seconds() // seconds
        while (moment := EPOCH + timedelta(seconds=(number + 0.5) * seconds)) < until:
            if moment >= since:
                yield moment
            number += 1
        return
    line, zone = LINES[name]
    minute, hour, *days = line.split()
    day = since.date() - timedelta(days=2)
    while day <= until.date() + timedelta(days=2):
        if _is_day(day, *days):
            local = datetime(
                day.year, day.month, day.day, int(hour), int(minute), tzinfo=ZoneInfo(zone)
            )
            if since <= (moment := local.astimezone(UTC)) < until:
                yield moment
        day += timedelta(days=1)


def _is_day(each: date, day: str, month: str, weekday: str) -> bool:
    return (
        day in {"*", str(each.day)}
        and month in {"*", str(each.month)}
        and (weekday == "*" or each.weekday() < 5)
    )


def _feed_faults(lived: Lived) -> Iterator[str]:
    """Yield the checks of an address that came too late or too early."""
    runs = lived.sources.get(FEED, ())
    for one, next_ in itertools.pairwise(runs):
        passed = next_.elapsed - one.elapsed
        between = [
            x
            for x in lived.gaps
            if one.elapsed <= x.ended.elapsed and x.began.elapsed <= next_.elapsed
        ]
        lost = sum(x.ended.elapsed - x.began.elapsed for x in between)
        if passed - lost > 1.1 * FEED_SECONDS + lived.stride + SOON:
            yield f"{FEED} was checked {passed:.0f} s after its last check, at {one.wall}, {between}"
        if passed < 0.9 * FEED_SECONDS and not between:
            yield f"{FEED} was checked again after {passed:.0f} s, at {one.wall}"
