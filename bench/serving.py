"""Measure the page: 20 readers at once on an archive of generated articles, while ingestion runs.

    python -m bench.serving --articles 100000 [--keep FOLDER] [--requests 400]

Prints the median and the 95th percentile for each kind of page and answer, beside `/healthz`
in the same run: on a shared machine only the ratio to it means anything.
Needs `pip install -e '.[bench,test]'`.
"""

import argparse
import http.client
import json
import os
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
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench import corpus

READERS = 20
EDITED = 10
"""Every so many articles are edited once, a number in them."""
DIGITS = re.compile(r"\d+")
ADDRESS = ("127.0.0.1", 8795)


def main() -> None:
    """Make or take an archive, serve it, read it with many readers, print the times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    home = asked.keep or Path(tempfile.mkdtemp(prefix="lesart-serving-"))
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "lesart.sqlite3").exists():
        _fill(home, asked.articles)
    with _running(home, "web", "--address", f"{ADDRESS[0]}:{ADDRESS[1]}"):
        _until_served()
        kinds = _kinds()
        with _ingesting(home):
            print(f"{asked.articles} articles, {READERS} readers, an ingestion beside")
            base = None
            for name, paths in kinds.items():
                times = _read(paths, asked.requests)
                base = base or statistics.median(times)
                print(_row(name, times, base))
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
        "compare": [f"/a/{each}/1..2" for each in changed],
        "since when": [f"/a/{each}/since" for each in changed],
        "sources": ["/sources"],
        "search page": [f"/search?q={each}" for each in searched],
        "search": [f"/api/search?q={each}&limit=20" for each in searched],
        "diff": [f"/api/diff?rev={each}@1..@2" for each in changed],
        "blame": [f"/api/blame?rev={each}" for each in changed],
        "changes": ["/api/changes?limit=100"],
        "changes after": ["/api/changes?after=0&limit=100"],
    }


def _read(paths: Sequence[str], requests: int) -> list[float]:
    """Ask with all readers at once; return the seconds that each answer took."""
    times: list[float] = []
    lock = threading.Lock()

    def reader(number: int) -> None:
        connection = http.client.HTTPConnection(*ADDRESS, timeout=60)
        mine = []
        for turn in range(requests // READERS):
            path = paths[(number + turn * READERS) % len(paths)]
            began = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            mine.append(time.perf_counter() - began)
            if answer.status != 200:
                raise SystemExit(f"{path}: {answer.status}")
        with lock:
            times.extend(mine)

    threads = [threading.Thread(target=reader, args=(number,)) for number in range(READERS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return times


def _row(name: str, times: Sequence[float], base: float) -> str:
    ordered = sorted(times)
    median, late = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    return (
        f"{name:14} median {median * 1000:7.1f} ms  p95 {late * 1000:7.1f} ms  "
        f"{median / base:6.1f} times /healthz"
    )


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
def _ingesting(home: Path) -> Iterator[None]:
    """Ingest new articles for as long as the `with` goes on."""
    more = home / "more"
    corpus.write(more, 3_000, 2)
    with _running(home, "ingest", str(more), "--source", "more"):
        yield


@contextmanager
def _running(home: Path, *arguments: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", *arguments], env=_environment(home),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
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
