"""Origins by their text: found, or written where they are new."""

from collections.abc import Sequence

from sqlalchemy import select

from storage.database.tables import OriginRow
from storage.database.unit import Unit, rows_in, table_of
from storage.values.digest import origin_id

ORIGIN = table_of(OriginRow)


def ensure_origins(unit: Unit, texts: Sequence[str]) -> dict[str, int]:
    """Return the ids of the origins `texts`, writing those that are new."""
    names = {origin_id(each): each for each in dict.fromkeys(texts)}
    query = select(ORIGIN.c.public_id, ORIGIN.c.id)
    known: dict[str, int] = dict(rows_in(unit.connection, query, ORIGIN.c.public_id, names))
    found: dict[str, int] = {}
    for public, each in names.items():
        if public not in known:
            known[public] = unit.number()
            unit.add(
                OriginRow,
                {
                    "id": known[public], "public_id": public, "origin": each,
                    "recorded_at": unit.now,
                },
            )  # fmt: skip
        found[each] = known[public]
    return found
