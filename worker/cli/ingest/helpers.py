"""Additional processes that read captures while a command collects them."""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NoReturn, Self

from storage.schedule.progress import new_folders
from storage.settings import PREFIX, Settings
from storage.write.archive import Archive
from worker.cli.opened import opened_archive
from worker.flow.run_jobs import drain

MANY_ITEMS = 400
"""From so many files on it pays to start further processes."""
ENDING_SECONDS = 30.0
"""Maximum time for an additional process to end once no work is left."""
_NOWHERE = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in range(3)]


def processors() -> int:
    """Return the number of processors available to this process."""
    return len(os.sched_getaffinity(0))


class Helpers:
    """Additional processes: one per further processor, or as many as a command asks for.

    Before a new folder with many files is read, a copy of this process waits, and starts them when
    it is told to: what is loaded by then is not loaded again. Without a copy, or where it could
    share a thread, a library with threads or an open database with this process, programs are
    started instead. Each copy or program is a group of processes, by whose number it is ended.
    """

    def __init__(
        self, archive: Archive, settings: Settings, jobs: Sequence[int], asked: int | None
    ) -> None:
        self._archive, self._settings, self._jobs = archive, settings, jobs
        self._is_asked, self._number = asked is not None, (asked or processors()) - 1
        self._begun: set[tuple[int, ...]] = set()
        self._groups: list[int] = []
        self._orders: int | None = None

    def __enter__(self) -> Self:
        archive = self._archive
        if not self._number or not self._settings.is_embedded:
            return self
        if self._is_asked or any(map(_holds_many, archive.read(new_folders, self._jobs))):
            archive.close()  # its connections: what needs one opens it again
            if _can_copy(archive, self._settings):
                self._copy()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_more: object) -> None:
        if self._orders is not None:
            os.close(self._orders)
        for group in self._groups:
            _end(group, 0.0 if kind is not None else ENDING_SECONDS)

    def start_if_many(self, families: Sequence[int], items: int) -> None:
        """Start the processes for jobs once: from MANY_ITEMS items on, or if they are asked for."""
        jobs = tuple(families)
        if self._number and jobs not in self._begun and (self._is_asked or items >= MANY_ITEMS):
            self._begun.add(jobs)
            self._start(jobs)

    def _start(self, jobs: tuple[int, ...]) -> None:
        if self._orders is not None:
            with suppress(BrokenPipeError):  # the copy was killed
                os.write(self._orders, f"{' '.join(map(str, jobs))}\n".encode())
                return
        command = [
            sys.executable, "-m", "worker", "worker", "--drain",
            *(f"--job={each}" for each in jobs), "--archive", self._settings.database_url,
        ]  # fmt: skip
        environment = os.environ | _captures_of(self._settings)
        for _ in range(self._number):
            self._groups.append(
                os.posix_spawn(command[0], command, environment, file_actions=_NOWHERE, setpgroup=0)
            )

    def _copy(self) -> None:
        theirs, orders = os.pipe()
        group = os.fork()
        if not group:
            os.setpgid(0, 0)
            _run_apart(_follow_orders, theirs, self._settings, self._number)
        with suppress(PermissionError, ProcessLookupError):  # the copy was quicker
            os.setpgid(group, group)
        self._groups.append(group)
        os.close(theirs)
        self._orders = orders


def _holds_many(folder: str) -> bool:
    found = islice((name for _, _, names in os.walk(folder) for name in names), MANY_ITEMS)
    return sum(1 for _ in found) == MANY_ITEMS


def _can_copy(archive: Archive, settings: Settings) -> bool:
    """Check that no thread and no open file of the database is in this process."""
    opened = map(os.path.realpath, Path("/proc/self/fd").iterdir())
    place = os.path.realpath(archive.place)
    is_alone = threading.active_count() == 1 and settings.captures_url is None
    return is_alone and not any(each.startswith(place) for each in opened)


def _run_apart(work: Callable[..., None], *arguments: object) -> NoReturn:
    """Run work in a copy of a process and end it, without what its original does at its end."""
    code = 1
    try:
        work(*arguments)
        code = 0
    finally:
        os._exit(code)


def _follow_orders(orders: int, settings: Settings, number: int) -> None:
    """Start processes for each line of jobs; end after the last of them."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for each in range(3):
        os.dup2(nothing, each)
    for each in {int(file.name) for file in Path("/proc/self/fd").iterdir()} - {0, 1, 2, orders}:
        with suppress(OSError):  # the folder itself is closed already
            os.close(each)
    with os.fdopen(orders, encoding="ascii") as lines:
        for line in lines:
            for _ in range(number):
                if not os.fork():
                    _run_apart(_drain, settings, [int(each) for each in line.split()])
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _drain(settings: Settings, jobs: Sequence[int]) -> None:
    with opened_archive(settings) as archive:
        drain(archive, settings, families=jobs)


def _end(group: int, seconds: float) -> None:
    """Wait for a group of processes; kill one that stands still, whose work others did."""
    process = os.pidfd_open(group)
    if not select.select([process], [], [], seconds)[0]:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    os.close(process)
    os.waitpid(group, 0)


def _captures_of(settings: Settings) -> dict[str, str]:
    """Return environment variables with the capture storage of `settings`."""
    keys = ("captures_url", "captures_key", "captures_secret")
    given = {f"{PREFIX}{key.upper()}": getattr(settings, key) or "" for key in keys}
    return given | {f"{name}_FILE": "" for name in given}
