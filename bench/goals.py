"""Measure this program and an earlier checkout of it in turn, by what a user would start.

    git worktree add --detach ../earlier 7e72b0a
    python -m bench.goals --reference ../earlier [--count N] [--pages N] [--rounds N] [--sqlite]

Each round does the same with both, one after the other, so that a busy moment meets both: bring a
folder of texts in, look again, edit every text, bring pages in, list. Each checkout has compiled
modules and a cache of its own, which the first round fills. CPU is that of the program
and of its children, the least of all rounds; on PostgreSQL the server's is not in it. Statements
are those of editing, less those of looking again. The lock is held from the answer that gives it
to the end of the commit; its share is that of the time from the first to the last of them, the
median of all rounds.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import corpus
from tests import services

HERE = Path(__file__).resolve().parents[1]
WATCHED = """
import atexit, json, os, runpy, sys, time
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool
done = {"statements": 0, "locked": 0.0, "first": None, "last": None}
@event.listens_for(Engine, "after_cursor_execute")
def executed(connection, cursor, statement, parameters, context, executemany):
    done["statements"] += 1
    gives_lock = "FOR UPDATE" in statement and "FROM counter" in statement.replace(chr(10), " ")
    if gives_lock or statement == "BEGIN IMMEDIATE":
        connection.info["since"] = time.perf_counter()
@event.listens_for(Pool, "reset")
def ended(connection, record, state):
    since, now = record.info.pop("since", None), time.perf_counter()
    if since is not None:
        done["locked"] += now - since
        done["first"], done["last"] = done["first"] or since, now
def told():
    if os.getpid() == own:
        open(told_to, "w").write(json.dumps(done))
own, told_to = os.getpid(), sys.argv.pop(1)
atexit.register(told)
runpy.run_module("worker", run_name="__main__", alter_sys=True)
"""
"""Runs the program and writes how many statements it made, and for how long it held the lock."""
PAGE = """<!doctype html><html lang="de"><head><title>{title} - Bote</title></head><body>
<nav><a href="/">Start</a> <a href="/sport">Sport</a></nav>
<main><article><h1>{title}</h1>{paragraphs}</article></main>
<aside><h2>Mehr</h2><ul><li><a href="/a">Markt</a></li></ul></aside><footer>Impressum</footer>
</body></html>"""

LATER = "\n\nDas Amt meldete sich erst am Abend.\n"


@dataclass(frozen=True, slots=True)
class Spent:
    """What one run of the program took."""

    cpu: float
    statements: int = 0
    share: float = 0.0


class Side:
    """One checkout, with its archive of this round."""

    def __init__(self, tree: Path, work: Path, url: str, bytecode: Path) -> None:
        self.tree, self.work = tree, work
        self.environment = {
            **os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(bytecode), "XDG_CACHE_HOME": str(bytecode / "cache"),
            "LESART_HOME": str(work), "LESART_SEEDS": str(work / "texts"),
            "LESART_DATABASE_URL": url,
        }  # fmt: skip

    def run(self, *given: str) -> Spent:
        """Run a command, which has to end well."""
        told = self.work / "told.json"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-P", "-c", WATCHED, str(told), *given]
        subprocess.run(
            command, cwd=self.work, env=self.environment, capture_output=True, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        done = json.loads(told.read_text())
        whole = (done["last"] or 0.0) - (done["first"] or 0.0)
        return Spent(cpu, done["statements"], 100 * done["locked"] / whole if whole else 0.0)


def measured(side: Side, count: int, pages: int) -> Iterator[tuple[str, float]]:
    """Yield each figure of one round."""
    yield "help, CPU s", side.run("--help").cpu
    side.run("up", "--once")
    texts = side.work / "texts"
    corpus.write(texts, count, seed=1)
    new = side.run("up", "--once")
    again = side.run("up", "--once")
    yield "a new text, CPU ms", 1e3 * (new.cpu - again.cpu) / count
    yield "lock, % of the time", new.share
    for each in texts.rglob("*.txt"):
        each.write_text(
            each.read_text("utf-8") + "\n\nDas Amt meldete sich erst am Abend.\n", "utf-8"
        )
    edited = side.run("up", "--once")
    yield "an edited text, CPU ms", 1e3 * (edited.cpu - again.cpu) / count
    yield "an edited text, statements", (edited.statements - again.statements) / count
    still = side.run("up", "--once").cpu
    for number, text in zip(range(pages), corpus.texts(2), strict=False):
        title, _, body = text.content.partition("\n")
        inner = "".join(f"<p>{each}</p>" for each in body.split("\n\n") if each.strip())
        page = PAGE.format(title=title, paragraphs=inner)
        (texts / f"page{number}.html").write_text(page, "utf-8")
    yield "a page, CPU ms", 1e3 * (side.run("up", "--once").cpu - still) / pages
    yield "list, CPU s", side.run("list").cpu


@contextmanager
def _place(work: Path, *, is_sqlite: bool) -> Iterator[str]:
    if is_sqlite:
        yield f"sqlite:///{work / 'lesart.sqlite3'}"
        return
    with services.postgres() as databases, databases.database() as url:
        yield url


def _compared(
    trees: Mapping[str, Path], given: argparse.Namespace, bytecode: Path, *, is_sqlite: bool
) -> Table:
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(given.rounds):
        for name, tree in trees.items():
            with tempfile.TemporaryDirectory(prefix="lesart-bench-") as folder:
                work = Path(folder)
                (work / "texts").mkdir()
                with _place(work, is_sqlite=is_sqlite) as url:
                    side = Side(tree, work, url, bytecode / name)
                    for figure, value in measured(side, given.count, given.pages):
                        found[figure][name].append(value)
    kind = "SQLite" if is_sqlite else "PostgreSQL"
    table = Table(kind, *trees, "times", title=f"{kind}: {given.count} texts, {given.pages} pages")
    for figure, values in found.items():
        choose = statistics.median if "%" in figure else min
        ours, theirs = (choose(values[name]) for name in trees)
        table.add_row(
            figure, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}" if ours else ""
        )
    return table


def main() -> None:
    """Measure and print a table for each database."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reference", type=Path, required=True, help="an earlier checkout")
    parser.add_argument("--count", type=int, default=200, help="texts")
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sqlite", action="store_true", help="SQLite alone")
    given = parser.parse_args()
    console = Console(width=max(Console().width, 100))
    trees = {"here": HERE, "earlier": given.reference.resolve()}
    with tempfile.TemporaryDirectory(prefix="lesart-bench-") as bytecode:
        for is_sqlite in (True,) if given.sqlite else (True, False):
            console.print(_compared(trees, given, Path(bytecode), is_sqlite=is_sqlite))


if __name__ == "__main__":
    main()
