"""The snapshots before and after a text, read by the same extractor."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from storage.database.tables import CAPTURE, DERIVATION, SNAPSHOT, WORDING
from storage.database.unit import Unit, rows_in
from storage.history.runs import (
    ExtractorKey,
    Snapshot,
    are_one,
    compared,
    in_order,
    is_same_extractor,
)
from storage.history.snapshots import confirmed, snapshots_of
from storage.values.draft import Draft

_BEFORE, _FIRST = SNAPSHOT.alias(), bindparam("first", type_=SNAPSHOT.c.observed_at.type)
_LAST_BEFORE = (
    select(func.max(_BEFORE.c.observed_at))
    .where(
        _BEFORE.c.article_id == SNAPSHOT.c.article_id,
        _BEFORE.c.wording_id.is_not(None),
        _BEFORE.c.observed_at < _FIRST,
    )
    .scalar_subquery()
)
_SEEN_SINCE = (
    select(
        SNAPSHOT.c.article_id, SNAPSHOT.c.observed_at, SNAPSHOT.c.observation_id,
        SNAPSHOT.c.wording_id, WORDING.c.digest, SNAPSHOT.c.derivation_id,
    )
    .join(WORDING, WORDING.c.id == SNAPSHOT.c.wording_id)
    .where(SNAPSHOT.c.observed_at >= func.coalesce(_LAST_BEFORE, _FIRST))
)  # fmt: skip
"""The snapshots from the last one before a time on."""


class NotComparableError(Exception):
    """Texts must be extracted again with the current extractor before others can be compared.

    `derivations` are their first readings, each with its article; retry with the new readings.
    """

    def __init__(self, derivations: Mapping[int, int]) -> None:
        super().__init__(f"{len(derivations)} texts were read by another extractor")
        self.derivations = dict(derivations)


@dataclass(slots=True)
class KnownArticle:
    """State of an article within a unit of work.

    `head` is its newest wording, `readers` are the extractors of the newest snapshots. `fresh` and
    `held` are the snapshots of this unit that count, and those that are held back.
    """

    id: int
    origin_id: int
    stored: bool
    head: bytes | None
    content_at: datetime | None
    readers: set[ExtractorKey] = field(default_factory=set)
    fresh: list[Snapshot] = field(default_factory=list)
    held: list[Snapshot] = field(default_factory=list)

    def append(self, snapshot: Snapshot) -> bool:
        """Add a snapshot of this unit; return whether it is out of order, or its first text."""
        is_first = self.stored and self.head is None  # of an address that was parted
        late = self.content_at is not None and snapshot.observed_at <= self.content_at
        self.fresh.append(snapshot)
        if not late:
            self.head, self.content_at = snapshot.digest, snapshot.observed_at
            self.readers = {snapshot.reader}
        return late or is_first


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Whether a text is equal to the snapshot before or after it.

    `unknown`: a neighbour cannot be read by the same extractor, so a difference is unknown.
    """

    is_one: bool
    unknown: bool = False


def reader_of(draft: Draft) -> ExtractorKey:
    who = draft.extractor
    return who.name, who.version, who.config


class Neighbours:
    """Finds the neighbours of texts among the snapshots of their articles."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self._ordered: dict[tuple[int, ExtractorKey], list[tuple[datetime, Snapshot]]] = {}

    def around(self, article: KnownArticle, snapshot: Snapshot) -> Neighbourhood:
        """Compare a new snapshot with its neighbours."""
        if _is_simple(article, snapshot.observed_at, snapshot.reader):
            return Neighbourhood(article.head == snapshot.digest)
        stored = self._snapshots_of(article, snapshot.reader)
        fresh = [(each.observed_at, each) for each in article.fresh]
        last, first = _adjacent_snapshots([*stored, *fresh], snapshot.observed_at, snapshot.digest)
        pairs = [*((each, snapshot) for each in last), *((snapshot, each) for each in first)]
        read = [both for pair in pairs if (both := compared(*pair)) is not None]
        return Neighbourhood(
            any(are_one(*pair) for pair in pairs),
            any(None in {one.wording_id, other.wording_id} for one, other in read),
        )

    def unread(
        self, article: KnownArticle, moment: datetime, digest: bytes, reader: ExtractorKey
    ) -> list[Snapshot]:
        """Return the neighbours of `moment` without a reading by `reader`."""
        if _is_simple(article, moment, reader) or not article.stored:
            return []
        last, first = _adjacent_snapshots(self._snapshots_of(article, reader), moment, digest)
        return [
            snapshot
            for snapshot in (*last, *first)
            if not is_same_extractor(snapshot.reader, reader)
            and reader not in snapshot.other_readings
        ]

    def with_bytes(self, snapshots: Sequence[Snapshot]) -> tuple[list[Any], list[Any]]:
        """Split the derivations of `snapshots` into those with bytes and those without."""
        query = select(
            DERIVATION.c.id, DERIVATION.c.capture_id, DERIVATION.c.context, CAPTURE.c.data.is_(None)
        ).join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        ids = [snapshot.derivation_id for snapshot in snapshots]
        rows = list(rows_in(self.unit.connection, query, DERIVATION.c.id, ids))
        return [row for row in rows if not row[3]], [row for row in rows if row[3]]

    def forget(self) -> None:
        """Drop the loaded state."""
        self._ordered.clear()

    def _snapshots_of(
        self, article: KnownArticle, reader: ExtractorKey
    ) -> list[tuple[datetime, Snapshot]]:
        if not article.stored:
            return []
        key = (article.id, reader)
        if key not in self._ordered:
            self.unit.flush()
            connection = self.unit.connection
            snapshots = snapshots_of(connection, article.id, None, reader)
            self._ordered[key] = in_order(confirmed(connection, snapshots))
        return self._ordered[key]


class Surroundings:
    """The snapshots before and after times of articles; snapshots of the batch are added.

    `firsts` is the first time of each article that is needed.
    """

    def __init__(self, connection: Connection, firsts: Mapping[int, datetime]) -> None:
        self._snapshots: dict[int, list[Snapshot]] = {}
        if firsts:
            self._load(connection, firsts)

    def add(self, article_id: int, snapshot: Snapshot) -> None:
        self._snapshots.setdefault(article_id, []).append(snapshot)

    def beside(
        self, article_id: int, at: datetime, digest: bytes, *, is_before: bool
    ) -> Snapshot | None:
        """Return the snapshot of an article next to a text; digests order texts of one time."""
        found = [
            snapshot
            for snapshot in self._snapshots.get(article_id, ())
            if (snapshot.place <= (at, digest)) is is_before
        ]
        nearest = max if is_before else min
        return nearest(found, key=lambda each: each.place) if found else None

    def _load(self, connection: Connection, firsts: Mapping[int, datetime]) -> None:
        """Load the snapshots from the last one before the earliest time on."""
        first = min(firsts.values())
        for article, seen, number, wording, digest, derivation in rows_in(
            connection, _SEEN_SINCE, SNAPSHOT.c.article_id, firsts, first=first
        ):
            self.add(article, Snapshot(seen, number, wording, bytes(digest), derivation))


def _is_simple(article: KnownArticle, moment: datetime, reader: ExtractorKey) -> bool:
    """Check whether the newest wording is sufficient: nothing late, one extractor."""
    if article.content_at is not None and moment <= article.content_at:
        return False
    return all(is_same_extractor(each, reader) for each in article.readers)


def _adjacent_snapshots(
    known: Sequence[tuple[datetime, Snapshot]], moment: datetime, digest: bytes
) -> tuple[list[Snapshot], list[Snapshot]]:
    """Return the snapshots directly before and after a time."""
    ordered = sorted(known, key=lambda each: (each[0], each[1].digest))
    place = bisect_right(ordered, (moment, digest), key=lambda each: (each[0], each[1].digest))
    before, after = ordered[:place][-1:], ordered[place : place + 1]
    return [each for _at, each in before], [each for _at, each in after]
