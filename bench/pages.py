"""Measure how fast saved pages become archived articles, beside trafilatura's own command.

    python -m bench.pages                     # some minutes
    python -m bench.pages --copies 1 --rounds 1

All sides take the same files with as many processes, turn by turn; a round is the whole command,
its start included. What the start alone takes is measured on a folder of two pages. Ours stores
the pages and makes them searchable; trafilatura writes text files. CPU counts every process of a
side. The pages come from `--data` (the folder that also holds `html_fundus`) or LESART_REAL_DATA;
each copy has another address and one paragraph of its own.
"""

import argparse
import gzip
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import trafilatura
from rich.console import Console
from rich.table import Table

from worker.text.hints import Hints, TextSettings
from worker.text.page import parsed_page
from worker.text.page import read_page as page_module
from worker.text.page.layout import decoded_tree
from worker.text.page.read_page import read_page

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("html_fundus", "html_trafilatura_dach")
ADDRESS = re.compile(rb"((?:canonical|og:url)[^>]{0,40}?https?://)")
"""Where a page names its own address.

>>> ADDRESS.sub(rb"\\\\1c1.", b'<link rel="canonical" href="https://a.example/b">')
b'<link rel="canonical" href="https://c1.a.example/b">'
"""
STEPS: dict[str, ModuleType] = {
    "extract_body": page_module,
    "collect_trafilatura_metadata": parsed_page,
    "parse_page": decoded_tree,
}
"""The timed steps of the reader, with the modules that call them."""
REPEATS = 3


class BenchError(Exception):
    """A side did not do its work, so there is nothing to compare."""


@dataclass(slots=True)
class Side:
    """One way of doing the work: its command, and what each round took."""

    name: str
    command: list[str]
    environment: dict[str, str]
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    start_seconds: float = 0.0

    def begin(self, folder: Path, few: Path, log: Path) -> None:
        """Measure the CPU of the command over next to nothing: `few` in the place of `folder`."""
        command = [str(few) if part == str(folder) else part for part in self.command]
        apart = Side(self.name, command, self.environment)
        apart.take(1, log)
        self.start_seconds = apart.cpu_seconds[0]

    def take(self, pages: int, log: Path) -> None:
        """Run the command once; measure wall and CPU a page."""
        before, started = _children_cpu(), time.monotonic()
        with log.open("ab") as file:
            done = subprocess.run(
                self.command, cwd=ROOT, env=self.environment, stdout=file, stderr=file, check=False
            )
        if done.returncode not in (0, 1):  # 1: some pages were refused
            raise BenchError(f"{self.name}: ended with {done.returncode}, see {log}")
        self.seconds.append((time.monotonic() - started) / pages)
        self.cpu_seconds.append((_children_cpu() - before) / pages)


def main() -> None:
    """Measure and print two tables."""
    given = options(__doc__, copies=3)
    work = Path(tempfile.mkdtemp(prefix="lesart-bench-"))
    try:
        pages = write_pages(given.data / "data", work / "pages", given.copies)
        sides = measure(work, pages, given.rounds, given.processes)
        found = _count_found(sides[0])
    finally:
        shutil.rmtree(work)
    _print_sides(sides, pages, found)
    _print_parts(reading_parts(given.data / "data"))


def write_pages(data: Path, folder: Path, copies: int) -> int:
    """Write the pages of `data`, `copies` times each, and return how many these are."""
    folder.mkdir()
    number = 0
    for raw, _ in _pages(data):
        for copy in range(copies):
            changed = ADDRESS.sub(rb"\g<1>c%d." % copy, raw)
            own = f"<p>Dies ist die Ausgabe{copy}x{number} der Seite, damit keine gleich ist.</p>"
            changed = changed.replace(b"</p>", b"</p>" + own.encode(), 1)
            (folder / f"{number:05}-{copy}.html").write_bytes(changed)
        number += 1
    return number * copies


def measure(work: Path, pages: int, rounds: int, processes: int) -> list[Side]:
    """Let every side take the folder `rounds` times, turn by turn."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("LESART_")}
    command = [sys.executable, "-m", "trafilatura.cli", "--parallel", str(processes)]
    command += ["--input-dir", str(work / "pages"), "--output-dir", str(work / "texts")]
    ours = [sys.executable, "-m", "worker", "ingest", str(work / "pages"), "--format", "jsonl"]
    sides = [
        Side("lesart, SQLite", [*ours, "--processes", str(processes)], dict(plain)),
        Side("trafilatura", command, plain),
        Side("trafilatura --fast", [*command, "--fast"], plain),
        Side(
            "trafilatura --fast, metadata", [*command, "--fast", "--json", "--with-metadata"], plain
        ),
    ]
    few = work / "few"
    few.mkdir()
    for path in sorted((work / "pages").iterdir())[:2]:
        shutil.copy(path, few)
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            sides[0].environment["LESART_HOME"] = str(work / "home")
            if number == 0:
                sides[0].environment["LESART_DATABASE_URL"] = f"sqlite:///{work}/start.sqlite3"
                side.begin(work / "pages", few, work / "log")
                shutil.rmtree(work / "texts", ignore_errors=True)
            sides[0].environment["LESART_DATABASE_URL"] = f"sqlite:///{work}/r{number}.sqlite3"
            side.take(pages, work / "log")
            shutil.rmtree(work / "texts", ignore_errors=True)
            print(f"{side.name}: {1 / side.seconds[-1]:.1f} pages/s", file=sys.stderr)
    return sides


def reading_parts(data: Path) -> dict[str, float]:
    """Return milliseconds of CPU a page by what is done, each the best of some readings."""
    parts: dict[str, float] = {}
    spent: dict[str, float] = {}
    restore = [_timed(name, module, spent) for name, module in STEPS.items()]
    pages = list(_pages(data))
    for raw, row in pages:
        best: dict[str, float] = {}
        for _ in range(REPEATS):
            spent.update(dict.fromkeys(spent, 0.0))
            whole = _cpu_of(partial(_read, raw, row))
            if not best or whole < best["ours"]:
                best |= {**spent, "ours": whole}
            alone = _cpu_of(partial(_alone, raw, row))
            best["alone"] = min(alone, best.get("alone", alone))
        for name, seconds in best.items():
            parts[name] = parts.get(name, 0.0) + seconds * 1000 / len(pages)
    for undo in restore:
        undo()
    return parts


def options(told: str, copies: int) -> argparse.Namespace:
    """Read what the command line says of real pages and of rounds."""
    parser = argparse.ArgumentParser(description=told.splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", ROOT.parent / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--copies", type=int, default=copies)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2, help="processes a side")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is None and not (given.data / "data" / FOLDERS[0]).is_dir():
        sys.exit(f"no pages in {given.data}/data: name the folder with --data or LESART_REAL_DATA")
    return given


def _pages(data: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    for folder in FOLDERS:
        for line in (data / folder / "gold.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            yield gzip.decompress((data / row["file"]).read_bytes()), row


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _count_found(ours: Side) -> int:
    """Return how many of the pages search finds by the commonest word of German ones."""
    command = [sys.executable, "-m", "worker", "search", "und", "--format", "jsonl"]
    done = subprocess.run(
        command, cwd=ROOT, env=ours.environment, stdout=subprocess.PIPE, check=False
    )
    return len(done.stdout.splitlines())


def _timed(name: str, module: ModuleType, spent: dict[str, float]) -> Callable[[], None]:
    """Count the CPU of a step of the reader; the answer undoes it."""
    step = getattr(module, name)
    spent[name] = 0.0

    def timed(*arguments: Any) -> Any:
        started = time.process_time()
        try:
            return step(*arguments)
        finally:
            spent[name] += time.process_time() - started

    setattr(module, name, timed)
    return lambda: setattr(module, name, step)


def _cpu_of(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _read(raw: bytes, row: dict[str, Any]) -> object:
    hints = Hints("html", row["file"], None, datetime(2026, 11, 1, tzinfo=UTC), row["url"])
    return read_page(raw, hints, TextSettings())


def _alone(raw: bytes, row: dict[str, Any]) -> object:
    return trafilatura.bare_extraction(
        raw, url=row["url"], fast=True, with_metadata=True, include_comments=False
    )


def _print_sides(sides: list[Side], pages: int, found: int) -> None:
    table = Table(title=f"{pages} pages, whole way; search finds {found} with the word und")
    for column in (
        "side",
        "pages/s",
        "lesart ×",
        "CPU ms a page",
        "lesart ×",
        "without the start",
        "lesart ×",
    ):
        table.add_column(column, justify="left" if column == "side" else "right")
    ours = statistics.median(sides[0].seconds), statistics.median(sides[0].cpu_seconds)
    own = ours[1] - sides[0].start_seconds / pages
    for side in sides:
        wall, cpu = statistics.median(side.seconds), statistics.median(side.cpu_seconds)
        running = cpu - side.start_seconds / pages
        row = (f"{1 / wall:.1f}", f"{wall / ours[0]:.2f}", f"{cpu * 1000:.1f}")
        rest = (f"{cpu / ours[1]:.2f}", f"{running * 1000:.1f}", f"{running / own:.2f}")
        table.add_row(side.name, *row, *rest)
    Console(width=max(Console().width, 120)).print(table)


def _print_parts(parts: dict[str, float]) -> None:
    table = Table(title="reading a page, ms of CPU in one process")
    table.add_column("part")
    table.add_column("ms", justify="right")
    table.add_column("share", justify="right")
    whole = parts["ours"]
    rest = whole - sum(parts[n] for n in STEPS)
    for name, value in (
        ("lesart", whole),
        ("· body by trafilatura", parts["extract_body"]),
        ("· metadata by trafilatura, where ours finds none", parts["collect_trafilatura_metadata"]),
        ("· the tree, for both", parts["parse_page"]),
        ("· everything else", rest),
        ("trafilatura alone (fast, metadata)", parts["alone"]),
    ):
        table.add_row(name, f"{value:.1f}", f"{value / whole:.0%}")
    Console(width=max(Console().width, 100)).print(table)


if __name__ == "__main__":
    main()
