"""PURE: which readings of an article count, before its versions are computed.

A doubtful reading is held back until a later one that agrees with it confirms it, or the article
is shown again, which dismisses it. Time confirms a wall only if it belongs to a relaunch. Nothing
of this is stored: it follows from the readings, the doubts about steps between two of them, and the
decisions of persons, so that any order of ingestion gives the same history.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from storage.history.runs import Snapshot, are_one, in_order
from storage.history.unconfirmed.rule import Doubt

Decision = Literal["confirmed", "dismissed"]
MOST_EARLIER = 20
"""Number of earlier texts of an article that a doubtful one is compared with."""


class Doubts(Protocol):
    """What is known of an article: doubts about steps, and what persons decided about texts."""

    def find_doubt(self, before: Snapshot | None, own: Snapshot) -> Doubt | None: ...

    def find_decision(self, own: Snapshot) -> Decision | None: ...

    def is_relaunch(self, before: Snapshot | None, own: Snapshot) -> bool: ...


@dataclass(slots=True)
class HeldBack:
    """The observations of an article that do not count, and those that a later one confirmed."""

    held: set[int] = field(default_factory=set)
    confirmed: set[int] = field(default_factory=set)


def find_held_back(snapshots: Iterable[Snapshot], doubts: Doubts) -> HeldBack:
    """Return the observations that are held back, from all readings of an article."""
    filtering = _Filter(doubts)
    for moment, snapshot in in_order(snapshots):
        filtering.add(moment, snapshot)
    return filtering.result


class _Filter:
    """Passes through the readings of an article in chronological order."""

    def __init__(self, doubts: Doubts) -> None:
        self.doubts = doubts
        self.result = HeldBack()
        self._last: Snapshot | None = None
        self._earlier: dict[bytes, Snapshot] = {}
        self._pending: list[tuple[datetime, Snapshot]] = []

    def add(self, moment: datetime, own: Snapshot) -> None:
        doubt = None if self._is_known(own) else self.doubts.find_doubt(self._last, own)
        if doubt is None or self._is_return(own):
            self._count(own)
            return
        decision = self.doubts.find_decision(own)
        if decision == "confirmed":
            self.result.confirmed.add(own.observation_id)
            self._count(own)
            return
        self.result.held.add(own.observation_id)
        may_confirm = doubt.grade == "soft" or self.doubts.is_relaunch(self._last, own)
        if decision == "dismissed" or not may_confirm:
            return
        agreeing = [each for each in self._pending if self._agrees(each[1], own)]
        wait = timedelta(seconds=doubt.seconds)
        if agreeing and moment - agreeing[0][0] >= wait:
            self._confirm([*(snapshot for _moment, snapshot in agreeing), own])
        else:
            self._pending.append((moment, own))

    def _is_known(self, own: Snapshot) -> bool:
        """Check whether a reading has the wording of the last one that counts, or an earlier."""
        return own.digest in self._earlier or (self._last is not None and are_one(self._last, own))

    def _is_return(self, own: Snapshot) -> bool:
        """Check whether a reading shares the words of an earlier text of the article."""
        others = [each for each in self._earlier.values() if each is not self._last]
        return any(self.doubts.find_doubt(each, own) is None for each in others[-MOST_EARLIER:])

    def _agrees(self, before: Snapshot, own: Snapshot) -> bool:
        return are_one(before, own) or self.doubts.find_doubt(before, own) is None

    def _count(self, own: Snapshot) -> None:
        self._last = own
        self._earlier.pop(own.digest, None)
        self._earlier[own.digest] = own
        self._pending.clear()

    def _confirm(self, agreeing: list[Snapshot]) -> None:
        for each in agreeing:
            self.result.held.discard(each.observation_id)
            self.result.confirmed.add(each.observation_id)
            self._count(each)
