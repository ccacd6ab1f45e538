"""Run jobs with all their parts to the end, and show how far they are."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from storage.relations import relate as relating
from storage.schedule import progress as job_progress
from storage.settings import PREFIX, Settings
from storage.values.lazy import LazyModule
from storage.write.archive import Archive
from worker.errors import NO_WORKER_SECONDS, NoWorkerError
from worker.flow.run_jobs import POLL_SECONDS, process_backlog, run_jobs

if TYPE_CHECKING:
    from rich import console
    from rich import progress as bars
else:
    console = LazyModule("rich.console")
    bars = LazyModule("rich.progress")

MANY_ITEMS = 400
"""From so many files on it pays to start further processes."""
LONGEST_POLL_SECONDS = 0.5


def processors() -> int:
    """Return the number of processors available to this process."""
    return len(os.sched_getaffinity(0))


def run_families(
    archive: Archive,
    settings: Settings,
    families: Sequence[int],
    processes: int | None,
    progress: "ReadingProgress",
) -> None:
    """Run jobs with all their parts here, or wait for the workers of the broker.

    Raises: NoWorkerError.
    """
    if not families:
        return
    if settings.is_embedded:
        _work_here(archive, settings, families, processes, progress)
    else:
        _wait(archive, families, progress)


def _work_here(
    archive: Archive,
    settings: Settings,
    families: Sequence[int],
    processes: int | None,
    progress: "ReadingProgress",
) -> None:
    """Collect in this process; read here and, where there is much to read, in further ones."""
    with _Helpers(settings, families, processes) as helpers:

        def looked(seen: int, changed: int) -> None:
            progress.collected(seen)
            helpers.start_if_many(changed)

        def worked() -> None:
            progress.update(archive, families)

        still = archive.read(job_progress.open_jobs, families)
        helpers.start_if_many(still * settings.batch_items)
        if still:
            run_jobs(archive, settings, families, looked, worked)
    process_backlog(archive)


def _wait(archive: Archive, families: Sequence[int], progress: "ReadingProgress") -> None:
    """Wait for other workers.

    Raises: NoWorkerError if no worker claims due jobs for NO_WORKER_SECONDS.
    """
    began = worked = time.monotonic()
    while True:
        progress.update(archive, families)
        with archive.read_connection() as connection:
            still = job_progress.open_jobs(connection, families)
            is_idle = job_progress.is_waiting_for_workers(connection, families)
            due = job_progress.search_is_due(connection) or relating.is_due(
                connection, archive.clock()
            )
        if not still and not due:
            return
        now = time.monotonic()
        worked = worked if is_idle else now
        if now - worked > NO_WORKER_SECONDS:
            raise NoWorkerError(families[0])
        time.sleep(min(LONGEST_POLL_SECONDS, POLL_SECONDS + (now - began) / 100))


ENDING_SECONDS = 30.0
"""Maximum time for an additional process to end once no work is left."""


class _Helpers:
    """Additional processes that read captures while they are collected."""

    def __init__(self, settings: Settings, families: Sequence[int], processes: int | None) -> None:
        self._settings, self._families = settings, families
        self._wanted = processes
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        if self._wanted is not None:
            self._start(self._wanted - 1)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_more: object) -> None:
        if kind is not None:
            for process in self._running:
                process.terminate()
        for process in self._running:
            try:
                process.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:  # it stands still, and others did its work
                process.kill()
                process.wait()

    def start_if_many(self, items: int) -> None:
        """Start one process per additional processor from MANY_ITEMS items on."""
        if self._wanted is None and items >= MANY_ITEMS:
            self._wanted = processors()
            self._start(self._wanted - 1)

    def _start(self, number: int) -> None:
        command = [
            sys.executable, "-m", "worker", "worker", "--drain",
            *(f"--job={each}" for each in self._families),
            "--archive", self._settings.database_url,
        ]  # fmt: skip
        for _ in range(number):
            self._running.append(
                subprocess.Popen(  # noqa: S603  # our own interpreter, our own arguments
                    command, env=os.environ | _captures_of(self._settings),
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip


def _captures_of(settings: Settings) -> dict[str, str]:
    """Return environment variables with the capture storage of `settings`."""
    keys = ("captures_url", "captures_key", "captures_secret")
    given = {f"{PREFIX}{key.upper()}": getattr(settings, key) or "" for key in keys}
    return given | {f"{name}_FILE": "" for name in given}


class ReadingProgress:
    """Progress bar of the documents read, on standard error if it is a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None
        self._updated = 0.0

    def __enter__(self) -> Self:
        if self._shown:
            self._bar = bars.Progress(
                bars.BarColumn(), bars.TextColumn("{task.description}"),
                console=console.Console(stderr=True), transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task("looking for documents", total=None)
            self._bar.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def collected(self, looked_at: int) -> None:
        """Show the number of checked files or addresses."""
        if self._bar is not None:
            self._bar.update(self._task, total=None, description=f"{looked_at:,} checked")

    def update(self, archive: Archive, families: Sequence[int]) -> None:
        """Show the number of documents read and the total."""
        now = time.monotonic()
        if self._bar is None or now - self._updated < LONGEST_POLL_SECONDS:
            return
        self._updated = now
        with archive.read_connection() as connection:
            read = job_progress.family_counts(connection, families).seen
            total = read + job_progress.unread_documents(connection, families)
        self._bar.update(
            self._task, completed=read, total=total,
            description=f"{read:,} of {total:,} documents read",
        )  # fmt: skip
