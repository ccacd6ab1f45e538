"""Measure how fast seed files become archived articles, beside the naive reference, in one run.

    python -m bench.seeds                   # some minutes
    python -m bench.seeds --count 500 --rounds 1
    python -m bench.seeds --count 100000 --rounds 1 --side "lesart, PostgreSQL"

All sides take the same files, turn by turn, on the same PostgreSQL (fsync on) and Redis, with
as many worker processes. Rates are medians over the rounds; CPU counts every process of a side,
servers included. Needs `pip install -e '.[bench,test]'`.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from bench import corpus
from tests import services

ROOT = Path(__file__).resolve().parents[1]
LESART = [sys.executable, "-m", "worker"]
NAIVE = [sys.executable, "-m", "celery", "--app", "bench.naive", "worker", "--loglevel", "ERROR"]
START_SECONDS = 4
POLL_SECONDS = 0.02
SAMPLE_SECONDS = 0.1
LONGEST_SECONDS = 1_800


SIDES = ("naive, SQLite", "lesart, SQLite", "naive, PostgreSQL", "lesart, PostgreSQL")


class BenchError(Exception):
    """A side did not do its work, so there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one side needed for one folder."""

    articles: int
    seconds: float
    cpu_seconds: float


@dataclass(slots=True)
class Side:
    """One way of doing the work, with what was measured of it."""

    name: str
    environment: dict[str, str]
    database_url: str
    servers: list[int]
    is_naive: bool = False
    has_broker: bool = False
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    second: Pass | None = None
    peak_bytes: int = 0
    empty_bytes: int = 0
    article_bytes: float = 0.0

    def prepare(self, log: Path) -> None:
        """Make the tables."""
        command = [sys.executable, "-m", "bench.naive", "--tables"]
        with log.open("ab") as file:
            subprocess.run(
                command if self.is_naive else [*LESART, "db", "upgrade"],
                cwd=ROOT,
                env=self.environment,
                stdout=file,
                stderr=file,
                check=True,
            )
        self.empty_bytes = self.stored_bytes()

    @contextmanager
    def services(self, processes: int, log: Path) -> Iterator[None]:
        """Run what is running anyway when a folder comes in; to start it is not measured."""
        commands: list[list[str]] = []
        if self.is_naive:
            commands = [[*NAIVE, "--concurrency", str(processes)]]
        elif self.has_broker:
            worker = [*LESART, "worker", "--concurrency", str(processes)]
            commands = [[*LESART, "scheduler"], worker]
        for command in commands:
            self._spawn(command, log)
        if commands:
            time.sleep(START_SECONDS)
        try:
            yield
        finally:
            self._stop()

    def take(self, folder: Path, articles: int, processes: int) -> Pass:
        """Let the side do all the work that `folder` means, and measure it."""
        with self._watched() as meter:
            if self.is_naive:
                seconds = self._naive(folder, articles)
            else:
                seconds = self._lesart(folder, processes)
        return Pass(articles, seconds, meter.cpu_seconds)

    def stored_bytes(self) -> int:
        """Return what the database takes on disk."""
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            if not Path(path).exists():
                return 0
            with closing(sqlite3.connect(path, timeout=60)) as file:
                file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return Path(path).stat().st_size
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert size is not None
        return int(size[0])

    @property
    def database(self) -> str:
        """Return which database the side keeps its articles in."""
        return self.name.rpartition(", ")[2]

    @property
    def rate(self) -> float:
        """Return articles a second, the median of the rounds."""
        return statistics.median(each.articles / each.seconds for each in self.passes)

    @property
    def cpu_micros(self) -> float:
        """Return microseconds of CPU an article, the median of the rounds."""
        return statistics.median(1e6 * each.cpu_seconds / each.articles for each in self.passes)

    def weigh(self) -> None:
        """Note the bytes on disk an article."""
        articles = sum(each.articles for each in self.passes)
        self.article_bytes = (self.stored_bytes() - self.empty_bytes) / articles

    def _naive(self, folder: Path, articles: int) -> float:
        wanted = self._kept() + articles
        started = time.monotonic()
        sender = subprocess.Popen(
            [sys.executable, "-m", "bench.naive", str(folder)],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert sender.stdout is not None
        sender.stdout.readline()  # it is loaded and sends its first task now
        started = time.monotonic()
        while self._kept() < wanted:
            if time.monotonic() - started > LONGEST_SECONDS:
                raise BenchError(f"{self.name}: {self._kept()} of {wanted} articles")
            time.sleep(POLL_SECONDS)
        seconds = time.monotonic() - started
        sender.communicate()
        return seconds

    def _lesart(self, folder: Path, processes: int) -> float:
        command = [*LESART, "ingest", str(folder), "--format", "jsonl"]
        if not self.has_broker:
            command += ["--processes", str(processes)]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, check=False
        )
        if done.returncode != 0:
            raise BenchError(f"{self.name}: lesart ingest ended with {done.returncode}")
        summary = json.loads(done.stdout.splitlines()[0])
        return float(summary["seconds"])

    def _kept(self) -> int:
        query = "SELECT count(*) FROM naivesignature"
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=60)) as file:
                return int(file.execute(query).fetchone()[0])
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(query).fetchone()
            return int(row[0]) if row else 0

    @contextmanager
    def _watched(self) -> Iterator["_Meter"]:
        meter = _Meter([process.pid for process in self.running], self.servers)
        try:
            yield meter
        finally:
            meter.end()
            self.peak_bytes = max(self.peak_bytes, meter.peak_bytes)

    def _spawn(self, command: list[str], log: Path) -> None:
        with log.open("ab") as file:
            self.running.append(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=self.environment,
                    stdout=file,
                    stderr=file,
                    preexec_fn=services.die_with_parent(signal.SIGKILL),  # noqa: PLW1509
                )
            )

    def _stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()


class _Meter:
    """CPU of running processes, servers and ended children; the largest process of a side."""

    def __init__(self, workers: list[int], servers: list[int]) -> None:
        self._workers = workers
        self._servers = servers
        self._ended = threading.Event()
        self.peak_bytes = 0
        self.cpu_seconds = -self._used()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        self.cpu_seconds += self._used()

    def _used(self) -> float:
        mine = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = mine.ru_utime + mine.ru_stime
        for process in _trees([*self._workers, *self._servers]):
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            used += times.user + times.system + times.children_user + times.children_system
        return used

    def _sample(self) -> None:
        me = os.getpid()
        while not self._ended.wait(SAMPLE_SECONDS):
            servers = {process.pid for process in _trees(self._servers)}
            for process in _trees([*self._workers, me]):
                if process.pid in servers or process.pid == me:
                    continue
                try:
                    self.peak_bytes = max(self.peak_bytes, process.memory_info().rss)
                except psutil.Error:
                    continue


def _trees(roots: list[int]) -> list[psutil.Process]:
    found = []
    for pid in roots:
        try:
            root = psutil.Process(pid)
            found += [root, *root.children(recursive=True)]
        except psutil.Error:
            continue
    return found


def measure(
    count: int, rounds: int, processes: int, work: Path, chosen: tuple[str, ...] = ()
) -> list[Side]:
    """Run the sides over `rounds` folders of `count` texts, turn by turn; return what was seen.

    `chosen` names some of them; else all run.
    """
    with ExitStack() as stack:
        postgres = stack.enter_context(services.own_postgres(durable=True))
        brokers = [stack.enter_context(services.own_redis()) for _ in range(3)]
        databases = services.PostgresDatabases(postgres.url("postgres"))
        urls = [stack.enter_context(databases.database()) for _ in range(2)]
        sides = _sides(work, urls, brokers, postgres.pid)
        sides = [side for side in sides if not chosen or side.name in chosen]
        for number in range(rounds):
            corpus.write(work / f"round{number}", count, seed=1, first=number * count)
        for side in sides:
            side.prepare(_log(work, side))
        for number in range(rounds):
            for side in sides if number % 2 == 0 else reversed(sides):
                with side.services(processes, _log(work, side)):
                    side.passes.append(side.take(work / f"round{number}", count, processes))
                _report(side)
        for side in sides:
            if not side.is_naive:
                with side.services(processes, _log(work, side)):
                    side.second = side.take(work / "round0", count, 1)
        for side in sides:
            side.weigh()
        return sides


def _sides(
    work: Path, urls: list[str], brokers: list[services.RedisServer], postgres: int
) -> list[Side]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("LESART_")}
    empty = work / "no-seeds"
    empty.mkdir()
    sqlite_naive, sqlite_ours = (f"sqlite:///{work / name}.sqlite3" for name in ("naive", "ours"))

    def naive(url: str, broker: services.RedisServer) -> dict[str, str]:
        url = url.replace("postgresql://", "postgresql+psycopg://")
        return plain | {"NAIVE_DATABASE_URL": url, "NAIVE_BROKER_URL": broker.url}

    ours = plain | {"LESART_SEEDS": str(empty), "LESART_HOME": str(work / "home")}
    stack = ours | {"LESART_DATABASE_URL": urls[1], "LESART_BROKER_URL": brokers[2].url}
    first, second, third = (broker.pid for broker in brokers)
    names = iter(SIDES)
    return [
        Side(next(names), naive(sqlite_naive, brokers[0]), sqlite_naive, [first], is_naive=True),
        Side(next(names), ours | {"LESART_DATABASE_URL": sqlite_ours}, sqlite_ours, []),
        Side(next(names), naive(urls[0], brokers[1]), urls[0], [second, postgres], is_naive=True),
        Side(next(names), stack, urls[1], [third, postgres], has_broker=True),
    ]


def _log(work: Path, side: Side) -> Path:
    return work / f"{side.name.replace(', ', '-')}.log"


def _report(side: Side) -> None:
    last = side.passes[-1]
    print(f"{side.name}: {last.articles / last.seconds:.0f} articles/s", file=sys.stderr)


def _print(sides: list[Side], bytes_a_text: float) -> None:
    table = Table(title=f"seeds of {bytes_a_text:.0f} bytes on average")
    for column in (
        "side", "articles/s", "× naive", "CPU µs", "× naive", "2nd scan µs",
        "× first", "peak MB", "bytes",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column == "side" else "right")
    for side in sides:
        naive = next((s for s in sides if s.is_naive and s.database == side.database), None)
        table.add_row(*_row(side, naive))
    Console(width=max(Console().width, 132)).print(table)


def _row(side: Side, naive: Side | None) -> list[str]:
    second = ["", ""]
    if side.second is not None:
        first = side.passes[0]
        again = side.second.seconds / side.second.articles
        second = [f"{1e6 * again:.0f}", f"{first.seconds / first.articles / again:.0f}"]
    return [
        side.name,
        f"{side.rate:.0f}",
        f"{side.rate / naive.rate:.1f}" if naive else "",
        f"{side.cpu_micros:.0f}",
        f"{naive.cpu_micros / side.cpu_micros:.1f}" if naive else "",
        *second,
        f"{side.peak_bytes / 1e6:.0f}",
        f"{side.article_bytes:.0f}",
    ]


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2_000, help="texts a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2, help="worker processes a side")
    parser.add_argument(
        "--side", action="append", choices=SIDES, default=[], help="this one only; again for more"
    )
    given = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="lesart-bench-"))
    try:
        sides = measure(given.count, given.rounds, given.processes, work, tuple(given.side))
        sizes = [path.stat().st_size for path in work.glob("round*/**/*.txt")]
        _print(sides, statistics.fmean(sizes))
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
