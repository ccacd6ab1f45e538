"""PURE: the versions of one article, as runs of equal wording in chronological order.

A step decided to be noise does not end a run.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

from storage.values.draft import BY_BROWSER

ExtractorKey = tuple[str, str, str]
"""Extractor of a text: name, version and configuration."""


@dataclass(frozen=True, slots=True)
class OtherReading:
    """The wording of another extractor for the bytes of a snapshot; None if it failed."""

    derivation_id: int
    wording_id: int | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An observation of an article with a wording.

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
    reader: ExtractorKey = ("", "", "")
    other_readings: Mapping[ExtractorKey, OtherReading] = field(default_factory=dict)
    foreign: bool = False

    @property
    def place(self) -> tuple[datetime, bytes]:
        """Return what orders the snapshots of an article."""
        return self.observed_at, self.digest


Pair = tuple[int, int]
"""Two derivations, that of the earlier snapshot first."""


@dataclass(frozen=True, slots=True)
class Transition:
    """Two successive snapshots with different wordings."""

    a: Snapshot
    b: Snapshot

    @property
    def sides(self) -> tuple["Snapshot | OtherReading", "Snapshot | OtherReading"]:
        """Return the readings that show the change: both by one extractor, if available."""
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
    """A version: `number` counts from 1; the change happened in (`changed_after`, `changed_by`].

    Its first snapshot identifies it. `step` is the change to it, None for the first version.
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
    """Return each pair of successive snapshots with different wordings once."""
    ordered = [snapshot for _moment, snapshot in in_order(snapshots)]
    found = (Transition(a, b) for a, b in pairwise(ordered) if not are_one(a, b))
    return tuple({step.pair: step for step in found}.values())


LastSight = Callable[[datetime], datetime]
"""Returns the earliest time that an own observation may have, if its time was corrected."""


def runs(
    snapshots: Iterable[Snapshot],
    noise: Collection[Pair] = frozenset(),
    last_sight: LastSight = lambda moment: moment,
) -> tuple[Run, ...]:
    """Return the versions of `snapshots`, in any order.

    Successive snapshots are one version if one extractor reads the same from both: a new
    extractor must not appear as an edit. `noise` are steps decided to be noise: they do not end
    a version either. A corrected time is the latest possible one: it is right for the first sight
    of a wording, and `last_sight` gives that of the last one.

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
            run = _run(len(found) + 1, before, ordered[start:end])
            if before is not None and not before[1].foreign:
                sight = last_sight(before[0])
                found[-1] = replace(found[-1], last_seen=max(found[-1].changed_by, sight))
                run = replace(run, changed_after=sight)
            found.append(run)
            start = end
    return tuple(found)


def _is_change(a: Snapshot, b: Snapshot, noise: Collection[Pair]) -> bool:
    return not are_one(a, b) and Transition(a, b).pair not in noise


def is_same_extractor(reader: ExtractorKey, other: ExtractorKey) -> bool:
    """Check whether texts of two extractors are comparable.

    They are not if one is another version or configuration of the other. Extractors with
    different names are made for different kinds of documents.

    >>> one = ("page", "1", "")
    >>> is_same_extractor(one, ("page", "2", "")), is_same_extractor(one, ("text", "2", ""))
    (False, True)
    """
    return reader == other or reader[0] != other[0]


def is_same_way(reader: ExtractorKey, other: ExtractorKey) -> bool:
    """Check whether two texts were both fetched, or both read by a browser."""
    return reader[2].endswith(BY_BROWSER) == other[2].endswith(BY_BROWSER)


def are_one(a: Snapshot, b: Snapshot) -> bool:
    """Check whether two neighbours have the same wording, by the same extractor if possible.

    Incomparable neighbours count as equal.
    """
    pair = compared(a, b)
    if pair is None:
        return a.wording_id == b.wording_id
    one, other = pair
    return None in {one.wording_id, other.wording_id} or one.wording_id == other.wording_id


def compared(a: Snapshot, b: Snapshot) -> tuple[OtherReading, OtherReading] | None:
    """Return the later extractor's readings of both; None if they are the stored ones."""
    if is_same_extractor(a.reader, b.reader):
        return None
    newer, older = (b, a) if a.derivation_id < b.derivation_id else (a, b)
    reading = older.other_readings.get(newer.reader)
    if reading is None:
        return None
    own = OtherReading(newer.derivation_id, newer.wording_id, newer.digest)
    return (reading, own) if older is a else (own, reading)


def in_order(snapshots: Iterable[Snapshot]) -> list[tuple[datetime, Snapshot]]:
    """Return the snapshots, and their confirming scans, in order."""
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
