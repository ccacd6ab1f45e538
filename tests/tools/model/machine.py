"""Any events in any order, done with the real archive and told to the oracle; both must agree."""

from copy import deepcopy
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from storage.capabilities.alert_sending import manage
from storage.capabilities.alert_sending.store import match
from storage.history.alerts.rule import AlertRule
from storage.read.archive import open_archive
from storage.values.redaction import RedactionReason
from storage.write.copies import NotAnEarlierCopyError, copy, update
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import drop_overdue_bytes
from storage.write.redaction.restrict import lift, restrict
from storage.write.submissions import Submission, SubmissionRedactedError, store_submission
from tests.flow.driver import SharingReader, hour
from tests.tools.model.families import (
    FrontPages,
    LiveBlogs,
    Moves,
    Noise,
    OutsideCopies,
    Passages,
    Walls,
)
from tests.tools.model.means import texts
from tests.tools.model.oracle import File, Oracle
from tests.tools.model.texts import (
    ADDRESSES,
    BODIES,
    LIVE,
    MOVING,
    NOISY,
    RESERVED,
    donor,
    order_of,
    page_of,
    seed_of,
    web_page,
)
from tests.tools.model.told import ERASED, Told, compare, compare_all, version_of
from tests.warcs import answer
from worker.cli.checks import rederive
from worker.text import hints

FILES = {"a.txt": "seed:presse/a.txt", "b.txt": "seed:presse/b.txt"}
PAGES = {"p.md": ADDRESSES[0], "q.md": ADDRESSES[1]}
WATCHED = FILES | PAGES
HOOK = ("webhook", "https://redaktion.example/hook")

names = st.sampled_from(sorted(WATCHED))
addresses = st.sampled_from([*ADDRESSES, *MOVING])
origins = st.sampled_from([*ADDRESSES, *MOVING, *FILES.values(), LIVE])


class ArchiveMachine(FrontPages, LiveBlogs, Moves, Noise, Passages, OutsideCopies, Walls):
    """One small archive; every rule advances its clock by an hour."""

    verify_every = 10
    """After how many steps the archive is verified, and always at the end."""
    done: ClassVar[list[int]] = []
    """The steps of each example."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, tuple[int, int, tuple[str, str]]] = {}
        self.saved: Oracle | None = None
        """What the backup knows."""

    @initialize(upgrades=st.booleans())
    def begin(self, *, upgrades: bool) -> None:
        """Choose whether this archive gets new extractors or loses bytes.

        A text without bytes is never compared with one of another extractor.
        """
        self.upgrades = upgrades
        self.room.archive.transact(manage.add, "alle", AlertRule(), [HOOK])

    def teardown(self) -> None:
        try:
            lost = self.follower.losses()
            assert lost == [], "\n".join(lost)
            found = self.room.findings()
            assert found == [], found
            self.done.append(self.steps)
        finally:
            self.resources.close()

    # ------------------------------------------------------------------- what happens

    @rule(name=names, text=texts)
    def write(self, name: str, text: int) -> None:
        """Write a file, with bytes that differ each time if it can have an address."""
        content = page_of(text, next(self.serial), PAGES[name]) if name in PAGES else seed_of(text)
        self.room.write(name, content)
        written = (next(self.serial), text, order_of(text, content))
        self.files[name] = written
        self.oracle.files[name] = File(WATCHED[name], written)

    @rule(name=names)
    def remove(self, name: str) -> None:
        if name in self.files:
            self.room.remove(name)
            del self.files[name]
            del self.oracle.files[name]

    @rule()
    def scan(self) -> None:
        self._tick()
        self.room.scan()
        self.oracle.scan(self.clock)

    @rule(address=addresses, text=texts, back=st.integers(0, 8))
    def import_late(self, address: str, text: int, back: int) -> None:
        """Import a capture of an address from between two earlier hours."""
        self._tick()
        content = page_of(text, next(self.serial))
        self._import(address, text, self.clock - back - 0.5, content, "md")

    @rule(address=addresses, text=texts, back=st.integers(0, 8))
    def import_at_an_own_moment(self, address: str, text: int, back: int) -> None:
        self._tick()
        content = page_of(text, next(self.serial))
        self._import(address, text, self.clock - back, content, "md")

    @rule(address=addresses, text=texts)
    def submit(self, address: str, text: int) -> None:
        """Store a page that a browser sent."""
        self._tick()
        raw = web_page(text, next(self.serial))
        submission = Submission(address, address, raw.encode(), "ada")
        if address in self.oracle.erased:
            with pytest.raises(SubmissionRedactedError):
                store_submission(self.room.archive, submission)
            return
        self.room.worked(store_submission(self.room.archive, submission))
        self.oracle.see(address, text, self.clock, order_of(text, raw), self.clock)

    @precondition(lambda self: self.upgrades)  # a redaction takes answers away
    @rule(address=addresses, text=texts, back=st.integers(1, 8), on=st.booleans())
    def crawl(self, address: str, text: int, back: int, *, on: bool) -> None:
        """Import the answer of a server from an earlier time, which may reserve its rights."""
        self._tick()
        at, content = self.clock - back - 0.25, web_page(text, next(self.serial))
        answered = answer(content.encode(), headers={"X-Robots-Tag": RESERVED} if on else {})
        self._ingest(self._crawled(address, at, answered))
        self.oracle.see(address, text, at, order_of(text, content), self.clock)
        self.oracle.hear(address, at, [(address, RESERVED)] if on else [])

    @rule()
    def match_alerts(self) -> None:
        self._tick()
        match(self.room.archive.engine, self.room.archive.clock)
        self.oracle.match(self.clock)

    @precondition(lambda self: self.steps >= self.rests_until)
    @rule()
    def merge(self) -> None:
        """Import all that another archive has; for a second time, nothing."""
        self._tick(is_costly=True)
        file, captures = donor()
        self._ingest(file)
        for each in captures:
            self.oracle.see(*each, self.clock)

    @precondition(lambda self: not self.upgrades and self.oracle.origins())
    @rule(origin=origins)
    def redact(self, origin: str) -> None:
        if origin in self.oracle.origins():
            self._tick()
            self._redact(RedactionTarget(self._article(origin)))
            self.oracle.redact(self.oracle.texts(self.oracle.of(origin)))

    @precondition(lambda self: not self.upgrades and self.oracle.origins())
    @rule(origin=origins, text=texts)
    def redact_a_version(self, origin: str, text: int) -> None:
        article = self.oracle.of(origin)
        if article and text in self.oracle.texts(article) - self.oracle.redacted:
            self._tick()
            found = self.room.number("SELECT id FROM wording WHERE text = :body", body=BODIES[text])
            self._redact(RedactionTarget(self._article(origin), (found,)))
            self.oracle.redact({text}, with_teasers=False)

    @precondition(lambda self: not self.upgrades and self.oracle.origins())
    @rule(origin=origins)
    def redact_an_address(self, origin: str) -> None:
        if origin in self.oracle.origins():
            self._tick()
            self._redact(RedactionTarget(self._article(origin)), with_addresses=True)
            article = self.oracle.of(origin)
            self.oracle.redact(self.oracle.texts(article))
            self.oracle.erased |= {*article.origins}

    @precondition(lambda self: not self.upgrades)
    @rule(hours=st.integers(1, 12))
    def drop_bytes(self, hours: int) -> None:
        """Delete the bytes that are older than so many hours; their texts stay."""
        self._tick()
        drop_overdue_bytes(self.room.archive, 3600.0 * hours, by_clock=True)
        self.oracle.erasures += 1

    @precondition(lambda self: self.upgrades)
    @rule()
    def read_again(self) -> None:
        """Install a new version of the extractors, which reads every text as before."""
        self._tick()
        self.resources.enter_context(patch.object(hints, "VERSION", f"next{next(self.serial)}"))
        hints.extractor.cache_clear()
        with patch.object(rederive, "Reader", SharingReader):
            again = rederive.Rereading(self.room.archive, self.room.settings, 1)
            found = list(again.differences(rederive.RederiveSelection(), _silent))
        assert not any(each.is_any for each in found), found

    @precondition(lambda self: self.oracle.relations)
    @rule(chance=st.integers(0, 99))
    def undo_a_relation(self, chance: int) -> None:
        self._undo("relation", ("a_origin_id", "b_origin_id"), chance, self.oracle.undone)

    @precondition(lambda self: self.steps >= self.rests_until)
    @rule()
    def back_up(self) -> None:
        """Copy the archive, or update the copy unless a text was redacted since."""
        self._tick(is_costly=True)
        copied = self.root / "copy.sqlite3"
        if copied.exists():
            try:
                update(self.room.url, str(copied), _silent)
            except NotAnEarlierCopyError:
                assert self.oracle.erasures, "nothing was redacted"
                copied.unlink()
        if not copied.exists():
            copy(self.room.url, str(copied), _silent)
        self.saved = deepcopy(self.oracle)
        with Told(copied) as told:
            compare_all(told.rows, self.oracle)

    @precondition(lambda self: self.saved is not None and self.steps >= self.rests_until)
    @rule()
    def restore(self) -> None:
        """Go on with the backup in a new place; the files are as they are."""
        self._tick(is_costly=True)
        url = self.resources.enter_context(type(self).databases())
        if url.startswith("sqlite"):
            Path(url.removeprefix("sqlite:///")).unlink()
        copy(str(self.root / "copy.sqlite3"), url, _silent)
        self._open(url)
        self.room.now = hour(self.clock)
        self.oracle = deepcopy(self.saved)
        for name in self.oracle.files.keys() - self.files.keys():
            del self.oracle.files[name]
        for name, written in self.files.items():
            if name not in self.oracle.files or self.oracle.files[name].written != written:
                self.oracle.files[name] = File(WATCHED[name], written)

    @precondition(lambda self: self.oracle.origins())
    @rule(origin=origins | st.just(NOISY), on=st.booleans())
    def restrict_or_lift(self, origin: str, *, on: bool) -> None:
        if origin not in self.oracle.origins():
            return
        self._tick()
        article = [self._article(origin)]
        if on:
            why = RedactionReason.GDPR_RESTRICTION
            self.room.archive.transact(restrict, article, why, "ada")
            self.oracle.restricted |= {*self.oracle.of(origin).origins}
        else:
            self.room.archive.transact(lift, article, "ada")
            self.oracle.restricted -= {*self.oracle.of(origin).origins}

    # -------------------------------------------------------------- what must be known

    @invariant()
    def agree(self) -> None:
        self.follower.poll()
        compare_all(self.room.rows, self.oracle)
        self.steps += 1
        if self.steps % self.verify_every == 0:
            found = self.room.findings()
            assert found == [], found

    @precondition(lambda self: self.oracle.origins())
    @rule(back=st.integers(0, 12), both=st.booleans(), half=st.sampled_from([0.0, 0.25]))
    def ask_an_earlier_time(self, back: int, half: float, *, both: bool) -> None:
        """Ask for the texts as of an hour, and by what was known at it."""
        at = self.clock - back + half
        as_of, known_at = (at, at) if both else (at, 1e9)
        expected = {
            self.oracle.name(each): found
            for each in self.oracle.visible()
            if (found := self.oracle.versions(each, (as_of, known_at)))
        }
        with open_archive(self.room.url) as archive:
            then = archive.with_clocks(hour(as_of), hour(known_at) if both else None)
            told = {
                each.origin: [
                    version_of(
                        version.to_dict()
                        | {"text": then.version(f"{each.article}@{version.version}").text}
                    )
                    for version in then.history(each.article)
                ]
                for each in then.articles()
                if each.versions != 0 and not each.origin.startswith(ERASED)
            }
        compare(told, expected)


def _silent(_what: str, _number: int) -> None:
    """Show no progress."""
