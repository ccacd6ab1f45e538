"""The sights of one article that had a wording, with the scans that confirmed them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from storage.database.tables import (
    CaptureRow,
    DerivationRow,
    ObservationRow,
    ScanRow,
    SightRow,
    WordingRow,
)
from storage.database.unit import rows_in, table_of
from storage.history.other_readers import Read, read_again
from storage.history.runs import Again, Reader, Sight

CAPTURE, DERIVATION = table_of(CaptureRow), table_of(DerivationRow)
OBSERVATION, SCAN = table_of(ObservationRow), table_of(ScanRow)
SIGHT, WORDING = table_of(SightRow), table_of(WordingRow)


@dataclass(frozen=True, slots=True)
class Look:
    """A stored sight that had a wording, with what is needed to confirm and to number it."""

    sight: Sight
    source_id: int
    locator_id: int
    foreign: bool
    outcome: str
    version: int | None


def looks_of(
    connection: Connection,
    article_id: int,
    since: datetime | None,
    asking: Reader | None = None,
) -> list[Look]:
    """Return the sights of an article that had a wording, all or those from `since` on.

    What other readers made of them is known where they are of several, or `asking` is another.
    """
    query = (
        select(
            SIGHT.c.observed_at,
            SIGHT.c.observation_id,
            SIGHT.c.wording_id,
            WORDING.c.digest,
            SIGHT.c.derivation_id,
            SIGHT.c.source_id,
            SIGHT.c.locator_id,
            SIGHT.c.is_foreign,
            SIGHT.c.outcome,
            SIGHT.c.version,
            CAPTURE.c.digest.label("raw"),
            DERIVATION.c.capture_id,
            DERIVATION.c.context,
            DERIVATION.c.extractor,
            DERIVATION.c.extractor_version,
            DERIVATION.c.config,
        )
        .join(WORDING, WORDING.c.id == SIGHT.c.wording_id)
        .join(DERIVATION, DERIVATION.c.id == SIGHT.c.derivation_id)
        .join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        .where(SIGHT.c.article_id == article_id)
    )
    if since is not None:
        query = query.where(SIGHT.c.observed_at >= since)
    rows: list[Any] = list(connection.execute(query))
    again = read_again(connection, map(_read, rows), asking) if rows else {}
    return [_look(row, again.get(row.derivation_id, {})) for row in rows]


def _read(row: Any) -> Read:
    reader = (row.extractor, row.extractor_version, row.config)
    return Read(row.derivation_id, row.capture_id, row.context, reader)


def _look(row: Any, again: Mapping[Reader, Again]) -> Look:
    sight = Sight(
        observed_at=row.observed_at,
        observation_id=row.observation_id,
        wording_id=row.wording_id,
        digest=bytes(row.digest),
        derivation_id=row.derivation_id,
        raw=bytes(row.raw),
        reader=(row.extractor, row.extractor_version, row.config),
        again=again,
    )
    return Look(sight, row.source_id, row.locator_id, row.is_foreign, row.outcome, row.version)


def confirmed(connection: Connection, looks: Sequence[Look]) -> list[Sight]:
    """Add to each sight the first and last scan that found its file unchanged.

    Where another sight of the article falls between these two, or at the moment of one of them,
    all scans are added, since the other one may split them.
    """
    intervals = _Intervals(connection, looks)
    moments = [look.sight.observed_at for look in looks]
    sights = []
    for look in looks:
        scans = intervals.ends(look)
        if len(scans) == 2 and any(scans[0] <= moment <= scans[1] for moment in moments):
            scans = intervals.every(look)
        sights.append(replace(look.sight, confirmed=scans) if scans else look.sight)
    return sights


class _Intervals:
    """Finds the complete scans that confirm an observation of a file.

    They lie between it and the next observation of the file, or the next file of the article
    that brought another wording, whichever comes first: an unchanged file says nothing new.
    """

    def __init__(self, connection: Connection, looks: Sequence[Look]) -> None:
        self.connection = connection
        own = [look for look in looks if not look.foreign]
        query = select(SCAN.c.source_id).where(SCAN.c.complete.is_(True)).distinct()
        sources = {look.source_id for look in own}
        self.scanned = {row[0] for row in rows_in(connection, query, SCAN.c.source_id, sources)}
        self.bounds = self._bounds(own) if self.scanned else {}

    def ends(self, look: Look) -> tuple[datetime, ...]:
        """Return the first and the last scan of the interval, one if they are the same."""
        bounds = self.bounds.get(look.sight.observation_id)
        if bounds is None:
            return ()
        for_ends = select(func.min(SCAN.c.id), func.max(SCAN.c.id)).where(
            *self._within(look.source_id, bounds)
        )
        ids = [each for each in self.connection.execute(for_ends).one() if each is not None]
        query = select(SCAN.c.started_at).where(SCAN.c.id.in_(ids)).order_by(SCAN.c.id)
        return tuple(self.connection.execute(query).scalars()) if ids else ()

    def every(self, look: Look) -> tuple[datetime, ...]:
        """Return the times of all scans of the interval."""
        bounds = self.bounds[look.sight.observation_id]
        query = select(SCAN.c.started_at).where(*self._within(look.source_id, bounds))
        return tuple(self.connection.execute(query.order_by(SCAN.c.id)).scalars())

    def _bounds(self, looks: Sequence[Look]) -> dict[int, tuple[int, int | None]]:
        """Return, by observation, the numbers between which scans confirm it."""
        if not looks:
            return {}
        first = min(look.sight.observation_id for look in looks)
        query = (
            select(
                OBSERVATION.c.source_id,
                OBSERVATION.c.locator_id,
                OBSERVATION.c.id,
                func.coalesce(OBSERVATION.c.scan_id, OBSERVATION.c.id),
            )
            .where(OBSERVATION.c.id >= first)
            .order_by(OBSERVATION.c.id)
        )
        chains: dict[tuple[int, int], list[tuple[int, int]]] = {}
        locators = {look.locator_id for look in looks}
        for source, locator, number, edge in rows_in(
            self.connection, query, OBSERVATION.c.locator_id, locators
        ):
            chains.setdefault((source, locator), []).append((number, edge))
        bounds: dict[int, tuple[int, int | None]] = {}
        for chain in chains.values():
            for (number, edge), after in zip(chain, [*chain[1:], None], strict=True):
                bounds[number] = (edge, after[1] if after else None)
        return _bounded(looks, bounds)

    @staticmethod
    def _within(source_id: int, bounds: tuple[int, int | None]) -> list[Any]:
        low, high = bounds
        conditions = [SCAN.c.source_id == source_id, SCAN.c.complete.is_(True), SCAN.c.id > low]
        return conditions if high is None else [*conditions, SCAN.c.id < high]


def _bounded(
    looks: Sequence[Look], bounds: Mapping[int, tuple[int, int | None]]
) -> dict[int, tuple[int, int | None]]:
    """End the interval of each look where a later one brought another wording."""
    found: dict[int, tuple[int, int | None]] = {}
    first_of_wording: dict[int, int] = {}
    for look in sorted(looks, key=lambda each: each.sight.observation_id, reverse=True):
        number, wording = look.sight.observation_id, look.sight.wording_id
        edge, after = bounds[number]
        ends = [each for other, each in first_of_wording.items() if other != wording]
        found[number] = (edge, min(ends if after is None else [*ends, after], default=None))
        first_of_wording[wording] = min(edge, first_of_wording.get(wording, edge))
    return found
