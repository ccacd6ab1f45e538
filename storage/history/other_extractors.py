"""Readings of the same bytes by several extractors: needed after an extractor was replaced."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from storage.database.tables import DERIVATION, WORDING
from storage.database.unit import rows_in
from storage.history.runs import ExtractorKey, OtherReading


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
