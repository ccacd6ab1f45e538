"""The commands that check stored results: verify, rederive, doctor and explain."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from storage.capabilities import load_parts
from storage.cli.app import app
from storage.cli.exits import NO, UNCHECKED, say
from storage.cli.options import ArchiveOptions, OutputOptions, VerifyOptions, command
from storage.cli.output import write_rows
from storage.cli.progress import ProgressLine
from storage.cli.report import reading, report_examination
from storage.read.query.parameter import argument, flag, option
from storage.read.query.queries import FilterOptions, PageOptions
from storage.values.lazy import LazyModule
from storage.values.messages import quantity
from worker.cli.checks.report_verification import report_verification
from worker.cli.opened import opened_archive

if TYPE_CHECKING:
    from storage.verify import servers
    from worker.cli.checks import explain as explaining
    from worker.cli.checks import rederive as rederiving
    from worker.cli.checks import verify_texts
    from worker.cli.ingest import helpers
    from worker.services import broker
    from worker.services import check as service_check
else:
    servers = LazyModule("storage.verify.servers")
    explaining = LazyModule("worker.cli.checks.explain")
    rederiving = LazyModule("worker.cli.checks.rederive")
    verify_texts = LazyModule("worker.cli.checks.verify_texts")
    helpers = LazyModule("worker.cli.ingest.helpers")
    broker = LazyModule("worker.services.broker")
    service_check = LazyModule("worker.services.check")


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
                quantity("{n} text was|{n} texts were", rederived.derived)
                + " extracted again from captures; "
                f"not_rederivable_here: {rederived.not_rederivable_here}"
            )


@command(app, "rederive", example="lesart rederive --source presse --format csv")
def rederive(
    *,
    articles: list[str] | None = argument(
        "[ARTICLE]…", "Articles by id, address or path (default: all articles).", None
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
    with reading(place, is_current=True) as (settings, archive):
        filters = filtering.filters(settings.zone)
        archive.require_named(filters)
        ids = [archive.article_row_id(each) for each in articles] if articles else None
    wanted = rederiving.RederiveSelection(ids, filters, page.after, page.limit)
    with opened_archive(settings) as archive, ProgressLine() as line:
        number = processes or helpers.processors()
        found = rederiving.Rereading(archive, settings, number)
        differences = found.differences(wanted, line.report)
        shown_rows = (each for each in differences if every or each.is_any)
        write_rows(shown_rows, output.target(), rederiving.COLUMNS)
    say(found.summary())


@command(app, "doctor", example="lesart doctor")
def doctor(
    *,
    place: ArchiveOptions,
    output: OutputOptions,
    every: bool = flag("--all", "List each check in a table (default: only problems)."),
) -> None:
    """Check the installation and list problems with their remedies."""
    more = [
        ("servers", servers.check_servers),
        ("replicas", servers.check_replicas),
        ("log", servers.check_log),
        ("broker", broker.examine_broker),
        ("scheduler", service_check.check_scheduler),
        *(check for part in load_parts("check") for check in part.CHECKS),
    ]
    report_examination(place.settings(), output, more, every=every)


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
    write_rows([each.to_dict() for each in answers], output.target())
    state = answers[-1].state
    if state != "yes":
        raise typer.Exit(UNCHECKED if state == "unknown" else NO)
