"""How long a backup takes and the way back, on both databases, each verified at its end.

    python -m bench.copies [--articles N | --archive URL] [--only sqlite]

The archive is filled by the real way (`bench.scale`), or given; then some articles more are in it
at the end. Last comes a backup while they are ingested, which is brought up to date afterwards.
Processor time is that of this process, without the database server's. Needs
`pip install -e '.[bench,test]'`.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench.scale import fill
from storage.database.engine import database_url, reading_engine
from storage.proof import log
from storage.verify.verify import Verification
from storage.write.archive import Archive
from storage.write.copies import copy, update
from tests import services
from tests.flow.driver import Newsroom, seed

LONGEST_MINUTES = 20.0


class UnequalError(Exception):
    """What came back is not what was there."""


class Timed:
    """Does one thing after another and remembers how long each took."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []

    def __call__(self, name: str, act: Callable[[], object]) -> None:
        wall, cpu = time.monotonic(), time.process_time()
        found = act()
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        self.rows.append((name, f"{wall:.1f}", f"{cpu:.1f}", str(found)))


def digests_of(url: str) -> str:
    """Return one digest over all that the record holds by digest, in its order."""
    whole = hashlib.sha256()
    engine = reading_engine(database_url(url))
    try:
        with engine.connect() as connection:
            for table in ("capture", "wording"):
                query = text(f"SELECT digest FROM {table} ORDER BY id")
                for digest in connection.execute(query).scalars():
                    whole.update(bytes(digest))
            query = text("SELECT entries FROM log_run ORDER BY seq")
            for committed in connection.execute(query).scalars():
                whole.update(bytes(committed))
    finally:
        engine.dispose()
    return whole.hexdigest()[:16]


def copied(source: str, target: str) -> str:
    """Copy an archive and return how many rows that were."""
    return f"{copy(source, target, lambda *_: None)} rows"


def verified(url: str) -> str:
    """Verify an archive. Raises: UnequalError where something is wrong with it."""
    engine = reading_engine(database_url(url))
    try:
        verification = Verification(engine)
        for broken in verification.findings():
            raise UnequalError(broken.message)
    finally:
        engine.dispose()
    return f"{sum(verification.checked.values())} things"


class Ingestion(Thread):
    """Ingests one article after another until it is ended, and remembers how long each took."""

    def __init__(self, url: str, root: Path) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._ended = Event()
        self._room = Newsroom(url, root)
        self._room.now = datetime.now(UTC)

    def run(self) -> None:
        while not self._ended.is_set():
            number = len(self.seconds)
            name = f"meanwhile-{number}.txt"
            self._room.write(name, seed(f"Pegel {number}", f"Um {number} stieg die Lohe weiter."))
            begun = time.monotonic()
            self._room.scan()
            self.seconds.append(time.monotonic() - begun)

    def end(self) -> None:
        self._ended.set()
        self.join()
        self._room.close()


def copied_meanwhile(source: str, target: str, root: Path) -> str:
    """Copy an archive while others write to it; return how many rows, and how they fared."""
    writer = Ingestion(source, root)
    writer.start()
    try:
        rows = copied(source, target)
    finally:
        writer.end()
    return f"{rows}; {len(writer.seconds)} articles, the slowest {max(writer.seconds):.1f} s"


def back_and_forth(timed: Timed, name: str, urls: tuple[str, str, str], root: Path) -> None:
    """Back up, restore and verify an archive, then back it up while others write."""
    source, backup, again = urls
    timed(f"backup of {name}", lambda: copied(source, backup))
    timed("restore into SQLite", lambda: copied(backup, again))
    timed("verify SQLite", lambda: verified(again))
    if len({digests_of(each) for each in urls}) > 1:
        raise UnequalError("what came back is not what was there")
    behind = f"sqlite:///{root / 'meanwhile.sqlite3'}"
    timed(f"backup of {name} under load", lambda: copied_meanwhile(source, behind, root))
    with Archive.open(source) as archive:
        log.append(archive.engine, archive.clock)
    timed("bring it up to date", lambda: f"{update(source, behind, lambda *_: None)} rows")
    if digests_of(source) != digests_of(behind):
        raise UnequalError("what was brought up to date is not what is there")


def in_folder(root: Path) -> tuple[str, str, Path]:
    """Return where a backup goes and where it comes back to, in a new folder."""
    root.mkdir()
    backup, again = (f"sqlite:///{root / name}.sqlite3" for name in ("backup", "again"))
    return backup, again, root


def measured(source: str, work: Path, postgres: str | None) -> Timed:
    """Back an archive up and bring it back, from file to file and through PostgreSQL."""
    timed = Timed()
    backup, again, root = in_folder(work / "sqlite")
    back_and_forth(timed, "SQLite", (source, backup, again), root)
    if postgres is not None:
        timed("restore into PostgreSQL", lambda: copied(backup, postgres))
        timed("verify PostgreSQL", lambda: verified(postgres))
        of_postgres, again, root = in_folder(work / "postgresql")
        back_and_forth(timed, "PostgreSQL", (postgres, of_postgres, again), root)
    return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--archive", help="an archive that is there, instead of filling one")
    parser.add_argument("--only", choices=("sqlite",), help="leave PostgreSQL out")
    given = parser.parse_args()
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="copies-")))
        source = given.archive or f"sqlite:///{work / 'lesart.sqlite3'}"
        if given.archive is None:
            fill(source, given.articles, 1, LONGEST_MINUTES)
        with Archive.open(source) as archive:
            log.append(archive.engine, archive.clock)
        postgres = None
        if given.only is None:
            server = stack.enter_context(services.postgres())
            postgres = stack.enter_context(server.database())
        timed = measured(source, work, postgres)
    table = Table("what", "seconds", "of them CPU", "how much")
    for row in timed.rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
