"""Measure what captures of long pages cost beyond reading them, and whether that grows.

    python -m bench.page_histories                            # tiny, as CI runs it
    python -m bench.page_histories --pages 30 --captures 45   # the real kind, some minutes
    python -m bench.page_histories --database URL             # an empty PostgreSQL database

The pages are made up: long legal texts of one site, each captured month by month. In most captures
a sentence was edited, and boxes of the site (invitations, headlines of other pages) stand between
the paragraphs, other ones each month. They go the whole way; CPU is that of this process and, for
reading, of the child that reads pages.
"""

import argparse
import logging
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import structlog
from rich.console import Console
from rich.table import Table

from storage.database.unit import Unit
from storage.values import job as jobs
from storage.write.readings.store import load_unread, store_readings
from tests.flow.driver import Newsroom, touch
from tests.warcs import answer, response
from worker.flow.decide import decide
from worker.flow.order import target_at

FIRST_SEEN = datetime(2018, 1, 1, tzinfo=UTC)
SITE = "https://recht.example"
SYLLABLES = ("ra", "te", "lo", "mi", "sch", "en", "ge", "ver", "un", "da", "ko", "bel", "st")
FREQUENT = tuple("der die und in den von zu das mit sich auf für ist im dem nicht ein als".split())
PARAGRAPHS = 160
BOXES = 40
BOXES_SHOWN = 6
EDITED = 0.6


@dataclass(slots=True)
class Found:
    """What the captures cost, in the order in which they were kept."""

    reading_ms: float = 0.0
    kept: list[tuple[int, float]] = field(default_factory=list)
    keeping_cpu: float = 0.0
    lock_cpu: float = 0.0
    unit_cpus: list[float] = field(default_factory=list)
    captures: int = 0
    versions: int = 0

    def ms(self, kept: Sequence[tuple[int, float]]) -> float:
        return 1e3 * sum(cpu for _n, cpu in kept) / max(1, sum(number for number, _cpu in kept))


def main() -> None:
    """Measure and print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    given = _options()
    with tempfile.TemporaryDirectory(prefix="lesart-bench-") as work:
        url = given.database or f"sqlite:///{work}/lesart.sqlite3"
        room = Newsroom(url, Path(work), batch_items=str(given.batch))
        try:
            found = _measured(room, given.pages, given.captures, given.size)
        finally:
            room.close()
    Console(width=max(Console().width, 100)).print(_table(found, given))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=3)
    parser.add_argument("--captures", type=int, default=6, help="of each page")
    parser.add_argument("--size", type=int, default=200_000, help="bytes of a page")
    parser.add_argument("--batch", type=int, default=100, help="captures a job")
    parser.add_argument("--database", help="an empty PostgreSQL database, else SQLite")
    return parser.parse_args()


# ------------------------------------------------------------------------------ the pages


class Site:
    """A site of long pages: what each shows in which month."""

    def __init__(self, pages: int, size: int) -> None:
        self.chance = random.Random(11)
        self.size = size
        letters = "".join
        self.rare = [letters(self.chance.choices(SYLLABLES, k=3)) for _ in range(9_000)]
        self.titles = [f"{self._name()} {self._name()} von {self._name()}" for _ in range(pages)]
        self.texts = [self._text() for _ in range(pages)]
        self.boxes = [self._box() for _ in range(BOXES)]

    def captures(self, months: int) -> Iterator[tuple[int, int, str]]:
        """Yield page, month and HTML, month by month."""
        for month in range(months):
            for page, title in enumerate(self.titles):
                if month and self.chance.random() < EDITED:
                    self._edit(self.texts[page])
                yield page, month, self._html(title, self.texts[page])

    def _name(self) -> str:
        return self.chance.choice(self.rare).capitalize()

    def _words(self, count: int) -> list[str]:
        kinds = (FREQUENT, FREQUENT, self.rare)
        return [self.chance.choice(self.chance.choice(kinds)) for _ in range(count)]

    def _sentence(self, own: Sequence[str] = ()) -> str:
        words = self._words(self.chance.randint(9, 22))
        for name in own:
            words.insert(self.chance.randrange(1, len(words)), name)
        return " ".join([words[0].capitalize(), *words[1:-1], words[-1]]) + "."

    def _text(self) -> list[list[str]]:
        own = [self._name() for _ in range(12)]
        return [
            [self._sentence(self.chance.sample(own, 2)) for _ in range(self.chance.randint(3, 6))]
            for _ in range(PARAGRAPHS)
        ]

    def _box(self) -> str:
        """Return what a site puts between the paragraphs of any page, each time in other words."""
        words = [self._name() if self.chance.random() < 0.3 else word for word in self._words(9)]
        return " ".join([self._name(), *words]) + "."

    def _edit(self, text: list[list[str]]) -> None:
        sentences = self.chance.choice(text)
        sentences[self.chance.randrange(len(sentences))] = self._sentence([self._name()])

    def _html(self, title: str, text: Sequence[Sequence[str]]) -> str:
        body = [f"<p>{' '.join(sentences)}</p>" for sentences in text]
        shown = [
            *self.chance.sample(self.boxes, BOXES_SHOWN - 2),
            *self.chance.sample(self.titles, min(2, len(self.titles))),
        ]
        for box in shown:
            body.insert(self.chance.randrange(5, len(body)), f"<p>{box}</p>")
        head = f"<title>{title} | Recht</title><meta property='og:title' content='{title}'>"
        page = (
            f"<!doctype html><html lang='de'><head><meta charset='utf-8'>{head}</head><body>"
            f"<main><article><h1>{title}</h1>{''.join(body)}</article></main>"
        )
        links = "".join(
            f"<li><a href='/{number}.html' class='nav nav--item nav--{number}'>Seite</a></li>"
            for number in range(max(0, self.size - len(page.encode())) // 66)
        )
        return f"{page}<footer><ul>{links}</ul></footer></body></html>"


# ------------------------------------------------------------------------------- measuring


def _measured(room: Newsroom, pages: int, months: int, size: int) -> Found:
    path = room.root / "seiten.warc"
    with path.open("wb") as warc:
        for page, month, html in Site(pages, size).captures(months):
            date = FIRST_SEEN + timedelta(days=30 * month, minutes=page)
            stamp = f"{date:%Y-%m-%dT%H:%M:%SZ}"
            warc.write(response(f"{SITE}/{page}", stamp, answer(html.encode())))
    touch(path)
    room.now = FIRST_SEEN + timedelta(days=40 * months)
    room.collected(room.ordered([target_at(room.archive, room.settings, str(path))]))
    found = Found(captures=pages * months)
    while (held := room.claimed()) is not None:
        _read(room, held, found)
    found.versions = room.number("SELECT count(*) FROM version")
    return found


def _read(room: Newsroom, held: jobs.Claim, found: Found) -> None:
    captured, are_all = load_unread(room.archive, held)
    began = _cpu()
    readings = [room.reader.read(each) for each in captured]
    found.reading_ms += 1e3 * (_cpu() - began)
    cpu = time.process_time()
    with _timed_units(room, found):
        store_readings(room.archive, held, readings, decide, done=are_all)
    found.kept.append((len(readings), time.process_time() - cpu))
    found.keeping_cpu += time.process_time() - cpu


def _cpu() -> float:
    children = psutil.Process().children(recursive=True)
    times = [each.cpu_times() for each in children]
    return time.process_time() + sum(each.user + each.system for each in times)


@contextmanager
def _timed_units(room: Newsroom, found: Found) -> Iterator[None]:
    """Note what is spent in units of work, and so under the lock of the archive."""
    whole = room.archive.unit

    @contextmanager
    def timed() -> Iterator[Unit]:
        with whole() as unit:
            began = time.process_time()
            yield unit
            took = time.process_time() - began
        found.lock_cpu += took
        found.unit_cpus.append(took)

    room.archive.unit = timed  # type: ignore[method-assign]
    try:
        yield
    finally:
        room.archive.unit = whole  # type: ignore[method-assign]


def _table(found: Found, given: argparse.Namespace) -> Table:
    third = max(1, len(found.kept) // 3)
    title = f"{given.pages} pages of {given.size // 1000} KB, {given.captures} captures each"
    table = Table(title=f"{title}, {found.versions} versions")
    table.add_column("")
    table.add_column("", justify="right")
    rows = {
        "reading, ms CPU a capture": f"{found.reading_ms / found.captures:.0f}",
        "beyond reading, ms CPU a capture": f"{found.ms(found.kept):.1f}",
        "  in the first third of the jobs": f"{found.ms(found.kept[:third]):.1f}",
        "  in the last third": f"{found.ms(found.kept[-third:]):.1f}",
        "under the lock, ms CPU a capture": f"{1e3 * found.lock_cpu / found.captures:.1f}",
        "  of all that is beyond reading": f"{found.lock_cpu / found.keeping_cpu:.0%}",
        "a unit of work, ms CPU (median, most)": (
            f"{1e3 * statistics.median(found.unit_cpus):.0f}, {1e3 * max(found.unit_cpus):.0f}"
        ),
    }
    for name, cell in rows.items():
        table.add_row(name, cell)
    return table


if __name__ == "__main__":
    main()
