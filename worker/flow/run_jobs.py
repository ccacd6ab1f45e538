"""Claim due jobs and run them, with or without a broker; collect the places of an ingest job."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from storage.database.engine import DatabaseError
from storage.database.process_identity import process_identity
from storage.record.suppression import redacted_addresses
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.schedule.watches import create_check_jobs
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.failures import is_machine_failure, remedy_for
from storage.values.lazy import LazyModule
from storage.values.net.addresses import ListedAddress
from storage.values.net.origin_name import origin_of
from storage.values.net.private_hosts import hosts_by_port
from storage.values.refusals import RefusalReason
from storage.values.verdict import Counts
from storage.write.archive import Archive
from storage.write.index import index_backlog, relate_backlog
from storage.write.store_captures import (
    record_refusal,
    refuse_places,
)
from worker.address import parse_address, without_trackers
from worker.flow.abandoned import AbandonedJobs, keep_beating
from worker.flow.collect.folder import FolderCollector
from worker.flow.collect.hints import hints_of
from worker.flow.collect.targets import CollectionResult, IngestTarget, Progress
from worker.flow.read import Reader, read_batch
from worker.log import LOG
from worker.sources.folders.files import Patience
from worker.sources.folders.members import Splitter

if TYPE_CHECKING:
    from worker.flow import fetch
    from worker.flow.history import run as history_runs
else:
    fetch = LazyModule("worker.flow.fetch")
    history_runs = LazyModule("worker.flow.history.run")

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


def collect(
    archive: Archive,
    claim: jobs.Claim,
    settings: Settings,
    patience: Patience,
    progress: Progress = lambda _seen, _changed: None,
    *,
    split: Splitter,
) -> "CollectionResult":
    """Collect all places of an ingest job, finish it, and insert jobs that read the captures.

    `split` is called for documents that may contain several texts. The job can be repeated after a
    crash: stored captures remain and are not counted twice. Raises: jobs.StaleLeaseError.
    """
    counts, news, reason = Counts(), CollectionResult(), None
    places = _without_redacted(archive, claim, settings)
    for place in places:
        if place.kind == "folder":
            hints = hints_of(settings, place.type, split)
            looked = FolderCollector(
                archive, claim, settings, patience, progress, place, hints=hints
            )
            looked.run()
            counts += looked.counts()
            news += looked.news()
            reason = reason or looked.reason
    collect_addresses(archive, claim, settings, [p for p in places if p.kind == "web"])
    histories = [each for each in places if each.kind == "history"]
    if histories:
        imported = history_runs.collect_history(archive, claim, settings, histories, progress)
        if imported is None:
            return news
        counts += imported
    archive.transact(queue.finish, claim, counts, reason)
    return news


def _without_redacted(
    archive: Archive, claim: jobs.Claim, settings: Settings
) -> list[IngestTarget]:
    """Return the places of a job without redacted addresses, which are refused and removed from
    it.
    """
    places = [IngestTarget(**entry) for entry in claim.arguments["places"]]
    redacted = archive.read(redacted_addresses)
    left = [redacted.left_of(*_addresses(each, settings)) for each in places]
    named = zip(claim.arguments["places"], left, strict=True)
    gone = [(entry, name) for entry, name in named if name is not None]
    if gone:
        refuse_places(archive, claim, gone)
    return [each for each, name in zip(places, left, strict=True) if name is None]


def _addresses(place: IngestTarget, settings: Settings) -> Iterator[str]:
    """Yield the names that the content of a single place may have in the archive."""
    yield from jobs.addresses_of(asdict(place))
    if place.kind == "web" and not place.is_scan:
        found = _parse_request(place, settings)
        if isinstance(found, ListedAddress):
            yield found.origin


def collect_addresses(
    archive: Archive, claim: jobs.Claim, settings: Settings, places: Sequence[IngestTarget]
) -> None:
    """Insert jobs that check the addresses of places, and the due addresses of their sources.

    Raises: jobs.StaleLeaseError.
    """
    if not places:
        return
    named: dict[int, list[ListedAddress]] = {
        place.source_id: [] for place in places if not place.is_scan
    }
    for place in places:
        if place.is_scan:
            continue
        found = _parse_request(place, settings)
        if isinstance(found, RefusalReason):
            record_refusal(archive, claim, place.source_id, place.locator, found)
        else:
            named[place.source_id].append(found)
    scans = [place.source_id for place in places if place.is_scan]
    archive.transact(create_check_jobs, claim, scans, named, settings.batch_items)


def _parse_request(place: IngestTarget, settings: Settings) -> ListedAddress | RefusalReason:
    allowed = hosts_by_port(settings.allow_hosts)
    address = parse_address(place.locator, lambda host, port: (host, port) in allowed)
    if isinstance(address, RefusalReason):
        return address
    hints = {} if place.browser is None else {"browser": place.browser}
    return ListedAddress(
        origin_of(address.text), without_trackers(address).text, place.type or "web", hints=hints
    )
