"""`WHERE seq > :last` is a safe way to follow an archive: no row appears at or below a number already read."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import psycopg
import pytest

from storage.capabilities import CAPABILITIES
from storage.language.passage import Passage
from storage.record.observations import add_refusal
from storage.values.redaction import RedactionReason
from storage.values.refusals import RefusalReason
from storage.write.archive import Archive
from storage.write.redaction import redact_articles as redacting
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import (
    drop_overdue_bytes,
    redact_articles,
    redact_passage,
)
from tests.flow.driver import SENTENCES, Newsroom, lines, page, seed
from tests.flow.driver import hour as hour_of
from tests.write.follower import Follower
from worker.cli.redactions import prepare_reading

ERASURE = RedactionReason.GDPR_ERASURE
A, B, C, _ENGLISH = SENTENCES
WRITERS = 3
ROUNDS = 4
AHEAD = 30 * 365 * 24
"""Thirty years, in hours."""


def test_a_bare_sequence_loses_rows_for_a_reader(postgres_url):
    """What the archive does not do: numbers are given out before the commit, in another order."""
    with (
        psycopg.connect(postgres_url) as slow,
        psycopg.connect(postgres_url) as quick,
        psycopg.connect(postgres_url, autocommit=True) as reader,
    ):
        reader.execute("CREATE TABLE demo (seq bigserial, word text)")
        slow.execute("INSERT INTO demo (word) VALUES ('early')")
        quick.execute("INSERT INTO demo (word) VALUES ('late')")
        quick.commit()
        follow = "SELECT seq, word FROM demo WHERE seq > %s ORDER BY seq"
        first = reader.execute(follow, [0]).fetchall()
        slow.commit()
        second = reader.execute(follow, [first[-1][0]]).fetchall()
    assert [word for _seq, word in (*first, *second)] == ["late"], "'early' never arrives"


def busy(url: str, root: Path, number: int) -> None:
    """Write, in one thread, the changes that add and change rows of every view."""
    room = Newsroom(url, root / f"w{number}")
    source = room.watch(f"quelle{number}", room.folder)
    address = f"https://www.lohebote.example/{number % 2}"
    try:
        for turn in range(ROUNDS):
            at = turn * 3.0
            room.write("a.txt", seed("Pegel steigt", (A, B, C)[turn % 3]))
            room.write("b.md", page((B, A)[turn % 2], url=f"{address}/datei{number}"))
            room.write("t.jsonl", lines({f"k{turn}": f"{C} {number}", "fest": A}))
            mail = ("[email protected]", "post@lohebote.example")[turn % 2]
            room.write("m.md", page(f"{C} {mail}", url=f"{address}/mail{number}"))
            room.write("leer.txt", " " * turn)
            room.scan(at, source)
            room.scan(at + 1, source)
            room.write(
                f"i/{turn}.md", page((A, B)[turn % 2], url=address, observed_at=hour_of(9 - turn))
            )
            room.scan(at + 2, source)
            room.remove("a.txt")
            room.scan(at + 2.5, source)
    finally:
        room.close()


@pytest.mark.slow
@pytest.mark.parametrize("limit", [None, 3], ids=["all at once", "three at a time"])
def test_a_reader_that_follows_seq_gets_every_row_as_it_is_while_others_write(
    database_url, tmp_path, limit
):
    follower = Follower(database_url, limit)
    failed: list[BaseException] = []

    def write(number: int) -> None:
        try:
            busy(database_url, tmp_path, number)
        except BaseException as error:  # noqa: BLE001  # raised again below
            failed.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in writers:
        thread.start()
    while any(thread.is_alive() for thread in writers):
        follower.poll()
        time.sleep(0.01)
    assert failed == []
    assert follower.losses() == []
    untried = {view for view, rows in follower.got.items() if not rows}
    # files come over no wire and are copied nowhere, none is a live blog, and no reader is there
    unneeded = {"transfers", "teasers", "fronts", "entries"}
    unneeded |= {view for each in CAPABILITIES for view in each.views}
    assert untried <= unneeded, "a view is not tried at all"
    follower.engine.dispose()


def test_scans_that_confirmed_a_file_before_it_was_read_are_reported_once_it_is(room):
    room.write("a.txt", seed("Pegel steigt", A))
    job = room.ordered(room.places(""))
    room.collected(job)
    room.now = hour_of(1)
    later = room.ordered(room.places(""))
    room.collected(later)
    follower = Follower(room.url, None)
    follower.poll()
    room.worked(job)
    follower.poll()
    rows = [row for row in follower.got["observations"] if row["checks"] == 1 and row["until"]]
    assert [row["outcome"] for row in rows] == ["unchanged"]
    follower.engine.dispose()


@pytest.mark.parametrize("limit", [None, 1], ids=["all at once", "one at a time"])
def test_rows_that_a_correction_of_the_clock_changes_have_a_seq_each(room, limit):
    room.write("a.txt", seed("Pegel steigt", A))
    room.scan(0)
    for name in ("leer.txt", "leerer.txt", "am-leersten.txt"):
        room.write(name, " ")
    room.scan(AHEAD)
    follower = Follower(room.url, limit)
    while follower.poll():
        pass
    before = follower.whole("observations")
    room.write("a.txt", seed("Pegel steigt", B))
    room.scan(1)
    assert follower.losses() == []
    assert max(row["observed_at"] for row in before) > max(
        row["observed_at"] for row in follower.whole("observations")
    )
    follower.engine.dispose()


@pytest.mark.slow
def test_what_scans_confirmed_returns_when_a_clock_that_ran_ahead_is_corrected(room):
    room.write("a.txt", seed("Pegel steigt", A))
    for at in (0, 1, 2, AHEAD, AHEAD + 1):
        room.scan(at)
    follower = Follower(room.url, None)
    follower.poll()
    ahead = follower.got["articles"][-1]["last_seen"]
    room.write(
        "imported/b.md", page(B, url="https://www.lohebote.example/b", observed_at=hour_of(0))
    )
    room.ingest("imported/b.md", at=3)
    assert follower.losses() == []
    assert max(each["last_seen"] for each in follower.whole("articles")) < ahead
    follower.engine.dispose()


@pytest.mark.slow
def test_what_scans_confirmed_returns_when_its_version_is_numbered_again(room):
    address = "https://www.lohebote.example/pegel"
    room.write("a.md", page(A, url=address))
    for at in (1, 2, 3):
        room.scan(at)
    follower = Follower(room.url, None)
    follower.poll()
    room.write("i.md", page(B, url=address, observed_at=hour_of(0)))
    room.ingest("i.md", at=4)
    follower.poll()
    told = {row["seq"]: row for row in follower.got["observations"] if row["until"]}
    assert [row["version"] for row in told.values()] == [1, 2]
    follower.engine.dispose()


# -------------------------------------------------------------------------- a reader that dies

READER = Path(__file__).with_name("dying_reader.py")
MANY_WRITERS = 8
LIVES = 0.4
"""Seconds that a reader lives at most, beside its start."""
LEAST_DEATHS = 3


REDACTIONS = {
    "article": lambda room, target: redact_articles(room.archive, [target], ERASURE, "ada"),
    "version": lambda room, target: redact_articles(
        room.archive,
        [replace(target, wordings=(room.number("SELECT max(wording_id) FROM version"),))],
        ERASURE, "ada",
    ),
    "addresses": lambda room, target: redact_articles(
        room.archive, [target], ERASURE, "ada", with_addresses=True
    ),
    "passage": lambda room, target: redact_passage(
        room.archive, [target], Passage.parse("in der Nacht"), ERASURE, "ada", prepare_reading
    ),
    "bytes": lambda room, _target: drop_overdue_bytes(room.archive, 1800.0, by_clock=True),
}  # fmt: skip


@pytest.mark.parametrize("redact", REDACTIONS.values(), ids=REDACTIONS)
def test_a_reader_gets_what_a_redaction_empties_though_it_asks_between_order_and_emptying(
    room, redact, monkeypatch
):
    for at, body in enumerate(SENTENCES[:2]):
        room.write("deich.md", page(body, url="https://lohebote.example/deich"))
        room.scan(at)
    reader, empty, asked = Follower(room.url, None), redacting.empty_ordered, []

    def ask_before(*arguments):
        asked.append(reader.poll())
        return empty(*arguments)

    monkeypatch.setattr(redacting, "empty_ordered", ask_before)
    redact(room, RedactionTarget(room.number("SELECT id FROM article")))
    assert asked
    assert reader.losses() == []
    reader.engine.dispose()


def reader_at(url: str, path: Path) -> "subprocess.Popen[bytes]":
    """Start a reader that goes on where the last one was killed; it is at work on return."""
    reader = subprocess.Popen([sys.executable, str(READER), url, str(path)], stdout=subprocess.PIPE)
    assert reader.stdout is not None
    reader.stdout.readline()
    return reader


def kill(reader: "subprocess.Popen[bytes]") -> None:
    reader.kill()
    reader.communicate()


def refuse_many(url: str, number: int, rows: int) -> Iterator[int]:
    """Write rows in units of any size, of which each fifth fails; yield how many are left."""
    chance = Random(number)
    with Archive.open(url, create=False) as archive:
        while rows:
            count = min(rows, chance.randint(1, 200))
            fails = chance.random() < 0.2
            with suppress(ZeroDivisionError), archive.unit() as unit:
                for _ in range(count):
                    add_refusal(
                        unit, RefusalReason("empty", "It is empty.", "Fill it."), f"w{number}",
                        job_id=None, source_id=None, observation_id=None, capture_id=None,
                    )  # fmt: skip
                unit.flush()
                if fails:
                    raise ZeroDivisionError
                rows -= count
            yield rows


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows", [4_000, pytest.param(200_000, marks=pytest.mark.large)], ids=["some", "many"]
)
def test_a_reader_that_dies_at_random_among_eight_writers_gets_each_row_once_and_in_order(
    room, tmp_path, rows
):
    path, chance = tmp_path / "numbers", Random(7)
    path.touch()
    died = 0

    def write(number: int) -> None:
        for left in refuse_many(room.url, number, rows // MANY_WRITERS):
            while left < rows // MANY_WRITERS // 2 and died < LEAST_DEATHS:
                time.sleep(0.01)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(MANY_WRITERS)]
    for each in writers:
        each.start()
    while any(each.is_alive() for each in writers):
        reader = reader_at(room.url, path)
        time.sleep(chance.random() * LIVES)
        kill(reader)
        died += 1
    last = reader_at(room.url, path)
    deadline = time.monotonic() + 120
    while len(path.read_bytes().splitlines()) < rows and time.monotonic() < deadline:
        time.sleep(0.05)
    kill(last)
    expected = [row["seq"] for row in room.rows("SELECT seq FROM refusals ORDER BY seq")]
    assert (len(expected), died >= LEAST_DEATHS) == (rows, True)
    assert [int(line) for line in path.read_bytes().splitlines()] == expected
