"""Count what the program does for fixed documents, and compare it with `budget.toml`.

    python -m bench.budget                      # a quarter of a minute
    python -m bench.budget --instructions       # half a minute, by valgrind
    python -m bench.budget --write              # store lower numbers
    python -m bench.budget --write --because "each text states its publisher"

Counts are the same on a busy machine; the times of the other measurements are not. They are

- opcodes of our code, and calls of Python and C functions by it, for the first reading of 60 texts
  and 30 pages, after others have been read;
- instructions of the processor for reading a few of them, in which C libraries have their share;
- statements that write, and bytes of the archive, for storing these documents;
- our modules, and packages of others, that commands load.

They hold for one minor version of Python, instructions for one build of it. A number may fall
freely. If it rises by more than 0.5 %, the comparison fails, until it is stored with a reason,
which stays in the file.
"""

import argparse
import gc
import json
import os
import random
import re
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

from bench import corpus
from storage.values.refusals import RefusalReason
from worker.text.hints import Hints, TextSettings
from worker.text.read import read_document

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = Path(__file__).with_suffix(".toml")
PYTHON = (3, 11)
"""The minor version of Python for which the numbers hold."""
BUILD = "3.11.7 (main, Jan  1 1980, 00:00:00) [GCC 14.2.0]"
"""The build of Python, `sys.version`, for which the instructions hold."""
TOLERANCE = 0.005
TEXTS, PAGES, OTHERS = 60, 30, 1_000
"""How many texts and pages are read; the numbers of those read before begin at `OTHERS`."""
WARM_UP = 30
FEW = {"texts": 20, "pages": 6}
"""How many are read for the instructions, and how many before."""
PACKAGES = ("lesart", "storage", "worker")
OWN = tuple(f"{ROOT}/{name}/" for name in PACKAGES)
COMMANDS = {
    "help": ("--help",), "wrong option": ("list", "--lmit", "3"), "list": ("list",),
    "show": ("show", "seed:seeds/texts/0.txt"), "search": ("search", "Brücke"),
    "changes": ("changes",), "ingest a text": ("ingest", "seeds/texts/1.txt"),
    "source list": ("source", "list"), "up once": ("up", "--once"), "verify": ("verify",),
}  # fmt: skip


PEOPLE = ("Ann Lee", "Bo Lind", "Mary Kern", "Peter Hale", "Ada Rohde", "Tom Brandt", "Eva Stone")
OFFICES = ("mayor", "spokeswoman", "harbour master", "minister", "engineer", "trade unionist")
PLACES = ("Harkenbrück", "Lohetal", "Quellstedt", "Oldport", "Ashford", "Northwick")
ENGLISH = (
    "The council of {place} has decided that the bridge is to be closed until {number} June.",
    "{last} said the closure had been planned for {number} months and would not be changed.",
    "“We have looked at every cable,” said {office} {name}. “There is no danger.”",
    "According to the {office}, {number} lorries cross the canal every day.",
    "“Nobody asked us,” she said, adding that the detour was {number} miles long.",
    "He told reporters that the harbour could not wait for another winter.",
    "Last year, {other} called the plan “a gamble”, but {last} has defended it since.",
    "The works cost {number} million, which the town and the state share.",
    "Asked whether the road would open in time, {name} answered: “I think it will.”",
    "{other}, the {office} of {place}, left the meeting before the vote.",
    "“It's not over,” {last} added. The “Friends of the Bridge” want to go to court.",
)
GERMAN = (
    "Die Brücke in {place} bleibe bis zum {number}. Juni gesperrt, teilte die Stadt mit.",
    "{last} sagte am Montag, dass die Arbeiten seit {number} Monaten geplant seien.",
    "„Wir haben jedes Seil geprüft“, sagte Sprecherin {name}. „Es besteht keine Gefahr.“",
    "Laut {name} fahren jeden Tag {number} Lastwagen über den Kanal.",
    "„Niemand hat uns gefragt“, sagte sie. Die Umleitung sei {number} Kilometer lang.",
    "Er habe davon aus der Zeitung erfahren, erklärte Bürgermeister {other}.",
    "Nach Angaben der Verwaltung könnte der Bau {number} Millionen Euro kosten.",
    "Die „Freunde der Brücke“ kündigten an, vor Gericht zu ziehen. Das teilte {last} mit.",
    "Ob die Straße rechtzeitig öffnet, wollte {name} nicht sagen: „Das hoffen wir alle.“",
    "Der Vorsitzende {other} verließ die Sitzung vor der Abstimmung (dpa/lno).",
)
PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<title>{title} | {paper}</title><link rel="canonical" href="https://{host}/a/{number}">
<meta property="og:title" content="{title}"><meta name="author" content="{author}">
<meta property="article:published_time" content="{day}T08:15:00+01:00">
<script type="application/ld+json">{linked}</script></head><body>
<header><nav><ul>{links}</ul></nav><div class="cookie-banner"><p>Cookies</p></div></header>
<main><article class="{style}"><h1>{title}</h1>{byline}
<figure><img src="/b{number}.jpg" alt=""><figcaption>{place} ({author}/dpa)</figcaption></figure>
{paragraphs}<aside class="related"><h3>{more}</h3><ul>{links}</ul></aside></article></main>
<section class="comments"><p>{author}: {title}?</p></section>
<footer><p>© {paper} · <a href="/impressum">Impressum</a></p></footer></body></html>"""


def write_text(number: int) -> bytes:
    """Return a text: two of three from `bench.corpus`, and one with speakers and pronouns."""
    if number % 3:
        return corpus.text(17, number).content.encode()
    title, paragraphs = _report(number)
    day = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
    return "\n\n".join((f" date {day} {title}", *paragraphs)).encode()


def write_page(number: int) -> bytes:
    """Return a page of one of three sites."""
    title, paragraphs = _report(number)
    language, dice = _language(number), random.Random(number)
    author, day = dice.choice(PEOPLE), f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
    by, more = ("By", "Read more") if language == "en" else ("Von", "Mehr zum Thema")
    site = number % 3
    linked = {
        "@context": "https://schema.org", "@type": "NewsArticle", "headline": title,
        "author": [{"@type": "Person", "name": author}], "datePublished": f"{day}T08:15:00+01:00",
    }  # fmt: skip
    bylines = (
        f'<p class="byline">{by} <a rel="author" href="/u/1">{author}</a></p>',
        f'<div class="meta"><span class="autor">{by} {author}</span><time datetime="{day}">{day}'
        "</time></div>",
        f"<p><em>{by} {author}, {day}</em></p>",
    )
    return PAGE.format(
        language=language, title=title, paper=f"Bote {site}", host=f"bote{site}.example",
        number=number, author=author, day=day, linked=json.dumps(linked) if site else "{}",
        links="".join(f'<li><a href="/{each}">{each}</a></li>' for each in PLACES),
        style=("article-body", "story", "post entry-content")[site], byline=bylines[site],
        place=PLACES[number % len(PLACES)], more=more,
        paragraphs="".join(f"<p>{each}</p>" for each in paragraphs),
    ).encode()  # fmt: skip


def _language(number: int) -> str:
    return "en" if number % 2 else "de"


def _report(number: int) -> tuple[str, list[str]]:
    """Return a headline and paragraphs, in English for odd numbers."""
    dice = random.Random(number)
    name, other = dice.sample(PEOPLE, 2)
    place = dice.choice(PLACES)
    facts = {"name": name, "last": name.split()[1], "other": other, "place": place}
    sentences = ENGLISH if _language(number) == "en" else GERMAN
    told = [
        each.format(**facts, office=dice.choice(OFFICES), number=dice.randint(3, 28))
        for each in dice.sample(sentences * 2, 16)
    ]
    paragraphs = [" ".join(told[at : at + 2]) for at in range(0, len(told), 2)]
    return f"{place}: {told[0].split(' ', 2)[2][:40].rstrip(',. ')}", paragraphs


class BudgetError(Exception):
    """A command did not do its work, so there is nothing to count."""


def count_all() -> dict[str, int]:
    """Return all numbers by their names."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        read: dict[str, int] = json.loads(_python(work, "-m", "bench.budget", "--readings").stdout)
        return read | _count_stored(work) | _count_loaded(work)


def _python(
    work: Path, *words: str, under: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run Python, under another program if one is given, in a folder with an archive of its own."""
    traced = ("LESART_", "COVERAGE_")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(traced)}
    fixed = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "LESART_SEEDS": "seeds"}
    done = subprocess.run(
        [*under, sys.executable, *words], cwd=work, env=plain | fixed, capture_output=True,
        text=True, check=False,
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
    for kind, documents in (("texts", TEXTS), ("pages", PAGES)):
        _read(kind, range(OTHERS, OTHERS + WARM_UP))
        gc.collect()
        gc.disable()
        counter = _Counter()
        _read(kind, range(documents), counter)
        counts |= {f"{kind}: opcodes": counter.opcodes, f"{kind}: calls": counter.calls}
    return counts


def _read(kind: str, numbers: range, counter: _Counter | None = None) -> None:
    write, form, address = {
        "texts": (write_text, "seed", None),
        "pages": (write_page, "html", "https://bote.example/a"),
    }[kind]
    documents = [write(number) for number in numbers]
    hints = Hints(form, "document", None, datetime(2026, 12, 1, tzinfo=UTC), address)
    if counter:
        sys.setprofile(counter.profile)
        sys.settrace(counter.trace)
    for raw in documents:
        if isinstance(read_document(raw, hints, TextSettings()), RefusalReason):
            raise BudgetError(f"a document was refused: {raw[:300]!r}")
    sys.settrace(None)
    sys.setprofile(None)


def read_in_forks() -> None:
    """For texts, then pages: read some, and print the ids of two forks, of which one reads more."""
    gc.disable()
    for kind, documents in FEW.items():
        _read(kind, range(OTHERS, OTHERS + documents))
        gc.freeze()
        for number in (0, documents):
            process = os.fork()
            if not process:
                _read(kind, range(number))
                os._exit(0)
            if os.waitpid(process, 0)[1]:
                raise BudgetError(f"the reading of {kind} failed")
            print(process, flush=True)


def count_instructions() -> dict[str, int]:
    """Return the instructions of the first reading of a few documents, counted by valgrind.

    Garbage is not collected. Those of texts repeat exactly in one checkout. The lengths of paths,
    and for pages the random seed of libxml2, change them by 0.2 %.
    """
    valgrind = ("valgrind", "--tool=cachegrind", "--cachegrind-out-file=/dev/null")
    ended = _python(Path("/"), "-m", "bench.budget", "--forks", under=valgrind)
    counts = {
        process: int(number.replace(",", ""))
        for process, number in re.findall(r"==(\d+)== I *refs: +([\d,]+)", ended.stderr)
    }
    forks = iter([counts[process] for process in ended.stdout.split()])
    return {f"{kind}: instructions": -next(forks) + next(forks) for kind in FEW}


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
        for name, each in sorted(steps.items())
    )
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
    parser.add_argument("--instructions", action="store_true", help="count them alone")
    parser.add_argument("--readings", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--forks", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.readings:
        print(json.dumps(count_readings()))
        return
    if given.forks:
        read_in_forks()
        return
    if sys.version_info[:2] != PYTHON:
        sys.exit(f"the numbers hold for Python {PYTHON[0]}.{PYTHON[1]}")
    if given.instructions and sys.version != BUILD:
        sys.exit(f"the instructions hold for Python {BUILD}")
    counted = count_instructions() if given.instructions else count_all()
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
