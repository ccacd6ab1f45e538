"""What stands before and after a text in time, as one reader reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from storage.database.tables import CaptureRow, DerivationRow, SightRow, WordingRow
from storage.database.unit import Unit, rows_in, table_of
from storage.history.runs import Reader, Sight, in_order, same_reader
from storage.history.snapshots import confirmed, looks_of
from storage.values.draft import Draft

CAPTURE, DERIVATION = table_of(CaptureRow), table_of(DerivationRow)
SIGHT, WORDING = table_of(SightRow), table_of(WordingRow)


class NotComparableError(Exception):
    """Texts have to be read anew by today's reader before others can be compared with them.

    `derivations` name their first readings, each with its article; try again with what was read.
    """

    def __init__(self, derivations: Mapping[int, int]) -> None:
        super().__init__(f"{len(derivations)} texts were read by another extractor")
        self.derivations = dict(derivations)


@dataclass(slots=True)
class UnwrittenSnapshot:
    """A sight of the unit at hand that is not written yet."""

    moment: datetime
    digest: bytes
    reader: Reader


@dataclass(slots=True)
class KnownArticle:
    """An article as a unit knows it while it decides.

    `head` is its newest wording, `readers` are those who read the newest sights.
    """

    id: int
    origin_id: int
    stored: bool
    head: bytes | None
    content_at: datetime | None
    readers: set[Reader] = field(default_factory=set)
    fresh: list[UnwrittenSnapshot] = field(default_factory=list)

    def append(self, moment: datetime, digest: bytes, reader: Reader) -> bool:
        """Add a sight of this unit; tell whether it came out of order."""
        late = self.content_at is not None and moment <= self.content_at
        self.fresh.append(UnwrittenSnapshot(moment, digest, reader))
        if not late:
            self.head, self.content_at, self.readers = digest, moment, {reader}
        return late


@dataclass(frozen=True, slots=True)
class Around:
    """The wordings of the sights before and after, by the reader that asks.

    `unknown` says that one of them cannot be read by it: whether it differs is not known.
    """

    before: bytes | None
    after: bytes | None
    unknown: bool = False


def reader_of(draft: Draft) -> Reader:
    who = draft.extractor
    return who.name, who.version, who.config


class Neighbours:
    """Finds the neighbours of texts among the sights of their articles."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self._looks: dict[tuple[int, Reader], list[tuple[datetime, Sight]]] = {}

    def around(
        self, article: KnownArticle, moment: datetime, digest: bytes, reader: Reader
    ) -> Around:
        """Return what stands before and after `moment` as `reader` reads it."""
        if _is_simple(article, moment, reader):
            return Around(article.head, None)
        stored = [
            ((at, sight.digest), *_by(sight, reader))
            for at, sight in self._looks_at(article, reader)
        ]
        fresh = [((each.moment, each.digest), each.digest, False) for each in article.fresh]
        looks = sorted([*stored, *fresh], key=lambda look: look[0])
        before = [look for look in looks if look[0] <= (moment, digest)]
        after = [look for look in looks if look[0] > (moment, digest)]
        last, first = (before[-1] if before else None), (after[0] if after else None)
        return Around(
            before=last[1] if last else None,
            after=first[1] if first else None,
            unknown=any(each[2] for each in (last, first) if each),
        )

    def unread(
        self, article: KnownArticle, moment: datetime, digest: bytes, reader: Reader
    ) -> list[Sight]:
        """Return the neighbours of `moment` that `reader` has not read yet."""
        if _is_simple(article, moment, reader) or not article.stored:
            return []
        looks = self._looks_at(article, reader)
        key = (moment, digest)
        before = [sight for at, sight in looks if (at, sight.digest) <= key]
        after = [sight for at, sight in looks if (at, sight.digest) > key]
        return [
            sight
            for sight in (*before[-1:], *after[:1])
            if not same_reader(sight.reader, reader) and reader not in sight.again
        ]

    def with_bytes(self, sights: Sequence[Sight]) -> tuple[list[Any], list[Any]]:
        """Part derivations of `sights` into those whose bytes are there and those without."""
        query = select(
            DERIVATION.c.id, DERIVATION.c.capture_id, DERIVATION.c.context, CAPTURE.c.data.is_(None)
        ).join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        ids = [sight.derivation_id for sight in sights]
        rows = list(rows_in(self.unit.connection, query, DERIVATION.c.id, ids))
        return [row for row in rows if not row[3]], [row for row in rows if row[3]]

    def forget(self) -> None:
        """Look again at what stands there."""
        self._looks.clear()

    def _looks_at(self, article: KnownArticle, reader: Reader) -> list[tuple[datetime, Sight]]:
        if not article.stored:
            return []
        key = (article.id, reader)
        if key not in self._looks:
            self.unit.flush()
            connection = self.unit.connection
            looks = looks_of(connection, article.id, None, reader)
            self._looks[key] = in_order(confirmed(connection, looks))
        return self._looks[key]


class Surroundings:
    """What stands before and after moments of articles; sights of the batch at hand are added.

    `firsts` is the first moment of each article that will be asked for.
    """

    def __init__(self, connection: Connection, firsts: Mapping[int, datetime]) -> None:
        self._sights: dict[int, list[Sight]] = {}
        if firsts:
            self._load(connection, firsts)

    def add(self, article_id: int, sight: Sight) -> None:
        self._sights.setdefault(article_id, []).append(sight)

    def beside(self, article_id: int, at: datetime, *, is_before: bool) -> Sight | None:
        """Return the sight of an article that stands next to a moment."""
        found = [
            sight
            for sight in self._sights.get(article_id, ())
            if (sight.observed_at <= at) is is_before
        ]
        nearest = max if is_before else min
        return nearest(found, key=lambda s: (s.observed_at, s.digest)) if found else None

    def _load(self, connection: Connection, firsts: Mapping[int, datetime]) -> None:
        """Read the sights from the last one on that was seen before the first moment of all."""
        first, before = min(firsts.values()), SIGHT.alias()
        last = (
            select(func.max(before.c.observed_at))
            .where(
                before.c.article_id == SIGHT.c.article_id,
                before.c.wording_id.is_not(None),
                before.c.observed_at <= first,
            )
            .scalar_subquery()
        )
        query = (
            select(
                SIGHT.c.article_id, SIGHT.c.observed_at, SIGHT.c.observation_id,
                SIGHT.c.wording_id, WORDING.c.digest, SIGHT.c.derivation_id,
            )
            .join(WORDING, WORDING.c.id == SIGHT.c.wording_id)
            .where(SIGHT.c.observed_at >= func.coalesce(last, first))
        )  # fmt: skip
        for article, seen, number, wording, digest, derivation in rows_in(
            connection, query, SIGHT.c.article_id, firsts
        ):
            self.add(article, Sight(seen, number, wording, bytes(digest), derivation))


def _is_simple(article: KnownArticle, moment: datetime, reader: Reader) -> bool:
    """Tell whether the newest wording is all that is needed: nothing late, one reader."""
    if article.content_at is not None and moment <= article.content_at:
        return False
    return all(same_reader(each, reader) for each in article.readers)


def _by(sight: Sight, reader: Reader) -> tuple[bytes, bool]:
    """Return the digest of a sight's wording as `reader` reads it, and whether it cannot."""
    if same_reader(sight.reader, reader):
        return sight.digest, False
    again = sight.again.get(reader)
    if again is None:
        return sight.digest, False
    return (sight.digest, True) if again.digest is None else (again.digest, False)
