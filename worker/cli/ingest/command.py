"""The command `lesart ingest`, loaded without the modules of other commands."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from storage.capabilities import PAGE_KINDS
from storage.cli.app import app
from storage.cli.exits import UNCHECKED, say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_rows
from storage.read.query.parameter import argument, flag, option
from storage.read.render.moment import MomentError, parse_moment
from storage.settings import Settings
from storage.values.arrivals.formats import TYPES
from storage.values.freshness import CLOCKS_DIFFER
from storage.values.lazy import LazyModule
from storage.values.messages import message_text
from storage.values.settings.readers import read_interval
from worker.cli.opened import opened_archive
from worker.cli.summaries import report_summaries
from worker.errors import LocatorError

if TYPE_CHECKING:
    from storage.proof import log
    from storage.schedule import progress as job_progress
    from storage.write.archive import Archive
    from worker.cli import control
    from worker.flow.history import preview
    from worker.sources import locators as locator_rules
else:
    log = LazyModule("storage.proof.log")
    job_progress = LazyModule("storage.schedule.progress")
    control = LazyModule("worker.cli.control")
    locator_rules = LazyModule("worker.sources.locators")
    preview = LazyModule("worker.flow.history.preview")


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """Which captures of web archives are imported."""

    history: bool = flag("--history", "Import the captures of an address from web archives.")
    since: str | None = option(
        "--from", "T", "With --history: no captures before T (default: all captures)."
    )
    until: str | None = option(
        "--to", "T", "With --history: no captures after T (default: all captures)."
    )
    every: str | None = option(
        "--every", "DURATION", "With --history: at most one capture per DURATION, such as 1d."
    )
    at_most: int | None = option(
        "--at-most", "N", "With --history: only the latest N captures (default: all).", min=1
    )
    web_archive: list[str] | None = option(
        "--web-archive",
        "NAME",
        "With --history: only this web archive; repeatable (default: LESART_WEB_ARCHIVES).",
    )
    dry_run: bool = flag("--dry-run", "With --history: list the captures, and store nothing.")

    def request(self, settings: Settings) -> "control.HistoryRequest | None":
        """Return the request; None without `--history`.

        Raises: LocatorError for options that need `--history`, and for invalid values.
        """
        values = (self.since, self.until, self.every, self.at_most, self.web_archive)
        if not self.history:
            if any(values) or self.dry_run:
                raise LocatorError(
                    "--history", "it is missing: --from, --to, --every, --at-most, --web-archive "
                    "and --dry-run need it",
                )  # fmt: skip
            return None
        since = self.since and parse_moment(self.since, settings.zone, "first").isoformat()
        until = self.until and parse_moment(self.until, settings.zone, "last").isoformat()
        try:
            every = None if self.every is None else read_interval(self.every)
        except ValueError as error:
            raise LocatorError("--every", str(error)) from error
        selection = {"since": since, "until": until, "every": every, "at_most": self.at_most}
        return control.HistoryRequest(selection, tuple(self.web_archive or ()))


def report_history(
    archive: "Archive", settings: Settings, request: "control.IngestOptions", output: OutputOptions
) -> None:
    """List the captures that `request` would import; exit with 4 if a list is missing."""
    targets = control.histories(archive, settings, request)
    rows, refused = preview.preview_history(archive, settings, targets)
    write_rows(rows, output.target(), preview.COLUMNS)
    for each in refused:
        say(each.sentences)
    if any(each.code != "no_captures" for each in refused):
        raise typer.Exit(UNCHECKED)


INGEST_EXAMPLE = """lesart ingest artikel/ bericht.md 'archiv/*.html'
  lesart ingest --history https://zeitung.example/pegel --every 1d
  lesart ingest captures.warc.gz --type front"""
TYPE_HELP = (
    f"Type of the files: {', '.join(TYPES)} (default: by file name); "
    + "; ".join(
        f"{each.name} reads the pages of web archives as {each.plural}"
        for each in PAGE_KINDS.values()
    )
    + "."
)


BROWSER_HELP = (
    "Read addresses by a browser, now and later: always, with auto only pages without a text, or "
    "off."
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
    browser: str | None = option("--browser", "[auto|off]", BROWSER_HELP),
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
            observed_at=_read_past(observed_at, archive, settings), type=type,
            history=captures.request(settings), browser=browser,
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
        kind = PAGE_KINDS.get(type or "")
        lists = archive.read(job_progress.count_lists, job.id) if kind else 0
        log.append(archive.engine, archive.clock)
    if kind:
        say(f"{kind.plural} read: {lists}")
    elif not any(each["seen"] or each["gone"] or each["open"] for each in summaries):
        say(f"no documents were found in {', '.join(locators)}")
    report_summaries(summaries, place, output, absent=absent)


def _read_past(text: str | None, archive: "Archive", settings: Settings) -> datetime | None:
    """Return the time of a capture. Raises: MomentError for one in the future."""
    if text is None:
        return None
    moment = parse_moment(text, settings.zone, "first")
    if moment > archive.read_shared_clock() + CLOCKS_DIFFER:
        raise MomentError(text, message_text("observed_in_the_future", given=text))
    return moment
