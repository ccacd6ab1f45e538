"""The sights of one article that had a wording, with the scans that confirmed them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

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
from storage.history.runs import OtherReading, Reader, Sight

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
    return looks_of_all(connection, {article_id: since}, asking)[article_id]


def looks_of_all(
    connection: Connection, since: Mapping[int, datetime | None], asking: Reader | None = None
) -> dict[int, list[Look]]:
    """Return what `looks_of` does, by article; `since` is for each, if not all are wanted."""
    query = (
        select(
            SIGHT.c.article_id,
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
    )
    moments = [moment for moment in since.values() if moment is not None]
    if moments and len(moments) == len(since):
        query = query.where(SIGHT.c.observed_at >= min(moments))
    rows: list[Any] = [
        row
        for row in rows_in(connection, query, SIGHT.c.article_id, since)
        if (start := since[row.article_id]) is None or row.observed_at >= start
    ]
    again = read_again(connection, map(_read, rows), asking) if rows else {}
    found: dict[int, list[Look]] = {article: [] for article in since}
    for row in rows:
        found[row.article_id].append(_look(row, again.get(row.derivation_id, {})))
    return found


def _read(row: Any) -> Read:
    reader = (row.extractor, row.extractor_version, row.config)
    return Read(row.derivation_id, row.capture_id, row.context, reader)


def _look(row: Any, again: Mapping[Reader, OtherReading]) -> Look:
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
    return confirmed_all(connection, {0: looks})[0]


def confirmed_all(
    connection: Connection, looks: Mapping[int, Sequence[Look]]
) -> dict[int, list[Sight]]:
    """Return what `confirmed` does, by article."""
    intervals = _Intervals(connection, list(looks.values()))
    return {article: _confirmed(intervals, each) for article, each in looks.items()}


def _confirmed(intervals: "_Intervals", looks: Sequence[Look]) -> list[Sight]:
    moments = [look.sight.observed_at for look in looks]
    sights = []
    for look in looks:
        scans = intervals.ends.get(look.sight.observation_id, ())
        if len(scans) == 2 and any(scans[0] <= moment <= scans[1] for moment in moments):
            scans = intervals.every(look)
        sights.append(replace(look.sight, confirmed=scans) if scans else look.sight)
    return sights


class _Intervals:
    """Finds the complete scans that confirm observations of files.

    They lie between it and the next observation of the file, or the next file of the article
    that brought another wording, whichever comes first: an unchanged file says nothing new.
    `ends` are the first and the last scan of each interval, one if they are the same.
    """

    def __init__(self, connection: Connection, articles: Sequence[Sequence[Look]]) -> None:
        self.connection = connection
        own = [[look for look in looks if not look.foreign] for looks in articles]
        query = select(SCAN.c.source_id).where(SCAN.c.complete.is_(True)).distinct()
        sources = {look.source_id for looks in own for look in looks}
        self.scanned = {row[0] for row in rows_in(connection, query, SCAN.c.source_id, sources)}
        self.bounds = self._bounds(own) if self.scanned else {}
        self.ends = self._ends([look for looks in own for look in looks])

    def every(self, look: Look) -> tuple[datetime, ...]:
        """Return the times of all scans of the interval."""
        low, high = self.bounds[look.sight.observation_id]
        conditions = [SCAN.c.source_id == look.source_id, SCAN.c.complete.is_(True)]
        conditions += [SCAN.c.id > low, *([] if high is None else [SCAN.c.id < high])]
        query = select(SCAN.c.started_at).where(*conditions)
        return tuple(self.connection.execute(query.order_by(SCAN.c.id)).scalars())

    def _ends(self, looks: Sequence[Look]) -> dict[int, tuple[datetime, ...]]:
        asked = [
            [look.sight.observation_id, look.source_id, *self.bounds[look.sight.observation_id]]
            for look in looks
            if look.sight.observation_id in self.bounds and look.source_id in self.scanned
        ]
        if not asked:
            return {}
        query = text(_ENDS_IN[self.connection.dialect.name])
        rows = self.connection.execute(query, {"asked": json.dumps(asked)}).all()
        scans = {each for _number, first, last in rows for each in (first, last)}
        times: dict[int, datetime] = dict(
            rows_in(self.connection, select(SCAN.c.id, SCAN.c.started_at), SCAN.c.id, scans)
        )
        return {
            number: tuple(times[each] for each in sorted({first, last}))
            for number, first, last in rows
        }

    def _bounds(self, articles: Sequence[Sequence[Look]]) -> dict[int, tuple[int, int | None]]:
        """Return, by observation, the numbers between which scans confirm it."""
        looks = [look for own in articles for look in own]
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
        return {number: each for own in articles for number, each in _bounded(own, bounds).items()}


_ENDS = """
SELECT asked.number,
       (SELECT min(scan.id) FROM scan WHERE scan.source_id = asked.source AND scan.complete
        AND scan.id > asked.low AND (asked.high IS NULL OR scan.id < asked.high)) AS first,
       (SELECT max(scan.id) FROM scan WHERE scan.source_id = asked.source AND scan.complete
        AND scan.id > asked.low AND (asked.high IS NULL OR scan.id < asked.high)) AS last
FROM asked
"""
_ENDS_IN = {
    name: f"WITH asked AS MATERIALIZED ({asked}) SELECT * FROM ({_ENDS}) ends WHERE first > 0"
    for name, asked in {
        "sqlite": "SELECT value ->> 0 AS number, value ->> 1 AS source, value ->> 2 AS low, "
        "value ->> 3 AS high FROM json_each(:asked)",
        "postgresql": "SELECT (value ->> 0)::bigint AS number, (value ->> 1)::bigint AS source, "
        "(value ->> 2)::bigint AS low, (value ->> 3)::bigint AS high "
        "FROM json_array_elements(CAST(:asked AS json))",
    }.items()
}


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
