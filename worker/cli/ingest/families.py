"""Run jobs with all their parts to the end, and show how far they are."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from storage.relations import relate as relating
from storage.schedule import progress as job_progress
from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.write.archive import Archive
from worker.cli.ingest.helpers import Helpers
from worker.errors import NO_WORKER_SECONDS, NoWorkerError
from worker.flow.run_jobs import POLL_SECONDS, process_backlog, run_jobs

if TYPE_CHECKING:
    from rich import console
    from rich import progress as bars
else:
    console = LazyModule("rich.console")
    bars = LazyModule("rich.progress")

LONGEST_POLL_SECONDS = 0.5


def run_families(
    archive: Archive,
    settings: Settings,
    families: Sequence[int],
    helpers: Helpers,
    progress: "ReadingProgress",
) -> None:
    """Run jobs with all their parts here, or wait for the workers of the broker.

    Raises: NoWorkerError.
    """
    if not families:
        return
    if settings.is_embedded:
        _work_here(archive, settings, families, helpers, progress)
    else:
        _wait(archive, families, progress)


def _work_here(
    archive: Archive,
    settings: Settings,
    families: Sequence[int],
    helpers: Helpers,
    progress: "ReadingProgress",
) -> None:
    """Collect in this process; read here and, where there is much to read, in further ones."""

    def looked(seen: int, changed: int) -> None:
        progress.collected(seen)
        helpers.start_if_many(families, changed)

    def worked() -> None:
        progress.update(archive, families)

    still = archive.read(job_progress.open_jobs, families)
    helpers.start_if_many(families, still * settings.batch_items)
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
