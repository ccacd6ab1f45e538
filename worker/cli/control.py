"""Jobs that the command line starts: order jobs, see them through, return whether work goes on."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from storage.capabilities import PAGE_KINDS
from storage.cli.exits import InterruptionError, say
from storage.record.presences import missing_files
from storage.schedule import progress as job_progress
from storage.schedule import queue
from storage.settings import Settings
from storage.values.arrivals.formats import TYPES, unknown_type
from storage.values.arrivals.source import Source
from storage.values.net.addresses import BROWSER_CHOICES
from storage.values.net.origin_name import clean_address
from storage.values.verdict import Counts
from storage.write.archive import Archive
from worker.address import without_secrets
from worker.cli.ingest.families import ReadingProgress, run_families
from worker.cli.ingest.helpers import Helpers
from worker.cli.ingest.standard_input import ingest_input
from worker.errors import (
    JobNotFoundError,
    LocatorError,
    LocatorMissingError,
)
from worker.flow.collect.targets import IngestTarget
from worker.flow.order import (
    NO_FOLDERS,
    default_source,
    history_targets,
    order,
    target_at,
    target_of,
    unfinished_job,
)
from worker.flow.run_jobs import drain
from worker.sources.folders.members import LISTS, may_have_captures
from worker.sources.locators import file_path, is_address

LATE_SECONDS = 120.0
SILENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Which captures of web archives to import: the arguments of a job, and the archives."""

    selection: Mapping[str, Any]
    archives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """Arguments of `lesart ingest`."""

    locators: tuple[str, ...]
    source: str | None = None
    origin: str | None = None
    observed_at: datetime | None = None
    type: str | None = None
    history: HistoryRequest | None = None
    browser: str | None = None


@dataclass(frozen=True, slots=True)
class IngestJob:
    """The job of an ingest command; `is_resumed` if an earlier identical command left it open."""

    id: int
    is_resumed: bool = False


def ingest(archive: Archive, settings: Settings, request: IngestOptions) -> IngestJob:
    """Create the job for `request`, or find the one an earlier identical command left open.

    Raises: LocatorError.
    """
    if request.history is not None:
        return _continue_or_order(archive, histories(archive, settings, request))
    if request.origin is not None and len(request.locators) != 1:
        raise LocatorError("--origin", "it applies to one LOCATOR: ingest the others separately")
    request = replace(request, origin=_origin(request.origin))
    if "-" in request.locators:
        if len(request.locators) != 1:
            raise LocatorError("-", "standard input must be the only LOCATOR")
        return IngestJob(ingest_input(
            archive, settings, source=request.source, type=request.type,
            origin=request.origin, observed_at=request.observed_at,
        ))  # fmt: skip
    for each in request.locators if request.type in PAGE_KINDS else ():
        if not is_address(each) and Path(file_path(each)).is_file() and not may_have_captures(each):
            raise LocatorError("--type", f"{request.type} reads web archives, and {each} is none")
    unknown = request.type is not None and request.type not in (*TYPES, *LISTS, *PAGE_KINDS)
    if unknown and not all(map(is_address, request.locators)):
        raise LocatorError("--type", unknown_type(request.type))
    targets = [
        target_at(
            archive, settings, each, source=request.source, type=request.type,
            origin=request.origin, observed_at=request.observed_at,
        )
        for each in request.locators
    ]  # fmt: skip
    targets = _with_browser(targets, request.browser)
    return _continue_or_order(archive, targets)


def _with_browser(targets: list[IngestTarget], choice: str | None) -> list[IngestTarget]:
    """Return addresses with the choice of `--browser`. Raises: LocatorError."""
    if choice is None:
        return targets
    if any(each.kind != "web" for each in targets):
        raise LocatorError("--browser", "it applies only to addresses")
    if choice not in BROWSER_CHOICES:
        raise LocatorError("--browser", f"it is one of {', '.join(BROWSER_CHOICES)}")
    return [replace(each, browser=choice) for each in targets]


def _continue_or_order(archive: Archive, targets: Sequence[IngestTarget]) -> IngestJob:
    found = unfinished_job(archive, targets)
    if found is not None:
        say(f"continuing the interrupted job {found}")
        return IngestJob(found, is_resumed=True)
    return IngestJob(_order(archive, targets, "command"))


def histories(archive: Archive, settings: Settings, request: IngestOptions) -> list[IngestTarget]:
    """Return the targets of `--history`.

    Raises: LocatorError.
    """
    assert request.history is not None
    selection, names = request.history.selection, request.history.archives
    is_type_of_files = request.type is not None and request.type not in PAGE_KINDS
    if request.source or request.origin or request.observed_at or is_type_of_files:
        raise LocatorError(
            "--history", "it excludes --source, --origin, --observed-at and --type other than "
            f"{' or '.join(PAGE_KINDS)}: each web archive is a source, and states address and time",
        )  # fmt: skip
    return [
        target
        for url in request.locators
        for target in history_targets(
            archive, settings, url, selection, names, read_as=request.type
        )
    ]


def _origin(text: str | None) -> str | None:
    """Return the normalised address of a capture that was made elsewhere.

    Raises: LocatorError.
    """
    if text is None or text.startswith(("seed:", "file://")):
        return text
    origin = clean_address(text)
    if origin is None:
        reason = f"{without_secrets(text)} is not a web address, such as https://zeitung.example/a"
        raise LocatorError("--origin", reason)
    return origin


def run_all_sources(
    archive: Archive, settings: Settings, processes: int | None
) -> list[dict[str, Any]]:
    """Run every active source, complete all open jobs, and return summaries.

    They are one per source, followed by one per job that was open before.
    Raises: LocatorMissingError without any source; NoWorkerError.
    """
    default_source(archive, settings)
    active = [s for s in archive.sources(standing=True) if not s.paused and _is_here(settings, s)]
    if not active and not settings.worker_folders:
        raise LocatorError("up", NO_FOLDERS)
    if not active:
        raise LocatorMissingError(
            str(settings.seeds), "this folder does not exist, and there is no other source: create "
            "it, or run `lesart source add FOLDER`",
        )  # fmt: skip
    ordered = [_order(archive, [target_of(source)], "command") for source in active]
    return run_until_done(archive, settings, ordered, processes, everything=True)


def run_source(
    archive: Archive, settings: Settings, source: Source, *, is_confirmed: bool = False
) -> list[dict[str, Any]]:
    """Run a source now and return the summaries.

    `is_confirmed` says that its missing files were deleted. Raises: LocatorError, NoWorkerError.
    """
    if settings.is_embedded and not _is_here(settings, source):
        raise LocatorError(source.name, NO_FOLDERS)
    target = replace(target_of(source), is_confirmed=is_confirmed)
    return run_until_done(archive, settings, [_order(archive, [target], "command")])


def _is_here(settings: Settings, source: Source) -> bool:
    """Check whether this machine may read a source."""
    return settings.worker_folders or source.kind != "folder"


def run_until_done(
    archive: Archive,
    settings: Settings,
    ordered: Sequence[int],
    processes: int | None = None,
    *,
    everything: bool = False,
    is_resumed: bool = False,
) -> list[dict[str, Any]]:
    """Wait for jobs with all their parts, working them here on the embedded default.

    So are earlier ones that still read documents of these, or `everything` that is open; their
    summaries follow. `is_resumed` says that an earlier command
    wrote these jobs: their summaries say so, and count what both commands did.
    Raises: NoWorkerError; InterruptionError, which says how to continue.
    """
    began = time.monotonic()
    earlier: dict[int, Counts] = {}
    try:
        with (
            Helpers(archive, settings, ordered, processes) as helpers,
            ReadingProgress() as progress,
        ):
            _join(archive, ordered, earlier, everything=everything)
            run_families(archive, settings, list(earlier), helpers, progress)
            run_families(archive, settings, ordered, helpers, progress)
            _join(archive, ordered, earlier)  # captures of other processes
            run_families(archive, settings, list(earlier), helpers, progress)
    except KeyboardInterrupt:
        jobs = ", ".join(map(str, ordered))
        raise InterruptionError(
            f"interrupted: job {jobs} is unfinished; the same command continues it"
        ) from None
    seconds = round(time.monotonic() - began, 3)
    found = [_summary(archive, job, earlier.get(job), seconds) for job in (*ordered, *earlier)]
    return [each | {"resumed": each["resumed"] or is_resumed} for each in found]


def _join(
    archive: Archive,
    ordered: Sequence[int],
    earlier: dict[int, Counts],
    *,
    everything: bool = False,
) -> None:
    """Add the open jobs of other commands to `earlier`, with their counts so far."""
    with archive.read_connection() as connection:
        scanned = None if everything else job_progress.sources_scanned(connection, ordered)
        found = job_progress.open_families(connection, scanned)
        for job in sorted(found - earlier.keys() - set(ordered)):
            earlier[job] = job_progress.family_counts(connection, job)


def _summary(archive: Archive, job: int, before: Counts | None, seconds: float) -> dict[str, Any]:
    """Return the counts of a job, without those of `before`."""
    with archive.read_connection() as connection:
        counts = job_progress.family_counts(connection, job) - (before or Counts())
        scanned, held = job_progress.sources_scanned(connection, job), missing_files(connection)
        return {
            "source": job_progress.source_of(connection, job), "job": job, "seen": counts.seen,
            **asdict(counts), "seconds": seconds, "resumed": before is not None,
            "open": job_progress.open_jobs(connection, job, kinds=None),
            "held_back": sum(held[each][0] for each in scanned if each in held),
        }  # fmt: skip


def retry(archive: Archive, settings: Settings, job_id: int) -> list[int]:
    """Queue the quarantined parts of a job again; without a broker, run them here.

    Raises: JobNotFoundError.
    """
    require_job(archive, job_id)
    ids = archive.transact(queue.retry, job_id)
    if ids and settings.is_embedded:
        for each in ids:
            drain(archive, settings, families=each)
    return ids


def cancel(archive: Archive, job_id: int) -> int:
    """Cancel the open parts of a job and return their number.

    Raises: JobNotFoundError.
    """
    require_job(archive, job_id)
    return archive.transact(queue.cancel, job_id)


def cancel_ingest(archive: Archive, settings: Settings, locator: str) -> None:
    """Cancel the job that an interrupted command left open for a file, if there is one."""
    job = unfinished_job(archive, [target_at(archive, settings, locator)])
    if job is not None:
        archive.transact(queue.cancel, job)


def worker_health(settings: Settings) -> str | None:
    """Return the problem if due jobs wait and no worker claims them; otherwise None."""
    with Archive.of_settings(settings) as archive:
        with archive.read_connection() as connection:
            late = job_progress.oldest_due_seconds(connection)
            claimed = job_progress.seconds_since_claim(connection)
        if late > LATE_SECONDS and (claimed is None or claimed > SILENT_SECONDS):
            return (
                f"jobs have been due for {late:.0f} s and no worker claims them: start "
                "`lesart worker`"
            )
    return None


def scheduler_health(settings: Settings) -> str | None:
    """Return the problem if no scheduler was active in the last minute; otherwise None."""
    with Archive.of_settings(settings) as archive:
        silent = archive.beats().get("scheduler")
    if silent is None or silent > SILENT_SECONDS:
        return "no scheduler was active within the last minute: start `lesart scheduler`"
    return None


def _order(archive: Archive, targets: Sequence[IngestTarget], trigger: str) -> int:
    number = order(archive, targets, trigger)
    assert number is not None  # without a slot there is nothing to be taken
    return number


def require_job(archive: Archive, job_id: int) -> None:
    with archive.read_connection() as connection:
        if not job_progress.exists(connection, job_id):
            raise JobNotFoundError(job_id)
