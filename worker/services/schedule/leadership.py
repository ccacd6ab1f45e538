"""Ensures that one scheduler at a time is active."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from storage.write.archive import Archive


class Leadership(Protocol):
    """Ensures that one scheduler at a time is active."""

    def holds(self) -> bool: ...
    def close(self) -> None: ...


class FileLeadership:
    """A lock on a file next to an SQLite archive; it ends with the process."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held = False

    def holds(self) -> bool:
        """Check whether this process leads, and try to become the leader if there is none."""
        if not self._held:
            with suppress(BlockingIOError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._held = True
        return self._held

    def close(self) -> None:
        os.close(self._descriptor)


def leadership_of(archive: Archive) -> Leadership:
    if archive.engine.dialect.name == "postgresql":
        return archive.leadership()
    place = Path(archive.place)
    return FileLeadership(place.with_name(place.name + ".scheduler"))
