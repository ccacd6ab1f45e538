"""A folder of settled files, a clock that tests move, and the ways to read both."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.tiers import mark_unit_test as pytest_itemcollected  # noqa: F401 -- a hook
from worker.sources.containers.items import Item, Limits, RefusedDocument, UnsettledFile
from worker.sources.folders.capture import capture
from worker.sources.folders.files import Patience
from worker.sources.folders.members import MemberHints
from worker.text.file_types import detect_type

LONG_AGO_NS = 1_700_000_000_000_000_000
NOW_NS = LONG_AGO_NS + 3_600_000_000_000

Outcome = Item | RefusedDocument | UnsettledFile


@dataclass
class FakeClock:
    """A wall clock that only moves when someone sleeps; `on_sleep` happens meanwhile."""

    now_ns: int = NOW_NS
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] | None = None

    def now(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_ns += int(seconds * 1_000_000_000)
        if self.on_sleep is not None:
            self.on_sleep()

    def patience(self, *, wait: bool) -> Patience:
        return Patience(wait, self.now, self.sleep)


@dataclass
class Folder:
    """A folder whose files look as if they had been written long ago."""

    root: Path
    clock: FakeClock
    limits: Limits = field(default_factory=Limits)

    def write(self, path: str, data: bytes | str, *, age_ns: int | None = None) -> Path:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(data.encode() if isinstance(data, str) else data)
        time_ns = LONG_AGO_NS if age_ns is None else self.clock.now_ns - age_ns
        os.utime(full, ns=(time_ns, time_ns))
        return full

    def capture(self, path: str, kind: str | None = None, *, wait: bool = False) -> list[Outcome]:
        hints = MemberHints(detect_type, limits=self.limits, type=kind)
        return list(capture(self.root, path, hints, self.clock.patience(wait=wait)))

    def holds(self, path: str, data: bytes | str, kind: str | None = None) -> list[Outcome]:
        """Write a file and return its content."""
        self.write(path, data)
        return self.capture(path, kind)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def folder(tmp_path: Path, clock: FakeClock) -> Folder:
    root = tmp_path / "quelle"
    root.mkdir()
    return Folder(root, clock)


@pytest.fixture
def codes() -> Callable[[list[Outcome]], list[tuple[str, str]]]:
    """Return outcomes as pairs: the member, and `item` or the code of its refusal."""

    def tell(outcomes: list[Outcome]) -> list[tuple[str, str]]:
        return [
            (
                outcome.member,
                outcome.refused.code if isinstance(outcome, RefusedDocument) else "item",
            )
            for outcome in outcomes
            if not isinstance(outcome, UnsettledFile)
        ]

    return tell
