"""The commands that run the services: up, worker, scheduler and web."""

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from storage.cli.app import app
from storage.cli.exits import NO, say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.read.query.parameter import flag, option
from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.values.settings.readers import read_web_address
from worker.cli.opened import opened_archive
from worker.cli.summaries import report_summaries
from worker.errors import LocatorError, PortTakenError

if TYPE_CHECKING:
    from storage.proof import log
    from worker import log as event_log
    from worker.cli import control
    from worker.cli.ingest import helpers
    from worker.flow import run_jobs
    from worker.services import processes as services
    from worker.services import web as web_service
    from worker.services.schedule import acts
    from worker.services.web import BackgroundWebServer
else:
    log = LazyModule("storage.proof.log")
    event_log = LazyModule("worker.log")
    control = LazyModule("worker.cli.control")
    helpers = LazyModule("worker.cli.ingest.helpers")
    run_jobs = LazyModule("worker.flow.run_jobs")
    acts = LazyModule("worker.services.schedule.acts")
    services = LazyModule("worker.services.processes")
    web_service = LazyModule("worker.services.web")

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
            acts.send_all(archive, settings)
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
    event_log.log_events("debug" if place.debug else "info")
    if drain:
        with opened_archive(settings, create=settings.is_embedded) as archive:
            for each in job or ():
                control.require_job(archive, each)
            run_jobs.drain(archive, settings, families=job)
            if job is None:
                acts.send_all(archive, settings)
        return
    if settings.is_embedded:
        raise LocatorError("worker", NO_BROKER)
    services.run_worker(settings, concurrency or helpers.processors())


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
    event_log.log_events("debug" if place.debug else "info")
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
    event_log.log_events("debug" if place.debug else "info")
    web_service.run_web(settings)


def _report_health(problem: str | None) -> None:
    if problem is not None:
        say(problem)
        raise typer.Exit(NO)


def _watch(settings: Settings, *, web: bool, debug: bool) -> None:
    event_log.log_events("debug" if debug else "info")
    if not settings.is_embedded:
        raise LocatorError("up", "it runs without a broker, but LESART_BROKER_URL is set: start "
                           "`lesart scheduler` and `lesart worker` instead")  # fmt: skip
    say(f"watching the sources; archive: {settings.database_url}; press Ctrl-C to stop")
    services.run_embedded(settings, page=_page(settings) if web else None)


def _page(settings: Settings) -> "BackgroundWebServer | None":
    """Return the page that is served during the work, None where its address is taken."""
    try:
        page = web_service.BackgroundWebServer(settings)
    except PortTakenError as error:
        say(f"{error}; scheduler and worker run without it")
        return None
    say(f"the page: http://{settings.web_address}/")
    return page
