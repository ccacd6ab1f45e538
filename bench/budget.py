"""Count what the program does for fixed documents, and compare it with `budget.toml`.

    python -m bench.budget                      # a quarter of a minute
    python -m bench.budget --write              # store lower numbers
    python -m bench.budget --write --because "each text states its publisher"

Counts are the same on a busy machine; the times of the other measurements are not. They are

- opcodes of our code, and calls of Python and C functions by it, for the first reading of 60 texts
  and 30 pages, after others have been read;
- statements that write, and bytes of the archive, for storing these documents;
- our modules, and packages of others, that commands load.

They hold for one minor version of Python. A number may fall freely. If it rises by more than 0.5 %,
the comparison fails, until it is stored with a reason, which stays in the file.
"""

import argparse
import gc
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from bench.budget_documents import write_page, write_text
from storage.values.refusals import RefusalReason
from worker.text.hints import Hints, TextSettings
from worker.text.read import read_document

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = Path(__file__).with_suffix(".toml")
PYTHON = (3, 11)
"""The minor version of Python for which the numbers hold."""
TOLERANCE = 0.005
TEXTS, PAGES, OTHERS = 60, 30, 1_000
"""How many texts and pages are read; the numbers of those read before begin at `OTHERS`."""
WARM_UP = 30
PACKAGES = ("lesart", "storage", "worker")
OWN = tuple(f"{ROOT}/{name}/" for name in PACKAGES)
COMMANDS = {
    "help": ("--help",), "wrong option": ("list", "--lmit", "3"), "list": ("list",),
    "show": ("show", "seed:seeds/texts/0.txt"), "search": ("search", "Brücke"),
    "changes": ("changes",), "ingest a text": ("ingest", "seeds/texts/1.txt"),
    "source list": ("source", "list"), "up once": ("up", "--once"), "verify": ("verify",),
}  # fmt: skip


class BudgetError(Exception):
    """A command did not do its work, so there is nothing to count."""


def count_all() -> dict[str, int]:
    """Return all numbers by their names."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        read: dict[str, int] = json.loads(_python(work, "-m", "bench.budget", "--readings").stdout)
        return read | _count_stored(work) | _count_loaded(work)


def _python(work: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder with an archive of its own."""
    traced = ("LESART_", "COVERAGE_")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(traced)}
    fixed = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "LESART_SEEDS": "seeds"}
    done = subprocess.run(
        [sys.executable, *words], cwd=work, env=plain | fixed, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode > 2:  # a wrong option is one of the commands
        raise BudgetError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done


# ----------------------------------------------------------------------------- reading


class _Counter:
    """Counts what our code does while documents of one kind are read."""

    def __init__(self) -> None:
        self.opcodes = self.calls = 0

    def trace(self, frame: FrameType, _event: str, _value: object) -> Any:
        """Count a call of one of our functions, and have its opcodes counted."""
        if not frame.f_code.co_filename.startswith(OWN):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.calls += 1
        return self.count

    def count(self, _frame: FrameType, event: str, _value: object) -> Any:
        """Count an opcode."""
        self.opcodes += event == "opcode"
        return self.count

    def profile(self, frame: FrameType, event: str, _value: object) -> None:
        """Count a call of a C function by one of ours."""
        self.calls += event == "c_call" and frame.f_code.co_filename.startswith(OWN)


def count_readings() -> dict[str, int]:
    """Return the opcodes and calls of the first reading of all documents."""
    counts: dict[str, int] = {}
    for kind, write, documents in (("seed", write_text, TEXTS), ("html", write_page, PAGES)):
        for number in range(OTHERS, OTHERS + WARM_UP):
            _read(kind, write(number))
        gc.collect()
        gc.disable()
        counter, raw = _Counter(), [write(number) for number in range(documents)]
        sys.setprofile(counter.profile)
        sys.settrace(counter.trace)
        for each in raw:
            _read(kind, each)
        sys.settrace(None)
        sys.setprofile(None)
        name = "texts" if kind == "seed" else "pages"
        counts |= {f"{name}: opcodes": counter.opcodes, f"{name}: calls": counter.calls}
    return counts


def _read(kind: str, raw: bytes) -> None:
    address = None if kind == "seed" else "https://bote.example/a"
    hints = Hints(kind, "document", None, datetime(2026, 12, 1, tzinfo=UTC), address)
    if isinstance(read_document(raw, hints, TextSettings()), RefusalReason):
        raise BudgetError(f"a document was refused: {raw[:300]!r}")


# ----------------------------------------------------------------------------- storing

WATCH = """
import sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from worker.cli.program import main
written = []
@event.listens_for(Engine, "before_cursor_execute")
def note(connection, cursor, statement, parameters, context, executemany):
    written.append(statement.split(None, 1)[0].upper())
try:
    main()
finally:
    print(sum(each in ("INSERT", "UPDATE", "DELETE") for each in written), file=sys.stderr)
"""


def _count_stored(work: Path) -> dict[str, int]:
    """Return statements that write, and bytes, for storing the texts and pages."""
    for folder, documents, write in (("texts", TEXTS, write_text), ("pages", PAGES, write_page)):
        (work / "seeds" / folder).mkdir(parents=True)
        for number in range(documents):
            end = "txt" if folder == "texts" else "html"
            (work / "seeds" / folder / f"{number}.{end}").write_bytes(write(number))
    _python(work, "-m", "worker", "db", "upgrade")
    counts: dict[str, int] = {}
    for folder in ("texts", "pages"):
        before = _archive_bytes(work)
        told = _python(work, "-c", WATCH, "ingest", f"seeds/{folder}", "--processes", "1").stderr
        counts[f"{folder}: statements that write"] = int(told.split()[-1])
        counts[f"{folder}: bytes stored"] = _archive_bytes(work) - before
    return counts


def _archive_bytes(work: Path) -> int:
    """Return the size of the archive without the unused space in its last pages."""
    with closing(sqlite3.connect(work / "lesart-data" / "lesart.sqlite3")) as archive:
        return int(archive.execute("SELECT sum(pgsize - unused) FROM dbstat").fetchone()[0])


# ----------------------------------------------------------------------------- loading


def _count_loaded(work: Path) -> dict[str, int]:
    """Return how many modules of ours, and packages of others, each command loads."""
    counts = {}
    for name, words in COMMANDS.items():
        told = _python(work, "-X", "importtime", "-m", "worker", *words).stderr
        loaded = {
            line.rpartition("|")[2].strip()
            for line in told.splitlines() if line.startswith("import time:")
        }  # fmt: skip
        ours = {
            each for each in loaded if each.partition(".")[0] in {"lesart", "storage", "worker"}
        }
        packages = {each.partition(".")[0] for each in loaded - ours} - sys.stdlib_module_names
        counts[f"{name}: modules"] = len(ours)
        counts[f"{name}: packages"] = len({each for each in packages if not each.startswith("_")})
    return counts


# ----------------------------------------------------------------------------- the numbers


def read_numbers(text: str) -> dict[str, int]:
    """Return the stored number of each name: the last of its steps.

    Raises: BudgetError for a step upwards without a reason.
    """
    steps = tomllib.loads(text)
    for name, each in steps.items():
        for (before, _), (number, reason) in pairwise(each):
            if number > before and not reason.strip():
                raise BudgetError(f"{name} rose from {before} to {number} without a reason")
    return {name: each[-1][0] for name, each in steps.items()}


def find_excess(stored: Mapping[str, int], counted: Mapping[str, int]) -> list[str]:
    """Return a sentence for each number that is too high, or not stored."""
    sentences = [f"{name} is not stored" for name in counted if name not in stored]
    for name, limit in stored.items():
        number = counted.get(name, 0)
        if number - limit > TOLERANCE * limit:
            share = number / limit - 1
            sentences.append(f"{name}: {number} instead of {limit}, {share:.1%} more")
    return sentences


def store_numbers(text: str, counted: Mapping[str, int], because: str) -> str:
    """Return the text of the file with new numbers: a lower one replaces the last step.

    Raises: BudgetError for a higher one without a reason.
    """
    steps: dict[str, list[Any]] = tomllib.loads(text)
    risen = find_excess({name: each[-1][0] for name, each in steps.items()}, counted)
    if steps and risen and not because:
        raise BudgetError("\n".join(["give a reason with --because:", *risen]))
    for name, number in counted.items():
        known = steps.setdefault(name, [[number, because or "first count"]])
        if number - known[-1][0] > TOLERANCE * known[-1][0]:
            known.append([number, because])
        else:
            known[-1][0] = min(number, known[-1][0])
    rows = (
        f"{json.dumps(name)} = {json.dumps(each, ensure_ascii=False)}\n"
        for name, each in sorted(steps.items()) if name in counted
    )  # fmt: skip
    return HEAD + "".join(rows)


HEAD = """\
# Counted by `python -m bench.budget`, which says what the numbers are. Each name has its steps: a
# number, and the reason for it. `--write` replaces the last number by a lower one, and adds a step
# for a higher one with the reason that `--because` gives.

"""


def main() -> None:
    """Compare or store the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="store the numbers")
    parser.add_argument("--because", default="", help="why numbers are higher")
    parser.add_argument("--readings", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.readings:
        print(json.dumps(count_readings()))
        return
    if sys.version_info[:2] != PYTHON:
        sys.exit(f"the numbers hold for Python {PYTHON[0]}.{PYTHON[1]}")
    counted = count_all()
    text = NUMBERS.read_text("utf-8") if NUMBERS.exists() else ""
    try:
        if given.write:
            NUMBERS.write_text(store_numbers(text, counted, given.because), "utf-8")
        stored = read_numbers(NUMBERS.read_text("utf-8"))
        excess = find_excess(stored, counted)
    except BudgetError as error:
        sys.exit(str(error))
    for name, number in sorted(counted.items()):
        limit = stored.get(name, number)
        print(f"{name:<34} {number:>12,} {number / limit - 1 if limit else 0:>+8.2%}")
    sys.exit("\n".join(excess) or 0)


if __name__ == "__main__":
    main()
