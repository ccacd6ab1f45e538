"""The archive of one example with its clock, and what all of its events need."""

import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_articles
from storage.write.undo import undo
from tests.flow.driver import Newsroom, hour
from tests.tools.model.oracle import Oracle
from tests.tools.model.texts import PLAIN, QUIET, order_of, step
from tests.tools.model.told import ERASED
from tests.warcs import name_of, record, response
from tests.write.follower import Follower
from worker.flow.order import target_at
from worker.text import hints

Databases = Callable[[], AbstractContextManager[str]]
"""Gives the address of an empty archive."""

BEFORE = 10.0
"""Hours between the start of the clock and the first event; captures come from between."""
REST = 16
"""Number of steps without a costly one after each of them."""

texts = st.integers(0, PLAIN - 1)
blogs = st.integers(PLAIN, QUIET - 1)


class Means(RuleBasedStateMachine):
    """One small archive, and what the oracle knows of it."""

    databases: Databases
    upgrades = False

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.root = Path(tempfile.mkdtemp(prefix="lesart-model-"))
        self.resources.callback(shutil.rmtree, self.root)
        self.resources.callback(hints.extractor.cache_clear)
        url = self.resources.enter_context(type(self).databases())
        self.oracle = Oracle(step)
        self.clock = BEFORE
        self.steps = self.rests_until = 0
        self.serial = itertools.count(1)
        self._open(url)

    def _open(self, url: str) -> None:
        self.room = Newsroom(url, self.root)
        self.resources.callback(self.room.close)
        self.follower = Follower(url, 3)
        self.resources.callback(self.follower.engine.dispose)

    def _tick(self, *, is_costly: bool = False) -> None:
        if is_costly:
            self.rests_until = self.steps + REST
        self.clock += 1.0
        self.room.now = hour(self.clock)

    def _ingest(self, path: Path, **options: Any) -> None:
        place = target_at(self.room.archive, self.room.settings, str(path), **options)
        self.room.worked(self.room.ordered([place]))

    def _import(self, address: str, text: int, at: float, content: str, ending: str) -> None:
        """Import a file with what was readable at an address at an hour."""
        path = self.room.write(f"{next(self.serial)}.{ending}", content, self.root / "imports")
        self._ingest(path, origin=address, observed_at=hour(at))
        self.oracle.see(address, text, at, order_of(text, content), self.clock)

    def _crawled(
        self, address: str, at: float, answered: bytes, joined: Sequence[tuple[str, str]] = ()
    ) -> Path:
        """Return a web archive with the answer of a server at an hour.

        `joined` are other addresses of its article, each with the reason.
        """
        moment = f"{hour(at):%Y-%m-%dT%H:%M:%SZ}"
        block = response(address, moment, answered)
        if joined:
            told = {"joined": [{"by": kind, "with": other} for kind, other in joined]}
            fields = [
                ("Content-Type", "application/json"),
                ("WARC-Concurrent-To", name_of(f"response {address} {moment}")),
            ]
            block += record("metadata", address, moment, json.dumps(told).encode(), fields=fields)
        return self.room.write(f"{next(self.serial)}.warc", block, self.root / "imports")

    def _redact(self, target: RedactionTarget, *, with_addresses: bool = False) -> None:
        redact_articles(
            self.room.archive, [target], RedactionReason.GDPR_ERASURE, "ada",
            with_copies=True, with_addresses=with_addresses,
        )  # fmt: skip

    def _undo(
        self, table: str, ends: tuple[str, str], chance: int, undone: set[frozenset[str]]
    ) -> frozenset[str] | None:
        """Undo a decision about two addresses that are still there; return them."""
        self._tick()
        rows = self.room.rows(
            f"SELECT d.id, a.origin AS a, b.origin AS b FROM {table} d "
            f"JOIN origin a ON a.id = d.{ends[0]} JOIN origin b ON b.id = d.{ends[1]} "
            f"WHERE a.origin NOT LIKE '{ERASED}%' AND b.origin NOT LIKE '{ERASED}%' ORDER BY d.id"
        )
        if not rows:
            return None
        chosen = rows[chance % len(rows)]
        self.room.archive.transact(undo, chosen["id"], "Zufall")
        pair = frozenset((chosen["a"], chosen["b"]))
        undone.add(pair)
        return pair

    def _article(self, origin: str) -> int:
        query = (
            "SELECT ao.article_id AS id FROM article_origin ao JOIN origin o ON o.id = ao.origin_id "
            "WHERE o.origin = :origin"
        )
        return int(self.room.one(query, origin=origin)["id"])
