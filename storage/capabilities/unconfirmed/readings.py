"""Read the unconfirmed readings of an archive."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from storage.read.answers import UnconfirmedReading
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.read.filters import Conditions
    from storage.read.query import records
    from storage.read.query.records import Part
else:
    records = LazyModule("storage.read.query.records")

IS_OPEN = "q.decision IS NULL"


def find_unconfirmed(
    connection: "Connection", criteria: "Conditions", part: "Part"
) -> Iterator[UnconfirmedReading]:
    """Yield the selected readings."""
    listed = records.RecordList(UnconfirmedReading, "unconfirmed", {"id": int}, "unconfirmed")
    yield from listed.rows(connection, criteria, part)
