"""Find origins by their text, or insert them."""

from collections.abc import Sequence

from sqlalchemy import select

from storage.database.tables import ORIGIN
from storage.database.unit import Unit, rows_in
from storage.record.suppression import SuppressionLookup
from storage.values.digest import origin_id
from storage.values.redaction import is_emptied


def ensure_origins(unit: Unit, texts: Sequence[str]) -> dict[str, int]:
    """Return the ids of the origins `texts`; insert new ones.

    A redacted address is never stored again: its anonymised origin is returned.
    """
    names = {_origin_id(each): each for each in dict.fromkeys(texts)}
    query = select(ORIGIN.c.public_id, ORIGIN.c.id)
    known: dict[str, int] = dict(rows_in(unit.connection, query, ORIGIN.c.public_id, names))
    new = [each for public, each in names.items() if public not in known]
    gone = SuppressionLookup(unit.connection).tombstones(new) if new else {}
    known |= {_origin_id(each): number for each, number in gone.items()}
    found: dict[str, int] = {}
    for public, each in names.items():
        if public not in known:
            known[public] = unit.number()
            unit.add(
                ORIGIN,
                {
                    "id": known[public], "public_id": public, "origin": each,
                    "recorded_at": unit.now,
                },
            )  # fmt: skip
        found[each] = known[public]
    return found


def _origin_id(text: str) -> str:
    """Return the id of an origin; its text is empty after redaction."""
    return text if is_emptied(text) else origin_id(text)
