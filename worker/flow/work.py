"""Claim due jobs and work them, with or without a broker."""

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta

from storage.database.engine import DatabaseError
from storage.database.holder import holder_name, is_dead
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.schedule import wake as wake_ups
from storage.settings import Settings
from storage.values import job as jobs
from storage.values.trouble import is_of_machine, mend_of
from storage.values.verdict import Counts
from storage.write.archive import Archive
from worker.flow.collect import Collected, Progress, collect
from worker.flow.read import Reader, read_batch
from worker.log import LOG
from worker.sources.folders.files import Patience

POLL_SECONDS = 0.1
EVENTS = {
    "ingest": "documents_collected", "fetch": "addresses_checked", "read": "documents_read",
}  # fmt: skip
"""How the log calls what came of a job, by its kind."""
QUIET = frozenset({"unchanged", "passed_over"})
"""Counts of documents to which nothing happened."""
GARBAGE_OBJECTS = 50_000
"""New containers between two looks, the objects of about thirty articles."""


def collect_garbage_rarely() -> None:
    """Let Python look for reference cycles once for some batches: texts make next to none.

    What is loaded by now is never looked at again. Saves a twentieth of the CPU.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)


def patience_of(trigger: str) -> Patience:
    """Return how long to wait for files that are being written: a schedule just comes again."""
    return Patience(wait=trigger != "schedule", now_ns=time.time_ns, sleep=time.sleep)


def work_next(
    archive: Archive,
    settings: Settings,
    reader: Reader,
    *,
    job_id: int | None = None,
    within: queue.Within | None = None,
    kind: str | None = None,
    progress: Progress = lambda _seen, _changed: None,
    most_fetching: int = queue.MOST_FETCHING,
    answered: Callable[[], None] = lambda: None,
) -> str | None:
    """Claim one due job and work it; return its kind, or None where nothing is due.

    A job that fetches is only taken where fewer than `most_fetching` are at work. `answered` is
    called once the database has answered the claim.
    """
    held = archive.claim(
        settings.lease_seconds, holder_name(), job_id=job_id, within=within, kind=kind,
        most_fetching=most_fetching,
    )  # fmt: skip
    answered()
    if held is None:
        return None
    work(archive, settings, reader, held, progress)
    return held.kind


def work(
    archive: Archive,
    settings: Settings,
    reader: Reader,
    held: jobs.Claim,
    progress: Progress = lambda _seen, _changed: None,
) -> None:
    """Work a claimed job: its effects are kept with its end, or it is tried again later.

    Interrupted, the job is given back at once, and so it is where the machine is to blame, as by a
    full disk, which is raised; killed, its lease runs out.
    """
    log = LOG.bind(job=held.job_id, kind=held.kind, attempt=held.attempts)
    try:
        found = _do(archive, settings, reader, held, progress)
    except jobs.StaleLeaseError:
        log.warning("job_lost")
    except (KeyboardInterrupt, SystemExit):
        _give_back(archive, held)
        raise
    except Exception as error:
        if is_of_machine(error):
            _give_back(archive, held)
            raise
        log.warning("job_failed", error=type(error).__name__)
        log.debug("job_failed_here", exc_info=True)
        _fail(archive, held, error)
    else:
        log.debug("job_done")
        with suppress(DatabaseError):
            _log_news(archive, held, found)


def _do(
    archive: Archive, settings: Settings, reader: Reader, held: jobs.Claim, progress: Progress
) -> Counts | Collected | None:
    """Do what a job is for; return what came of it where that is known."""
    match held.kind:
        case "ingest":
            return collect(archive, held, settings, patience_of(held.trigger), progress)
        case "fetch":
            from worker.flow.fetch import fetch_batch  # noqa: PLC0415  # loads what asks servers

            fetch_batch(archive, held, settings, progress)
        case "read":
            return read_batch(
                archive, held, reader, settings.batch_seconds, settings.batch_items
            ).counts
    return None


def drain(archive: Archive, settings: Settings, *, within: queue.Within | None = None) -> None:
    """Work until nothing is open any more, all jobs or the families `within`; relate the rest."""
    work_all(archive, settings, within)
    finish_rest(archive)


def work_all(
    archive: Archive,
    settings: Settings,
    within: queue.Within | None,
    looked: Progress = lambda _seen, _changed: None,
    worked: Callable[[], None] = lambda: None,
) -> None:
    """Work until no job is open any more; `worked` is called after each one."""
    collect_garbage_rarely()
    with Reader(settings) as reader:
        while True:
            free_abandoned_jobs(archive)
            while work_next(archive, settings, reader, within=within, progress=looked):
                worked()
            archive.index_rest()
            archive.relate_rest()
            if not archive.ask(job_progress.open_jobs, within):
                return
            time.sleep(POLL_SECONDS)


def finish_rest(archive: Archive) -> None:
    """Index and relate what is still due, whoever left it."""
    while archive.index_rest(older_than=timedelta(0)):
        pass
    while archive.relate_rest(older_than=timedelta(0)):
        pass


def free_abandoned_jobs(archive: Archive) -> list[int]:
    """End the leases of workers of this machine that are no longer there; return the jobs."""
    held = archive.ask(wake_ups.holders)
    dead = [token for token, holder in held.items() if is_dead(holder)]
    if not dead:
        return []
    return archive.run_aside(wake_ups.end_leases, dead)


def _log_news(archive: Archive, held: jobs.Claim, found: Counts | Collected | None) -> None:
    """Log what became of documents, unless all of them are as they were."""
    with archive.looking() as connection:
        counts = asdict(found or job_progress.job_counts(connection, held.job_id))
        news = {name: number for name, number in counts.items() if number and name not in QUIET}
        if not news:
            return
        source = job_progress.source_of(connection, held.job_id)
    LOG.info(EVENTS[held.kind], source=source, job=held.parent_id or held.job_id, **news)


def _give_back(archive: Archive, held: jobs.Claim) -> None:
    try:
        archive.run(queue.release, held)
    except (jobs.StaleLeaseError, DatabaseError):
        LOG.warning("job_not_given_back", job=held.job_id)


def log_trouble(error: Exception) -> None:
    """Log that nothing can be kept now, and what to do; the work goes on when it can be again."""
    mend = mend_of(error)
    hint = {} if mend is None else {"mend": mend}
    LOG.warning("nothing_can_be_kept", error=type(error).__name__, **hint)


def _fail(archive: Archive, held: jobs.Claim, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    try:
        archive.run(queue.fail, held, reason)
    except (jobs.StaleLeaseError, DatabaseError):
        LOG.warning("job_failure_not_noted", job=held.job_id)
