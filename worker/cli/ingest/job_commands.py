"""The commands for parts of jobs: retry and cancel."""

from typing import TYPE_CHECKING

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.read.query.parameter import argument
from storage.values.lazy import LazyModule
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from worker.cli import control
else:
    control = LazyModule("worker.cli.control")


@command(app, "retry", example="lesart retry 42")
def retry(
    *,
    job: int = argument("JOB", "Number of the job."),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Retry the quarantined or cancelled parts of a job."""
    settings = place.settings()
    with opened_archive(settings) as archive:
        ids = control.retry(archive, settings, job)
    say(
        f"queued job {job} again: {len(ids)} of its parts"
        if ids
        else f"job {job} has no quarantined or cancelled parts: nothing to retry"
    )
    write_rows([{"job": each} for each in ids], output.target())


@command(app, "cancel", example="lesart cancel 42")
def cancel(
    *,
    job: int = argument("JOB", "Number of the job."),
    place: ArchiveOptions,
    output: OutputOptions,
) -> None:
    """Cancel the open parts of a job; documents already stored remain."""
    with opened_archive(place.settings()) as archive:
        number = control.cancel(archive, job)
    if not number:
        say(f"job {job} has no open parts: nothing to cancel")
    write_rows([{"job": job, "cancelled": number}], output.target())
