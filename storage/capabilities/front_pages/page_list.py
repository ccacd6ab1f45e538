"""Store the teasers of front pages."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select

from storage.database.tables import FRONT as FRONT_TABLE
from storage.database.tables import ORIGIN, TEASER
from storage.database.unit import Unit, rows_in
from storage.record.observations import ensure_origins
from storage.record.reading import CapturedItem
from storage.values.draft import Json
from storage.values.net.addresses import AddressList, ListedAddress
from storage.values.net.changing_query import Link, find_same_addresses

_TeaserKey = tuple[int, Json, Json]
"""The origin of an address, its headline and its kicker."""


def store_list(unit: Unit, captured: CapturedItem, listing: AddressList) -> bool:
    """Store the teasers of one capture; return whether they differ from the list before.

    An equal list is one row that refers to the row with the list.
    """
    front = captured.locator_id
    unit.flush()
    row = unit.connection.execute(_select_latest(front)).first()
    same_as = None if row is None else (row.same_as_id or row.id)
    stored = select(FRONT_TABLE.c.teasers).where(FRONT_TABLE.c.id == same_as)
    before = unit.connection.execute(stored).scalar()
    shown = _use_known_addresses(
        unit, [each for each in listing.named if each.hints.get("title")], before or ()
    )
    origins = ensure_origins(unit, [each.origin for each in shown])
    keys = [(origins[each.origin], each.hints["title"], each.hints.get("kicker")) for each in shown]
    numbers = _ensure_teasers(unit, front, keys)
    teasers = [_entry(numbers[key], each) for key, each in zip(keys, shown, strict=True)]
    is_same = row is not None and before == teasers
    unit.add(
        FRONT_TABLE,
        {
            "id": unit.number(), "observation_id": captured.observation_id, "origin_id": front,
            "same_as_id": same_as if is_same else None, "teasers": None if is_same else teasers,
            "found": listing.found, "method": listing.method, "recorded_at": unit.now,
        },
    )  # fmt: skip
    return not is_same


def _select_latest(front: int) -> Select[Any]:
    """Return the query for the list of the check before."""
    return (
        select(FRONT_TABLE.c.id, FRONT_TABLE.c.same_as_id)
        .where(FRONT_TABLE.c.origin_id == front)
        .order_by(FRONT_TABLE.c.id.desc())
        .limit(1)
    )


def _use_known_addresses(
    unit: Unit, shown: Sequence[ListedAddress], before: Sequence[Sequence[Any]]
) -> list[ListedAddress]:
    """Return teasers with the addresses of the list before where only a changing query differs."""
    if not any("?" in each.origin for each in shown):
        return list(shown)
    query = select(ORIGIN.c.origin, TEASER.c.headline).join(
        ORIGIN, ORIGIN.c.id == TEASER.c.origin_id
    )
    known = rows_in(unit.connection, query, TEASER.c.id, [each[0] for each in before])
    links = [Link(row.origin, row.headline) for row in known if row.headline is not None]
    same = find_same_addresses(
        [Link(each.origin, str(each.hints["title"])) for each in shown], links
    )
    return [replace(each, origin=same.get(each.origin, each.origin)) for each in shown]


def _entry(number: int, teaser: ListedAddress) -> list[Json]:
    return [number, teaser.hints.get("level"), int(bool(teaser.hints.get("picture")))]


def _ensure_teasers(unit: Unit, front: int, keys: Sequence[_TeaserKey]) -> dict[_TeaserKey, int]:
    """Return the ids of teasers; insert new ones."""
    query = select(TEASER).where(TEASER.c.front_id == front, TEASER.c.headline.is_not(None))
    known: dict[_TeaserKey, int] = {
        (row.origin_id, row.headline, row.kicker): row.id
        for row in rows_in(unit.connection, query, TEASER.c.origin_id, {key[0] for key in keys})
    }
    for key in keys:
        if key not in known:
            known[key] = unit.number()
            unit.add(
                TEASER,
                {
                    "id": known[key], "front_id": front, "origin_id": key[0], "headline": key[1],
                    "kicker": key[2], "recorded_at": unit.now,
                },
            )  # fmt: skip
    return known
