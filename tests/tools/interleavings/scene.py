"""Units of work that run at the same time, and what must hold after them."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random

from sqlalchemy import Connection, Executable, select
from sqlalchemy import update as change

from storage.capabilities.alert_sending import outbox
from storage.capabilities.alert_sending.outbox import ALERTS
from storage.capabilities.alert_sending.store import match
from storage.capabilities.outside_copies import store as copies
from storage.database.outgoing import mark_sending, record
from storage.database.tables import JOB, RELATION
from storage.language.passage import Passage
from storage.proof import log
from storage.proof.checkpoints import make
from storage.values.arrivals.source import NoSuchSourceError
from storage.values.redaction import RedactionReason
from storage.verify.verify import Verification
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
from tests.flow.driver import findings, hour
from tests.tools.interleavings.scheduler import Interleaving
from tests.tools.interleavings.stage import ADDRESS, FILES, OUTSIDE, Stage
from tests.tools.model.texts import PLAIN, web_page
from worker.cli.checks.rederive import RederiveSelection, Rereading
from worker.cli.redactions import prepare_reading
from worker.flow.order import order, target_at
from worker.flow.run_jobs import process_backlog, run_next_job
from worker.services.schedule.source_slots import tick

PATIENCE = 6
"""How often a worker looks for a job in vain before it ends."""


class Scene:
    """The acts of one seed on the stage, and what they did outside of the archive."""

    def __init__(self, stage: Stage, number: int) -> None:
        self.stage, self.room, self.follower = stage, stage.room, stage.follower
        self.archive, self.copied = stage.archive, stage.folder
        self.sent: Counter[int] = Counter()
        """How often there was a message about the first version of an article."""
        self.requested: Counter[int] = Counter()
        """How often another archive was asked to copy a page."""
        self.submitted = self.merged = 0
        self.chance = Random(number)
        others = self.chance.choices(sorted(self.acts()), k=self.chance.randint(1, 3))
        names = ["worker", *["worker", "expiry"][: self.chance.randint(0, 2)], *others]
        names += ["follower"][: self.chance.randint(0, 1)]
        acts = {
            f"{name} {number}": partial(self.acts()[name], number)
            for number, name in enumerate(names, start=1)
        }
        self.is_followed = "follower" in names
        self.run = Interleaving(number, acts, None if stage.is_sqlite else stage.waiting)

    def acts(self) -> dict[str, Callable[[int], None]]:
        """Return what can happen at the same time, also more than once; by its place in the seed."""
        return {
            "worker": self.work, "follower": self.follow, "expiry": self.expire,
            "redaction": self.redact, "passage": self.redact_passage, "version": self.redact_text,
            "restriction": self.restrict, "backup": self.back_up, "scheduler": self.order,
            "deliveries": self.deliver, "merge": self.merge, "submission": self.submit,
            "retention": self.drop_bytes, "undo": self.undo, "backlog": self.catch_up,
            "log": self.extend_log, "rederivation": self.rederive, "copies": self.copy_pages,
            "removal": self.remove_source,
        }  # fmt: skip

    def work(self, _number: int) -> None:
        with self.archive() as archive:
            idle = 0
            while idle < PATIENCE:
                if run_next_job(archive, self.room.settings, self.room.reader):
                    idle = 0
                else:
                    idle += 1
                    self.run.rest(30)

    def follow(self, _number: int) -> None:
        for _ in range(3):
            self.follower.poll()

    def expire(self, _number: int) -> None:
        """End leases now and then, as if their workers were silent for too long."""
        running = change(JOB).where(JOB.c.state == "running", JOB.c.attempts < 2)
        with self.archive() as archive:
            for _ in range(10):
                self.run.rest(self.chance.randint(5, 60))
                archive.transact_unnumbered(_execute, running.values(lease_until=0.0))

    def redact(self, number: int) -> None:
        stage = self.stage
        self._redact(RedactionTarget(stage.own if number % 2 else stage.old))

    def redact_text(self, _number: int) -> None:
        self._redact(RedactionTarget(self.stage.dike, (self.stage.wording,)))

    def _redact(self, target: RedactionTarget) -> None:
        with self.archive() as archive:
            redact_articles(archive, [target], RedactionReason.GDPR_ERASURE, "ada")

    def redact_passage(self, _number: int) -> None:
        with self.archive() as archive:
            redact_passage(
                archive, [RedactionTarget(self.stage.dike)], Passage.parse("in der Nacht"),
                RedactionReason.GDPR_ERASURE, "ada", prepare_reading, with_copies=True,
            )  # fmt: skip

    def restrict(self, number: int) -> None:
        with self.archive() as archive:
            why = RedactionReason.GDPR_RESTRICTION
            archive.transact(restrict, [self.stage.dike], why, "ada")
            if number % 2:
                archive.transact(lift, [self.stage.dike], "ada")

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
        for _ in range(3):
            self._send_messages()
            self.run.rest(30)

    def _send_messages(self) -> None:
        """Find the new articles, and send a message about each."""
        with self.archive() as archive:
            while match(archive.engine, archive.clock) or outbox.waits(archive.engine):
                for message in outbox.claim(archive.engine):
                    self.sent.update(item.article_id for item in message.items)
                    record(archive.engine, message.lease, state=ALERTS.sent, sent_at=hour(1))

    def merge(self, number: int) -> None:
        file, captures = self.stage.donated
        own = self.copied / f"{number}.warc.gz"
        own.write_bytes(file.read_bytes())
        with self.archive() as archive:
            place = target_at(archive, self.room.settings, str(own))
            job = order(archive, [place], "command")
            while run_next_job(archive, self.room.settings, self.room.reader, families=job):
                pass
        self.merged = len(captures)

    def submit(self, number: int) -> None:
        content = web_page(number % PLAIN, number)
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

    def catch_up(self, _number: int) -> None:
        """Index, relate and count what others have not yet, as at the end of a command."""
        with self.archive() as archive:
            process_backlog(archive)

    def extend_log(self, _number: int) -> None:
        with self.archive() as archive:
            for _ in range(3):
                log.append(archive.engine, archive.clock)
                make(archive.engine, archive.clock, self.stage.signer)

    def rederive(self, _number: int) -> None:
        with self.archive() as archive:
            again = Rereading(archive, self.room.settings, 1)
            assert not any(each.differ for each in again.differences(RederiveSelection(), _silent))

    def copy_pages(self, _number: int) -> None:
        """Ask another archive to copy new pages, which does so at once."""
        with self.archive() as archive:
            copies.plan(archive.engine, archive.clock)
            while request := copies.claim(archive.engine, OUTSIDE):
                found = archive.read(copies.page_of, request)
                if isinstance(found, str):
                    record(archive.engine, request.lease, state="dropped", note=found)
                elif mark_sending(archive.engine, request.lease):
                    self.requested[request.observation_id] += 1
                    archive.transact(copies.store_copy, request, found.address, hour(2))

    def remove_source(self, _number: int) -> None:
        with self.archive() as archive, suppress(NoSuchSourceError):  # another one was first
            name = self.room.source.name
            archive.change_source(name, removed_at=archive.clock(), standing=False)

    # -------------------------------------------------------------- what must hold

    def faults(self) -> list[str]:
        """Return what is wrong after the work that is left was done."""
        room, engine = self.room, self.follower.engine
        while run_next_job(room.archive, room.settings, room.reader):
            pass
        self._send_messages()
        self.copy_pages(0)
        found = [str(each.to_dict()) for each in Verification(engine).findings()]
        if self.is_followed:
            found += self.follower.losses()
        for each in self.copied.glob("*.sqlite3"):
            found += [f"the copy: {fault}" for fault in findings(str(each))]
        return found + self._wrong_counts()

    def _wrong_counts(self) -> list[str]:
        room, found = self.room, []
        if set(self.sent.values()) - {1} or len(self.sent) < FILES + 1:
            found.append(f"messages about {len(self.sent)} articles: {self.sent}")
        copied = room.number("SELECT count(*) FROM outside_copy")
        if set(self.requested.values()) - {1} or copied > len(self.requested):
            found.append(f"{copied} outside copies, requested: {self.requested}")
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
        expected = FILES + 5 + self.submitted + self.merged
        if twice or {captured, verdicts, counted} != {expected}:
            found.append(f"{captured} captures, {verdicts} verdicts, {counted} counted")
        left = room.rows("SELECT id, kind, state, reason FROM job WHERE state <> 'done'")
        return [*found, *(f"left: {each}" for each in left)]


def try_seed(stage: Stage, number: int) -> tuple[list[str], Interleaving]:
    """Let the units of one seed run at the same time; return what is wrong, and their trace."""
    with stage.prepared():
        scene = Scene(stage, number)
        try:
            scene.run.run()
        except Exception as error:  # noqa: BLE001  # a fault of the seed
            return [f"{type(error).__name__}: {error}"], scene.run
        return scene.faults(), scene.run


_RELATIONS = select(RELATION.c.id).order_by(RELATION.c.id)


def _execute(connection: Connection, statement: Executable) -> None:
    connection.execute(statement)


def _silent(_what: str, _number: int) -> None:
    """Show no progress."""
