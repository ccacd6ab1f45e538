"""The last known state of the files of a watched folder."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from storage.database.tables import OBSERVATION, PRESENCE, VERDICT
from storage.values.arrivals.arrival import FileStamp


@dataclass(frozen=True, slots=True)
class Presence:
    """The last known state of a file, or of a record in it."""

    place_id: int
    stamp: FileStamp
    digest: bytes | None
    observation_id: int | None
    job_id: int | None
    container: bool
    gone: bool
    refused: bool
    captures: int
    missing_since: datetime | None
    unread: bool


def presences(connection: Connection, source_id: int) -> dict[tuple[str, str], Presence]:
    """Return the last known state of the files of a source, by path and member."""
    query = (
        select(
            PRESENCE.c.path, PRESENCE.c.member, PRESENCE.c.place_id, PRESENCE.c.size,
            PRESENCE.c.mtime_ns, PRESENCE.c.ctime_ns, PRESENCE.c.inode, PRESENCE.c.digest,
            PRESENCE.c.observation_id, PRESENCE.c.job_id, PRESENCE.c.container, PRESENCE.c.gone,
            PRESENCE.c.refused, PRESENCE.c.captures, PRESENCE.c.missing_since,
            and_(OBSERVATION.c.outcome == "captured", VERDICT.c.id.is_(None)).label("unread"),
        )
        .outerjoin(OBSERVATION, OBSERVATION.c.id == PRESENCE.c.observation_id)
        .outerjoin(VERDICT, VERDICT.c.observation_id == PRESENCE.c.observation_id)
        .where(PRESENCE.c.source_id == source_id)
    )  # fmt: skip
    return {(row[0], row[1]): _presence(row) for row in connection.execute(query)}


def missing_files(connection: Connection) -> dict[int, tuple[int, datetime]]:
    """Return the number of files that held-back scans miss, and since when, by source."""
    query = (
        select(
            PRESENCE.c.source_id,
            func.count(PRESENCE.c.path.distinct()),
            func.min(PRESENCE.c.missing_since),
        )
        .where(PRESENCE.c.missing_since.is_not(None), PRESENCE.c.gone.is_(False))
        .group_by(PRESENCE.c.source_id)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _presence(row: Any) -> Presence:
    (_path, _member, place, size, mtime_ns, ctime_ns, inode, *facts, unread) = row
    stamp = FileStamp(size, mtime_ns, ctime_ns, inode)
    return Presence(*(place, stamp, *facts, bool(unread)))
