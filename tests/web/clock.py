"""A clock that several processes share, and that one of them may put forward."""

import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path

_OFFSET = struct.Struct("<d")


class SharedClock:
    """Returns the time of the machine plus an offset in seconds from a file."""

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        if start is not None:
            path.write_bytes(_OFFSET.pack(start.timestamp() - time.time()))
        self.path = path
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _OFFSET.size)

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.offset, UTC)

    @property
    def offset(self) -> float:
        (found,) = _OFFSET.unpack(self._memory[: _OFFSET.size])
        return float(found)

    def jump(self, to: datetime) -> None:
        """Put the clock forward; it never goes back."""
        ahead = (to - self()).total_seconds()
        if ahead > 0:
            self._memory[: _OFFSET.size] = _OFFSET.pack(self.offset + ahead)
