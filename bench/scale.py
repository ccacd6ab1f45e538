"""Fill an archive by the real way until it is large, and measure whether it stays as fast.

    python -m bench.scale --articles 1000000 --database postgresql://…   # two versions each; hours
    python -m bench.scale --articles 200000 --database sqlite:////srv/scale.sqlite3
    python -m bench.scale --articles 1000000 --tenth --minutes 35        # what that gives on both

Every worker captures a batch of generated texts and reads it as any worker does: new articles,
edits of earlier ones, one text in fifty a reprint. Ended early, the same command with the same
database goes on where it was. Without `--database` both are made in a folder that goes away. It
says how it goes on, then what a capture cost at first and at last (beside what it costs to make
the text up, as a busy machine is slower with both), what lies where, and what answers take.
Needs `pip install -e '.[bench,test]'`.
"""

import argparse
import json
import multiprocessing
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import structlog
from rich.console import Console
from rich.table import Table
from sqlalchemy import text as sql

from bench import corpus
from storage.database.engine import database_url, reading_engine
from storage.read.archive import open_archive
from storage.relations import candidates
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.schedule.wake import wake_due
from storage.settings import load_settings
from storage.values.arrivals.arrival import Arrival, FileStamp
from storage.values.digest import raw_digest
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.store_captures import store_arrivals
from tests import services
from worker.flow.read import Reader
from worker.flow.run_jobs import collect_garbage_rarely, process_backlog, run_next_job

BATCH = 100
EDITED_AFTER = 50
"""So many batches later the articles of a batch are edited."""
REPRINTED = 50
FIRST_SEEN = datetime(2024, 1, 1, tzinfo=UTC)
REPORT_EVERY_SECONDS = 30.0
PROBES = 60
SOURCE = "scale"
CONSOLE = Console(width=132)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a run was at a moment: captures kept, seconds of the clock and of all processors.

    `making_seconds` went into making the texts up, the same work at any size of the archive.
    """

    kept: int
    seconds: float
    cpu_seconds: float
    making_seconds: float
    worker_bytes: int


def batch_of(number: int, articles: int) -> Iterator[Arrival]:
    """Yield what batch `number` brings: new articles, or edits of those of an earlier batch."""
    batches = -(-articles // BATCH)
    turn, is_edit = _turn(number, batches)
    for article in range(turn * BATCH, min(articles, (turn + 1) * BATCH)):
        yield _arrival(article, is_edit=is_edit)


def _turn(number: int, batches: int) -> tuple[int, bool]:
    """Return which articles a batch is about, and whether it edits them."""
    lag = min(EDITED_AFTER, batches)
    if number < lag:
        return number, False
    step, odd = divmod(number - lag, 2)
    if step + lag >= batches:  # nothing new is left: the last edits
        return number - batches, True
    return (step, True) if odd == 0 else (step + lag, False)


def _arrival(article: int, *, is_edit: bool) -> Arrival:
    is_reprint = article % REPRINTED == REPRINTED - 1
    content = corpus.text(7, article - 1 if is_reprint else article).content
    if is_reprint:
        content += f"\n\nWie {article} Leser schrieben, bleibt es dabei."
    if is_edit:
        content += f"\n\nNachtrag: Inzwischen liegen {1_000 + article} Einwände vor."
    raw = content.encode()
    moment = FIRST_SEEN + timedelta(seconds=article, days=30 * is_edit)
    path = f"{article // 1000:04d}/{article:07d}.txt"
    stamp = FileStamp(len(raw), moment.timestamp().__int__() * 10**9, 0, article)
    place = f"seed:{SOURCE}/{path}"
    return Arrival(
        place, place, path, "", stamp, moment, raw, raw_digest(raw), {"type": "seed", "name": path}
    )


def work_batches(url: str, share: int, of: int, articles: int, end: float, reports: Any) -> None:
    """Keep every `of`-th batch that is not yet in the archive, until `end` of the clock."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    collect_garbage_rarely()
    settings = load_settings(environ={"LESART_DATABASE_URL": url, "LESART_BATCH_ITEMS": str(BATCH)})
    with Archive.open(url) as archive, Reader(settings) as reader:
        source = archive.ensure_source(SOURCE, "folder", "/scale").id
        done, making = _done(archive), 0.0
        for number in range(share, 2 * -(-articles // BATCH), of):
            if number in done:
                continue
            if time.time() > end:
                break
            began = time.process_time()
            arrivals = list(batch_of(number, articles))
            making += time.process_time() - began
            _keep(archive, settings, reader, source, number, arrivals)
            spent = (time.process_time() - making, making)
            reports.put((share, len(arrivals), spent, psutil.Process().memory_info().rss))
        process_backlog(archive)
    reports.put((share, None, (0.0, 0.0), 0))


def _keep(
    archive: Archive,
    settings: Any,
    reader: Reader,
    source: int,
    number: int,
    arrivals: list[Arrival],
) -> None:
    with archive.unit() as unit:
        job = queue.add_job(
            unit, "ingest", "command", source_id=source, arguments={"batch": number}
        )
    with archive.unit() as unit:
        held = queue.claim(unit, settings.lease_seconds, "bench.scale", job_id=job)
    assert held is not None
    store_arrivals(archive, held, source, arrivals)
    with archive.unit() as unit:
        queue.finish(unit, held, Counts())
    while run_next_job(archive, settings, reader, families=job):
        pass


def _done(archive: Archive) -> set[int]:
    """Return the batches that are in the archive; what was begun before is read to its end."""
    with archive.read_connection() as connection:
        query = sql("SELECT arguments FROM job WHERE kind = 'ingest' AND state = 'done'")
        found = [row[0] for row in connection.execute(query)]
    facts = [json.loads(each) if isinstance(each, str) else each for each in found]
    return {each["batch"] for each in facts}


def fill(url: str, articles: int, processes: int, minutes: float) -> list[Mark]:
    """Keep what is not yet in the archive, and return how it went."""
    with Archive.open(url) as archive:  # makes the tables before several could
        _read_left(archive, url)
        server = _server_of(archive)
    context = multiprocessing.get_context("spawn")
    reports: Any = context.Queue()
    end = time.time() + 60 * minutes
    workers = [
        context.Process(target=work_batches, args=(url, n, processes, articles, end, reports))
        for n in range(processes)
    ]
    for each in workers:
        each.start()
    marks = list(_marks(reports, processes, server))
    for each in workers:
        each.join()
    return marks


def _read_left(archive: Archive, url: str) -> None:
    settings = load_settings(environ={"LESART_DATABASE_URL": url})
    with Reader(settings) as reader:
        while run_next_job(archive, settings, reader, kind="read"):
            pass


def _marks(reports: Any, processes: int, server: psutil.Process | None) -> Iterator[Mark]:
    kept, memory, cpu = 0, 0, dict.fromkeys(range(processes), (0.0, 0.0))
    running, began, last = processes, time.monotonic(), 0.0
    while running:
        share, number, spent, size = reports.get()
        if number is None:
            running -= 1
            continue
        kept, memory, cpu[share] = kept + number, max(memory, size), spent
        now = time.monotonic()
        if now - last >= REPORT_EVERY_SECONDS and all(map(any, cpu.values())):
            last = now
            yield Mark(kept, now - began, *_spent(cpu, server), memory)
            print(f"{kept:,} captures in {now - began:.0f} s", flush=True)
    yield Mark(kept, time.monotonic() - began, *_spent(cpu, server), memory)


def _spent(
    cpu: dict[int, tuple[float, float]], server: psutil.Process | None
) -> tuple[float, float]:
    keeping, making = (sum(part) for part in zip(*cpu.values(), strict=True))
    return keeping + _server_cpu(server), making


def _server_of(archive: Archive) -> psutil.Process | None:
    """Return the process of a PostgreSQL server on this machine, whose time counts too."""
    if archive.engine.dialect.name != "postgresql":
        return None
    with archive.read_connection() as connection:
        number = connection.execute(sql("SELECT pg_backend_pid()")).scalar_one()
        try:
            backend = psutil.Process(number)
            return backend.parent() if backend.name().startswith("postgres") else None
        except psutil.Error:
            return None


def _server_cpu(server: psutil.Process | None) -> float:
    """Return the seconds of processor time of a server, whose children come and go."""
    if server is None:
        return 0.0
    return sum(server.cpu_times()[:4]) + sum(sum(e.cpu_times()[:2]) for e in server.children())


# ------------------------------------------------------------------------------- what reading costs


def probes(url: str) -> dict[str, tuple[float, float]]:
    """Return the median and the 95th percentile, in ms, of what readers and workers ask for."""
    dice = random.Random(3)
    with open_archive(url) as archive, Archive.open(url) as writing:
        with archive.connect() as connection:
            articles, origins = _some(connection, dice)
        words = sorted({w for a in articles for w in (archive.article(a).title or "").split()})
        words = [each for each in words if len(each) > 5 and each.isalpha()]
        asked: dict[str, Callable[[], object]] = {
            "search, one word": lambda: list(archive.search(dice.choice(words), limit=20)),
            "search, two words": lambda: list(
                archive.search(" ".join(dice.sample(words, 2)), limit=20)
            ),
            "history": lambda: list(archive.history(dice.choice(articles))),
            "show": lambda: archive.version(dice.choice(articles)),
            "article by its address": lambda: archive.article(dice.choice(origins)),
            "list, first 100": lambda: list(archive.articles(limit=100)),
            "changes, newest 100": lambda: list(archive.changes(limit=100)),
            "near copies, look-up": lambda: _look_up(writing, dice),
            "sweep": lambda: _swept(writing),
            "claim": lambda: _claimed(writing),
            "pulse": lambda: archive.work_state(datetime.now(UTC)),
        }
        found = {name: _timed(ask, PROBES) for name, ask in asked.items()}
        found["stats"] = _timed(archive.stats, 3)
    return found


def _timed(ask: Callable[[], object], times: int) -> tuple[float, float]:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
    seconds.sort()
    return 1e3 * statistics.median(seconds), 1e3 * seconds[int(0.95 * len(seconds))]


def _some(connection: Any, dice: random.Random) -> tuple[list[str], list[str]]:
    top = connection.execute(sql("SELECT max(id) FROM article")).scalar_one()
    query = sql(
        "SELECT a.public_id, o.origin FROM article a JOIN origin o ON o.id = a.origin_id "
        "WHERE a.id >= :at ORDER BY a.id LIMIT 1"
    )
    rows = [connection.execute(query, {"at": dice.randrange(top)}).first() for _ in range(200)]
    return [row[0] for row in rows if row], [row[1] for row in rows if row]


def _look_up(archive: Archive, dice: random.Random) -> object:
    with archive.read_connection() as connection:
        top = connection.execute(sql("SELECT max(id) FROM wording")).scalar_one()
        query = sql("SELECT key FROM index_key WHERE key >= :at ORDER BY key LIMIT 60")
        at = dice.randrange(top) << 30
        keys = [row[0] for row in connection.execute(query, {"at": at})]
        return candidates.look_up(connection, keys)


def _swept(archive: Archive) -> object:
    with archive.engine.begin() as connection:
        return wake_due(connection, 100)


def _claimed(archive: Archive) -> object:
    with archive.unit() as unit:
        held = queue.claim(unit, 90.0, "bench.scale")
    with archive.read_connection() as connection:
        return held, job_progress.open_jobs(connection), job_progress.oldest_due_seconds(connection)


def sizes(url: str) -> list[tuple[str, int, int]]:
    """Return the tables and indexes of an archive with their bytes and rows, the largest first."""
    postgres = (
        "SELECT relname, pg_relation_size(oid) "
        "+ coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0), greatest(reltuples, 0)::bigint "
        "FROM pg_class "
        "WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC"
    )
    sqlite = "SELECT name, sum(pgsize), 0 FROM dbstat GROUP BY name ORDER BY 2 DESC"
    engine = reading_engine(database_url(url))
    with engine.connect() as connection:
        query = postgres if connection.dialect.name == "postgresql" else sqlite
        rows = [(row[0], int(row[1]), int(row[2])) for row in connection.execute(sql(query))]
    engine.dispose()
    return rows


# -------------------------------------------------------------------------------------- the report


def report(name: str, url: str, marks: list[Mark]) -> None:
    """Print how the rate went, what is stored where, and what reading costs."""
    rates = Table(title=f"{name}: {marks[-1].kept:,} captures kept")
    for column in ("captures", "captures/s", "CPU ms a capture", "× making a text", "MB a worker"):
        rates.add_column(column, justify="right")
    for begin, end in _fifths(marks):
        kept = end.kept - begin.kept
        if not kept:
            continue
        cpu = (end.cpu_seconds - begin.cpu_seconds) / kept
        making = (end.making_seconds - begin.making_seconds) / kept
        rates.add_row(
            f"{end.kept:,}", f"{kept / max(1e-9, end.seconds - begin.seconds):.0f}",
            f"{1e3 * cpu:.2f}", f"{cpu / making:.2f}", f"{end.worker_bytes / 1e6:.0f}",
        )  # fmt: skip
    if marks[-1].kept:  # else the archive was complete
        CONSOLE.print(rates)
    stored = sizes(url)
    largest = Table(title=f"{name}: {sum(each[1] for each in stored) / 1e9:.2f} GB")
    for column in ("table or index", "MB", "rows"):
        largest.add_column(column, justify="right" if column != "table or index" else "left")
    for table, size, rows in stored[:24]:
        largest.add_row(table, f"{size / 1e6:.0f}", f"{rows:,}" if rows else "")
    CONSOLE.print(largest)
    costs = Table(title=f"{name}: what an answer takes, ms")
    for column in ("question", "median", "p95"):
        costs.add_column(column, justify="right" if column != "question" else "left")
    for question, (median, late) in probes(url).items():
        costs.add_row(question, f"{median:.1f}", f"{late:.1f}")
    CONSOLE.print(costs)


def _fifths(marks: list[Mark]) -> Iterator[tuple[Mark, Mark]]:
    """Yield the beginning and the end of each fifth of a run."""
    step = max(1, (len(marks) - 1) // 5)
    chosen = [*marks[:-1:step], marks[-1]] if len(marks) > 1 else marks * 2
    yield from pairwise(chosen)


@contextmanager
def _both(work: Path) -> Iterator[dict[str, str]]:
    with services.own_postgres(durable=True) as server:
        databases = services.PostgresDatabases(server.url("postgres"))
        with databases.database() as url:
            yield {"PostgreSQL": url, "SQLite": f"sqlite:///{work / 'scale.sqlite3'}"}


def main() -> None:
    """Fill one archive or both, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=1_000_000, help="of two versions each")
    parser.add_argument("--tenth", action="store_true", help="a tenth of that")
    parser.add_argument("--minutes", type=float, default=600, help="stop each database then")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--database", help="the archive to fill or to go on with")
    given = parser.parse_args()
    articles = given.articles // 10 if given.tenth else given.articles
    work = Path(tempfile.mkdtemp(prefix="lesart-bench-"))
    try:
        if given.database:
            report(given.database, given.database,
                   fill(given.database, articles, given.processes, given.minutes))  # fmt: skip
            return
        with _both(work) as urls:
            for name, url in urls.items():
                report(name, url, fill(url, articles, given.processes, given.minutes))
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
