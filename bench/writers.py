"""Measure how many times as much several processes keep as one, where reading needs no processor.

    python -m bench.writers                                   # one and four, SQLite and PostgreSQL
    python -m bench.writers --count 12000 --processes 1 2 4 8
    python -m bench.writers --reading-ms 20                   # as dear as a saved page

Texts are read once, for real; then processes sleep for as long as reading took and hand the same
readings on, so that a machine of two processors shows what one of eight would: whether writers
wait for each other. Everything else is done as any worker does it: what is known is asked and
compared, rows, relations, full text and proofs are written. Beside each rate stand the share of
the clock in which the lock of the archive was held and how full the processors were: where they
are full, it is they that hold things up. Needs `pip install -e '.[bench,test]'`.
"""

import argparse
import logging
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import structlog
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from bench import corpus
from bench.lock import database
from storage.database.tables import COUNTER
from storage.database.unit import LOCKED
from storage.proof import log
from storage.record.reading import CapturedItem, Reading
from storage.settings import Settings
from storage.values.digest import raw_digest
from storage.write.archive import Archive
from tests.flow.driver import Newsroom
from worker.flow.order import target_of
from worker.flow.read import Reader
from worker.flow.run_jobs import collect_garbage_rarely, process_backlog, run_next_job

KnownReadings = dict[bytes, Reading]
FORK = multiprocessing.get_context("fork")
"""Processes that have the readings from the start."""


class LearningReader(Reader):
    """Reads, and remembers what came of it and how long it took."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.known: KnownReadings = {}
        self.seconds = 0.0

    def read(self, captured: CapturedItem) -> Reading:
        began = time.perf_counter()
        reading = super().read(captured)
        self.seconds += time.perf_counter() - began
        self.known[raw_digest(captured.raw)] = reading
        return reading


class SleepingReader(Reader):
    """Sleeps, and hands on what another one read."""

    def __init__(self, settings: Settings, known: KnownReadings, seconds: float) -> None:
        super().__init__(settings)
        self._known = known
        self._seconds = seconds

    def read(self, captured: CapturedItem) -> Reading:
        time.sleep(self._seconds)
        return replace(self._known[raw_digest(captured.raw)], captured=captured)


@dataclass(frozen=True, slots=True)
class Run:
    """What so many processes needed: seconds, the share of them locked, and of all processors."""

    seconds: float
    locked: float
    busy: float


def main() -> None:
    """Measure both databases by turns, and print a table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=6_000, help="texts")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--reading-ms", type=float, help="instead of what reading a text took")
    parser.add_argument("--sqlite", action="store_true", help="SQLite alone")
    given = parser.parse_args()
    collect_garbage_rarely()
    names = ("SQLite",) if given.sqlite else ("SQLite", "PostgreSQL")
    with tempfile.TemporaryDirectory(prefix="lesart-bench-") as work:
        texts = Path(work) / "texts"
        corpus.write(texts, given.count, seed=1)
        known, seconds = _learnt(Path(work), texts)
        if given.reading_ms is not None:
            seconds = given.reading_ms / 1e3
        table = Table(title=f"{given.count} texts, {1e3 * seconds:.1f} ms asleep for each")
        for column in ("database", "processes", "texts/s", "times one", "locked", "processors"):
            table.add_column(column, justify="left" if column == "database" else "right")
        for name in names:
            first: float | None = None
            for processes in given.processes:
                run = _run(name, Path(work), texts, processes, known, seconds)
                first = first or run.seconds
                table.add_row(
                    name, str(processes), f"{given.count / run.seconds:.0f}",
                    f"{first / run.seconds:.2f}", f"{100 * run.locked:.0f} %",
                    f"{100 * run.busy:.0f} %",
                )  # fmt: skip
        Console(width=100).print(table)


def _learnt(work: Path, texts: Path) -> tuple[KnownReadings, float]:
    """Return all readings by the digest of their bytes, and the seconds that one takes."""
    with _newsroom("SQLite", work) as room:
        reader = LearningReader(room.settings)
        job = _collected(room, texts)
        while run_next_job(room.archive, room.settings, reader, families=job):
            pass
    return reader.known, reader.seconds / len(reader.known)


def _run(
    name: str, work: Path, texts: Path, processes: int, known: KnownReadings, seconds: float
) -> Run:
    """Let so many processes read what one has collected."""
    with _newsroom(name, work) as room:
        job = _collected(room, texts)
        room.archive.close()  # nothing of a connection goes to another process
        begun, done = FORK.Barrier(processes + 1), FORK.Barrier(processes + 1)
        given = (room.settings, job, known, seconds, (begun, done))
        workers = [FORK.Process(target=_work, args=given) for _ in range(processes)]
        for each in workers:
            each.start()
        before = _locked(room.archive)
        begun.wait()
        psutil.cpu_percent()
        began = time.perf_counter()
        done.wait()
        spent = time.perf_counter() - began
        busy = psutil.cpu_percent() / 100
        for each in workers:
            each.join()
        return Run(spent, (_locked(room.archive) - before) / spent, busy)


def _work(
    settings: Settings, job: int, known: KnownReadings, seconds: float, barriers: tuple[Any, Any]
) -> None:
    """Read with the others, from the first of the barriers on, until nothing is left."""
    begun, done = barriers
    with (
        Archive.open(settings.database_url) as archive,
        SleepingReader(settings, known, seconds) as reader,
    ):
        begun.wait()
        while run_next_job(archive, settings, reader, families=job):
            pass
        process_backlog(archive)
        log.append(archive.engine, archive.clock)
        done.wait()


def _collected(room: Newsroom, texts: Path) -> int:
    """Collect a folder, read nothing of it, and return the job."""
    job = room.ordered([target_of(room.watch("texte", texts))])
    room.collected(job)
    return job


def _locked(archive: Archive) -> float:
    """Return for how many seconds the lock of an archive was ever held."""
    with archive.read_connection() as connection:
        query = select(COUNTER.c.value).where(COUNTER.c.name == LOCKED)
        return (connection.execute(query).scalar() or 0) / 1e6


@contextmanager
def _newsroom(name: str, work: Path) -> Iterator[Newsroom]:
    """Yield a newsroom with an archive that is new."""
    with (
        tempfile.TemporaryDirectory(dir=work) as folder,
        database(Path(folder), is_sqlite=name == "SQLite") as url,
    ):
        room = Newsroom(url, Path(folder))
        try:
            yield room
        finally:
            room.close()


if __name__ == "__main__":
    main()
