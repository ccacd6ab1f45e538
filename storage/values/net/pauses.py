"""PURE: the pauses between attempts to send something to others."""

import random
from typing import NamedTuple

DAY = 86_400.0


class Pauses(NamedTuple):
    """Pauses between attempts in seconds: each is `factor` times the one before, at most `longest`.

    A receiver may request longer pauses, up to `longest_requested`.

    >>> Pauses(5.0, 3.0, 7_200.0).seconds_after(10, asked=90_000.0)
    86400.0
    """

    first: float
    factor: float
    longest: float
    longest_requested: float = DAY

    def seconds_after(self, attempts: int, asked: float | None = None) -> float:
        """Return the pause after a number of attempts, spread so that not all end at once."""
        most = min(self.first * self.factor ** min(max(0, attempts - 1), 60), self.longest)
        pause = most * random.uniform(0.75, 1.0)  # noqa: S311  # no secret
        return max(pause, min(asked or 0.0, self.longest_requested))


FOR_A_DAY, ATTEMPTS_OF_A_DAY = Pauses(5.0, 3.0, 7_200.0), 22
"""Pauses with so many attempts that whoever is away for 22 hours misses nothing.

If no longer pauses are requested, the last attempt follows 22.1 to 29.6 hours after the first.
"""
