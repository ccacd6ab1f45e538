"""Where readings belong: the origin and time of each one, and the article of a new origin."""

from collections.abc import Sequence

from storage.database.tables import ARTICLE_ORIGIN
from storage.database.unit import Unit
from storage.database.view_facts import FIELD_BLOCK
from storage.diff.change import CaptureContent
from storage.diff.entries import first_entries
from storage.history.address_claims import Position
from storage.history.article_rows import add_article, add_version
from storage.history.corrected_times import clock_corrections, time_after_corrections
from storage.history.neighbours import KnownArticle
from storage.history.runs import Snapshot
from storage.history.steps import FIRST_STEP, stored_entries
from storage.record.derivation_detail import named
from storage.record.origins import ensure_origins
from storage.record.reading import Reading
from storage.values.digest import origin_id


def place_readings(unit: Unit, readings: Sequence[Reading]) -> list[Position]:
    """Return the origin and the corrected time of each reading."""
    names = [named(reading) for reading in readings]
    known = ensure_origins(unit, [n.address for n in names if n.address])
    corrections = clock_corrections(unit.connection)
    places = []
    for reading, name in zip(readings, names, strict=True):
        address = known[name.address] if name.address else None
        locator = reading.captured.locator_id
        places.append(
            Position(
                reading=reading,
                locator_id=locator,
                address_id=address,
                origin_id=locator if address is None else address,
                moment=name.moment
                if name.foreign
                else time_after_corrections(
                    corrections, reading.captured.observation_id, name.moment
                ),
                foreign=name.foreign,
            )
        )
    return places


def origin_name(place: Position) -> str:
    """Return the address of the origin of a reading."""
    if place.address_id is not None and place.origin_id == place.address_id:
        address = named(place.reading).address
        assert address is not None
        return address
    return place.reading.captured.locator


def create_article(
    unit: Unit, place: Position, snapshot: Snapshot, content: CaptureContent
) -> KnownArticle:
    """Create the article of a new origin, with its first version."""
    captured = place.reading.captured
    article, top = unit.number(2), unit.number(FIELD_BLOCK)
    version = article - 1
    unit.add(ARTICLE_ORIGIN, {"origin_id": place.origin_id, "article_id": article})
    add_article(
        unit, origin_id(origin_name(place)), place.origin_id, captured.source_id,
        number=article, seen=place.moment, head_version_id=version,
    )  # fmt: skip
    first = {
        "wording_id": snapshot.wording_id, "derivation_id": snapshot.derivation_id,
        "observation_id": captured.observation_id, "changed_after": None,
        "changed_by": place.moment, "last_seen": place.moment, **FIRST_STEP,
        "entries": stored_entries(first_entries(content.entry_texts)),
    }  # fmt: skip
    add_version(unit, article, 1, first, row_id=version, seq=top)
    known = KnownArticle(article, place.origin_id, False, None, None)
    known.append(snapshot)
    return known
