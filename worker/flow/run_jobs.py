"""Claim due jobs and run them, with or without a broker."""

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from storage.database.engine import DatabaseError
from storage.database.process_identity import process_identity
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.failures import is_machine_failure, remedy_for
from storage.values.lazy import LazyModule
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.index import index_backlog, relate_backlog
from worker.flow.abandoned import AbandonedJobs, keep_beating
from worker.flow.collect.job import collect
from worker.flow.collect.targets import CollectionResult, Progress
from worker.flow.read import Reader, read_batch
from worker.log import LOG
from worker.sources.folders.files import Patience

if TYPE_CHECKING:
    from worker.flow import fetch
else:
    fetch = LazyModule("worker.flow.fetch")

POLL_SECONDS = 0.1
EVENTS = {
    "ingest": "documents_collected", "fetch": "addresses_checked", "render": "pages_rendered",
    "read": "documents_read",
}  # fmt: skip
"""Log event of a finished job, by its kind."""
UNLOGGED = frozenset({"unchanged", "noise", "passed_over"})
"""Counts of unchanged documents, which are not logged."""
GARBAGE_OBJECTS = 50_000
"""New containers between two garbage collections, the objects of about thirty articles."""


def collect_garbage_rarely() -> None:
    """Collect reference cycles only once in several batches: texts create hardly any.

    Objects loaded before this call are never scanned again. This saves about 5 % of the CPU time.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)


def file_patience(trigger: str) -> Patience:
    """Return how long to wait for files that are being written; a scheduled job does not wait."""
    return Patience(wait=trigger != "schedule", now_ns=time.time_ns, sleep=time.sleep)


def run_next_job(
    archive: Archive,
    settings: Settings,
    reader: Reader,
    *,
    job_id: int | None = None,
    families: queue.JobFamilies | None = None,
    kind: str | None = None,
    progress: Progress = lambda _seen, _changed: None,
    most_fetching: int = queue.MOST_FETCHING,
    on_claim_answer: Callable[[], None] = lambda: None,
) -> str | None:
    """Claim one due job and run it; return its kind, or None if no job is due.

    A fetch job is claimed only if fewer than `most_fetching` are running. `on_claim_answer` is
    called as soon as the database has answered the claim.
    """
    claim = archive.claim(
        settings.lease_seconds, process_identity(), job_id=job_id, families=families, kind=kind,
        most_fetching=most_fetching, folders=settings.worker_folders,
        browser=settings.has_browser,
    )  # fmt: skip
    on_claim_answer()
    if claim is None:
        return None
    run_job(archive, settings, reader, claim, progress)
    return claim.kind


def run_job(
    archive: Archive,
    settings: Settings,
    reader: Reader,
    claim: jobs.Claim,
    progress: Progress = lambda _seen, _changed: None,
) -> None:
    """Run a claimed job: its results are stored as it ends; after a failure it is retried later.

    If it is interrupted, the job is released at once. So it is after a failure of the machine, such
    as a full disk, which is raised. If the process is killed, the lease expires.
    """
    log = LOG.bind(job=claim.job_id, kind=claim.kind, attempt=claim.attempts)
    try:
        with keep_beating(archive, claim.token):
            outcome = _run_handler(archive, settings, reader, claim, progress)
    except jobs.StaleLeaseError:
        log.warning("job_lost")
    except (KeyboardInterrupt, SystemExit):
        _release(archive, claim)
        raise
    except Exception as error:
        if is_machine_failure(error):
            _release(archive, claim)
            raise
        log.warning("job_failed", error=type(error).__name__)
        log.debug("job_failure_trace", exc_info=True)
        _record_failure(archive, claim, error)
    else:
        log.debug("job_done")
        with suppress(DatabaseError):
            _log_news(archive, claim, outcome)


def _run_handler(
    archive: Archive, settings: Settings, reader: Reader, claim: jobs.Claim, progress: Progress
) -> Counts | CollectionResult | None:
    """Run the handler of a job; return its result if there is one."""
    match claim.kind:
        case "ingest":
            patience = file_patience(claim.trigger)
            return collect(archive, claim, settings, patience, progress, split=reader.split)
        case "fetch" | "render":
            fetch.fetch_batch(archive, claim, settings, progress)
        case "read":
            return read_batch(
                archive, claim, reader, settings.batch_seconds, settings.batch_items
            ).counts
    return None


def drain(
    archive: Archive, settings: Settings, *, families: queue.JobFamilies | None = None
) -> None:
    """Run jobs until none of all or of `families` is open; then process the backlog."""
    run_jobs(archive, settings, families)
    process_backlog(archive)


def run_jobs(
    archive: Archive,
    settings: Settings,
    families: queue.JobFamilies | None,
    progress: Progress = lambda _seen, _changed: None,
    on_job_end: Callable[[], None] = lambda: None,
) -> None:
    """Run jobs until none is open; `on_job_end` is called after each job."""
    collect_garbage_rarely()
    abandoned = AbandonedJobs(archive)
    with Reader(settings) as reader:
        while True:
            abandoned.free()
            while run_next_job(archive, settings, reader, families=families, progress=progress):
                on_job_end()
            index_backlog(archive)
            relate_backlog(archive)
            if not archive.read(
                job_progress.open_jobs, families, folders=settings.worker_folders,
                browser=settings.has_browser,
            ):  # fmt: skip
                return
            time.sleep(POLL_SECONDS)


def process_backlog(archive: Archive) -> None:
    """Index and relate the whole backlog, and update the stored counts."""
    while index_backlog(archive, older_than=timedelta(0)):
        pass
    while relate_backlog(archive, older_than=timedelta(0)):
        pass
    archive.update_totals()


def _log_news(
    archive: Archive, claim: jobs.Claim, outcome: Counts | CollectionResult | None
) -> None:
    """Log the outcome of documents, unless all are unchanged: one line for each batch."""
    with archive.read_connection() as connection:
        counts = asdict(outcome or job_progress.job_counts(connection, claim.job_id))
        news = {name: number for name, number in counts.items() if number and name not in UNLOGGED}
        if not news:
            return
        source = job_progress.source_of(connection, claim.job_id)
    write = LOG.debug if claim.single else LOG.info
    write(EVENTS[claim.kind], source=source, job=claim.parent_id or claim.job_id, **news)


def _release(archive: Archive, claim: jobs.Claim) -> None:
    try:
        archive.transact(queue.release, claim)
    except (jobs.StaleLeaseError, DatabaseError):
        LOG.warning("job_release_failed", job=claim.job_id)


def log_storage_failure(error: Exception) -> None:
    """Log that nothing can be stored now, with the remedy; work continues when storing succeeds
    again.
    """
    remedy = remedy_for(error)
    hint = {} if remedy is None else {"remedy": remedy}
    LOG.warning("storage_failed", error=type(error).__name__, **hint)


def _record_failure(archive: Archive, claim: jobs.Claim, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    try:
        archive.transact(queue.fail, claim, reason)
    except (jobs.StaleLeaseError, DatabaseError):
        LOG.warning("job_failure_not_recorded", job=claim.job_id)
