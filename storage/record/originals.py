"""Find the original captures of revisit records in web archives."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from storage.database.tables import FOREIGN_RECORD, OBSERVATION, ORIGIN
from storage.database.unit import rows_in
from storage.values.arrivals.foreign_capture import Import, Repeats
from storage.values.digest import origin_id
from storage.values.draft import Json

HOW_READ = ("type", "charset", "url", "answered")
"""The hints that affect how bytes are read."""


@dataclass(frozen=True, slots=True)
class Original:
    """A capture that a revisit record repeats."""

    observation_id: int
    capture_id: int
    payload: str | None
    hints: Mapping[str, Json]

    def hints_for(self, repeat: Import) -> dict[str, Json]:
        """Return the hints of `repeat`, completed by those of its original."""
        if repeat.outcome == "not_modified":
            return {**repeat.hints, "confirms": self.observation_id}
        own = {name: self.hints[name] for name in HOW_READ if name in self.hints}
        return {**own, **repeat.hints}


class Originals:
    """Finds captures by name, by address and time, or by the digest of their payload.

    A capture found by name or time must also have the payload digest, if both have one: two files
    with the same bytes may be read differently, and several captures may have the same time.
    """

    def __init__(self, connection: Connection, imports: Sequence[Import]) -> None:
        self._found: dict[Hashable, list[Original]] = {}
        wanted = [each.repeats for each in imports if each.repeats]
        for row in _rows(connection, wanted) if wanted else ():
            original = Original(row.id, row.capture_id, row.payload_digest, row.hints or {})
            self._learn(original, row.name, row.origin, row.observed_at)

    def of(self, repeats: Repeats) -> Original | None:
        """Return the original of `repeats`, None if it is not stored."""
        wanted = repeats.payload_digest
        keys = (repeats.name, (repeats.origin, repeats.observed_at), wanted)
        found = (each for key in keys if key for each in self._found.get(key, ()))
        fitting = (e for e in found if None in {wanted, e.payload} or e.payload == wanted)
        return next(fitting, None)

    def learn(self, imported: Import, observation_id: int, capture_id: int | None) -> None:
        """Add a capture of the current unit, which others of it may repeat."""
        if capture_id is not None and imported.outcome == "captured" and imported.refused is None:
            main = imported.records[0]
            original = Original(observation_id, capture_id, main.payload_digest, imported.hints)
            self._learn(original, main.name, imported.origin, imported.observed_at)

    def _learn(self, original: Original, name: str | None, origin: str, moment: datetime) -> None:
        for key in (name, (origin, moment), original.payload):
            if key is not None:
                self._found.setdefault(key, []).append(original)


def _rows(connection: Connection, wanted: Iterable[Repeats]) -> Iterator[Any]:
    query = (
        select(
            FOREIGN_RECORD.c.payload_digest,
            FOREIGN_RECORD.c.name,
            ORIGIN.c.origin,
            OBSERVATION.c.observed_at,
            OBSERVATION.c.id,
            OBSERVATION.c.capture_id,
            OBSERVATION.c.hints,
        )
        .join(OBSERVATION, OBSERVATION.c.id == FOREIGN_RECORD.c.observation_id)
        .join(ORIGIN, ORIGIN.c.id == OBSERVATION.c.locator_id)
        .where(OBSERVATION.c.outcome == "captured", OBSERVATION.c.capture_id.is_not(None))
        .order_by(FOREIGN_RECORD.c.id)
    )
    wanted = list(wanted)
    payloads = [each.payload_digest for each in wanted if each.payload_digest]
    yield from rows_in(connection, query, FOREIGN_RECORD.c.payload_digest, payloads)
    others = [each for each in wanted if not each.payload_digest]
    yield from rows_in(connection, query, FOREIGN_RECORD.c.name, [o.name for o in others if o.name])
    origins = [origin_id(each.origin) for each in others if each.origin]
    yield from rows_in(connection, query, ORIGIN.c.public_id, origins)
