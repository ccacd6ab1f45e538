"""Units of work that run at the same time, and what must hold after them; and two broken twins."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy import update as change

from storage.database.outgoing import record
from storage.database.tables import JOB, RELATION
from storage.database.unit import Clock, Unit, writing
from storage.history.alerts.rule import AlertRule
from storage.schedule import queue
from storage.values.redaction import RedactionReason
from storage.write import archive as writable
from storage.write.alerts import manage, outbox
from storage.write.alerts.match import match
from storage.write.alerts.outbox import ALERTS
from storage.write.archive import Archive
from storage.write.copies import NotAnEarlierCopyError, copy, update
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import (
    drop_overdue_bytes,
    redact_articles,
    redact_passage,
)
from storage.write.redaction.restrict import lift, restrict
from storage.write.submissions import Submission, store_submission
from storage.write.undo import undo
from tests.flow.driver import SENTENCES, Newsroom, SharingReader, findings, hour, page, seed
from tests.tools.interleavings.scheduler import Interleaving
from tests.tools.model.texts import BODIES, donor, web_page
from tests.write.follower import Follower
from worker.cli.redactions import prepare_reading
from worker.flow.order import order, target_at
from worker.flow.run_jobs import run_next_job
from worker.services.schedule.source_slots import tick

Twin = Callable[[], Any]
FILES = 4
HOOK = ("webhook", "https://redaktion.example/hook")
PATIENCE = 20
"""How often a worker looks for a job in vain before it ends."""
ADDRESS = "https://lohebote.example/deich"


class Scene:
    """A small archive with a folder that is to be ingested."""

    def __init__(self, url: str, root: Path, chance: Random) -> None:
        self.room = Newsroom(url, root, batch_items="2")
        self.follower = Follower(url, None)
        self.copied = root / "copies"
        self.copied.mkdir()
        self.sent: Counter[int] = Counter()
        """How often there was a message about the first version of an article."""
        self.submitted = self.merged = 0
        room = self.room
        room.write("alt.txt", seed("Alte Meldung", SENTENCES[0], SENTENCES[3]))
        room.write("deich.md", page(SENTENCES[1], url=ADDRESS))
        room.scan(0)
        self.article = room.number("SELECT min(id) FROM article")
        self.last = room.number("SELECT max(id) FROM article")
        self.wording = room.number("SELECT wording_id FROM version ORDER BY id DESC LIMIT 1")
        room.archive.transact(manage.add, "neu", AlertRule(classes=("first",)), [HOOK])
        for number in range(FILES):
            room.write(f"{number}.txt", seed(f"Meldung {number}", f"Es kamen {number} Boote."))
        room.write("kopie.txt", seed("Meldung 1", "Es kamen 1 Boote."))
        room.write("deich.md", page(SENTENCES[2], url=ADDRESS))
        room.now = hour(1)
        room.ordered(room.places(""))
        others = chance.choices(sorted(self.acts()), k=chance.randint(1, 3))
        names = ["worker", *["worker", "expiry"][: chance.randint(0, 2)], *others]
        self.chosen = {
            f"{name} {number}": partial(self.acts()[name], number)
            for number, name in enumerate(names, start=1)
        }

    def acts(self) -> dict[str, Callable[[int], None]]:
        """Return what can happen at the same time, also more than once; by its place in the seed."""
        return {
            "worker": self.work, "follower": self.follow, "expiry": self.expire,
            "redaction": self.redact, "passage": self.redact_passage, "version": self.redact_text,
            "restriction": self.restrict, "backup": self.back_up, "scheduler": self.order,
            "deliveries": self.deliver, "merge": self.merge, "submission": self.submit,
            "retention": self.drop_bytes, "undo": self.undo,
        }  # fmt: skip

    def close(self) -> None:
        self.follower.engine.dispose()
        self.room.close()

    @contextmanager
    def archive(self) -> Iterator[Archive]:
        """Give an archive of its own, as a process has."""
        with Archive.open(self.room.url, lambda: self.room.now, create=False) as found:
            yield found

    def work(self, _number: int) -> None:
        with self.archive() as archive, SharingReader(self.room.settings) as reader:
            idle = 0
            while idle < PATIENCE:
                idle = 0 if run_next_job(archive, self.room.settings, reader) else idle + 1

    def follow(self, _number: int) -> None:
        for _ in range(4):
            self.follower.poll()

    def expire(self, _number: int) -> None:
        """End leases now and then, as if their workers were silent for too long."""
        with self.archive() as archive:
            for _ in range(20):
                for _ in range(3):
                    archive.beats()
                with archive.unit() as unit:
                    running = change(JOB).where(JOB.c.state == "running", JOB.c.attempts < 2)
                    unit.connection.execute(running.values(lease_until=0.0))

    def redact(self, _number: int) -> None:
        self._redact(RedactionTarget(self.article))

    def redact_text(self, _number: int) -> None:
        self._redact(RedactionTarget(self.last, (self.wording,)))

    def _redact(self, target: RedactionTarget) -> None:
        with self.archive() as archive:
            redact_articles(archive, [target], RedactionReason.GDPR_ERASURE, "ada")

    def redact_passage(self, _number: int) -> None:
        with self.archive() as archive:
            redact_passage(
                archive, [RedactionTarget(self.last)], "in der Nacht",
                RedactionReason.GDPR_ERASURE, "ada", prepare_reading, with_copies=True,
            )  # fmt: skip

    def restrict(self, number: int) -> None:
        with self.archive() as archive:
            why = RedactionReason.GDPR_RESTRICTION
            archive.transact(restrict, [self.last], why, "ada")
            if number % 2:
                archive.transact(lift, [self.last], "ada")

    def back_up(self, number: int) -> None:
        target = self.copied / f"{number}.sqlite3"
        copy(self.room.url, str(target), _silent)
        try:
            update(self.room.url, str(target), _silent)
        except NotAnEarlierCopyError:  # redacted meanwhile
            target.unlink()

    def order(self, _number: int) -> None:
        with self.archive() as archive:
            for at in (1.1, 1.2):
                tick(archive, self.room.settings, self.room.source, hour(at))

    def deliver(self, _number: int) -> None:
        """Find the new articles, and send a message about each."""
        with self.archive() as archive:
            for _ in range(3):
                match(archive.engine, archive.clock)
                for message in outbox.claim(archive.engine):
                    self.sent.update(item.article_id for item in message.items)
                    record(archive.engine, message.lease, state=ALERTS.sent, sent_at=hour(1))

    def merge(self, number: int) -> None:
        file, captures = donor()
        own = self.copied / f"{number}.warc.gz"
        own.write_bytes(file.read_bytes())
        with self.archive() as archive, SharingReader(self.room.settings) as reader:
            place = target_at(archive, self.room.settings, str(own))
            job = order(archive, [place], "command")
            while run_next_job(archive, self.room.settings, reader, families=job):
                pass
        self.merged = len(captures)

    def submit(self, number: int) -> None:
        content = web_page(number % len(BODIES), number)
        with self.archive() as archive:
            store_submission(archive, Submission(ADDRESS, ADDRESS, content.encode(), "ada"))
        self.submitted += 1

    def drop_bytes(self, _number: int) -> None:
        with self.archive() as archive:
            drop_overdue_bytes(archive, 1800.0, by_clock=True)

    def undo(self, _number: int) -> None:
        with self.archive() as archive:
            for _ in range(3):
                found = archive.read(
                    lambda connection: connection.execute(_RELATIONS).scalars().all()
                )
                for relation in found:
                    archive.transact(undo, relation)

    # -------------------------------------------------------------- what must hold

    def faults(self) -> list[str]:
        """Return what is wrong after the work that is left was done."""
        room = self.room
        while run_next_job(room.archive, room.settings, room.reader):
            pass
        found = [str(each) for each in room.findings()] + self.follower.losses()
        for each in self.copied.glob("*.sqlite3"):
            found += [f"the copy: {fault}" for fault in findings(str(each))]
        self.deliver(0)
        if set(self.sent.values()) - {1} or len(self.sent) < FILES + 1:
            found.append(f"messages about {len(self.sent)} articles: {self.sent}")
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
        expected = FILES + 4 + self.submitted + self.merged
        if twice or {captured, verdicts, counted} != {expected}:
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


_RELATIONS = select(RELATION.c.id).order_by(RELATION.c.id)


def _silent(_what: str, _number: int) -> None:
    """Show no progress."""


# ------------------------------------------------------------------------- broken twins


@contextmanager
def claims_without_token() -> Iterator[None]:
    """Let a worker that lost its lease store its results all the same."""
    whole = queue._update_claimed

    def unguarded(unit: Unit, claim: Any, *, with_number: bool = True, **values: Any) -> None:
        if with_number:
            values["seq"] = unit.number()
        unit.connection.execute(change(JOB).where(JOB.c.id == claim.job_id).values(**values))

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
