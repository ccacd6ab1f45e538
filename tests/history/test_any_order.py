"""The history of an article is the same whatever order, batches or workers its captures came by."""

import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count, groupby
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.history.versions import rebuild_all
from storage.read.archive import open_archive
from storage.values.digest import raw_digest, wording_digest, wording_name
from storage.write.archive import Archive
from tests.flow.driver import SENTENCES, Newsroom, findings, hour, page
from tests.flow.driver import iso_utc as iso
from worker.flow.order import target_at
from worker.flow.read import Reader
from worker.flow.run_jobs import run_next_job

pytestmark = pytest.mark.starts_first

TITLE = "Pegel steigt weiter"
EXAMPLES = settings.default.max_examples // 6
"""Each example is a small archive of its own."""
EXAMPLE = count(1)
LIFETIME = 100
"""Hours from one life of a file to the next: no clock goes back."""


@dataclass(frozen=True)
class Capture:
    """The text readable at one hour; `tag` makes other bytes of the same wording."""

    hour: int
    wording: int
    tag: str

    def raw(self, url: str) -> str:
        return page(
            SENTENCES[self.wording],
            url=url,
            observed_at=hour(self.hour),
            title=TITLE,
            tags=self.tag,
        )


@dataclass(frozen=True)
class Way:
    """How captures come in: in which order, in which commands, jobs and processes."""

    seed: int
    commands: int
    batch_items: int
    workers: int


captures = st.lists(
    st.builds(Capture, st.integers(0, 6), st.integers(0, 2), st.sampled_from(["a", "b"])),
    min_size=1,
    max_size=7,
)
ways = st.builds(
    Way,
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.sampled_from([1, 2, 50]),
    st.sampled_from([1, 4]),
)


def expected(url: str, found: list[Capture]) -> list[dict[str, Any]]:
    """Return the versions by the sentence of the contract, computed from nothing but the files."""

    def snapshot(capture: Capture) -> tuple[Any, bytes, bytes]:
        digest = wording_digest(TITLE, (SENTENCES[capture.wording],))
        return hour(capture.hour), digest, raw_digest(capture.raw(url).encode())

    runs = [list(run) for _, run in groupby(sorted(map(snapshot, found)), key=lambda each: each[1])]
    before = [None, *(iso(run[-1][0]) for run in runs)]
    return [
        {
            "version": number, "wording": wording_name(run[0][1]), "raw_digest": run[0][2].hex(),
            "changed_after": before[number - 1], "changed_by": iso(run[0][0]),
            "last_seen": iso(run[-1][0]),
        }
        for number, run in enumerate(runs, start=1)
    ]  # fmt: skip


def history(room: Newsroom, url: str) -> list[dict[str, Any]]:
    names = "v.version, v.wording, v.raw_digest, v.changed_after, v.changed_by, v.last_seen"
    query = (
        f"SELECT {names} FROM versions v JOIN articles a ON a.article = v.article "
        "WHERE a.origin = :url ORDER BY v.version"
    )
    return room.rows(query, url=url)


class Workers:
    """Threads that read, each with an archive of its own, as processes have."""

    def __init__(self, room: Newsroom) -> None:
        self.room = room
        self.archives = [Archive.open(room.url, clock=lambda: room.now) for _ in range(4)]
        self.readers = [Reader(room.settings) for _ in self.archives]

    def close(self) -> None:
        for each in (*self.readers, *self.archives):
            each.close()

    def work(self, number: int) -> None:
        threads = [
            threading.Thread(target=self._drain, args=pair)
            for pair in list(zip(self.archives, self.readers, strict=True))[:number]
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _drain(self, archive: Archive, reader: Reader) -> None:
        while run_next_job(archive, self.room.settings, reader):
            pass


@pytest.fixture
def workers(room):
    found = Workers(room)
    yield found
    found.close()


def bring(room: Newsroom, workers: Workers, url: str, found: list[Capture], way: Way) -> None:
    """Let captures come in by `way`: collected command by command, read job by job."""
    room.settings = replace(room.settings, batch_items=way.batch_items)
    folder = f"e{next(EXAMPLE)}"
    names = []
    for number, capture in enumerate(found):
        names.append(f"{folder}/c{number}.md")
        room.write(names[-1], capture.raw(url))
    chance = Random(way.seed)
    chance.shuffle(names)
    commands = [names[n :: way.commands] for n in range(way.commands)]
    for command in filter(None, commands):
        room.collected(room.ordered(room.places(*command)))
    jobs = [row["id"] for row in room.rows("SELECT id FROM job WHERE state = 'ready' ORDER BY id")]
    if way.workers > 1:
        workers.work(way.workers)
        return
    chance.shuffle(jobs)
    for job in jobs:
        assert run_next_job(room.archive, room.settings, room.reader, job_id=job)


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(found=captures, way=ways)
def test_any_order_any_batches_and_any_workers_give_the_same_history(room, workers, found, way):
    url = f"https://www.lohebote.example/{next(EXAMPLE)}"
    bring(room, workers, url, found, way)
    assert history(room, url) == expected(url, found)


def stored_versions(room: Newsroom) -> list[dict[str, Any]]:
    return room.rows("SELECT * FROM version ORDER BY article_id, number")


def rebuilt(room: Newsroom) -> None:
    for row in room.rows("SELECT id FROM article"):
        with room.archive.unit() as unit:
            rebuild_all(unit, {row["id"]: True})


events = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 2)),
        st.tuples(st.just("scan"), st.just(0)),
        st.tuples(st.just("name"), st.just(0)),
        st.tuples(st.just("remove"), st.just(0)),
    ),
    min_size=2,
    max_size=7,
)
imports = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 2), st.integers(0, 7)), min_size=1, max_size=3
)


def live(
    room: Newsroom, happened: list[tuple[str, int]], late: list[tuple[int, int, int]]
) -> tuple[str, int]:
    """Let a watched file change hour by hour, and imported captures of it come in between.

    Returns its address and its first hour, which is later than all that happened before.
    `late`: after which hour it was readable, in which wording, and at which hour it comes in.
    """
    number = next(EXAMPLE)
    begin = number * LIFETIME
    url = f"https://www.lohebote.example/{number}"
    folder = room.root / f"live{number}"
    source = room.watch(f"live{number}", folder)
    room.now = hour(begin)
    room.write("p.md", page(SENTENCES[0], url=url, title=TITLE), folder)
    for at, (what, wording) in enumerate([("write", 0), *happened, ("scan", 0)]):
        room.now = hour(begin + at)
        if what == "write":
            room.write("p.md", page(SENTENCES[wording], url=url, title=TITLE), folder)
        if what == "remove":
            (folder / "p.md").unlink(missing_ok=True)
        if what == "name" and (folder / "p.md").exists():
            room.ingest(str(folder / "p.md"), at=begin + at)
        else:
            room.scan(begin + at, source)
        for index, (seen, text, comes) in enumerate(late):
            if comes == at:
                import_one(room, url, f"{number}-{index}", begin + seen + 0.5, SENTENCES[text])
    for index, (seen, text, comes) in enumerate(late):
        if comes > at:
            import_one(room, url, f"{number}-{index}", begin + seen + 0.5, SENTENCES[text])
    return url, begin


def import_one(room: Newsroom, url: str, name: str, seen: float, text: str) -> None:
    path = room.write(f"{name}.md", page(text, title=TITLE), room.root / "imports")
    place = target_at(room.archive, room.settings, str(path), origin=url, observed_at=hour(seen))
    room.worked(room.ordered([place]))


def _from_begin(row: dict[str, Any], begin: int) -> dict[str, Any]:
    """Return the wording of a version and its times, as times from the first hour."""
    times = {
        key: row[key] and datetime.fromisoformat(row[key]) - hour(begin)
        for key in ("changed_after", "changed_by", "last_seen")
    }
    return {"version": row["version"], "wording": row["wording"], **times}


@pytest.mark.postgresql("large")
@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@example(happened=[("write", 0)] * 3, late=[(3, 1, 6), (7, 0, 2)])
@example(happened=[("scan", 0)] * 2, late=[(0, 1, 0)])
@given(happened=events, late=imports)
def test_imported_captures_that_come_in_at_any_time_give_the_same_history(room, happened, late):
    last = len(happened) + 1
    early = [(seen, text, 0) for seen, text, _comes in late]
    end = [(seen, text, last) for seen, text, _comes in late]
    told = []
    for when in (late, early, end):
        url, begin = live(room, happened, when)
        told.append([_from_begin(row, begin) for row in history(room, url)])
    assert told[0] == told[1] == told[2]
    found = findings(room.url)
    assert found == [], found
    before = stored_versions(room)
    rebuilt(room)
    names = [k for k in before[0] if k not in {"seq", "last_seen"}]
    after = stored_versions(room)
    assert [[r[k] for k in names] for r in after] == [[r[k] for k in names] for r in before]


@pytest.mark.postgresql("fast")
def test_a_scan_that_confirmed_a_file_is_known_at_its_time_though_the_file_changed_later(room):
    url = "https://www.lohebote.example/bestaetigt"
    room.write("p.md", page(SENTENCES[0], url=url, title=TITLE))
    room.scan(1)
    room.now = hour(2)
    import_one(room, url, "bestaetigt", 1.5, SENTENCES[2])
    room.scan(3)
    room.write("p.md", page(SENTENCES[1], url=url, title=TITLE))
    room.scan(4)
    with open_archive(room.url) as archive:
        then = archive.with_clocks(known_at=hour(3.5))
        assert [(v.changed_by, v.last_seen) for v in then.history(url)] == [
            (hour(at), hour(at)) for at in (1, 1.5, 3)
        ]


@pytest.mark.postgresql("large")
@pytest.mark.slow
def test_four_processes_give_the_history_that_one_gives(room):
    found = [Capture(at % 5, at % 3, "ab"[at % 2]) for at in range(14)]
    url = "https://www.lohebote.example/vier"
    room.settings = replace(room.settings, batch_items=1)
    for number, capture in enumerate(reversed(found)):
        room.write(f"v/c{number}.md", capture.raw(url))
    job = room.ordered(room.places("v"))
    room.collected(job)
    command = [sys.executable, "-m", "worker", "worker", "--drain", "--archive", room.url]
    running = [subprocess.Popen(command, cwd=Path(__file__).parents[2]) for _ in range(4)]
    assert [each.wait(timeout=120) for each in running] == [0] * 4
    assert history(room, url) == expected(url, found)
