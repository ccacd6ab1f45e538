"""What came of handing in a message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sending:
    """Whether a message arrived, and what the other side said.

    `again_after` (s) is what it asked for; `is_final` says that trying again is of no use.
    """

    arrived: bool
    answer: str
    again_after: float | None = None
    is_final: bool = False
