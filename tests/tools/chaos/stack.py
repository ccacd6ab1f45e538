"""What a run of chaos needs of the processes, or of the containers, that it breaks."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import psutil

from tests.alerts.receivers import Receiver

SETTINGS = {
    "every": "1s", "batch_items": "20", "document_seconds": "1s", "batch_seconds": "3s",
    "lease_seconds": "6s",
}  # fmt: skip
LONG_LIMITS = {"document_seconds": "10s", "batch_seconds": "30s", "lease_seconds": "60s"}
"""The limits of a run of minutes, in which a busy machine kills no worker for being slow."""

Act = Callable[[], object]


class Command(Protocol):
    """An `ingest` in a process, or in a container, of its own; it is given again if it died."""

    @property
    def is_alive(self) -> bool: ...
    @property
    def process(self) -> subprocess.Popen[bytes] | None: ...
    def start(self) -> None: ...
    def kill(self) -> None: ...
    def end(self) -> object: ...
    def told(self) -> str: ...
    def children(self) -> list[psutil.Process]: ...


class Stack(Protocol):
    """An archive with its services, and what can be broken of them."""

    folder: Path
    """Where the files come in: `seeds` is watched, the folders in `parts` are for commands."""
    parts: str
    """The path of `parts` for a command."""
    faults: list[str]
    receiver: Receiver

    @property
    def url(self) -> str:
        """The address of the database for the checker, at the moment."""
        ...

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of faults, those more than once that come more often."""
        ...

    @property
    def page(self) -> str: ...
    @property
    def is_previous(self) -> bool:
        """Whether the program is still that of the previous release."""
        ...

    def prepare(self) -> None:
        """Make the archive."""

    def start(self) -> None: ...
    def run(self, *words: str) -> None:
        """Run a command of the program of the moment, which has to succeed."""

    def ingesting(self, number: int) -> Command:
        """Return the command, not yet started, that ingests the folder of a part."""
        ...

    def upgrade(self, killed_after: float) -> None:
        """Replace the previous release by this one; the upgrade is killed, and given again."""

    def targets(self, pick: float) -> dict[str, list[Act]]:
        """Return the acts that are possible at the moment, by what they hit."""
        ...

    def set_clocks_right(self) -> None: ...
    def restarts(self) -> dict[str, int]: ...
    def orphans(self) -> int: ...
    def end(self) -> None: ...
    def verify(self) -> subprocess.CompletedProcess[str]: ...


def killing(process: psutil.Process) -> Act:
    """Return the act that kills a process, if it has not ended by then."""

    def kill() -> None:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            return

    return kill
