"""Tell to which article an observation without a wording belongs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from storage.tables import SIGHT_BLOCK, ObservationRow, SightRow
from storage.versioning import rebuild
from storage.writing import Unit, rows_in, table_of

OBSERVATION, SIGHT = table_of(ObservationRow), table_of(SightRow)


def tell_absences(unit: Unit, observation_ids: Sequence[int]) -> None:
    """Tell, of observations without a wording, to which article they belong.

    An absence of a place that no article is known for stays untold until one is; an imported
    capture is never gone.
    """
    if not observation_ids:
        return
    unit.flush()
    observations = {
        row.id: row
        for row in rows_in(unit.connection, select(OBSERVATION), OBSERVATION.c.id, observation_ids)
    }
    last = _last_sights(unit, [row.locator_id for row in observations.values()])
    touched: set[int] = set()
    for number, row in observations.items():
        sight = last.get(row.locator_id)
        outcome = "refused" if row.outcome == "captured" else row.outcome
        if sight is None or (outcome == "gone" and sight.is_foreign):
            continue
        touched.add(sight.article_id)
        unit.add(
            SightRow,
            {
                "observation_id": number, "seq": unit.number(SIGHT_BLOCK),
                "article_id": sight.article_id, "origin_id": sight.origin_id,
                "locator_id": row.locator_id, "address_id": sight.address_id,
                "source_id": row.source_id, "observed_at": row.observed_at,
                "is_foreign": False, "outcome": outcome, "wording_id": None,
                "derivation_id": None, "version": None,
            },
        )  # fmt: skip
    unit.flush()
    for article_id in sorted(touched):
        rebuild(unit, article_id, whole=False)


def _last_sights(unit: Unit, locators: Sequence[int]) -> dict[int, Any]:
    newest = (
        select(func.max(SIGHT.c.observation_id))
        .where(SIGHT.c.wording_id.is_not(None))
        .group_by(SIGHT.c.locator_id)
    )
    ids = [row[0] for row in rows_in(unit.connection, newest, SIGHT.c.locator_id, locators)]
    rows = rows_in(unit.connection, select(SIGHT), SIGHT.c.observation_id, ids)
    return {row.locator_id: row for row in rows}


def untold(unit: Unit, locators: Sequence[int]) -> list[int]:
    """Return the absences of `locators` that were observed before their article was known."""
    query = (
        select(OBSERVATION.c.id)
        .outerjoin(SIGHT, SIGHT.c.observation_id == OBSERVATION.c.id)
        .where(OBSERVATION.c.outcome != "captured", SIGHT.c.observation_id.is_(None))
    )
    return [row[0] for row in rows_in(unit.connection, query, OBSERVATION.c.locator_id, locators)]
