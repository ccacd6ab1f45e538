"""Result of sending a message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sending:
    """Whether a message arrived, with the response of the receiver.

    `again_after` is the requested delay in seconds; `is_final` if a retry cannot succeed.
    """

    arrived: bool
    answer: str
    again_after: float | None = None
    is_final: bool = False
