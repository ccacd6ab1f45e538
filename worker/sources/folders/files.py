"""One file, opened step by step without following links, and read only once it has settled."""

import errno
import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from storage.values.arrivals.arrival import FileStamp
from storage.values.messages import message_text
from storage.values.refusals import RefusalReason, refuse
from worker.sources.containers.items import UnsettledFile
from worker.sources.folders.folder import kind_of, stamp_of, unreadable

SETTLE_SECONDS = 1
"""Time without changes after which a file is read."""
SETTLE_NS = SETTLE_SECONDS * 1_000_000_000

_STEP = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = _STEP | os.O_NONBLOCK | os.O_NOCTTY
_OPEN_FOLDER = _STEP | os.O_DIRECTORY
_SHORTEST_PAUSE_SECONDS = 0.05
# A file that is opened for rewriting has size 0 for a moment with its old times (seen on
# ext4), so an empty file is checked twice.
_TRUNCATION_SECONDS = 0.02

Got = TypeVar("Got")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a file that is being written, and on which clock.

    `now_ns` is the wall clock, which file times use; without `wait` an unsettled file is left to
    the next try.
    """

    wait: bool
    now_ns: Callable[[], int]
    sleep: Callable[[float], None]
    limit_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The bytes of a file that did not change while they were read, with its stamp."""

    raw: bytes
    stamp: FileStamp


class FileChangedError(Exception):
    """A file changed while it was read; the part read before is from the settled state.

    It is not an OSError, so that no reader in between treats it as damage.
    """

    def __init__(self, stamp: FileStamp) -> None:
        super().__init__(message_text("file_changed"))
        self.stamp = stamp


class SettledFile(io.FileIO):
    """A raw stream that compares the stamp after each read, so that changed bytes are never
    returned.

    Reads raise FileChangedError. `stamp` is the one at the opening.
    """

    def __init__(self, descriptor: int, stamp: FileStamp) -> None:
        super().__init__(descriptor, "rb")
        self.stamp = stamp

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # FileIO types it as Any buffer
        count = super().readinto(buffer) or 0
        self.check()
        return count

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return self.read_whole()
        data = super().read(size) or b""
        self.check()
        return data

    def readall(self) -> bytes:
        return self.read_whole()

    def read_whole(self) -> bytes:
        """Return all remaining bytes; data appended meanwhile is not read."""
        pieces = []
        left = self.stamp.size + 1 - self.tell()
        while left > 0 and (piece := self.read(left)):
            pieces.append(piece)
            left -= len(piece)
        if left != 1:
            raise FileChangedError(stamp_of(os.fstat(self.fileno())))
        return b"".join(pieces)

    def check(self) -> None:
        """Raise FileChangedError if the file has changed since it was opened."""
        stamp = stamp_of(os.fstat(self.fileno()))
        if stamp != self.stamp:
            raise FileChangedError(stamp)


def read_settled(
    root: Path,
    path: str,
    limit_bytes: int,
    patience: Patience,
    earlier: UnsettledFile | None = None,
) -> ReadFile | RefusalReason | UnsettledFile:
    """Read the whole file `path` below `root`, or return a refusal.

    A file has settled if its time is older than one second, or if it has not changed since
    `earlier`, a second or more ago (so a file with a time in the future settles as well). In
    addition, size, times and inode must be the same before and after the read. With `patience.wait`
    an unsettled file is tried again for at most `limit_seconds`, then refused as `not_settled`. A
    file above `limit_bytes` is refused before reading.
    """

    def attempt(unsettled: UnsettledFile | None) -> ReadFile | RefusalReason | UnsettledFile:
        opened = _open_once(root, path, limit_bytes, patience.now_ns, unsettled)
        if not isinstance(opened, SettledFile):
            return opened
        with opened:
            try:
                raw = opened.read_whole()
                if not raw:
                    patience.sleep(_TRUNCATION_SECONDS)
                    opened.check()
                return ReadFile(raw, opened.stamp)
            except FileChangedError as error:
                return UnsettledFile(error.stamp, patience.now_ns())
            except OSError as error:
                return unreadable(error)

    return _patiently(attempt, patience, earlier)


def open_settled(
    root: Path,
    path: str,
    limit_bytes: int,
    patience: Patience,
    earlier: UnsettledFile | None = None,
) -> SettledFile | RefusalReason | UnsettledFile:
    """Open the file `path` below `root` for streaming, by the rules of `read_settled`.

    The caller closes it. A change during the stream raises FileChangedError.
    """

    def attempt(unsettled: UnsettledFile | None) -> SettledFile | RefusalReason | UnsettledFile:
        return _open_once(root, path, limit_bytes, patience.now_ns, unsettled)

    return _patiently(attempt, patience, earlier)


def _patiently(
    attempt: Callable[[UnsettledFile | None], Got | RefusalReason | UnsettledFile],
    patience: Patience,
    earlier: UnsettledFile | None,
) -> Got | RefusalReason | UnsettledFile:
    waited = 0.0
    while True:
        outcome = attempt(earlier)
        if not isinstance(outcome, UnsettledFile) or not patience.wait:
            return outcome
        if waited >= patience.limit_seconds:
            return refuse("not_settled")
        if earlier is None or earlier.stamp != outcome.stamp:
            earlier = outcome
        pause = _pause_seconds(earlier, patience.now_ns())
        patience.sleep(pause)
        waited += pause


def _pause_seconds(unsettled: UnsettledFile, now_ns: int) -> float:
    """Return the time until the file can have settled, at most one second."""
    touched = unsettled.stamp.mtime_ns if unsettled.stamp.mtime_ns <= now_ns else unsettled.seen_ns
    left = (touched + SETTLE_NS - now_ns) / SETTLE_NS
    return min(max(left, _SHORTEST_PAUSE_SECONDS), 1.0)


def _open_once(
    root: Path,
    path: str,
    limit_bytes: int,
    now_ns: Callable[[], int],
    earlier: UnsettledFile | None,
) -> SettledFile | RefusalReason | UnsettledFile:
    try:
        opened = _open_steps(root, path)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            return refuse("not_regular_file", detected=message_text("link_in_path"))
        return unreadable(error)
    if isinstance(opened, RefusalReason):
        return opened
    stamp = opened.stamp
    if stamp.size > limit_bytes:
        opened.close()
        return refuse("too_large", limit=limit_bytes)
    now = now_ns()
    if _has_settled(stamp, now, earlier):
        return opened
    opened.close()
    return UnsettledFile(stamp, now)


def _open_steps(root: Path, path: str) -> SettledFile | RefusalReason:
    """Open each part of `path` relative to the descriptor of the part before.

    Raises: OSError if the system refuses a step.
    """
    *folders, name = path.split("/")
    if any(part in {"", ".", ".."} or "\0" in part for part in (*folders, name)):
        return refuse("unreadable", reason=message_text("path_outside"))
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            inner = os.open(folder, _OPEN_FOLDER, dir_fd=at)
            os.close(at)
            at = inner
        return _open_regular(at, name)
    finally:
        os.close(at)


def _open_regular(folder: int, name: str) -> SettledFile | RefusalReason:
    """Open `name` if it is a regular file; opening other files may have side effects."""
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if not stat.S_ISREG(mode):
        return refuse("not_regular_file", detected=kind_of(mode))
    descriptor = os.open(name, _OPEN_FILE, dir_fd=folder)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):  # replaced between the two calls
        os.close(descriptor)
        return refuse("not_regular_file", detected=kind_of(status.st_mode))
    return SettledFile(descriptor, stamp_of(status))


def _has_settled(stamp: FileStamp, now_ns: int, earlier: UnsettledFile | None) -> bool:
    if now_ns - stamp.mtime_ns >= SETTLE_NS:
        return True
    if earlier is None or earlier.stamp != stamp:
        return False
    return now_ns - earlier.seen_ns >= SETTLE_NS
