"""Delete the objects of a capture store that no row references, left by killed workers.

A name is used once, and its row is written within a minute or never. So an old object without
a row never gets one, and no lock is needed. Its age is measured by the store's own clock, and only
while the archive worked on: a clock that leaps makes nothing old.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Engine, select

from storage.database.capture_store import PART, CaptureStore, clock_of, digest_in, name_in
from storage.database.tables import ARCHIVE, CAPTURE
from storage.database.unit import archive_time, long_pauses, rows_in
from storage.record.captures import CAPTURE_FOLDER
from storage.values.job import Progress
from storage.write.archive import Archive
from storage.write.redaction.retention import moment_before

SWEPT_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Result of a sweep: the numbers of objects, of unreferenced ones and of deleted ones."""

    objects: int
    orphans: int
    deleted: int


def sweep_orphans(
    archive: Archive, store: CaptureStore, age: timedelta, progress: Progress, *, delete: bool
) -> SweepResult:
    """Delete the objects of this archive that have this age and that no row references.

    Raises: CapturesAwayError.
    """
    with archive.engine.connect() as connection:
        query = select(ARCHIVE.c.value).where(ARCHIVE.c.key == CAPTURE_FOLDER)
        folder = connection.execute(query).scalar()
    objects = orphans = deleted = 0
    if folder is None:
        return SweepResult(objects, orphans, deleted)
    before = clock_of(store, folder) - _find_span(archive, age) if delete else None
    listed = store.names(folder)
    while some := list(islice(listed, SWEPT_AT_A_TIME)):
        unnamed = list(_find_unreferenced(archive.engine, some))
        old = [name for name, moment in unnamed if before is not None and moment < before]
        if old:
            store.delete(old)
        objects, orphans = objects + len(some), orphans + len(unnamed)
        deleted += len(old)
        progress("objects", objects)
    return SweepResult(objects, orphans, deleted)


def _find_span(archive: Archive, age: timedelta) -> timedelta:
    """Return how far an object must be back so that the archive worked for `age` since.

    Neither its long pauses count nor the time since its latest unit: both may be leaps.
    """
    now = archive.read_shared_clock()
    latest = min(now, archive.read(archive_time).latest or now)
    pauses = archive.read(long_pauses, latest)
    return now - moment_before(latest, age, pauses, counted=timedelta(0))


def _find_unreferenced(
    engine: Engine, listed: list[tuple[str, datetime]]
) -> Iterator[tuple[str, datetime]]:
    """Yield the objects that no row references; objects of other programs are ignored."""
    digests = {name: digest_in(name.removesuffix(PART)) for name, _moment in listed}
    query = select(CAPTURE.c.digest, CAPTURE.c.data)
    with engine.connect() as connection:
        rows = rows_in(connection, query, CAPTURE.c.digest, filter(None, digests.values()))
        named = {name_in(bytes(digest), data) for digest, data in rows}
    for name, moment in listed:
        if digests[name] is not None and name not in named:
            yield name, moment
