"""What a run breaks beside processes: connections, clocks, and the program itself."""

import os
import shutil
import socket
import struct
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from storage.database.schema_version import MIGRATIONS, revisions

ROOT = Path(__file__).parents[3]
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
JUMPS = ("-2h", "-5m", "+5m", "+2h")


class Link:
    """A TCP port that forwards to a server, and can reset its connections or stall them."""

    def __init__(self, family: int, address: str | tuple[str, int]) -> None:
        self._family, self._address = family, address
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._flows = threading.Event()
        self._flows.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """End all connections with a reset."""
        for each in list(self._open):
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RDWR)

    def stall(self, *, stalled: bool) -> None:
        """Hold back all bytes, or let them through."""
        (self._flows.clear if stalled else self._flows.set)()

    def close(self) -> None:
        self._flows.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.reset()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _peer = self._listening.accept()
                far = socket.socket(self._family)
                try:
                    far.connect(self._address)
                except OSError:  # the server is away
                    near.close()
                    far.close()
                    continue
                for ends in ((near, far), (far, near)):
                    self._open.add(ends[0])
                    threading.Thread(target=self._forward, args=ends, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._flows.wait()
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)
        source.close()


class WrongClock:
    """The clock of one process, which can be set while the process runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set("+0")

    def set(self, offset: str) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(f"{offset}\n")
        fresh.rename(self.path)

    def variables(
        self, library: Path | None = FAKETIME, path: Path | None = None
    ) -> dict[str, str]:
        """Return those with which a process that finds the two files there follows this clock."""
        return {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(path or self.path),
            "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        }  # fmt: skip


def previous_release() -> str:
    """Return the last commit whose archives have an earlier schema."""
    (newest,) = (MIGRATIONS / "versions").glob(f"{revisions()[0]}_*.py")
    return f"{_git('log', '-1', '--diff-filter=A', '--format=%H', '--', str(newest)).decode().strip()}^"


def program_of(commit: str, folder: Path) -> dict[str, str]:
    """Return the variables with which `python -m worker` is the program of a commit."""
    extract(commit, folder, "storage", "worker", "lesart")
    return {"PYTHONPATH": str(folder)}


def extract(commit: str, folder: Path, *names: str) -> None:
    """Write the files of a commit, or those with some names, to a folder."""
    with tarfile.open(fileobj=BytesIO(_git("archive", commit, *names))) as files:
        files.extractall(folder, filter="data")


def missing() -> Iterator[str]:
    """Yield what a run of minutes needs, and is not there."""
    if FAKETIME is None:
        yield "libfaketime (the package `faketime`)"
    if shutil.which("git") is None:
        yield "git"
        return
    try:
        _git("cat-file", "-e", previous_release())
    except subprocess.CalledProcessError:
        yield "the history of the repository (`git fetch --unshallow`)"


def _git(*words: str) -> bytes:
    given = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", *words], cwd=ROOT, env=given, check=True, capture_output=True
    ).stdout
