"""Delete the objects of a capture store that no row references, left by killed or failed writes.

No clock decides whether an object still waits for its row. Each sweep begins a new round, and the
name of an object contains the round in which it was put. Rows are only written for names of the
current round (`storage.record.captures`): a slower writer puts its bytes again. So an object of an
earlier round of this archive that no row references will never be referenced. Objects of other
rounds may be those of a copy of the database that shares the folder: only a person deletes them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from sqlalchemy import Engine

from storage.database.capture_store import (
    CaptureStore,
    CapturesUnsetError,
    clock_of,
    delete_digests,
    round_in,
    store_of,
)
from storage.database.engine import read_connection
from storage.database.unit import Clock, writing
from storage.history.totals import store_fact, stored_fact
from storage.record.captures import (
    CAPTURE_FOLDER,
    SWEEP_ROUND,
    find_deleted,
    sweep_rounds,
    unreferenced,
)
from storage.values.job import Progress

SWEPT_AT_A_TIME = 1_000
MOST_ROUNDS = 100
"""Number of rounds that are kept: a sweep by itself deletes no object of an older one."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Result of a sweep: the numbers of objects, of unreferenced ones and of deleted ones."""

    objects: int
    orphans: int
    deleted: int


def sweep_orphans(
    engine: Engine,
    clock: Clock,
    progress: Progress | None = None,
    age: timedelta | None = None,
    *,
    delete: bool = True,
    with_others: bool = False,
) -> SweepResult:
    """Delete the objects of this archive that no row references, or those of an age, if given.

    `with_others`: also those that this database did not put. The age is measured by the clock of
    the store.

    Raises: CapturesAwayError; CapturesUnsetError if the archive has a store and was opened without.
    """
    store, folder = _store_and_folder(engine)
    objects = orphans = deleted = 0
    if store is None or folder is None:
        return SweepResult(objects, orphans, deleted)
    if delete:
        _begin_round(engine, clock)
    with read_connection(engine) as connection:
        current, *earlier = sweep_rounds(connection)
    before = clock_of(store, folder) - age if delete and age is not None else None
    listed = store.names(folder)
    while some := list(islice(listed, SWEPT_AT_A_TIME)):
        with read_connection(engine) as connection:
            unnamed = unreferenced(connection, [name for name, _moment in some])
            gone = find_deleted(connection, unnamed.values())
        old = [
            name
            for name, moment in some
            if name in unnamed
            and (round_in(name) in earlier or unnamed[name] in gone or with_others)
            and round_in(name) != current
            and (before is None or moment < before)
        ]
        objects, orphans = objects + len(some), orphans + len(unnamed)
        if old and delete:
            store.delete(old)
            deleted += len(old)
        if progress is not None:
            progress("objects", objects)
    return SweepResult(objects, orphans, deleted)


def delete_objects(engine: Engine, clock: Clock, digests: Sequence[bytes]) -> None:
    """Delete all objects with these digests, before the rows that reference them are emptied.

    Raises: CapturesAwayError, CapturesUnsetError.
    """
    store, folder = _store_and_folder(engine)
    if digests and store is not None and folder is not None:
        _begin_round(engine, clock)
        delete_digests(store, folder, digests)


def _store_and_folder(engine: Engine) -> tuple[CaptureStore | None, str | None]:
    store = store_of(engine)
    with read_connection(engine) as connection:
        folder = stored_fact(connection, CAPTURE_FOLDER)
    if folder is not None and store is None:
        raise CapturesUnsetError
    return store, folder


def _begin_round(engine: Engine, clock: Clock) -> None:
    with writing(engine, clock) as unit:
        begun = (stored_fact(unit.connection, SWEEP_ROUND) or "").split()[: MOST_ROUNDS - 1]
        store_fact(unit.connection, SWEEP_ROUND, " ".join([secrets.token_hex(4), *begun]))
