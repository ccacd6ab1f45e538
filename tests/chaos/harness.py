"""Kill what does the work, again and again, and count afterwards: every seed, one verdict each.

    python -m tests.chaos --seeds 5000 --kills 40 --database postgresql --seed 1

PostgreSQL: scheduler, a worker with two children and a Redis without persistence. SQLite:
`lesart up` and a draining worker beside it. A supervisor starts again what died, as compose
does. Only processes that were started here are killed, by their ids.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from bench import corpus
from tests import services

ROOT = Path(__file__).resolve().parents[2]
LESART = (sys.executable, "-m", "worker")
LEASE_SECONDS = "10"
BATCH_SECONDS = "5"
LONGEST_PAUSE_SECONDS = 6.0
LONGEST_SECONDS = 1500.0
SETTLED_SECONDS = 60


class ChaosError(Exception):
    """The archive did not come out as it should have."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; times in seconds."""

    seeds: int
    kills: Counter[str]
    seconds: float
    recoveries: list[float]
    broken: list[str] = field(default_factory=list)

    def told(self) -> str:
        killed = ", ".join(f"{name} {number}" for name, number in sorted(self.kills.items()))
        recovery = sorted(self.recoveries) or [0.0]
        return (
            f"{self.seeds} seeds, {self.kills.total()} kills ({killed}), {self.seconds:.0f} s; "
            f"work went on after {recovery[len(recovery) // 2]:.1f} s (median), "
            f"{recovery[-1]:.1f} s (longest); "
            + ("; ".join(self.broken) or "every seed has exactly one verdict, verify is clean")
        )


class Supervised:
    """A `lesart` process that is started again whenever it ends."""

    def __init__(self, name: str, words: tuple[str, ...], environment: dict[str, str]) -> None:
        self.name, self.words, self.environment = name, words, environment
        self.process: subprocess.Popen[bytes] | None = None

    def keep_up(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [*LESART, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                env=self.environment,
                start_new_session=True,
            )

    def targets(self) -> Iterator[tuple[str, psutil.Process]]:
        if self.process is None or self.process.poll() is not None:
            return
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(self.process.pid)
            yield self.name, main
            for child in main.children(recursive=True):
                yield f"{self.name} child", child

    def stop(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Broker:
    """A Redis that is started again, empty, whenever it was killed."""

    name = "redis"

    def __init__(self, server: services.RedisServer) -> None:
        self.server = server

    def keep_up(self) -> None:
        process = self.server.process
        if process is None or process.poll() is not None:
            with suppress(Exception):
                self.server.start()

    def targets(self) -> Iterator[tuple[str, psutil.Process]]:
        process = self.server.process
        if process is not None and process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                yield self.name, psutil.Process(process.pid)

    def stop(self) -> None:
        """Leave it to the fixture that made it."""


class Database:
    """Asks an archive in plain SQL, without the program."""

    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, query: str) -> list[tuple[object, ...]]:
        if self.url.startswith("postgresql"):
            with psycopg.connect(self.url) as connection:
                return connection.execute(query).fetchall()
        with closing(sqlite3.connect(self.url, timeout=60)) as connection:
            return connection.execute(query).fetchall()

    def number(self, query: str) -> int:
        value = self.rows(query)[0][0]
        assert isinstance(value, int)
        return value


def run(database: str, seeds: int, kills: int, seed: int) -> Outcome:
    """Archive `seeds` generated texts under `kills` kills; tell what came of it."""
    dice = random.Random(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lesart-chaos-")))
        corpus.write(folder / "seeds", seeds, seed)
        _settle(folder / "seeds")
        sides = stack.enter_context(_sides(database, folder))
        started = time.monotonic()
        counted, recoveries = _torment(sides, dice, seeds, kills)
        _wait(lambda: sides.database.number(OPEN_JOBS) == 0 and _verdicts(sides) >= seeds)
        seconds = time.monotonic() - started
        broken = [*_miscounted(sides.database, seeds), *_unverified(sides.environment)]
    return Outcome(seeds, counted, seconds, recoveries, broken)


OPEN_JOBS = "SELECT count(*) FROM job WHERE state IN ('ready', 'running')"
VERDICTS = "SELECT count(*) FROM verdict"


@dataclass(slots=True)
class _Sides:
    database: Database
    environment: dict[str, str]
    parts: list[Supervised | Broker]


@contextmanager
def _sides(database: str, folder: Path) -> Iterator[_Sides]:
    with ExitStack() as stack:
        environment = _environment(folder)
        if database == "postgresql":
            server = stack.enter_context(services.own_postgres(durable=True))
            redis = stack.enter_context(services.own_redis())
            url = server.url("postgres")
            environment |= {"LESART_DATABASE_URL": url, "LESART_BROKER_URL": redis.url}
            words = (("scheduler",), ("worker", "--concurrency", "2"))
            parts: list[Supervised | Broker] = [Broker(redis)]
        else:
            url = str(folder / "archive.sqlite3")
            environment |= {"LESART_DATABASE_URL": url}
            words = (("up",), ("worker", "--drain"))
            parts = []
        subprocess.run([*LESART, "db", "upgrade"], cwd=ROOT, env=environment, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        parts += [Supervised(each[0], each, environment) for each in words]
        stack.enter_context(_supervision(parts))
        yield _Sides(Database(url), environment, parts)


def _environment(folder: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LESART_")}
    return {
        **plain,
        "PYTHONPATH": str(ROOT),
        "LESART_HOME": str(folder / "home"),
        "LESART_SEEDS": str(folder / "seeds"),
        "LESART_EVERY": "1d",
        "LESART_LEASE_SECONDS": LEASE_SECONDS,
        "LESART_BATCH_SECONDS": BATCH_SECONDS,
    }


@contextmanager
def _supervision(parts: list[Supervised | Broker]) -> Iterator[None]:
    ended = threading.Event()

    def supervise() -> None:
        while not ended.wait(0.2):
            for part in parts:
                part.keep_up()

    thread = threading.Thread(target=supervise, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for part in parts:
            part.stop()


def _torment(
    sides: _Sides, dice: random.Random, seeds: int, kills: int
) -> tuple[Counter[str], list[float]]:
    """Kill one process after another, spread over the work; return how often each died."""
    counted: Counter[str] = Counter()
    recoveries: list[float] = []
    for number in range(kills):
        goal = seeds * number // (kills + 1)
        since = time.monotonic()
        while _verdicts(sides) < goal and time.monotonic() - since < LONGEST_PAUSE_SECONDS:
            time.sleep(0.05)
        time.sleep(dice.uniform(0, 0.4))
        targets = [each for part in sides.parts for each in part.targets()]
        if not targets:
            time.sleep(1.0)
            targets = [each for part in sides.parts for each in part.targets()]
        name, process = dice.choice(targets)
        before, killed_at = _verdicts(sides), time.monotonic()
        with suppress(psutil.NoSuchProcess):
            process.kill()
        counted[name] += 1
        while _verdicts(sides) == before and before < seeds:
            if time.monotonic() - killed_at > LONGEST_PAUSE_SECONDS * 5:
                break
            time.sleep(0.05)
        recoveries.append(time.monotonic() - killed_at)
    return counted, recoveries


def _verdicts(sides: _Sides) -> int:
    return sides.database.number(VERDICTS)


def _wait(done: Callable[[], bool]) -> None:
    since = time.monotonic()
    while not done():
        if time.monotonic() - since > LONGEST_SECONDS:
            raise ChaosError(f"work was not done within {LONGEST_SECONDS:.0f} s")
        time.sleep(0.2)


def _miscounted(database: Database, seeds: int) -> Iterator[str]:
    """Count, from the tables alone, what should be there once for each seed."""
    wanted = {
        "places observed": "SELECT count(DISTINCT locator_id) FROM observation",
        "observations": "SELECT count(*) FROM observation",
        "verdicts": VERDICTS,
        "observations with a verdict": "SELECT count(DISTINCT observation_id) FROM verdict",
        "articles": "SELECT count(*) FROM article",
        "versions": "SELECT count(*) FROM version",
        "counts of jobs": "SELECT CAST(sum(new_articles + copies) AS bigint) FROM job",
    }
    for name, query in wanted.items():
        found = database.number(query)
        if found != seeds:
            yield f"{found} {name} for {seeds} seeds"
    for kind, number in database.rows("SELECT kind, count(*) FROM verdict GROUP BY kind"):
        if kind not in {"new_article", "copy"}:
            yield f"{number} verdicts {kind}"


def _unverified(environment: dict[str, str]) -> Iterator[str]:
    done = subprocess.run([*LESART, "verify", "--format", "jsonl"], cwd=ROOT, env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    for line in done.stdout.splitlines()[:5]:
        yield f"verify: {json.loads(line)['message']}"
    if done.returncode:
        yield f"verify ended with {done.returncode}: {done.stderr.strip()[-300:]}"


def _settle(folder: Path) -> None:
    """Let the files look as if they had been there for a while."""
    moment = time.time() - SETTLED_SECONDS
    for path in folder.rglob("*.txt"):
        os.utime(path, (moment, moment))
