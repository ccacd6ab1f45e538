"""PURE: when an address is checked again.

Pages that change are checked often, quiet pages less and less often. After each failure of a server
the interval grows.
"""

from dataclasses import dataclass
from hashlib import blake2b

from storage.values.outcome import Event

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
FRESH_SHARE = 8.0
"""A text counts as published some time ago if its age exceeds its first interval by this factor."""
TIGHTER = 8.0
"""Factor by which the interval shrinks after a change."""
LONGEST_RETRY = DAY
JITTER = 0.1
LATER = 1.15
"""Factor of the wait for a confirming check, so that no jitter lets it come too early."""


@dataclass(frozen=True, slots=True)
class IntervalRange:
    """Shortest and longest check interval of the pages of a source, in seconds; `off` means
    never.
    """

    first: float = 15 * MINUTE
    longest: float = 40 * DAY
    growth: float = 1.35
    off: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.longest:
            raise ValueError("the first interval is longer than the longest")


@dataclass(frozen=True, slots=True)
class Interval:
    """The current interval of an address and the seconds until its next check (None: no check)."""

    interval: float
    due_in: float | None


def next_interval(
    intervals: IntervalRange,
    interval: float | None,
    event: Event,
    *,
    failures: int = 0,
    age: float | None = None,
    seed: str = "",
    confirm_after: float = 0.0,
) -> Interval:
    """Return the interval that follows `interval` after `event`.

    `failures` is the number of consecutive failures, including this one. `age` is the number of
    seconds since publication when a text is first seen. `seed` spreads the checks of different
    addresses. A text that is held back is checked when a check may confirm it, which is after
    `confirm_after` seconds.

    >>> pages = IntervalRange()
    >>> next_interval(pages, None, "first").interval, next_interval(pages, 1000.0, "quiet").interval
    (900.0, 1350.0)
    >>> round(next_interval(pages, DAY, "doubtful", confirm_after=1800.0).due_in)
    2070
    >>> next_interval(pages, DAY, "changed").interval
    10800.0
    >>> [next_interval(pages, each, "failed", failures=2).interval for each in (None, DAY)]
    [900.0, 86400.0]
    """
    now = intervals.first if interval is None else interval
    match event:
        case "first":
            chosen = intervals.first if age is None else age / FRESH_SHARE
        case "quiet":
            chosen = now * intervals.growth
        case "changed":
            chosen = now / TIGHTER
        case "absent" | "barred":
            chosen = max(now * intervals.growth, HOUR)
        case "failed" | "doubtful":
            chosen = now
    chosen = min(max(chosen, intervals.first), intervals.longest)
    if intervals.off:
        return Interval(chosen, None)
    wait = chosen
    if event == "doubtful":
        return Interval(chosen, confirm_after * LATER)
    if event == "failed":
        wait = min(
            intervals.first * 2.0 ** min(failures - 1, 20), max(LONGEST_RETRY, intervals.first)
        )
    return Interval(chosen, wait * jitter(f"{seed} {chosen} {failures}"))


def jitter(seed: str) -> float:
    """Return a factor near 1 that depends only on the seed.

    >>> 0.9 <= jitter("a") <= 1.1, jitter("a") == jitter("a")
    (True, True)
    """
    share = int.from_bytes(blake2b(seed.encode(), digest_size=4).digest()) / 0xFFFFFFFF
    return 1 + JITTER * (2 * share - 1)
