"""Decide which file of a source has an address that several of them claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from storage.database.tables import ARTICLE_ORIGIN, ORIGIN, SNAPSHOT
from storage.database.unit import Unit, rows_in, update_rows
from storage.database.view_facts import SNAPSHOT_BLOCK
from storage.history.article_rows import add_article
from storage.record.reading import Reading


@dataclass(slots=True)
class Position:
    """Position of a reading: its effective origin and time."""

    reading: Reading
    locator_id: int
    address_id: int | None
    origin_id: int
    moment: datetime
    foreign: bool


class Claims:
    """Decides which file of a source has an address that several of them claim."""

    def __init__(self, unit: Unit, changed: dict[int, bool]) -> None:
        self.unit = unit
        self.changed = changed
        self.displaced: set[int] = set()
        """The articles to which files were moved."""
        self.left: set[int] = set()
        """The articles from which they were moved."""

    def settle(self, places: Sequence[Position]) -> None:
        """Give the address to the file captured first (then by path); the others retain their
        own.
        """
        own = [p for p in places if p.address_id is not None and not p.foreign]
        claims = self._load_claims([p.address_id for p in own if p.address_id is not None])
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

    def _load_claims(
        self, addresses: Sequence[int]
    ) -> dict[tuple[int, int | None], dict[int, Any]]:
        query = (
            select(
                SNAPSHOT.c.source_id,
                SNAPSHOT.c.address_id,
                SNAPSHOT.c.locator_id,
                func.min(SNAPSHOT.c.observed_at),
                func.min(ORIGIN.c.origin),
            )
            .join(ORIGIN, ORIGIN.c.id == SNAPSHOT.c.locator_id)
            .where(SNAPSHOT.c.is_foreign.is_(False))
            .group_by(SNAPSHOT.c.source_id, SNAPSHOT.c.address_id, SNAPSHOT.c.locator_id)
        )
        found: dict[tuple[int, int | None], dict[int, Any]] = {}
        for source, address, locator, moment, text in rows_in(
            self.unit.connection, query, SNAPSHOT.c.address_id, addresses
        ):
            found.setdefault((source, address), {})[locator] = (_parse_time(moment), text)
        return found

    def _displace(self, source_id: int, address_id: int | None, winner: int) -> None:
        """Move the snapshots of later files with the address to their own origin."""
        connection = self.unit.connection
        query = (
            select(SNAPSHOT.c.locator_id, SNAPSHOT.c.article_id)
            .where(
                SNAPSHOT.c.source_id == source_id,
                SNAPSHOT.c.address_id == address_id,
                SNAPSHOT.c.origin_id == address_id,
                SNAPSHOT.c.locator_id != winner,
                SNAPSHOT.c.is_foreign.is_(False),
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
            target = self._article_of_file(source_id, locator)
        snapshots = unit.connection.execute(
            select(SNAPSHOT.c.observation_id).where(
                SNAPSHOT.c.source_id == source_id,
                SNAPSHOT.c.locator_id == locator,
                SNAPSHOT.c.article_id == article,
                SNAPSHOT.c.is_foreign.is_(False),
            )
        ).scalars()
        moved = [
            {
                "observation_id": each, "article_id": target, "origin_id": locator,
                "seq": unit.number(SNAPSHOT_BLOCK),
            }
            for each in snapshots
        ]  # fmt: skip
        update_rows(unit.connection, SNAPSHOT, ("observation_id",), moved)
        self.changed[target] = self.changed[article] = True
        self.displaced.add(target)
        self.left.add(article)

    def _article_of_file(self, source_id: int, locator: int) -> int:
        unit = self.unit
        public = unit.connection.execute(
            select(ORIGIN.c.public_id).where(ORIGIN.c.id == locator)
        ).scalar_one()
        number = add_article(unit, public, locator, source_id)
        unit.add(ARTICLE_ORIGIN, {"origin_id": locator, "article_id": number})
        unit.flush()
        return number


def _parse_time(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
