"""Jobs whose worker died: it beats while it runs one, and is missed when it stops.

Only changes of a beat count, by the own steady clock of the observer: no two clocks are compared.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from storage.database.engine import DatabaseError
from storage.database.process_identity import identity_in_token, is_dead
from storage.schedule import wake as wake_ups
from storage.write.archive import Archive
from worker.log import LOG

BEAT_SECONDS = 2.0
SILENT_SECONDS = 12.0
"""Seconds without a beat after which the holder of a job counts as dead. If it lives, its results
are refused, and nothing is stored twice.
"""
JOIN_SECONDS = 1.0


@contextmanager
def keep_beating(archive: Archive, token: str) -> Iterator[None]:
    """Beat for a claim during the block.

    All processes on an SQLite archive are on its machine, where a dead one is found by its number.
    """
    if archive.engine.dialect.name != "postgresql":
        yield
        return
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            with suppress(DatabaseError, OSError):
                archive.transact_unnumbered(wake_ups.beat, token)

    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(JOIN_SECONDS)


class AbandonedJobs:
    """Finds the jobs of dead workers: of this machine at once, of others by their silence."""

    def __init__(self, archive: Archive, clock: Callable[[], float] = time.monotonic) -> None:
        self._archive, self._clock = archive, clock
        self._heard: dict[str, tuple[float | None, float]] = {}
        """By claim, its last beat and when it was first seen."""

    def free(self) -> list[int]:
        """End the leases of dead workers; return the jobs."""
        beats, now = self._archive.read(wake_ups.read_beats), self._clock()
        self._heard = {
            token: known if (known := self._heard.get(token)) and known[0] == beat else (beat, now)
            for token, beat in beats.items()
        }
        dead = [token for token in beats if self._is_dead(token, now)]
        if not dead:
            return []
        jobs = self._archive.transact_unnumbered(wake_ups.end_leases, dead)
        hosts = {identity_in_token(token).partition("/")[0] for token in dead}
        LOG.warning("workers_lost", hosts=",".join(sorted(hosts)), jobs=len(jobs))
        return jobs

    def _is_dead(self, token: str, now: float) -> bool:
        if is_dead(identity_in_token(token)):
            return True
        is_shared = self._archive.engine.dialect.name == "postgresql"
        return is_shared and now - self._heard[token][1] > SILENT_SECONDS
