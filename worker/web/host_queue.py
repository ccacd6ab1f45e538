"""One server of a fetch job: its waiting checks, and when it may be requested."""

from collections import deque
from dataclasses import dataclass, field

from storage.schedule.hosts import Host, Slots
from storage.values.net.rights import RightsFile
from worker.web.exchange import PersistentConnection
from worker.web.fetch import Fetch


@dataclass(slots=True)
class HostQueue:
    """One server with its waiting checks, in order.

    `files` have declarations about it; `requested_files` were requested, or found to be current.
    `file_seconds` is the time that their requests may still take.
    """

    key: str
    connection: PersistentConnection
    host: Host
    is_own: bool
    file_seconds: float
    waiting: deque[Fetch] = field(default_factory=deque)
    current: Fetch | None = None
    is_busy: bool = False
    deadline: float = 0.0
    robots_known: bool = False
    files: dict[str, RightsFile] = field(default_factory=dict)
    requested_files: set[str] = field(default_factory=set)
    delay: float | None = None
    slots: int = 0
    next_slot: float = 0.0
    pace: float = 0.0
    not_before: float = 0.0

    @property
    def free_at(self) -> float:
        """Return when the server may be requested next (monotonic); 0 if unknown."""
        return self.next_slot if self.slots else self.not_before

    @property
    def is_idle(self) -> bool:
        """Check whether a check is waiting without a reserved slot."""
        return bool(self.waiting) and not self.is_busy and not self.slots

    def occupy(self, fetch: Fetch | None, deadline: float) -> None:
        """Start a request for a check, or for the robots.txt of the server."""
        self.current, self.is_busy, self.deadline = fetch, True, deadline
        self.slots -= 1
        self.next_slot += self.pace

    def vacate(self) -> Fetch | None:
        """End an exchange and return its check."""
        fetch, self.current, self.is_busy = self.current, None, False
        return fetch

    def expire(self, now: float) -> None:
        """Discard missed slots: a late request would come close to the next one.

        The next one may be another worker's.
        """
        while self.slots and now > self.next_slot + self.pace / 2:
            self.slots -= 1
            self.next_slot += self.pace

    def give(self, slots: Slots, now: float) -> None:
        """Add reserved slots."""
        self.slots, self.pace = slots.count, slots.pace
        self.next_slot = now + slots.wait
        self.not_before = 0.0 if slots.count else now + slots.wait
