"""One server of a job that fetches: what waits for it, and when it may be asked."""

from collections import deque
from dataclasses import dataclass, field

from storage.schedule.hosts import Host, Slots
from worker.web.exchange import KeptConnection
from worker.web.fetch import Fetch


@dataclass(slots=True)
class HostQueue:
    """One server with what is to be asked of it, in order."""

    key: str
    kept: KeptConnection
    host: Host
    is_own: bool
    waiting: deque[Fetch] = field(default_factory=deque)
    current: Fetch | None = None
    is_busy: bool = False
    deadline: float = 0.0
    robots_known: bool = False
    delay: float | None = None
    slots: int = 0
    next_slot: float = 0.0
    pace: float = 0.0
    not_before: float = 0.0

    @property
    def free_at(self) -> float:
        """Return when the server may be asked next (monotonic); 0 where nobody knows yet."""
        return self.next_slot if self.slots else self.not_before

    @property
    def is_idle(self) -> bool:
        """Return whether something waits that no moment is reserved for."""
        return bool(self.waiting) and not self.is_busy and not self.slots

    def occupy(self, fetch: Fetch | None, deadline: float) -> None:
        """Begin to ask on behalf of a fetch, or for the robots.txt of the server."""
        self.current, self.is_busy, self.deadline = fetch, True, deadline
        self.slots -= 1
        self.next_slot += self.pace

    def vacate(self) -> Fetch | None:
        """End an exchange and return on whose behalf it was."""
        fetch, self.current, self.is_busy = self.current, None, False
        return fetch

    def expire(self, now: float) -> None:
        """Let moments pass that were missed: used late, they would come close upon the next one.

        That may be another worker's.
        """
        while self.slots and now > self.next_slot + self.pace / 2:
            self.slots -= 1
            self.next_slot += self.pace

    def give(self, slots: Slots, now: float) -> None:
        """Take over the moments that were reserved."""
        self.slots, self.pace = slots.count, slots.pace
        self.next_slot = now + slots.wait
        self.not_before = 0.0 if slots.count else now + slots.wait
