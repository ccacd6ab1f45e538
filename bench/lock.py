"""Measure for how long one process that reads texts holds the write lock, and what it does there.

    python -m bench.lock                    # 2,000 texts into SQLite and into PostgreSQL
    python -m bench.lock --count 200 --sqlite

The texts go the whole way in this process: collected, read, kept, related, found by full text,
proven. The share is that of the time by the clock from the first to the last of it, and that of
the processor time of this process, on which other processes have less influence. A second table
says what an article takes on disk, by table and index.
"""

import argparse
import importlib
import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, event

from bench import corpus
from storage.database import unit as units
from storage.database.unit import Clock, Unit
from storage.proof import log
from storage.relations import relate as relating
from tests import services
from tests.flow.driver import Newsroom
from worker.flow.order import target_of
from worker.flow.run_jobs import collect_garbage_rarely, process_backlog, run_next_job

PARTS: tuple[tuple[str, str, str], ...] = (
    ("storage.relations.candidates", "candidates_among", "look-up of index keys"),
    ("storage.relations.candidates", "insert_integers", "index keys written"),
    ("storage.database.unit", "insert_rows", "rows written"),
    ("storage.proof.log", "insert_tuples", "proofs written"),
    ("storage.write.index", "index_now", "full text"),
)
"""Functions by their module, and what they do under the lock."""
COMPUTING, COMMIT, STATEMENTS = "computing", "commit", "other statements"
WRITERS = ("storage.write.archive", "storage.proof.log")
LARGEST = 24
BATCH = 100


class Held:
    """The time under the lock, each moment of it counted for the innermost part."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.times = 0
        self.laying = 0.0
        self.processor = 0.0
        self._parts: list[str] = []
        self._since = 0.0

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Count what follows as held; it ends after the commit."""
        self.times += 1
        began = time.process_time()
        with self._entered(COMPUTING):
            yield
        self.processor += time.process_time() - began

    def commits(self, _connection: Connection) -> None:
        """Count the rest as the commit."""
        if self._parts:
            self._count()
            self._parts[-1] = COMMIT

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, counted as a part where the lock is held."""

        def within(*given: Any, **named: Any) -> Any:
            if not self._parts or (name == STATEMENTS and self._parts[-1] != COMPUTING):
                return function(*given, **named)
            with self._entered(name):
                return function(*given, **named)

        return within

    def laid(self, lay: Callable[..., Any]) -> Callable[..., Any]:
        """Return what lays index keys, counted where it does so by its own lock."""

        def within(*given: Any) -> Any:
            began = time.perf_counter()
            done = lay(*given)
            if not self._parts:
                self.laying += time.perf_counter() - began
            return done

        return within

    @contextmanager
    def _entered(self, name: str) -> Iterator[None]:
        self._count()
        self._parts.append(name)
        try:
            yield
        finally:
            self._count()
            self._parts.pop()

    def _count(self) -> None:
        now = time.perf_counter()
        if self._parts:
            self.seconds[self._parts[-1]] += now - self._since
        self._since = now


@contextmanager
def _measured(room: Newsroom, held: Held) -> Iterator[None]:
    """Note what every unit of work of this process does, from its lock to the end of its commit."""

    @contextmanager
    def writing(engine: Engine, clock: Clock) -> Iterator[Unit]:
        with ExitStack() as after, units.writing(engine, clock) as unit:
            after.enter_context(held.lock())
            yield unit

    event.listen(room.archive.engine, "commit", held.commits)
    with ExitStack() as patched:
        for module, name, part in PARTS:
            place = importlib.import_module(module)
            patched.enter_context(patch.object(place, name, held.timed(part, getattr(place, name))))
        for name in ("execute", "exec_driver_sql"):
            timed = held.timed(STATEMENTS, getattr(Connection, name))
            patched.enter_context(patch.object(Connection, name, timed))
        patched.enter_context(
            patch.object(relating, "add_index_keys", held.laid(relating.add_index_keys))
        )
        for module in WRITERS:
            patched.enter_context(patch.object(importlib.import_module(module), "writing", writing))
        yield


@contextmanager
def database(work: Path, *, is_sqlite: bool) -> Iterator[str]:
    """Yield the address of a database that is new, of SQLite or of a server of its own."""
    if is_sqlite:
        yield f"sqlite:///{work}/lesart.sqlite3"
        return
    with services.own_postgres(durable=True) as server:
        databases = services.PostgresDatabases(server.url("postgres"))
        with databases.database() as url:
            yield url


def _ingested(room: Newsroom, folder: Path, held: Held) -> tuple[float, float]:
    """Bring a folder in, by this process alone; return seconds by the clock, and of work."""
    source = room.watch("texte", folder)
    with _measured(room, held):
        began, worked = time.perf_counter(), time.process_time()
        job = room.ordered([target_of(source)])
        while run_next_job(room.archive, room.settings, room.reader, families=job):
            pass
        process_backlog(room.archive)
        log.append(room.archive.engine, room.archive.clock)
        return time.perf_counter() - began, time.process_time() - worked


SIZES = {
    "sqlite": "SELECT name, sum(pgsize) FROM dbstat GROUP BY name",
    "postgresql": (
        "SELECT c.relname, CASE c.relkind WHEN 'i' THEN pg_relation_size(c.oid) "
        "ELSE pg_table_size(c.oid) END FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i')"
    ),
}
"""Name and bytes of each table and index, by the kind of database."""


def _sizes(room: Newsroom) -> dict[str, int]:
    with room.archive.read_connection() as connection:
        found = connection.exec_driver_sql(SIZES[connection.dialect.name]).all()
    return {name: int(size) for name, size in found}


def _share_table(name: str, held: Held, seconds: float, processor: float, texts: int) -> Table:
    whole, laying = sum(held.seconds.values()), 100 * held.laying / seconds
    title = (
        f"{name}: {texts} texts in {seconds:.1f} s, the lock was held {held.times} times, "
        f"{100 * whole / seconds:.1f} % of it, {100 * held.processor / processor:.1f} % of the "
        f"processor time; traces were laid beside it, {laying:.1f} %"
    )
    table = Table("under the lock", "µs an article", "% of the clock", title=title)
    for part, spent in sorted(held.seconds.items(), key=lambda each: -each[1]):
        table.add_row(part, f"{1e6 * spent / texts:.0f}", f"{100 * spent / seconds:.1f}")
    return table


def _size_table(name: str, sizes: dict[str, int], texts: int) -> Table:
    title = f"{name}: {sum(sizes.values()) / texts:.0f} bytes an article"
    table = Table("table or index", "bytes an article", title=title)
    for which, size in sorted(sizes.items(), key=lambda each: -each[1])[:LARGEST]:
        if size:
            table.add_row(which, f"{size / texts:.0f}")
    return table


def main() -> None:
    """Measure and print the tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2_000, help="texts")
    parser.add_argument("--sqlite", action="store_true", help="SQLite alone")
    given = parser.parse_args()
    collect_garbage_rarely()  # as every worker does
    console = Console(width=max(Console().width, 100))
    for is_sqlite in (True,) if given.sqlite else (True, False):
        name = "SQLite" if is_sqlite else "PostgreSQL"
        with (
            tempfile.TemporaryDirectory(prefix="lesart-bench-") as work,
            database(Path(work), is_sqlite=is_sqlite) as url,
        ):
            corpus.write(Path(work) / "texts", given.count, seed=1)
            room, held = Newsroom(url, Path(work), batch_items=str(BATCH)), Held()
            try:
                empty = _sizes(room)
                seconds, processor = _ingested(room, Path(work) / "texts", held)
                sizes = {which: n - empty.get(which, 0) for which, n in _sizes(room).items()}
            finally:
                room.close()
            console.print(_share_table(name, held, seconds, processor, given.count))
            console.print(_size_table(name, sizes, given.count))


if __name__ == "__main__":
    main()
