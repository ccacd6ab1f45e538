"""What the log costs: beside the ingestion that it follows, in bytes an entry, and to verify.

    python -m bench.proof [--articles N] [--entries N]

The share of processor time holds on a busy machine too: both are measured in the same process.
Needs `pip install -e '.[bench,test]'`.
"""

import argparse
import os
import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from sqlalchemy import text

from bench import corpus
from storage.database.engine import database_url, insert_rows, writing_engine
from storage.database.tables import COUNTER, VERDICT
from storage.proof import log
from storage.proof.note import Checkpoint, Signer, tlog_proof
from storage.proof.tree import inclusion, root
from storage.verify import log as check_log
from storage.verify.finding import Scope
from storage.write.archive import Archive
from tests import services
from tests.flow.driver import Newsroom

KEY = Signer.generate("archiv.example/log", seed=bytes(32))


@dataclass(frozen=True, slots=True)
class Moment:
    """When something began: by the clock, and in processor time."""

    clock: float
    cpu: float

    @classmethod
    def now(cls) -> Self:
        return cls(time.monotonic(), time.process_time())

    def since(self) -> str:
        now = Moment.now()
        return f"{now.clock - self.clock:.3f} s ({now.cpu - self.cpu:.3f} s of CPU)"


def grow(room: Newsroom, count: int, first: int) -> tuple[float, float, int]:
    """Ingest generated articles and log them; return the CPU of either, and how many entries."""
    corpus.write(room.folder, count, 1, first)
    for path in room.folder.rglob("*.txt"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    start = time.process_time()
    room.scan(first / 10)
    between = time.process_time()
    entries = log.append(room.archive.engine, room.archive.clock)
    return between - start, time.process_time() - between, entries


def ingestion(url: str, folder: Path, count: int) -> None:
    """Print what the log costs beside an ingestion of generated articles."""
    room = Newsroom(url, folder)
    grow(room, 20, 0)  # a service that runs has its statements compiled
    of_ingestion, of_log, entries = grow(room, count, 20)
    dialect = room.archive.engine.dialect.name
    room.close()
    print(
        f"{dialect}: {count} articles, {of_ingestion:.2f} s of CPU; {entries} entries, "
        f"{of_log:.2f} s; {of_log / of_ingestion:.1%} of the ingestion"
    )


def size_of(url: str) -> int:
    """Return how many bytes the entries and tiles take, indexes included."""
    if not url.startswith("sqlite"):
        engine = writing_engine(database_url(url))
        query = text(
            "SELECT pg_total_relation_size('log_run') + pg_total_relation_size('log_tile')"
        )
        with engine.connect() as connection:
            return int(connection.execute(query).scalar_one())
    path = Path(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
        before = path.stat().st_size
        connection.execute("DROP TABLE log_run")
        connection.execute("DROP TABLE log_tile")
        connection.execute("VACUUM")
        return before - path.stat().st_size


def verification(url: str, entries: int) -> None:
    """Print how long it takes to verify a long log, and how large a proof is."""
    archive = Archive.open(url)
    now = datetime.now(UTC)
    rows = [
        {"id": n, "observation_id": n, "job_id": 1, "kind": "unchanged", "derivation_id": None,
         "recorded_at": now}
        for n in range(1, entries)
    ]  # fmt: skip
    with archive.engine.begin() as connection:
        insert_rows(connection, VERDICT, rows)
        counter = COUNTER
        connection.execute(counter.update().where(counter.c.name == "seq").values(value=entries))
    before = Moment.now()
    log.append(archive.engine, archive.clock)
    appended = before.since()
    with archive.read_connection() as connection:
        before = Moment.now()
        for check in (check_log.entries, check_log.tree, check_log.checkpoints):
            assert not [each for each in check(connection, Scope()) if hasattr(each, "kind")]
        verified = before.since()
        size = log.size_of(connection)
        node = log.node_of(connection)
        note = Checkpoint("archiv.example/log", size, root(node, size)).signed(KEY)
        before = Moment.now()
        path = inclusion(node, size // 3, size)
        made = before.since()
    proof = tlog_proof(size // 3, path, note)
    dialect = archive.engine.dialect.name
    archive.close()
    print(
        f"{dialect}: {size} entries, {size_of(url) / size:.0f} bytes each: appended in {appended}, "
        f"verified in {verified}; a proof is {len(proof)} bytes and made in {made}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        root_of = Path(name)
        ingestion(f"sqlite:///{root_of / 'a.sqlite3'}", root_of / "a", asked.articles)
        databases = stack.enter_context(services.postgres())
        url = stack.enter_context(databases.database())
        ingestion(url, root_of / "b", asked.articles)
        verification(f"sqlite:///{root_of / 'c.sqlite3'}", asked.entries)
        verification(stack.enter_context(databases.database()), min(asked.entries, 100_000))


if __name__ == "__main__":
    main()
