"""PURE: the versions of one article, as runs of equal wording in order of the time seen.

A step that was decided to be noise ends no run.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

Reader = tuple[str, str, str]
"""Who read a text out of bytes: name, version and configuration of an extractor."""


@dataclass(frozen=True, slots=True)
class OtherReading:
    """What another reader read out of the bytes of a snapshot; without a wording it could not."""

    derivation_id: int
    wording_id: int | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One observation of an article that had a wording.

    `digest` is the wording's digest, `raw` that of the captured bytes: they order snapshots of the
    same moment, so that history does not depend on which of them came in first. `confirmed` are
    later scans that found the same file unchanged. `other_readings` is what other readers made of
    the same bytes.
    """

    observed_at: datetime
    observation_id: int
    wording_id: int
    digest: bytes
    derivation_id: int
    confirmed: tuple[datetime, ...] = ()
    raw: bytes = b""
    reader: Reader = ("", "", "")
    other_readings: Mapping[Reader, OtherReading] = field(default_factory=dict)


Pair = tuple[int, int]
"""Two derivations, that of the earlier snapshot first."""


@dataclass(frozen=True, slots=True)
class Transition:
    """Two snapshots that follow each other in time and are not one."""

    a: Snapshot
    b: Snapshot

    @property
    def sides(self) -> tuple["Snapshot | OtherReading", "Snapshot | OtherReading"]:
        """Return what shows the change: readings of both by one reader, where there are such."""
        return compared(self.a, self.b) or (self.a, self.b)

    @property
    def pair(self) -> Pair:
        """Return the derivations that show the change."""
        a, b = self.sides
        return a.derivation_id, b.derivation_id

    @property
    def wordings(self) -> tuple[int | None, int | None]:
        """Return the wordings of these derivations."""
        a, b = self.sides
        return a.wording_id, b.wording_id


@dataclass(frozen=True, slots=True)
class Run:
    """A version: `number` counts from 1; the change lies in (`changed_after`, `changed_by`].

    It is known by its first snapshot. `step` is what led to it, None for the first version.
    """

    number: int
    wording_id: int
    derivation_id: int
    observation_id: int
    changed_after: datetime | None
    changed_by: datetime
    last_seen: datetime
    observation_ids: tuple[int, ...]
    step: Transition | None = field(default=None, compare=False)


def steps(snapshots: Iterable[Snapshot]) -> tuple[Transition, ...]:
    """Return the snapshots that follow each other and are not one, each pair once."""
    ordered = [snapshot for _moment, snapshot in in_order(snapshots)]
    found = (Transition(a, b) for a, b in pairwise(ordered) if not are_one(a, b))
    return tuple({step.pair: step for step in found}.values())


def runs(snapshots: Iterable[Snapshot], noise: Collection[Pair] = frozenset()) -> tuple[Run, ...]:
    """Return the versions that `snapshots`, in whatever order, amount to.

    Neighbours in time are one version where one reader reads the same out of both: a reader that
    is new must not look like an edit. `noise` are steps that were decided to be it: they end
    no version either.

    >>> from datetime import UTC, timedelta
    >>> start = datetime(2024, 6, 18, tzinfo=UTC)
    >>> at = lambda n, w: Snapshot(start + timedelta(hours=n), n, w, bytes([w]), w)
    >>> [(r.number, r.wording_id) for r in runs([at(3, 1), at(1, 1), at(2, 2)])]
    [(1, 1), (2, 2), (3, 1)]
    """
    ordered = in_order(snapshots)
    found: list[Run] = []
    start = 0
    for end in range(1, len(ordered) + 1):
        if end == len(ordered) or _is_change(ordered[end - 1][1], ordered[end][1], noise):
            before = ordered[start - 1] if start else None
            found.append(_run(len(found) + 1, before, ordered[start:end]))
            start = end
    return tuple(found)


def _is_change(a: Snapshot, b: Snapshot, noise: Collection[Pair]) -> bool:
    return not are_one(a, b) and Transition(a, b).pair not in noise


def same_reader(reader: Reader, other: Reader) -> bool:
    """Return whether texts of two readers compare as they are.

    They do not where one is another version, or has another configuration, of the other. Readers
    of different names are made for different kinds of documents.

    >>> one = ("page", "1", "")
    >>> same_reader(one, ("page", "2", "")), same_reader(one, ("text", "2", ""))
    (False, True)
    """
    return reader == other or reader[0] != other[0]


def are_one(a: Snapshot, b: Snapshot) -> bool:
    """Return whether two neighbours have the same wording, by one reader where they have two.

    What cannot be compared makes no version.
    """
    pair = compared(a, b)
    if pair is None:
        return a.wording_id == b.wording_id
    one, other = pair
    return None in {one.wording_id, other.wording_id} or one.wording_id == other.wording_id


def compared(a: Snapshot, b: Snapshot) -> tuple[OtherReading, OtherReading] | None:
    """Return what the reader of the later reading made of both; None where that says no more."""
    if same_reader(a.reader, b.reader):
        return None
    newer, older = (b, a) if a.derivation_id < b.derivation_id else (a, b)
    reading = older.other_readings.get(newer.reader)
    if reading is None:
        return None
    own = OtherReading(newer.derivation_id, newer.wording_id, newer.digest)
    return (reading, own) if older is a else (own, reading)


def in_order(snapshots: Iterable[Snapshot]) -> list[tuple[datetime, Snapshot]]:
    """Return the snapshots, and the scans that confirm them, in their order."""
    ordered = [
        (moment, snapshot)
        for snapshot in snapshots
        for moment in (snapshot.observed_at, *snapshot.confirmed)
    ]
    ordered.sort(key=lambda each: (each[0], each[1].digest, each[1].raw, each[1].observation_id))
    return ordered


def _run(
    number: int,
    before: tuple[datetime, Snapshot] | None,
    ordered: Sequence[tuple[datetime, Snapshot]],
) -> Run:
    first = ordered[0][1]
    ids = dict.fromkeys(snapshot.observation_id for _moment, snapshot in ordered)
    return Run(
        number=number,
        wording_id=first.wording_id,
        derivation_id=first.derivation_id,
        observation_id=first.observation_id,
        changed_after=before[0] if before else None,
        changed_by=ordered[0][0],
        last_seen=ordered[-1][0],
        observation_ids=tuple(ids),
        step=Transition(before[1], first) if before else None,
    )
