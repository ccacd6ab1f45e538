"""Units of work that run at the same time, and what must hold after them; and two broken twins."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, update

from storage.database.tables import JOB
from storage.database.unit import Clock, Unit, writing
from storage.schedule import queue
from storage.values.redaction import RedactionReason
from storage.write import archive as writable
from storage.write.alerts.match import match
from storage.write.archive import Archive
from storage.write.copies import copy
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from storage.write.redaction.restrict import restrict
from tests.flow.driver import SENTENCES, Newsroom, findings, hour, page, seed
from tests.tools.interleavings.scheduler import Interleaving
from tests.write.follower import Follower
from worker.flow.read import Reader
from worker.flow.run_jobs import run_next_job
from worker.services.schedule.source_slots import tick

Twin = Callable[[], Any]
FILES = 4
PATIENCE = 20
"""How often a worker looks for a job in vain before it ends."""
ADDRESS = "https://lohebote.example/deich"


class Scene:
    """A small archive with a folder that is to be ingested."""

    def __init__(self, url: str, root: Path, chance: Random) -> None:
        self.room = Newsroom(url, root, batch_items="2")
        self.follower = Follower(url, None)
        self.copied = root / "copy.sqlite3"
        room = self.room
        room.write("alt.txt", seed("Alte Meldung", SENTENCES[0], SENTENCES[3]))
        room.write("deich.md", page(SENTENCES[1], url=ADDRESS))
        room.scan(0)
        self.article = room.number("SELECT min(id) FROM article")
        self.last = room.number("SELECT max(id) FROM article")
        for number in range(FILES):
            room.write(f"{number}.txt", seed(f"Meldung {number}", f"Es kamen {number} Boote."))
        room.write("kopie.txt", seed("Meldung 1", "Es kamen 1 Boote."))
        room.write("deich.md", page(SENTENCES[2], url=ADDRESS))
        room.now = hour(1)
        room.ordered(room.places(""))
        others = chance.sample(sorted(self.acts()), chance.randint(1, 2))
        names = ["worker", "worker 2", "expiry", *others][: 3 + chance.randint(0, 2)]
        self.chosen = {
            name: self.worker if name.startswith("worker") else self.acts()[name] for name in names
        }

    def acts(self) -> dict[str, Callable[[], None]]:
        return {
            "follower": self.follow, "expiry": self.expire, "redaction": self.redact,
            "restriction": self.restrict, "backup": self.backup, "scheduler": self.order,
            "alerts": self.match,
        }  # fmt: skip

    def close(self) -> None:
        self.follower.engine.dispose()
        self.room.close()

    @contextmanager
    def archive(self) -> Iterator[Archive]:
        """Give an archive of its own, as a process has."""
        with Archive.open(self.room.url, lambda: self.room.now, create=False) as found:
            yield found

    def worker(self) -> None:
        with self.archive() as archive, Reader(self.room.settings) as reader:
            idle = 0
            while idle < PATIENCE:
                idle = 0 if run_next_job(archive, self.room.settings, reader) else idle + 1

    def follow(self) -> None:
        for _ in range(4):
            self.follower.poll()

    def expire(self) -> None:
        """End leases now and then, as if their workers were silent for too long."""
        with self.archive() as archive:
            for _ in range(20):
                for _ in range(3):
                    archive.beats()
                with archive.unit() as unit:
                    running = update(JOB).where(JOB.c.state == "running", JOB.c.attempts < 2)
                    unit.connection.execute(running.values(lease_until=0.0))

    def redact(self) -> None:
        with self.archive() as archive:
            target = RedactionTarget(self.article)
            redact_articles(archive, [target], RedactionReason.GDPR_ERASURE, "ada")

    def restrict(self) -> None:
        with self.archive() as archive:
            why = RedactionReason.GDPR_RESTRICTION
            archive.transact(restrict, [self.last], why, "ada")

    def backup(self) -> None:
        copy(self.room.url, str(self.copied), lambda _what, _number: None)

    def order(self) -> None:
        with self.archive() as archive:
            for at in (1.1, 1.2):
                tick(archive, self.room.settings, self.room.source, hour(at))

    def match(self) -> None:
        with self.archive() as archive:
            match(archive.engine, archive.clock)

    # -------------------------------------------------------------- what must hold

    def faults(self) -> list[str]:
        """Return what is wrong after the work that is left was done."""
        room = self.room
        while run_next_job(room.archive, room.settings, room.reader):
            pass
        found = [str(each) for each in room.findings()] + self.follower.losses()
        if self.copied.exists():
            found += [f"the copy: {each}" for each in findings(str(self.copied))]
        twice = room.number(
            "SELECT count(*) FROM (SELECT observation_id FROM verdict GROUP BY observation_id "
            "HAVING count(*) > 1) t"
        )
        captured = room.number("SELECT count(*) FROM observation WHERE outcome = 'captured'")
        verdicts = room.number("SELECT count(*) FROM verdict")
        counted = room.number(
            "SELECT sum(new_articles + new_versions + unchanged + copies + refused) FROM job "
            "WHERE kind = 'read'"
        )
        if twice or {captured, verdicts, counted} != {FILES + 4}:
            found.append(f"{captured} captures, {verdicts} verdicts, {counted} counted")
        left = room.rows("SELECT id, kind, state, reason FROM job WHERE state <> 'done'")
        return [*found, *(f"left: {each}" for each in left)]


def try_seed(url: str, root: Path, number: int) -> tuple[list[str], Interleaving]:
    """Let the units of one seed run at the same time; return what is wrong, and their trace."""
    scene = Scene(url, root, Random(number))
    run = Interleaving(number, scene.chosen)
    try:
        try:
            run.run()
        except Exception as error:  # noqa: BLE001  # a fault of the seed
            return [f"{type(error).__name__}: {error}"], run
        return scene.faults(), run
    finally:
        scene.close()


# ------------------------------------------------------------------------- broken twins


@contextmanager
def claims_without_token() -> Iterator[None]:
    """Let a worker that lost its lease store its results all the same."""
    whole = queue._update_claimed

    def unguarded(unit: Unit, claim: Any, *, with_number: bool = True, **values: Any) -> None:
        if with_number:
            values["seq"] = unit.number()
        unit.connection.execute(update(JOB).where(JOB.c.id == claim.job_id).values(**values))

    queue._update_claimed = unguarded
    try:
        yield
    finally:
        queue._update_claimed = whole


@contextmanager
def numbers_before_the_lock() -> Iterator[None]:
    """Let each unit take its numbers before the write lock, not in the order of commit."""
    blocks = itertools.count(10**6)

    @contextmanager
    def early(engine: Engine, clock: Clock) -> Iterator[Unit]:
        number = itertools.count(next(blocks) * 10**6)
        with writing(engine, clock) as unit:

            def numbers(count: int = 1) -> int:
                return [next(number) for _ in range(count)][-1]

            unit.number = numbers  # type: ignore[method-assign]
            yield unit

    writable.writing = early
    try:
        yield
    finally:
        writable.writing = writing


TWINS: dict[str, Callable[[], Any]] = {
    "a claim without a token": claims_without_token,
    "a number before the lock": numbers_before_the_lock,
}
