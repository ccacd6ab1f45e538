"""A small archive with a folder that is to be ingested: made once, and copied for each seed."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import Engine, text

from storage import child_process
from storage.capabilities.alert_sending import manage
from storage.database.engine import database_url, writing_engine
from storage.history.alerts.rule import AlertRule
from storage.history.memory import Memory
from storage.proof.note import Signer
from storage.values.net.transfer import Transfer
from storage.write import submissions
from storage.write.archive import Archive
from storage.write.submissions import Submission, source_name, store_submission
from tests.flow.driver import SENTENCES, Newsroom, SharingReader, hour, page, seed
from tests.services import PostgresDatabases
from tests.tools.model.texts import donor, web_page
from tests.write.follower import Follower
from worker.cli.checks import rederive
from worker.flow.collect import folder
from worker.text import hints

Copies = Callable[[], AbstractContextManager[str]]

FILES = 4
ADDRESS = "https://lohebote.example/deich"
OWN_ADDRESS = "https://lohebote.example/eigen"
OUTSIDE = "eins"
"""An archive that copies the page of one source."""
HOOK = ("webhook", "https://redaktion.example/hook")
UNBOUND = {"lease_seconds": "86400", "batch_seconds": "43200", "batch_items": "2"}
"""No unit of work ends by a clock, however slow the machine is."""


class Stage:
    """The place of all seeds of one process; its engines keep the statements they compiled."""

    def __init__(self, root: Path, address: str, copies: Copies) -> None:
        self._copies = copies
        self.is_sqlite = address.startswith("sqlite")
        self._engines: list[Engine] = []
        self._resources = ExitStack()
        self._resources.enter_context(patch.object(folder, "HOLD_SECONDS", 43200.0))
        self._resources.enter_context(patch.object(child_process, "START_SECONDS", 600.0))
        self._resources.enter_context(patch.object(rederive, "Reader", SharingReader))
        self.folder = root / "kopien"
        self.signer = Signer.generate("lohebote.example/log", seed=bytes(32))
        self.donated = donor()
        _fill(Newsroom(address, root, **UNBOUND))
        with copies() as url:
            self.room = Newsroom(url, root, **UNBOUND)
            self.follower = Follower(url, None)
            query = "SELECT id FROM article ORDER BY id"
            self.old, self.dike, self.own = (row["id"] for row in self.room.rows(query))
            query = "SELECT wording_id FROM version WHERE article_id = :dike"
            self.wording = self.room.number(query, dike=self.dike)
            self._rest()

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Give the archive as it was made, with nothing remembered of an earlier seed."""
        with self._copies() as url:
            assert url == self.room.url
            self.room.now = hour(1)
            self.room.archive.memory = Memory()
            self.follower.forget()
            self.folder.mkdir()
            try:
                yield
            finally:
                self._rest()
                shutil.rmtree(self.folder)

    def _rest(self) -> None:
        """Close all connections; on SQLite they stay, as a new one has to parse the whole schema."""
        if not self.is_sqlite:
            for engine in (self.room.archive.engine, self.follower.engine, *self._engines):
                engine.dispose()

    def close(self) -> None:
        self.room.close()
        for engine in (self.follower.engine, *self._engines):
            engine.dispose()
        self._resources.close()

    @contextmanager
    def archive(self) -> Iterator[Archive]:
        """Give an archive of its own, as a process has; the next one gets its connections."""
        room = self.room
        engine = self._engines.pop() if self._engines else writing_engine(database_url(room.url))
        try:
            yield Archive(engine, room.archive.place, lambda: room.now)
        finally:
            self._engines.append(engine)

    def waiting(self) -> set[int]:
        """Return the sessions that wait for a lock of another one."""
        query = text("SELECT pid FROM pg_locks WHERE NOT granted")
        with self.follower.engine.connect() as connection:
            return set(connection.execute(query).scalars())


def _fill(room: Newsroom) -> None:
    """Store articles, some read by an older extractor, and order to collect others."""
    with patch.object(hints, "VERSION", "13"):
        hints.extractor.cache_clear()
        room.write("alt.txt", seed("Alte Meldung", SENTENCES[0], SENTENCES[3]))
        room.ingest("alt.txt", at=0)
        room.write("deich.md", page(SENTENCES[1], url=ADDRESS))
        room.scan(0)
    hints.extractor.cache_clear()
    with patch.object(submissions, "Transfer", _own_transfer):
        own = Submission(OWN_ADDRESS, OWN_ADDRESS, web_page(0, 0).encode(), "ben")
        room.worked(store_submission(room.archive, own))
    wish = {"copy_to": {"archive": OUTSIDE, "since": 0}}
    room.archive.change_source(source_name("ben"), options=wish)
    room.archive.transact(manage.add, "neu", AlertRule(classes=("first",)), [HOOK])
    for number in range(FILES):
        room.write(f"{number}.txt", seed(f"Meldung {number}", f"Es kamen {number} Boote."))
    room.write("kopie.txt", seed("Meldung 1", "Es kamen 1 Boote."))
    room.write("deich.md", page(SENTENCES[2], url=ADDRESS))
    room.now = hour(1)
    room.ordered(room.places(""))
    room.close()


def _own_transfer(address: str, moment: datetime, *, is_foreign: bool) -> Transfer:
    """Return the transfer of a submission as if the page had been fetched by this archive."""
    return Transfer(address, moment, is_foreign=not is_foreign)


@contextmanager
def sqlite_stage(template: Path, root: Path) -> Iterator[Stage]:
    """Give a stage in a folder, made from an empty archive."""
    first, copied = root / "erste.sqlite3", root / "archiv.sqlite3"
    shutil.copyfile(template, first)
    shutil.copyfile(template, copied)

    @contextmanager
    def copies() -> Iterator[str]:
        with closing(sqlite3.connect(first)) as made, closing(sqlite3.connect(copied)) as target:
            made.backup(target)
        yield f"sqlite:///{copied}"

    with closing(Stage(root, f"sqlite:///{first}", copies)) as stage:
        yield stage


@contextmanager
def postgres_stage(postgres: PostgresDatabases, template: str, root: Path) -> Iterator[Stage]:
    """Give a stage on a server that has an empty archive."""
    with postgres.database(template) as address:
        name = address.partition("?")[0].rpartition("/")[2]
        with closing(Stage(root, address, lambda: postgres.emptied(name))) as stage:
            yield stage
