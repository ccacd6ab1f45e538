"""Sweep what lies in a store of captures and no row names, as a worker was killed in between.

A name is given out once, and a row that names it is there within a minute or never. So what is
old enough and not named now never will be, and no lock is needed.
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
class Swept:
    """What a sweep found: objects, those of them that no row names, those that it deleted."""

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
) -> Swept:
    """Delete the objects of this archive that were put before a moment and that no row names.

    Raises: CapturesAwayError.
    """
    with engine.connect() as connection:
        query = select(ARCHIVE.c.value).where(ARCHIVE.c.key == CAPTURE_FOLDER)
        folder = connection.execute(query).scalar()
    objects = orphans = deleted = 0
    listed = store.names(folder) if folder is not None else iter(())
    while some := list(islice(listed, SWEPT_AT_A_TIME)):
        unnamed = list(_unnamed(engine, some))
        old = [name for name, moment in unnamed if moment < before]
        if delete and old:
            store.delete(old)
        objects, orphans = objects + len(some), orphans + len(unnamed)
        deleted += len(old) * delete
        progress("objects", objects)
    return Swept(objects, orphans, deleted)


def _unnamed(engine: Engine, listed: list[tuple[str, datetime]]) -> Iterator[tuple[str, datetime]]:
    """Yield those objects that no row names; what is no object of ours is left alone."""
    digests = {name: digest_in(name) for name, _moment in listed}
    query = select(CAPTURE.c.digest, CAPTURE.c.data)
    with engine.connect() as connection:
        rows = rows_in(connection, query, CAPTURE.c.digest, filter(None, digests.values()))
        named = {name_in(bytes(digest), data) for digest, data in rows}
    for name, moment in listed:
        if digests[name] is not None and name not in named:
            yield name, moment
