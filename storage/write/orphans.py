"""Delete the objects of a capture store that no row references, left by killed workers.

A name is used once, and its row is written within a minute or never. So an old object without
a row never gets one, and no lock is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Engine, select

from storage.database.capture_store import CaptureStore, digest_in, name_in
from storage.database.tables import ARCHIVE, CAPTURE
from storage.database.unit import rows_in
from storage.record.captures import CAPTURE_FOLDER
from storage.values.job import Progress

SWEPT_AT_A_TIME = 1_000


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Result of a sweep: the numbers of objects, of unreferenced ones and of deleted ones."""

    objects: int
    orphans: int
    deleted: int


def sweep_orphans(
    engine: Engine,
    store: CaptureStore,
    before: datetime,
    progress: Progress,
    *,
    delete: bool,
) -> SweepResult:
    """Delete the objects of this archive that are older than a time and that no row references.

    Raises: CapturesAwayError.
    """
    with engine.connect() as connection:
        query = select(ARCHIVE.c.value).where(ARCHIVE.c.key == CAPTURE_FOLDER)
        folder = connection.execute(query).scalar()
    objects = orphans = deleted = 0
    listed = store.names(folder) if folder is not None else iter(())
    while some := list(islice(listed, SWEPT_AT_A_TIME)):
        unnamed = list(_find_unreferenced(engine, some))
        old = [name for name, moment in unnamed if moment < before]
        if delete and old:
            store.delete(old)
        objects, orphans = objects + len(some), orphans + len(unnamed)
        deleted += len(old) * delete
        progress("objects", objects)
    return SweepResult(objects, orphans, deleted)


def _find_unreferenced(
    engine: Engine, listed: list[tuple[str, datetime]]
) -> Iterator[tuple[str, datetime]]:
    """Yield the objects that no row references; objects of other programs are ignored."""
    digests = {name: digest_in(name) for name, _moment in listed}
    query = select(CAPTURE.c.digest, CAPTURE.c.data)
    with engine.connect() as connection:
        rows = rows_in(connection, query, CAPTURE.c.digest, filter(None, digests.values()))
        named = {name_in(bytes(digest), data) for digest, data in rows}
    for name, moment in listed:
        if digests[name] is not None and name not in named:
            yield name, moment
