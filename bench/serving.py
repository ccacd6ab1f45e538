"""Measure the page: 20 readers at once on an archive of generated articles, while ingestion runs.

    python -m bench.serving --articles 100000 [--keep FOLDER] [--requests 400] [--think 5]

Prints, for each kind of page and answer, the median and the 95th percentile beside `/healthz` in
the same run, the CPU time that the server took for a request, and what we want: on a shared machine
only CPU and the ratio mean anything. A reader asks again at once, or after a time with the mean
`--think`, exponentially distributed. Every answer is worked out: no two requests are alike, unless
`--again` lets the server repeat itself. A folder that was kept is asked again as it is. With
LESART_DATABASE_URL the archive is there; what PostgreSQL itself takes is not counted.
Needs `pip install -e '.[bench,test]'`.
"""

import argparse
import http.client
import itertools
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from bench import corpus

READERS = 20
EDITED = 10
"""Every so many articles are edited once, a number in them."""
WANTED = {"search": 100, "diff": 50, "blame": 50, "search page": 300}
"""Milliseconds in which 19 of 20 answers should come; `PAGE` for pages."""
PAGE = 150
DIGITS = re.compile(r"\d+")
ADDRESS = ("127.0.0.1", 8795)


def main() -> None:
    """Make or take an archive, serve it, read it with many readers, print the times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--think", type=float, default=0.0, help="mean seconds a reader waits")
    parser.add_argument("--only", action="append", help="this kind only, as printed; repeatable")
    parser.add_argument("--again", action="store_true", help="readers ask the same as others")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    home = asked.keep or Path(tempfile.mkdtemp(prefix="lesart-serving-"))
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "seeds").exists():
        _fill(home, asked.articles)
    _lesart(home, "db", "upgrade")
    with _running(home, "web", "--address", f"{ADDRESS[0]}:{ADDRESS[1]}") as process:
        served = psutil.Process(process.pid)
        _until_served()
        kinds = _kinds()
        count = _json("/api/stats")["articles"]
        with _ingesting(home, count):
            load = " ".join(f"{each:.1f}" for each in os.getloadavg())
            print(f"{count} articles, {READERS} readers, an ingestion beside; load {load}")
            base = None
            for name, paths in kinds.items():
                spent = _cpu(served)
                if asked.only and name not in {"/healthz", *asked.only}:
                    continue
                pace = Pace(asked.requests, asked.think, asked.again)
                times = _read(paths, pace, is_known=name == "known")
                base = base or statistics.median(times)
                print(_row(name, times, base, (_cpu(served) - spent) / len(times)), flush=True)
    if asked.keep is None:
        shutil.rmtree(home, ignore_errors=True)  # a reader of pages may still end


def _fill(home: Path, count: int) -> None:
    """Ingest generated articles, then an edit of some of them."""
    folder = home / "seeds"
    corpus.write(folder, count, 1)
    began = time.perf_counter()
    _lesart(home, "ingest", str(folder), "--source", "seeds")
    for index, path in enumerate(sorted(folder.rglob("*.txt"))):
        if index % EDITED == 0:
            head, _, body = path.read_text("utf-8").partition("\n")
            path.write_text(f"{head}\n{DIGITS.sub('4711', body, count=1)} Nachtrag.\n", "utf-8")
    _lesart(home, "ingest", str(folder), "--source", "seeds")
    print(f"made in {time.perf_counter() - began:.0f} s")


def _kinds() -> dict[str, list[str]]:
    """Return the addresses that are asked, by their kind; the first is the yardstick."""
    articles = [each["article"] for each in _json("/api/articles?limit=200")["items"]]
    changed = [each["article"] for each in _json("/api/changes?limit=100")["items"]]
    words = [w for a in articles[:40] for w in (_json(f"/api/articles/{a}")["title"] or "").split()]
    searched = [quote(word) for word in dict.fromkeys(words) if len(word) > 4][:60]
    return {
        "/healthz": ["/healthz"],
        "front": ["/"],
        "article": [f"/a/{each}" for each in articles],
        "known": [f"/a/{each}" for each in articles[:READERS]],
        "compare": [f"/a/{each}/1..2" for each in changed],
        "since when": [f"/a/{each}/since" for each in changed[::2]],
        "sources": ["/sources"],
        "search page": [f"/search?q={each}" for each in searched],
        "search": [f"/api/search?q={each}&limit=20" for each in searched],
        "frequent word": [f"/api/search?q={each}&limit=20" for each in ("die", "und", "Prozent")],
        "facets": [f"/api/facets?q={each}" for each in searched],
        "diff": [f"/api/diff?rev={each}@1..@2" for each in changed],
        "blame": [f"/api/blame?rev={each}" for each in changed[1::2]],
        "changes": ["/api/changes?limit=100"],
        "changes after": ["/api/changes?after=0&limit=100"],
    }


def _cpu(served: psutil.Process) -> float:
    """Return the seconds that all processes of a server took."""
    used = [each.cpu_times() for each in (served, *served.children(recursive=True))]
    return sum(each.user + each.system for each in used)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many requests are made, the mean time before each, and whether they are alike."""

    requests: int
    think: float
    are_alike: bool


def _read(paths: Sequence[str], pace: Pace, *, is_known: bool) -> list[float]:
    """Ask with all readers at once; return the seconds that each answer took.

    Where it `is_known`, readers have each answer already and tell so.
    """
    tags = {path: _tag(path) for path in paths} if is_known else {}
    times: list[float] = []
    lock = threading.Lock()

    def reader(number: int) -> None:
        connection = http.client.HTTPConnection(*ADDRESS, timeout=60)
        dice = random.Random(number)
        mine = []
        for turn in range(pace.requests // READERS):
            path = paths[(number + turn * READERS) % len(paths)]
            if pace.think:
                time.sleep(dice.expovariate(1 / pace.think))
                connection.close()  # the server ends idle connections
            began = time.perf_counter()
            own = {} if pace.are_alike else {"Host": f"{ADDRESS[0]}:{1000 * number + turn}"}
            connection.request("GET", path, headers=tags.get(path, own))
            answer = connection.getresponse()
            answer.read()
            mine.append(time.perf_counter() - began)
            if answer.status not in {200, 304}:
                raise SystemExit(f"{path}: {answer.status}")
        with lock:
            times.extend(mine)

    threads = [threading.Thread(target=reader, args=(number,)) for number in range(READERS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return times


def _row(name: str, times: Sequence[float], base: float, cpu: float) -> str:
    ordered = sorted(times)
    median, late = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    return (
        f"{name:14} median {median * 1000:7.1f} ms  p95 {late * 1000:7.1f} ms  "
        f"{median / base:6.1f} times /healthz  CPU {cpu * 1000:6.1f} ms  "
        f"wanted {WANTED.get(name, PAGE)} ms"
    )


def _tag(path: str) -> dict[str, str]:
    """Return the header that says that we have the answer of an address already."""
    connection = http.client.HTTPConnection(*ADDRESS, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return {"If-None-Match": answer.headers["ETag"]}


def _json(path: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(*ADDRESS, timeout=60)
    connection.request("GET", path)
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    return found


def _until_served() -> None:
    for _ in range(120):
        try:
            connection = http.client.HTTPConnection(*ADDRESS, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("the page is not served")


@contextmanager
def _ingesting(home: Path, count: int) -> Iterator[None]:
    """Ingest new articles for as long as the `with` goes on: others each time, from `count` on."""
    ended = threading.Event()

    def ingest() -> None:
        for seed in itertools.count(count):
            more = home / f"more-{seed}"
            written = [sys.executable, "-m", "bench.corpus", str(more), "--seed", str(seed)]
            subprocess.run([*written, "--count", "1000"], check=True, capture_output=True)
            with _running(home, "ingest", str(more), "--source", more.name) as process:
                while process.poll() is None:
                    if ended.wait(0.2):
                        return

    thread = threading.Thread(target=ingest)
    thread.start()
    yield
    ended.set()
    thread.join()


@contextmanager
def _running(home: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", *arguments], env=_environment(home),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _lesart(home: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "worker", *arguments]
    done = subprocess.run(command, env=_environment(home), check=False, capture_output=True)
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stderr.decode())


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "LESART_HOME": str(home), "LESART_SEEDS": str(home / "none")}


if __name__ == "__main__":
    main()
