"""One server of a job that fetches: what waits for it, and when it may be asked."""

from collections import deque
from dataclasses import dataclass, field

from storage.schedule.hosts import Host, Slots
from worker.web.exchange import Line
from worker.web.visit import Visit


@dataclass(slots=True)
class Lane:
    """One server with what is to be asked of it, in order."""

    key: str
    line: Line
    host: Host
    is_own: bool
    waiting: deque[Visit] = field(default_factory=deque)
    asking: Visit | None = None
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
        """Tell whether something waits that no moment is reserved for."""
        return bool(self.waiting) and not self.is_busy and not self.slots

    def occupy(self, visit: Visit | None, deadline: float) -> None:
        """Begin to ask on behalf of a visit, or for the robots.txt of the server."""
        self.asking, self.is_busy, self.deadline = visit, True, deadline
        self.slots -= 1
        self.next_slot += self.pace

    def vacate(self) -> Visit | None:
        """End an exchange and return on whose behalf it was."""
        visit, self.asking, self.is_busy = self.asking, None, False
        return visit

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
