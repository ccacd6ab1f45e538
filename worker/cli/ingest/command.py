"""The command `lesart ingest`, loaded without the modules of other commands."""

from datetime import datetime
from typing import TYPE_CHECKING

from storage.cli.app import app
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.read.query.parameter import argument, flag, option
from storage.settings import Settings
from storage.values.arrivals.formats import TYPES
from storage.values.lazy import LazyModule
from storage.values.net.addresses import FRONT
from worker.cli.ingest.history_options import HistoryOptions, report_history
from worker.cli.opened import opened_archive
from worker.cli.summaries import report_summaries

if TYPE_CHECKING:
    from storage.proof import log
    from storage.read.render import moment as moments
    from storage.schedule import progress as job_progress
    from worker.cli import control
    from worker.sources import locators as locator_rules
else:
    log = LazyModule("storage.proof.log")
    moments = LazyModule("storage.read.render.moment")
    job_progress = LazyModule("storage.schedule.progress")
    control = LazyModule("worker.cli.control")
    locator_rules = LazyModule("worker.sources.locators")

INGEST_EXAMPLE = """lesart ingest artikel/ bericht.md 'archiv/*.html'
  lesart ingest --history https://zeitung.example/pegel --every 1d
  lesart ingest captures.warc.gz --type front"""
TYPE_HELP = (
    f"Type of the files: {', '.join(TYPES)} (default: by file name); {FRONT} reads the pages of "
    "web archives as front pages."
)


@command(app, "ingest", example=INGEST_EXAMPLE)
def ingest(
    *,
    locators: list[str] = argument(
        "LOCATOR…", "Files, folders, globs or addresses; - reads standard input."
    ),
    place: ArchiveOptions,
    output: OutputOptions,
    source: str | None = option(
        "--source", "NAME", "Store the documents in the source NAME (default: by LOCATOR)."
    ),
    origin: str | None = option(
        "--origin", "URL", "Address from which the document was captured (default: its path)."
    ),
    observed_at: str | None = option(
        "--observed-at", "T", "Time of a capture that was made elsewhere (default: now)."
    ),
    type: str | None = option("--type", "TYPE", TYPE_HELP),  # noqa: A002
    captures: HistoryOptions,
    processes: int | None = option(
        "--processes",
        "N",
        "Number of reading processes (default: 1, or one per CPU for many files).",
        min=1,
    ),
    wait: bool = flag("--wait/--no-wait", "Wait for the end and print the summary.", default=True),
) -> None:
    """Archive files, folders, globs, addresses or standard input now.

    To continue an interrupted ingestion, run the same command again.
    """
    settings = place.settings()
    if not captures.history and "-" not in locators:
        locator_rules.require_files(locators)
    with opened_archive(settings, create=settings.is_embedded) as archive:
        request = control.IngestOptions(
            locators=tuple(locators), source=source, origin=origin,
            observed_at=_moment(observed_at, settings), type=type,
            history=captures.request(settings),
        )  # fmt: skip
        if captures.dry_run:
            report_history(archive, settings, request, output)
            return
        job = control.ingest(archive, settings, request)
        if not wait:
            say(f"queued job {job.id}; `lesart jobs {job.id}` shows its state")
            write_rows([{"job": job.id}], output.target())
            return
        summaries = control.run_until_done(
            archive, settings, [job.id], processes, is_resumed=job.is_resumed
        )
        absent = archive.read(job_progress.absent_addresses, job.id)
        fronts = archive.read(job_progress.count_lists, job.id) if type == FRONT else 0
        log.append(archive.engine, archive.clock)
    if type == FRONT:
        say(f"front pages read: {fronts}")
    elif not any(each["seen"] or each["gone"] or each["open"] for each in summaries):
        say(f"no documents were found in {', '.join(locators)}")
    report_summaries(summaries, place, output, absent=absent)


def _moment(text: str | None, settings: Settings) -> datetime | None:
    return None if text is None else moments.parse_moment(text, settings.zone, "first")
