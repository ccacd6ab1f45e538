"""Settle which file of a source has an address that several of them name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from storage.database.columns import SIGHT_BLOCK
from storage.database.tables import ArticleOriginRow, OriginRow, SightRow
from storage.database.unit import Unit, rows_in, table_of, update_rows
from storage.history.article_rows import add_article
from storage.record.reading import Reading

ARTICLE_ORIGIN, ORIGIN, SIGHT = (
    table_of(ArticleOriginRow),
    table_of(OriginRow),
    table_of(SightRow),
)


@dataclass(slots=True)
class Position:
    """Where and when a reading stands: its effective origin and time."""

    reading: Reading
    locator_id: int
    address_id: int | None
    origin_id: int
    moment: datetime
    foreign: bool


class Claims:
    """Settles which file of a source has an address that several of them name."""

    def __init__(self, unit: Unit, changed: dict[int, bool]) -> None:
        self.unit = unit
        self.changed = changed
        self.displaced: set[int] = set()

    def settle(self, places: Sequence[Position]) -> None:
        """Give the address to the file captured first (then by path); the rest keep their own."""
        own = [p for p in places if p.address_id is not None and not p.foreign]
        claims = self._stored([p.address_id for p in own if p.address_id is not None])
        for place in own:
            captured = place.reading.captured
            mine = (place.moment, captured.locator)
            held = claims.setdefault((captured.source_id, place.address_id), {})
            held[place.locator_id] = min(mine, held.get(place.locator_id, mine))
        for place in own:
            key = (place.reading.captured.source_id, place.address_id)
            claimants = claims[key]
            winner = min(claimants, key=lambda locator: claimants[locator])
            if place.locator_id != winner:
                place.origin_id = place.locator_id
            elif len(claimants) > 1:
                self._displace(key[0], place.address_id, winner)

    def _stored(self, addresses: Sequence[int]) -> dict[tuple[int, int | None], dict[int, Any]]:
        query = (
            select(
                SIGHT.c.source_id,
                SIGHT.c.address_id,
                SIGHT.c.locator_id,
                func.min(SIGHT.c.observed_at),
                func.min(ORIGIN.c.origin),
            )
            .join(ORIGIN, ORIGIN.c.id == SIGHT.c.locator_id)
            .where(SIGHT.c.is_foreign.is_(False))
            .group_by(SIGHT.c.source_id, SIGHT.c.address_id, SIGHT.c.locator_id)
        )
        found: dict[tuple[int, int | None], dict[int, Any]] = {}
        for source, address, locator, moment, text in rows_in(
            self.unit.connection, query, SIGHT.c.address_id, addresses
        ):
            found.setdefault((source, address), {})[locator] = (_moment(moment), text)
        return found

    def _displace(self, source_id: int, address_id: int | None, winner: int) -> None:
        """Move the sights of files that held the address, but came later, to their own origin."""
        connection = self.unit.connection
        query = (
            select(SIGHT.c.locator_id, SIGHT.c.article_id)
            .where(
                SIGHT.c.source_id == source_id,
                SIGHT.c.address_id == address_id,
                SIGHT.c.origin_id == address_id,
                SIGHT.c.locator_id != winner,
                SIGHT.c.is_foreign.is_(False),
            )
            .distinct()
        )
        for locator, article in connection.execute(query).all():
            self._move(source_id, locator, article)

    def _move(self, source_id: int, locator: int, article: int) -> None:
        unit = self.unit
        unit.flush()
        target = unit.connection.execute(
            select(ARTICLE_ORIGIN.c.article_id).where(ARTICLE_ORIGIN.c.origin_id == locator)
        ).scalar()
        if target is None:
            target = self._own_article(source_id, locator)
        sights = unit.connection.execute(
            select(SIGHT.c.observation_id).where(
                SIGHT.c.source_id == source_id,
                SIGHT.c.locator_id == locator,
                SIGHT.c.article_id == article,
                SIGHT.c.is_foreign.is_(False),
            )
        ).scalars()
        moved = [
            {
                "observation_id": each, "article_id": target, "origin_id": locator,
                "seq": unit.number(SIGHT_BLOCK),
            }
            for each in sights
        ]  # fmt: skip
        update_rows(unit.connection, SightRow, ("observation_id",), moved)
        self.changed[target] = self.changed[article] = True
        self.displaced.add(target)

    def _own_article(self, source_id: int, locator: int) -> int:
        unit = self.unit
        public = unit.connection.execute(
            select(ORIGIN.c.public_id).where(ORIGIN.c.id == locator)
        ).scalar_one()
        number = add_article(unit, public, locator, source_id)
        unit.add(ArticleOriginRow, {"origin_id": locator, "article_id": number})
        unit.flush()
        return number


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
