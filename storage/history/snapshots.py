"""The snapshots of an article with a wording, and the scans that confirmed them."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select, text

from storage.database.tables import (
    CAPTURE,
    CORRECTED_SCAN,
    DERIVATION,
    OBSERVATION,
    PRESENCE,
    REDACTION,
    SCAN,
    SNAPSHOT,
    SOURCE,
    WORDING,
)
from storage.database.unit import rows_in
from storage.history.runs import ExtractorKey, OtherReading, Snapshot


class SnapshotReading(NamedTuple):
    """The derivation of a snapshot: bytes, the context of the reading, the extractor."""

    derivation_id: int
    capture_id: int
    context: str
    reader: ExtractorKey


def readings_by_other_versions(
    connection: Connection, reads: Iterable[SnapshotReading], reader: ExtractorKey | None = None
) -> Mapping[int, Mapping[ExtractorKey, OtherReading]]:
    """Return the readings of the same bytes by other versions of an extractor, by derivation.

    Nothing is queried if all readings, and `reader`, are of one extractor.
    """
    by_name: defaultdict[str, set[ExtractorKey]] = defaultdict(set)
    if reader is not None:
        by_name[reader[0]].add(reader)
    reads = list(reads)
    for read in reads:
        by_name[read.reader[0]].add(read.reader)
    several = {name for name, readers in by_name.items() if len(readers) > 1}
    wanted: defaultdict[tuple[int, str, str], set[int]] = defaultdict(set)
    for read in reads:
        if read.reader[0] in several:
            wanted[read.capture_id, read.context, read.reader[0]].add(read.derivation_id)
    found: defaultdict[int, dict[ExtractorKey, OtherReading]] = defaultdict(dict)
    if not wanted:
        return found
    query = (
        select(
            DERIVATION.c.id, DERIVATION.c.capture_id, DERIVATION.c.context,
            DERIVATION.c.extractor, DERIVATION.c.extractor_version, DERIVATION.c.config,
            DERIVATION.c.wording_id, WORDING.c.digest,
        )
        .outerjoin(WORDING, WORDING.c.id == DERIVATION.c.wording_id)
        .order_by(DERIVATION.c.id)
    )  # fmt: skip
    captures = {capture for capture, _context, _name in wanted}
    for number, capture, context, name, version, config, wording, digest in rows_in(
        connection, query, DERIVATION.c.capture_id, captures
    ):
        reading = OtherReading(number, wording, bytes(digest) if digest is not None else None)
        for derivation in wanted.get((capture, context, name), ()):
            if derivation != number:
                found[derivation][name, version, config] = reading
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSnapshot(Snapshot):
    """A snapshot with the data needed to confirm and to number it.

    `is_held`: it is stored as held back. `answer` is the outcome of its transport.
    """

    source_id: int
    locator_id: int
    outcome: str
    version: int | None
    is_held: bool
    answer: str


def snapshots_of(
    connection: Connection,
    article_id: int,
    since: datetime | None,
    reader: ExtractorKey | None = None,
) -> list[StoredSnapshot]:
    """Return the snapshots of an article with a wording, from `since` on if set.

    Readings by other extractors are included if there are several, or `reader` is another one.
    """
    return snapshots_by_article(connection, {article_id: since}, reader)[article_id]


def snapshots_by_article(
    connection: Connection,
    since: Mapping[int, datetime | None],
    reader: ExtractorKey | None = None,
    *,
    with_held: bool = False,
) -> dict[int, list[StoredSnapshot]]:
    """Return the snapshots of several articles, as `snapshots_of`; `since` is per article.

    With `with_held`, also those that are held back, with the wording that they show.
    """
    query = _select_snapshots(with_held=with_held)
    moments = [moment for moment in since.values() if moment is not None]
    if moments and len(moments) == len(since):
        query = query.where(SNAPSHOT.c.observed_at >= min(moments))
    rows: list[Any] = [
        row
        for row in rows_in(connection, query, SNAPSHOT.c.article_id, since)
        if (start := since[row.article_id]) is None or row.observed_at >= start
    ]
    other_readings = (
        readings_by_other_versions(connection, map(_read, rows), reader) if rows else {}
    )
    found: dict[int, list[StoredSnapshot]] = {article: [] for article in since}
    for row in rows:
        found[row.article_id].append(
            _snapshot_of_row(row, other_readings.get(row.derivation_id, {}))
        )
    return found


def _select_snapshots(*, with_held: bool) -> Select[Any]:
    """Return the query of snapshots with the texts that they show."""
    counted = SNAPSHOT.c.wording_id
    shown = func.coalesce(counted, DERIVATION.c.wording_id) if with_held else counted
    query = (
        select(
            SNAPSHOT.c.article_id,
            SNAPSHOT.c.observed_at,
            SNAPSHOT.c.observation_id,
            shown.label("wording_id"),
            WORDING.c.digest,
            SNAPSHOT.c.derivation_id,
            SNAPSHOT.c.source_id,
            SNAPSHOT.c.locator_id,
            SNAPSHOT.c.is_foreign,
            SNAPSHOT.c.outcome,
            SNAPSHOT.c.version,
            CAPTURE.c.digest.label("raw"),
            DERIVATION.c.capture_id,
            DERIVATION.c.context,
            DERIVATION.c.extractor,
            DERIVATION.c.extractor_version,
            DERIVATION.c.config,
            SNAPSHOT.c.wording_id.is_(None).label("is_held"),
            OBSERVATION.c.outcome.label("answer"),
        )
        .join(DERIVATION, DERIVATION.c.id == SNAPSHOT.c.derivation_id)
        .join(WORDING, WORDING.c.id == shown)
        .join(CAPTURE, CAPTURE.c.id == DERIVATION.c.capture_id)
        .join(OBSERVATION, OBSERVATION.c.id == SNAPSHOT.c.observation_id)
    )
    if not with_held:
        query = query.where(SNAPSHOT.c.wording_id.is_not(None))
    return query


def _read(row: Any) -> SnapshotReading:
    reader = (row.extractor, row.extractor_version, row.config)
    return SnapshotReading(row.derivation_id, row.capture_id, row.context, reader)


def _snapshot_of_row(
    row: Any, other_readings: Mapping[ExtractorKey, OtherReading]
) -> StoredSnapshot:
    return StoredSnapshot(
        observed_at=row.observed_at,
        observation_id=row.observation_id,
        wording_id=row.wording_id,
        digest=bytes(row.digest),
        derivation_id=row.derivation_id,
        raw=bytes(row.raw),
        reader=(row.extractor, row.extractor_version, row.config),
        other_readings=other_readings,
        source_id=row.source_id,
        locator_id=row.locator_id,
        foreign=row.is_foreign,
        outcome=row.outcome,
        version=row.version,
        is_held=row.is_held,
        answer=row.answer,
    )


def confirmed(connection: Connection, snapshots: Sequence[StoredSnapshot]) -> list[Snapshot]:
    """Add the first and last scan that found the file unchanged to each snapshot.

    If another snapshot of the article falls between these two or on one of them, all scans are
    added, because the other one may split them.
    """
    return add_all_confirmations(connection, {0: snapshots})[0]


def add_all_confirmations(
    connection: Connection, snapshots: Mapping[int, Sequence[StoredSnapshot]]
) -> dict[int, list[Snapshot]]:
    """Add the confirming scans to the snapshots of several articles, as `confirmed`."""
    intervals = _Intervals(connection, list(snapshots.values()))
    return {article: _with_confirmations(intervals, each) for article, each in snapshots.items()}


def _with_confirmations(
    intervals: "_Intervals", snapshots: Sequence[StoredSnapshot]
) -> list[Snapshot]:
    moments = [snapshot.observed_at for snapshot in snapshots]
    found: list[Snapshot] = []
    for snapshot in snapshots:
        scans = intervals.ends.get(snapshot.observation_id, ())
        if len(scans) == 2 and any(scans[0] <= moment <= scans[1] for moment in moments):
            scans = intervals.every(snapshot)
        found.append(replace(snapshot, confirmed=scans) if scans else snapshot)
    return found


class _Intervals:
    """Finds the complete scans that confirm observations of files.

    They are those between the observation and the next one of the file, or the next file of the
    article with another wording, whichever is first: an unchanged file has no observation.
    Without a next observation the file must still be there. They end if its address is redacted,
    see `storage.database.view_queries.scans`, which shows the same scans.
    `ends` are the first and the last scan of each interval, one if they are the same.
    """

    def __init__(
        self, connection: Connection, articles: Sequence[Sequence[StoredSnapshot]]
    ) -> None:
        self.connection = connection
        own = [
            [snapshot for snapshot in snapshots if not snapshot.foreign] for snapshots in articles
        ]
        query = select(SCAN.c.source_id).where(SCAN.c.complete.is_(True)).distinct()
        sources = {snapshot.source_id for snapshots in own for snapshot in snapshots}
        self.scanned = {row[0] for row in rows_in(connection, query, SCAN.c.source_id, sources)}
        self.bounds = self._bounds(own) if self.scanned else {}
        self.ends = self._ends([snapshot for snapshots in own for snapshot in snapshots])

    def every(self, snapshot: StoredSnapshot) -> tuple[datetime, ...]:
        """Return the times of all scans of the interval."""
        low, high = self.bounds[snapshot.observation_id]
        conditions = [SCAN.c.source_id == snapshot.source_id, SCAN.c.complete.is_(True)]
        conditions += [SCAN.c.id > low, *([] if high is None else [SCAN.c.id < high])]
        query = select(SCAN_STARTED).select_from(SCANS).where(*conditions)
        return tuple(self.connection.execute(query.order_by(SCAN.c.id)).scalars())

    def _ends(self, snapshots: Sequence[StoredSnapshot]) -> dict[int, tuple[datetime, ...]]:
        asked = [
            [
                snapshot.observation_id,
                snapshot.source_id,
                *self.bounds[snapshot.observation_id],
            ]
            for snapshot in snapshots
            if snapshot.observation_id in self.bounds and snapshot.source_id in self.scanned
        ]
        if not asked:
            return {}
        query = text(_ENDS_IN[self.connection.dialect.name])
        rows = self.connection.execute(query, {"asked": json.dumps(asked)}).all()
        scans = {each for _number, first, last in rows for each in (first, last)}
        times: dict[int, datetime] = dict(
            rows_in(
                self.connection,
                select(SCAN.c.id, SCAN_STARTED).select_from(SCANS),
                SCAN.c.id,
                scans,
            )
        )
        return {
            number: tuple(times[each] for each in sorted({first, last}))
            for number, first, last in rows
        }

    def _bounds(
        self, articles: Sequence[Sequence[StoredSnapshot]]
    ) -> dict[int, tuple[int, int | None]]:
        """Return the numbers between which scans confirm each observation."""
        snapshots = [snapshot for own in articles for snapshot in own]
        if not snapshots:
            return {}
        first = min(snapshot.observation_id for snapshot in snapshots)
        query = (
            select(
                OBSERVATION.c.source_id,
                OBSERVATION.c.locator_id,
                OBSERVATION.c.id,
                func.coalesce(OBSERVATION.c.scan_id, OBSERVATION.c.id),
                _STANDS,
            )
            .where(OBSERVATION.c.id >= first)
            .order_by(OBSERVATION.c.id)
        )
        chains: dict[tuple[int, int], list[tuple[int, int, bool]]] = {}
        locators = {snapshot.locator_id for snapshot in snapshots}
        for source, locator, *each in rows_in(
            self.connection, query, OBSERVATION.c.locator_id, locators
        ):
            chains.setdefault((source, locator), []).append(tuple(each))
        redacted = self._load_redactions(locators)
        bounds: dict[int, tuple[int, int | None]] = {}
        for (source, locator), chain in chains.items():
            until, scan_after = redacted.get((source, locator), (0, None))
            for (number, edge, stands), after in zip(chain, [*chain[1:], None], strict=True):
                is_before = number < until
                ends = [after[1]] if after else [] if stands or is_before else [edge]
                if is_before and scan_after is not None:
                    ends.append(scan_after)
                bounds[number] = (edge, min(ends, default=None))
        return {
            number: each for own in articles for number, each in _end_intervals(own, bounds).items()
        }

    def _load_redactions(
        self, locators: Collection[int]
    ) -> dict[tuple[int, int], tuple[int, int | None]]:
        """Return the redactions of addresses and the next scans, by source and address."""
        scan = SCAN.alias()
        next_scan = (
            select(func.min(scan.c.id))
            .where(scan.c.source_id == SOURCE.c.id, scan.c.seq > REDACTION.c.id)
            .correlate(SOURCE, REDACTION)
            .scalar_subquery()
        )
        query = (
            select(SOURCE.c.id, REDACTION.c.row_id, REDACTION.c.id, next_scan)
            .join(SOURCE, SOURCE.c.id.in_(self.scanned))
            .where(REDACTION.c.table_name == "origin_address")
        )
        found = rows_in(self.connection, query, REDACTION.c.row_id, locators)
        return {(source, locator): (number, scan) for source, locator, number, scan in found}


_STANDS = (
    select(PRESENCE.c.place_id)
    .where(PRESENCE.c.observation_id == OBSERVATION.c.id, PRESENCE.c.gone.is_(False))
    .correlate(OBSERVATION)
    .limit(1)
    .scalar_subquery()
    .is_not(None)
)
"""SQL: the file is still as observed; with EXISTS, PostgreSQL would read all files."""
SCANS = SCAN.outerjoin(CORRECTED_SCAN, CORRECTED_SCAN.c.scan_id == SCAN.c.id)
SCAN_STARTED = func.coalesce(CORRECTED_SCAN.c.started_at, SCAN.c.started_at)
"""SQL: start of a scan in the corrected time of the archive."""
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


def _end_intervals(
    snapshots: Sequence[StoredSnapshot], bounds: Mapping[int, tuple[int, int | None]]
) -> dict[int, tuple[int, int | None]]:
    """End the interval of each snapshot at a later one with another wording."""
    found: dict[int, tuple[int, int | None]] = {}
    first_of_wording: dict[int, int] = {}
    for snapshot in sorted(snapshots, key=lambda each: each.observation_id, reverse=True):
        number, wording = snapshot.observation_id, snapshot.wording_id
        edge, after = bounds[number]
        ends = [each for other, each in first_of_wording.items() if other != wording]
        found[number] = (edge, min(ends if after is None else [*ends, after], default=None))
        first_of_wording[wording] = min(edge, first_of_wording.get(wording, edge))
    return found
