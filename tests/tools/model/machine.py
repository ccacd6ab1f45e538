"""Any events in any order, done with the real archive and told to the oracle; both must agree."""

import itertools
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from storage.read.archive import open_archive
from storage.values.digest import raw_digest, wording_digest
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from storage.write.redaction.restrict import lift, restrict
from tests.flow.driver import Newsroom, hour, page, seed
from tests.tools.model.oracle import Oracle, Version, changes
from tests.write.follower import Follower
from worker.flow.order import target_at

Databases = Callable[[], AbstractContextManager[str]]
"""Gives the address of an empty archive."""

TEXTS = {
    "Pegel der Lohe steigt": "Der Pegel der Lohe stieg in der Nacht um drei Zentimeter.\n\n"
    "Am Deich standen bis zum Morgen vierzig Helfer mit Sandsäcken bereit.",
    "Fähre bleibt im Hafen": "Wegen der hohen Wellen legte gestern kein einziges Schiff ab.\n\n"
    "Reisende warteten in der Turnhalle auf ruhigeres Wetter.",
    "Stadtrat streitet über Bäume": "Elf Linden am Markt sollen einem Parkhaus weichen.\n\n"
    "Die Grünen sammelten dagegen achthundert Unterschriften.",
    "Posaunenchor gewinnt Preis": "Mit einem Choral überzeugten die Bläser aus Ostheide die Jury.\n\n"
    "Geübt hatten sie seit dem Herbst jeden Dienstag in der Scheune.",
    "Bibliothek öffnet sonntags": "Leserinnen können künftig auch am Wochenende Romane ausleihen.\n\n"
    "Zwei zusätzliche Angestellte übernehmen dafür die Ausgabe.",
}
TITLES, BODIES = list(TEXTS), list(TEXTS.values())
FILES = {"a.txt": "seed:presse/a.txt", "b.txt": "seed:presse/b.txt"}
ADDRESSES = ("https://lohebote.example/p", "https://lohebote.example/q")
PAGES = {"p.md": ADDRESSES[0], "q.md": ADDRESSES[1]}
WATCHED = FILES | PAGES
BEFORE = 10.0
"""Hours between the start of the clock and the first event; captures come from between."""

names = st.sampled_from(sorted(WATCHED))
texts = st.integers(0, len(TEXTS) - 1)
origins = st.sampled_from([*ADDRESSES, *FILES.values()])


class ArchiveMachine(RuleBasedStateMachine):
    """One small archive; every rule advances its clock by an hour."""

    databases: Databases
    verify_every = 10
    """After how many steps the archive is verified, and always at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.root = Path(tempfile.mkdtemp(prefix="lesart-model-"))
        self.resources.callback(shutil.rmtree, self.root)
        url = self.resources.enter_context(type(self).databases())
        self.room = Newsroom(url, self.root)
        self.resources.callback(self.room.close)
        self.follower = Follower(url, 3)
        self.resources.callback(self.follower.engine.dispose)
        self.oracle = Oracle()
        self.clock = BEFORE
        self.steps = 0
        self.serial = itertools.count(1)

    def teardown(self) -> None:
        try:
            # a refusal that a redaction empties keeps its `seq`: see docs/sql.md
            lost = [each for each in self.follower.losses() if "'redacted:" not in each]
            assert lost == [], "\n".join(lost)
            found = self.room.findings()
            assert found == [], found
        finally:
            self.resources.close()

    # ------------------------------------------------------------------- what happens

    @rule(name=names, text=texts)
    def write(self, name: str, text: int) -> None:
        """Write a file, with bytes that differ each time if it can have an address."""
        content = self._page(text, PAGES[name]) if name in PAGES else _seed(text)
        self.room.write(name, content)
        self.oracle.write(name, WATCHED[name], text, _order(text, content))

    @rule(name=names)
    def remove(self, name: str) -> None:
        if name in self.oracle.files:
            self.room.remove(name)
            self.oracle.remove(name)

    @rule()
    def scan(self) -> None:
        self._tick()
        self.room.scan()
        self.oracle.scan(self.clock)

    @rule(address=st.sampled_from(ADDRESSES), text=texts, back=st.integers(0, 8))
    def import_late(self, address: str, text: int, back: int) -> None:
        """Import a capture of an address from between two earlier hours."""
        self._tick()
        self._import(address, text, self.clock - back - 0.5)

    @rule(address=st.sampled_from(ADDRESSES), text=texts, back=st.integers(0, 8))
    def import_at_an_own_moment(self, address: str, text: int, back: int) -> None:
        self._tick()
        self._import(address, text, self.clock - back)

    def _import(self, address: str, text: int, at: float) -> None:
        content = self._page(text)
        path = self.room.write(f"{next(self.serial)}.md", content, self.root / "imports")
        place = target_at(
            self.room.archive, self.room.settings, str(path), origin=address, observed_at=hour(at)
        )
        self.room.worked(self.room.ordered([place]))
        self.oracle.now = self.clock
        self.oracle.see(address, text, at, _order(text, content))

    @precondition(lambda self: self.oracle.origins())
    @rule(origin=origins)
    def redact(self, origin: str) -> None:
        if origin not in self.oracle.origins():
            return
        self._tick()
        redact_articles(
            self.room.archive, [RedactionTarget(self._article(origin))],
            RedactionReason.GDPR_ERASURE, "ada", with_copies=True,
        )  # fmt: skip
        self.oracle.redact(origin)

    @precondition(lambda self: self.oracle.origins())
    @rule(origin=origins, on=st.booleans())
    def restrict_or_lift(self, origin: str, *, on: bool) -> None:
        if origin not in self.oracle.origins():
            return
        self._tick()
        article = [self._article(origin)]
        if on:
            why = RedactionReason.GDPR_RESTRICTION
            self.room.archive.transact(restrict, article, why, "ada")
            self.oracle.restricted.add(origin)
        else:
            self.room.archive.transact(lift, article, "ada")
            self.oracle.restricted.discard(origin)

    # -------------------------------------------------------------- what must be known

    @invariant()
    def agree(self) -> None:
        self.follower.poll()
        oracle = self.oracle
        versions = {each: oracle.versions(each) for each in oracle.origins()}
        _compare(self._versions(), versions)
        _compare(self._articles(), {
            each: (len(found), oracle.state(each)) for each, found in versions.items()
        })  # fmt: skip
        _compare(self._changes(), {
            (each, number): (after.changed_after, after.changed_by)
            for each, found in versions.items()
            for number, _before, after in changes(found)
        })  # fmt: skip
        assert self._clusters() == oracle.clusters(), (self._clusters(), oracle.clusters())
        self.steps += 1
        if self.steps % self.verify_every == 0:
            found = self.room.findings()
            assert found == [], found

    @precondition(lambda self: self.oracle.origins())
    @rule(back=st.integers(0, 12), both=st.booleans(), half=st.sampled_from([0.0, 0.25]))
    def ask_an_earlier_time(self, back: int, half: float, *, both: bool) -> None:
        """Ask for the texts as of an hour, and by what was known at it."""
        at = self.clock - back + half
        as_of, known_at = (at, at) if both else (at, float("inf"))
        expected = {
            each: found
            for each in self.oracle.origins()
            if (found := self.oracle.versions(each, as_of, known_at))
        }
        with open_archive(self.room.url) as archive:
            then = archive.with_clocks(hour(as_of), hour(known_at) if both else None)
            told = {
                each.origin: [
                    _version(
                        version.to_dict()
                        | {"text": then.version(f"{each.article}@{version.version}").text}
                    )
                    for version in then.history(each.article)
                ]
                for each in then.articles()
            }
        _compare(told, expected)

    # ------------------------------------------------------------------------- means

    def _tick(self) -> None:
        self.clock += 1.0
        self.room.now = hour(self.clock)

    def _page(self, text: int, url: str | None = None) -> str:
        return page(BODIES[text], url=url, title=TITLES[text], tags=f"Fassung {next(self.serial)}")

    def _article(self, origin: str) -> int:
        query = (
            "SELECT ao.article_id AS id FROM article_origin ao JOIN origin o ON o.id = ao.origin_id "
            "WHERE o.origin = :origin"
        )
        return int(self.room.one(query, origin=origin)["id"])

    def _versions(self) -> dict[str, list[Version]]:
        rows = self.room.rows(
            "SELECT a.origin, v.* FROM versions v JOIN articles a ON a.article = v.article "
            "ORDER BY a.origin, v.version"
        )
        return {
            origin: [_version(row) for row in of]
            for origin, of in itertools.groupby(rows, key=lambda row: row["origin"])
        }

    def _articles(self) -> dict[str, tuple[int, str]]:
        rows = self.room.rows("SELECT * FROM articles")
        return {row["origin"]: (row["versions"], row["state"]) for row in rows}

    def _changes(self) -> dict[tuple[str, int], tuple[float | None, float | None]]:
        rows = self.room.rows(
            "SELECT a.origin, c.* FROM changes c JOIN articles a ON a.article = c.article"
        )
        return {
            (row["origin"], row["version"]): (
                _hours(row["changed_after"]),
                _hours(row["changed_by"]),
            )
            for row in rows
        }

    def _clusters(self) -> set[frozenset[str]]:
        rows = self.room.rows("SELECT origin, cluster FROM articles WHERE cluster IS NOT NULL")
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row["cluster"], set()).add(row["origin"])
        return {frozenset(each) for each in found.values()}


def _compare(told: dict[Any, Any], expected: dict[Any, Any]) -> None:
    """Check that two tables agree, and name the rows that do not."""
    keys = sorted(told.keys() | expected.keys())
    differing = [(key, told.get(key), expected.get(key)) for key in keys]
    wrong = [f"{k}: {a}, expected {b}" for k, a, b in differing if a != b]
    assert not wrong, "\n".join(wrong)


def _seed(text: int) -> str:
    return seed(TITLES[text], *BODIES[text].split("\n\n"))


def _order(text: int, content: str) -> tuple[str, str]:
    """Return what decides between two captures of one moment, as the contract states it."""
    wording = wording_digest(TITLES[text], tuple(BODIES[text].split("\n\n")))
    return wording.hex(), raw_digest(content.encode()).hex()


def _version(row: dict[str, Any]) -> Version:
    return Version(
        None if row["text"] is None else BODIES.index(row["text"]),
        _hours(row["changed_after"]),
        _hours(row["changed_by"]) or 0.0,
        _hours(row["last_seen"]) or 0.0,
    )


def _hours(moment: str | None) -> float | None:
    """Return a time as hours from the start."""
    if moment is None:
        return None
    return (datetime.fromisoformat(moment) - hour(0)).total_seconds() / 3600
