"""A newsroom that a test runs: files in a folder, an archive next to it, a clock that stands still.

Everything goes the way that the product goes: order, collect, read, keep. Only the clock of the
observations is the test's own; files get old times, so that nothing waits for them to settle.
"""

import atexit
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import text

from storage.database.engine import database_url, reading_engine
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.settings import Settings, load_settings
from storage.values import job as jobs
from storage.values.arrivals.source import Source
from storage.values.dates import iso_utc
from storage.values.net.capture_place import CapturePlace
from storage.values.verdict import Counts
from storage.verify.verify import Verification
from storage.write.archive import Archive
from worker.flow.collect.targets import IngestTarget
from worker.flow.document_process import DocumentReader
from worker.flow.order import order, target_at, target_of
from worker.flow.read import Reader, wall_seconds
from worker.flow.run_jobs import run_next_job
from worker.text.hints import TextSettings

START = datetime(2024, 6, 18, 6, tzinfo=UTC)
_OLD = count(1_700_000_000)

SENTENCES = (
    "Der Pegel der Lohe stieg in der Nacht um 3,6 Zentimeter.",
    "Der Pegel der Lohe stieg in der Nacht um 36 Zentimeter.",
    "Am Morgen zählte die Feuerwehr vierzig nasse Keller.",
    "The ferry stayed in the harbour because the waves were too high.",
)


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def seed(headline: str, *paragraphs: str, date: str = "2024-06-18") -> str:
    return "\n".join([f" date {date} {headline}", *paragraphs])


def page(
    body: str, *, url: str | None = None, observed_at: datetime | None = None, **more: str
) -> str:
    """Return a Markdown article that may name its address and when it was captured there."""
    named = {"title": "Pegel steigt weiter", **more}
    if url is not None:
        named["url"] = url
    if observed_at is not None:
        named["observed_at"] = observed_at.isoformat()
    head = "\n".join(f"{name}: {json.dumps(value)}" for name, value in named.items())
    return f"---\n{head}\n---\n\n{body}\n"


def lines(records: Mapping[str, str]) -> str:
    """Return JSON lines of articles by their key."""
    return "".join(
        json.dumps({"id": key, "title": f"Meldung {key}", "text": body}, ensure_ascii=False) + "\n"
        for key, body in records.items()
    )


@cache
def shared_pages(text: TextSettings, seconds: float, wall: float, memory: int) -> DocumentReader:
    """Give one reader of pages to all that read by the same settings: its start takes long."""
    reader = DocumentReader(text, document_seconds=seconds, wall_seconds=wall, memory_mb=memory)
    atexit.register(_let_go, reader)
    return reader


def _let_go(reader: DocumentReader) -> None:
    """Wait for the end of the child of a reader: killed with us, it leaves half a file of coverage."""
    child = reader._child
    if child is not None and child.owner == os.getpid() and child.process.stdin is not None:
        child.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(10)


class SharingReader(Reader):
    """A reader that leaves its child process to the next one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._isolated = shared_pages(
            self.text,
            settings.document_seconds,
            wall_seconds(settings),
            settings.document_memory_mb,
        )

    def close(self) -> None:
        """Leave the child process to others."""


class Newsroom:
    """One archive with one watched folder; `now` is what its clock shows."""

    def __init__(self, url: str, root: Path, **settings: str) -> None:
        self.url, self.root = url, root
        self.folder = root / "presse"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.now = START
        given = {f"LESART_{name.upper()}": value for name, value in settings.items()}
        self.settings = settings_for(url, root, **given)
        self.archive = Archive.of_settings(self.settings, lambda: self.now, create=True)
        self.reader: Reader = SharingReader(self.settings)
        self.source = self.watch("presse", self.folder)

    def close(self) -> None:
        self.reader.close()
        self.archive.close()

    def watch(self, name: str, folder: Path) -> Source:
        folder.mkdir(parents=True, exist_ok=True)
        return self.archive.ensure_source(
            name, "folder", str(folder), standing=True, every_seconds=60.0
        )

    # ------------------------------------------------------------------------- files

    def write(self, name: str, content: str | bytes, folder: Path | None = None) -> Path:
        """Write a file that was last changed long ago, each time at another moment."""
        path = (folder or self.folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        touch(path)
        return path

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    # -------------------------------------------------------------------------- work

    def scan(self, at: float | None = None, source: Source | None = None) -> Counts:
        """Check the whole folder at hour `at` and read new files; return the counts."""
        if at is not None:
            self.now = hour(at)
        return self.worked(self.ordered([target_of(source or self.source)]))

    def ingest(self, *names: str, at: float | None = None, **options: Any) -> Counts:
        """Ingest files by name, as the command does."""
        if at is not None:
            self.now = hour(at)
        return self.worked(self.ordered(self.places(*names, **options)))

    def places(self, *names: str, **options: Any) -> list[IngestTarget]:
        return [
            target_at(self.archive, self.settings, str(self.folder / name), **options)
            for name in names
        ]

    def ordered(self, places: Sequence[IngestTarget]) -> int:
        number = order(self.archive, places, "command")
        assert number is not None
        return number

    def worked(self, job: int) -> Counts:
        """Work a job with all its parts and return its counts."""
        while run_next_job(self.archive, self.settings, self.reader, families=job):
            pass
        return self.counts(job)

    def collected(self, job: int) -> None:
        """Work an ingest job, and leave its captures unread."""
        assert run_next_job(self.archive, self.settings, self.reader, job_id=job)

    def counts(self, job: int) -> Counts:
        with self.archive.read_connection() as connection:
            return job_progress.family_counts(connection, job)

    def claimed(self, job: int | None = None, lease_seconds: float = 90.0) -> jobs.Claim | None:
        with self.archive.unit() as unit:
            return queue.claim(unit, lease_seconds, "a test", job_id=job)

    # ----------------------------------------------------------------------- answers

    def rows(self, query: str, **asked: Any) -> list[dict[str, Any]]:
        """Return rows with plain values: times as text, JSON read."""
        with self.archive.read_connection() as connection:
            found = connection.execute(text(query), asked).mappings()
            return [{name: plain(value) for name, value in row.items()} for row in found]

    def one(self, query: str, **asked: Any) -> dict[str, Any]:
        (row,) = self.rows(query, **asked)
        return row

    def number(self, query: str, **asked: Any) -> int:
        (value,) = self.one(query, **asked).values()
        return int(value)

    def versions(self, article: str | None = None) -> list[tuple[int, str]]:
        """Return number and text of the versions of an article, or of the only one."""
        chosen = "WHERE article = :article" if article else ""
        asked = {"article": article} if article else {}
        query = f"SELECT version, text FROM versions {chosen} ORDER BY article, version"
        return [(row["version"], row["text"]) for row in self.rows(query, **asked)]

    def versions_of_all(self) -> list[dict[str, Any]]:
        """Return every version of every article, whole."""
        return self.rows("SELECT * FROM versions ORDER BY article, version")

    def article(self, origin: str) -> dict[str, Any]:
        return self.one("SELECT * FROM articles WHERE origin = :origin", origin=origin)

    def observations(self, origin: str | None = None) -> list[dict[str, Any]]:
        chosen = "WHERE origin = :origin" if origin else ""
        asked = {"origin": origin} if origin else {}
        return self.rows(f"SELECT * FROM observations {chosen} ORDER BY observed_at, seq", **asked)

    def findings(self) -> list[dict[str, Any]]:
        """Return what `lesart verify` has to say against the archive."""
        return findings(self.url, self.settings.captures)


def settings_for(url: str, root: Path, **environ: str) -> Settings:
    settings = load_settings(environ={"LESART_SEEDS": str(root / "seeds"), **environ}, archive=url)
    return replace(settings, home=root)


def touch(path: Path) -> None:
    """Give a file another time than it had, long ago."""
    moment = next(_OLD)
    os.utime(path, (moment, moment))


def findings(url: str, captures: CapturePlace | None = None) -> list[dict[str, Any]]:
    """Return what `lesart verify` has to say against the archive at `url`."""
    engine = reading_engine(database_url(url), captures=captures)
    try:
        return [broken.to_dict() for broken in Verification(engine).findings()]
    finally:
        engine.dispose()


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        return json.loads(value)
    return value


@contextmanager
def newsroom_at(url: str, root: Path, **settings: str) -> Iterator[Newsroom]:
    """Give a newsroom and check, at its end, that nothing is wrong with its archive."""
    room = Newsroom(url, root, **settings)
    try:
        yield room
        found = room.findings()
        assert found == [], found
    finally:
        room.close()
