"""The commands that run work and services; the reading commands are in `storage.cli`.

This module loads all other modules of commands.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import storage.cli.archive_commands
import storage.cli.article_commands
import storage.cli.open_page
import storage.cli.proof_commands
import storage.cli.top
import storage.cli.watch  # noqa: F401  # each module adds its commands to `app`
from storage.cli.app import app
from storage.cli.exits import NO, UNCHECKED, WRONG_USE, say
from storage.cli.options import ArchiveOptions, OutputOptions, VerifyOptions, command
from storage.cli.output import write_rows
from storage.cli.progress import ProgressLine
from storage.cli.report import reading, report_examination, report_verification
from storage.read.query.parameter import argument, flag, option
from storage.read.query.queries import FilterOptions, PageOptions
from storage.settings import Settings
from storage.values.late import LateModule
from storage.values.settings.readers import read_web_address
from worker.cli import alert_commands, copy_commands, redact_command
from worker.cli import source_commands as source_cli
from worker.cli import token_commands as token_cli
from worker.cli.ingest import command as _ingest  # noqa: F401  # adds its command, too
from worker.cli.opened import opened_archive
from worker.cli.program import EXIT_CODES, main
from worker.cli.summaries import report_summaries
from worker.errors import LocatorError, PortTakenError

if TYPE_CHECKING:
    from storage.proof import log
    from storage.web import problems
    from storage.write import reclassify as reclassifying
    from storage.write import undo as undoing
    from worker import log as event_log
    from worker.alerts import check as alert_check
    from worker.alerts import work as alerting
    from worker.cli import control, verify_texts
    from worker.cli import explain as explaining
    from worker.cli import rederive as rederiving
    from worker.log import Level
    from worker.outside import check as copy_check
    from worker.outside import work as outside
    from worker.services import broker
    from worker.services import check as service_check
    from worker.services import processes as services
    from worker.services import web as web_service
    from worker.services.web import BackgroundWebServer
else:
    web_service = LateModule("worker.services.web")
    problems = LateModule("storage.web.problems")
    verify_texts = LateModule("worker.cli.verify_texts")
    rederiving = LateModule("worker.cli.rederive")
    alert_check = LateModule("worker.alerts.check")
    copy_check = LateModule("worker.outside.check")
    outside = LateModule("worker.outside.work")
    broker = LateModule("worker.services.broker")
    service_check = LateModule("worker.services.check")
    explaining = LateModule("worker.cli.explain")
    event_log = LateModule("worker.log")
    alerting = LateModule("worker.alerts.work")
    reclassifying = LateModule("storage.write.reclassify")
    undoing = LateModule("storage.write.undo")
    control = LateModule("worker.cli.control")
    log = LateModule("storage.proof.log")
    services = LateModule("worker.services.processes")

source_cli.mount(app)
copy_commands.mount(app)
redact_command.mount(app)
token_cli.mount(app)
alert_commands.mount(app)

__all__ = ["EXIT_CODES", "app", "main"]

NO_BROKER = "it needs a message broker: set LESART_BROKER_URL, or run `lesart up`, which needs none"


@command(app, "up", example="lesart up --once")
def up(
    place: ArchiveOptions,
    output: OutputOptions,
    *,
    once: bool = flag(
        "--once", "Run every active source once, complete all jobs, print a summary and exit."
    ),
    processes: int | None = option(
        "--processes",
        "N",
        "With --once: number of reading processes (default: 1, or one per CPU for many files).",
        min=1,
    ),
    web: bool = flag(
        "--web/--no-web", "Serve the web page at LESART_WEB_ADDRESS, too.", default=True
    ),
) -> None:
    """Run scheduler, worker and web server in one process."""
    settings = place.settings()
    if once:
        with opened_archive(settings, create=True) as archive:
            summaries = control.run_all_sources(archive, settings, processes)
            log.append(archive.engine, archive.clock)
            alerting.work(archive, settings)
            outside.work(archive, settings)
        report_summaries(summaries, place, output)
        return
    _watch(settings, web=web, debug=place.debug)


@command(app, "worker", example="lesart worker --concurrency 2")
def worker(
    place: ArchiveOptions,
    concurrency: int | None = option(
        "--concurrency", "N", "Number of processes (default: one per CPU).", min=1
    ),
    *,
    drain: bool = flag("--drain", "Complete due jobs without a broker, then exit."),
    job: list[int] | None = option(
        "--job", "JOB", "With --drain: only this job; repeatable (default: all jobs)."
    ),
    health: bool = flag("--health", "Check whether jobs are processed; exit code 1 means no."),
) -> None:
    """Run a worker, which processes the jobs from the broker."""
    settings = place.settings()
    if health:
        _report_health(control.worker_health(settings))
        return
    _log("debug" if place.debug else "info")
    if drain:
        with opened_archive(settings, create=settings.is_embedded) as archive:
            control.drain(archive, settings, families=job)
            if job is None:
                alerting.work(archive, settings)
                outside.work(archive, settings)
        return
    if settings.is_embedded:
        raise LocatorError("worker", NO_BROKER)
    services.run_worker(settings, concurrency or control.processors())


@command(app, "scheduler", example="lesart scheduler")
def scheduler(
    place: ArchiveOptions,
    *,
    health: bool = flag("--health", "Check whether a scheduler is running; exit code 1 means no."),
) -> None:
    """Run the scheduler, which creates jobs for due sources and notifies workers."""
    settings = place.settings()
    if health:
        _report_health(control.scheduler_health(settings))
        return
    _log("debug" if place.debug else "info")
    if settings.is_embedded:
        raise LocatorError("scheduler", NO_BROKER)
    services.run_scheduler(settings)


@command(app, "web", example="lesart web --address 127.0.0.1:8790")
def web(
    place: ArchiveOptions,
    address: str | None = option(
        "--address", "HOST:PORT", "Address to listen on (default: LESART_WEB_ADDRESS)."
    ),
    workers: int | None = option(
        "--workers",
        "N",
        "Number of server processes (default: LESART_WEB_WORKERS, or one per CPU, at most 4).",
        min=1,
    ),
) -> None:
    """Run the web server with the pages and the HTTP API, until Ctrl-C."""
    settings = place.settings()
    if address is not None:
        try:
            settings = replace(settings, web_address=read_web_address(address))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--address") from error
    if workers is not None:
        settings = replace(settings, web_workers=workers)
    _log("debug" if place.debug else "info")
    web_service.run_web(settings)


@command(app, "mcp", example="lesart mcp --archive lesart-data/lesart.sqlite3")
def mcp(place: ArchiveOptions) -> None:
    """Run a read-only server for assistants (MCP) on standard input and output.

    It needs an extra: pip install 'lesart[mcp]'.
    """
    try:
        web_service.run_mcp(place.settings())
    except problems.Problem as problem:
        say(problem.detail)
        raise typer.Exit(WRONG_USE) from problem


@command(app, "verify", example="lesart verify --against checkpoint.txt")
def verify(*, place: ArchiveOptions, checked: VerifyOptions, output: OutputOptions) -> None:
    """Recompute all digests and texts and check all invariants; exit code 1 means damage."""
    settings = place.settings()
    rederived = verify_texts.Rederivation(settings)
    try:
        report_verification(settings, output, checked, rederived.findings)
    finally:
        if rederived.begun:
            say(
                f"{rederived.derived} texts were extracted again from their captures; "
                f"not_rederivable_here: {rederived.not_rederivable_here}"
            )


@command(app, "rederive", example="lesart rederive --source presse --format csv")
def rederive(
    *,
    articles: list[str] | None = argument(
        "[ARTICLE]…", "Articles by id or address (default: all articles).", None
    ),
    place: ArchiveOptions,
    filtering: FilterOptions,
    page: PageOptions,
    output: OutputOptions,
    every: bool = flag("--all", "List articles without differences, too."),
    processes: int | None = option(
        "--processes", "N", "Number of reading processes (default: one per CPU).", min=1
    ),
) -> None:
    """Extract stored captures again and list differences; it creates no versions."""
    with reading(place) as (settings, archive):
        filters = filtering.filters(settings.zone)
        ids = [archive.article_row_id(each) for each in articles] if articles else None
    wanted = rederiving.RederiveSelection(ids, filters, page.after, page.limit)
    with opened_archive(settings) as archive, ProgressLine() as line:
        number = processes or control.processors()
        found = rederiving.Rereading(archive, settings, number)
        differences = found.differences(wanted, line.report)
        shown_rows = (each for each in differences if every or each.is_any)
        write_rows(shown_rows, output.target(), rederiving.COLUMNS)
    say(found.summary())


@command(app, "reclassify", example="lesart reclassify")
def reclassify(
    *,
    articles: list[str] | None = argument(
        "[ARTICLE]…", "Articles by id or address (default: all articles).", None
    ),
    place: ArchiveOptions,
) -> None:
    """Classify changes again that older rules classified; it creates no versions."""
    with reading(place) as (settings, archive):
        ids = [archive.article_row_id(each) for each in articles] if articles else None
    changes = others = 0
    with opened_archive(settings) as archive, ProgressLine() as line:
        due = archive.read(reclassifying.outdated_articles, ids)
        for start in range(0, len(due), reclassifying.ARTICLES_AT_A_TIME):
            batch = due[start : start + reclassifying.ARTICLES_AT_A_TIME]
            done, differ = archive.transact(reclassifying.reclassify, batch)
            changes, others = changes + done, others + differ
            line.report("changes classified again", changes)
    say(f"{changes} changes were classified again; {others} of them have other classes now")


@command(app, "doctor", example="lesart doctor")
def doctor(*, place: ArchiveOptions, output: OutputOptions) -> None:
    """Check the installation and list problems with their remedies."""
    more = [
        ("broker", broker.examine_broker),
        ("scheduler", service_check.check_scheduler),
        ("alerts", alert_check.check_alerts),
        ("copies", copy_check.check_copies),
    ]
    report_examination(place.settings(), output, more)


@command(app, "explain", example="lesart explain https://zeitung.example/lokales/pegel")
def explain(
    *,
    address: str = argument("URL", "Web address to check."),
    place: ArchiveOptions,
    output: OutputOptions,
    robots: Path | None = option(
        "--robots",
        "FILE",
        "Use FILE instead of the server's robots.txt (default: stored or fetched robots.txt).",
        exists=True,
        dir_okay=False,
    ),
) -> None:
    """Check whether an address would be fetched now, and why.

    The exit code is 1 for no, and 4 if the server or its robots.txt is unreachable.
    """
    answers = explaining.explain(place.settings(), address, robots)
    _report([each.to_dict() for each in answers], output)
    state = answers[-1].state
    if state != "yes":
        raise typer.Exit(UNCHECKED if state == "unknown" else NO)


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
    _report([{"job": each} for each in ids], output)


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
    _report([{"job": job, "cancelled": number}], output)


@command(app, "undo", example="lesart undo 4711 --reason 'two papers, one name'")
def undo(
    *,
    decision: int = argument(
        "ID", "Decision to undo: id from `lesart relations`, `lineages` or `noise`."
    ),
    place: ArchiveOptions,
    output: OutputOptions,
    reason: str | None = option(
        "--reason", "TEXT", "Reason to record with the undo (default: none)."
    ),
) -> None:
    """Undo a relation, a joined address or a noise decision, permanently."""
    with opened_archive(place.settings()) as archive:
        undone = archive.transact(undoing.undo, decision, reason)
    _report([undone.to_dict()], output)


def _log(level: "Level") -> None:

    event_log.log_events(level)


def _report(rows: Sequence[dict[str, Any]], output: OutputOptions) -> None:
    write_rows(rows, output.target())


def _report_health(problem: str | None) -> None:
    if problem is not None:
        say(problem)
        raise typer.Exit(NO)


def _watch(settings: Settings, *, web: bool, debug: bool) -> None:
    _log("debug" if debug else "info")
    if not settings.is_embedded:
        raise LocatorError("up", "it runs without a broker, but LESART_BROKER_URL is set: start "
                           "`lesart scheduler` and `lesart worker` instead")  # fmt: skip
    say(f"watching the sources; archive: {settings.database_url}; press Ctrl-C to stop")
    services.run_embedded(settings, page=_page(settings) if web else None)


def _page(settings: Settings) -> "BackgroundWebServer | None":
    """Return the page that is served beside the work, None where its address is taken."""
    try:
        page = web_service.BackgroundWebServer(settings)
    except PortTakenError as error:
        say(f"{error}; scheduler and worker run without it")
        return None
    say(f"the page: http://{settings.web_address}/")
    return page
