"""The sights of articles around some moments, each article read once for a batch."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.database.tables import SightRow, WordingRow
from storage.database.unit import rows_in, table_of
from storage.history.runs import Sight

SIGHT, WORDING = table_of(SightRow), table_of(WordingRow)


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
