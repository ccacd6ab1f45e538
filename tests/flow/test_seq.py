"""`WHERE seq > :last` is a safe way to follow an archive: nothing appears at or below what was seen."""

import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from storage.engine import database_url as parsed
from storage.engine import reading_engine
from storage.views import VIEWS
from tests.flow.driver import SENTENCES, Newsroom, lines, page, plain, seed
from tests.flow.driver import hour as hour_of

A, B, C, _ENGLISH = SENTENCES
WRITERS = 3
ROUNDS = 4


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


class Follower:
    """Follows every view by its `seq` while others write, some rows at a time."""

    def __init__(self, url: str, limit: int | None) -> None:
        self.engine = reading_engine(parsed(url))
        self.limit = limit
        self.last = dict.fromkeys(VIEWS, 0)
        self.got: dict[str, list[dict[str, Any]]] = {name: [] for name in VIEWS}

    def poll(self) -> int:
        return sum(self.poll_one(name) for name in VIEWS)

    def poll_one(self, name: str) -> int:
        bound = f"LIMIT {self.limit}" if self.limit else ""
        query = f"SELECT * FROM {name} WHERE seq > :last ORDER BY seq {bound}"
        rows = self._rows(query, last=self.last[name])
        if rows:
            self.got[name] += rows
            self.last[name] = rows[-1]["seq"]
        return len(rows)

    def whole(self, name: str) -> list[dict[str, Any]]:
        return self._rows(f"SELECT * FROM {name}")

    def _rows(self, query: str, **asked: Any) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            found = connection.execute(text(query), asked).mappings()
            return [{key: plain(value) for key, value in row.items()} for row in found]


def busy(url: str, root: Path, number: int) -> None:
    """Write, in one thread, what makes rows of every view come and change."""
    room = Newsroom(url, root / f"w{number}")
    source = room.watch(f"quelle{number}", room.folder)
    address = f"https://www.lohebote.example/{number % 2}"
    try:
        for turn in range(ROUNDS):
            at = turn * 3.0
            room.write("a.txt", seed("Pegel steigt", (A, B, C)[turn % 3]))
            room.write("b.md", page((B, A)[turn % 2], url=f"{address}/datei{number}"))
            room.write("t.jsonl", lines({f"k{turn}": f"{C} {number}", "fest": A}))
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


@pytest.mark.parametrize("limit", [None, 3], ids=["all at once", "three at a time"])
def test_a_reader_that_follows_seq_gets_every_row_as_it_stands_while_others_write(
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
    while follower.poll():
        pass
    for name in VIEWS:
        standing, got = follower.whole(name), follower.got[name]
        assert standing, f"{name} is not tried at all"
        twice = {seq: n for seq, n in Counter(row["seq"] for row in standing).items() if n > 1}
        assert twice == {}, f"numbers that stand twice in {name}"
        by_seq = {row["seq"]: row for row in got}
        assert len(by_seq) == len(got)
        lost = [row for row in standing if by_seq.get(row["seq"]) != row]
        assert lost == [], f"rows of {name} that a reader did not get"
    follower.engine.dispose()


def test_scans_that_confirmed_a_file_before_it_was_read_are_told_once_it_is(room):
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


def test_what_scans_confirmed_returns_when_its_version_is_numbered_anew(room):
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
