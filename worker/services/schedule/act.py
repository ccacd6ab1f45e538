"""An act that the leading scheduler repeats."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from storage.settings import Settings
from storage.write.archive import Archive

LATE_SECONDS = 60.0
"""An act is late if it has not ended for this many seconds beyond its interval."""


class Services(Protocol):
    """The running services, as an act may use them."""

    archive: Archive
    settings: Settings

    def is_over(self) -> bool:
        """Check whether the services are stopping."""
        ...


@dataclass(frozen=True, slots=True)
class PeriodicAct:
    """An act that the leading scheduler runs every `seconds`, in its own thread."""

    name: str
    function: Callable[[Any], None]
    seconds: float

    @property
    def late_after(self) -> float:
        """Return the seconds without an end of this act after which it is late."""
        return self.seconds + LATE_SECONDS
