"""PURE: whether something stored with its time is recent enough to be used again."""

from datetime import datetime, timedelta

CLOCKS_DIFFER = timedelta(minutes=1)
"""Difference between two clocks above which one of them is doubted."""


def is_fresh(stored_at: datetime, now: datetime, kept: timedelta) -> bool:
    """Check whether something is younger than `kept`; what a clock ahead stored is not.

    >>> day = datetime(2026, 11, 29)
    >>> hour = timedelta(hours=1)
    >>> [is_fresh(day + offset * hour, day, 2 * hour) for offset in (-3, -1, 0, 1)]
    [False, True, True, False]
    """
    return -CLOCKS_DIFFER <= now - stored_at < kept
