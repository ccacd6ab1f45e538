"""The commands `lesart source …`: watched sources and their schedules."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage.cli.app import command_group
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_record
from storage.cli.report import report_list
from storage.read.query.parameter import argument, flag, option
from storage.values.arrivals.source import Source
from storage.values.lazy import LazyModule
from storage.values.locator import escape_locator
from worker.cli.opened import opened_archive
from worker.cli.options.source import FetchOptions, ScheduleOptions
from worker.cli.summaries import report_summaries
from worker.errors import LocatorError, LocatorMissingError, ScheduleError

if TYPE_CHECKING:
    from storage.read import archive as reading_archive
    from storage.schedule import watches
    from worker.cli import control
    from worker.flow import order
    from worker.flow import standing_sources as standing
    from worker.sources import locators
else:
    reading_archive = LazyModule("storage.read.archive")
    watches = LazyModule("storage.schedule.watches")
    control = LazyModule("worker.cli.control")
    order = LazyModule("worker.flow.order")
    standing = LazyModule("worker.flow.standing_sources")
    locators = LazyModule("worker.sources.locators")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the source.")]


sources = command_group("source")


@command(sources, "add", example="lesart source add https://zeitung.example/feed --every 15m")
def add(
    *,
    locator: str = argument("LOCATOR", "Folder or address to watch."),
    place: ArchiveOptions,
    output: OutputOptions,
    name: str | None = option(
        "--name", "NAME", "Name of the source (default: name of the folder, or the address)."
    ),
    when: ScheduleOptions,
    type: str | None = option(  # noqa: A002  # the word of the command line
        "--type",
        "TYPE",
        "Type of an address: page, front, feed, sitemap, opml or urls (default: by its content).",
    ),
    fetch_options: FetchOptions,
    history: bool = flag("--history", "Import captures of an address from web archives, too."),
) -> None:
    """Add a folder or an address as a source with a schedule."""
    settings = place.settings()
    schedule = when.values(settings)
    if locators.is_address(locator):
        options = fetch_options.options()
        locators.require_address(settings, locator)
        with opened_archive(settings, create=settings.is_embedded) as archive:
            options = standing.add_copy_order(archive, settings, options, fetch_options.copy_to)
            watch = standing.watch_with_history if history else standing.watch_address
            added = watch(
                archive, settings, locator, name=name, kind=type, options=options, **schedule
            )
        _report([added], output)
        return
    if type is not None or history or fetch_options.options() or fetch_options.copy_to:
        raise ScheduleError(
            "--type, --history, --recheck, --newer-than, --header, --proxy, --retain-captures and "
            "--copy-to apply only to addresses, and LOCATOR is a folder"
        )
    if not locator:
        raise LocatorError("''", "LOCATOR is empty: give a folder or an address")
    folder = Path(locators.file_path(locator))
    if not folder.exists():
        raise LocatorMissingError(locator, locators.no_such_file(locator))
    if folder.is_file() and standing.is_subscriptions(folder):
        with opened_archive(settings, create=settings.is_embedded) as archive:
            _report(standing.watch_feeds(archive, settings, folder, **schedule), output)
        return
    schedule = schedule or {"every_seconds": settings.every}
    with opened_archive(settings, create=settings.is_embedded) as archive:
        chosen = (
            escape_locator(folder.name) if name is None else order.check_source_name(archive, name)
        )
        if not chosen:
            raise LocatorError(locator, "this folder has no name: add --name NAME")
        standing.refuse_second_source(archive, "folder", str(folder))
        taken = [each for each in archive.sources() if each.name == chosen]
        if taken and (taken[0].standing or taken[0].locator != str(folder)):
            raise ScheduleError(f"the source {chosen} already exists: choose another --name")
        source = archive.ensure_source(
            chosen, "folder", str(folder), standing=True, paused=False, **schedule
        )
    _report([source], output)


@command(sources, "list", example="lesart source list")
def list_sources(*, place: ArchiveOptions, output: OutputOptions) -> None:
    """List sources with their schedules."""
    with opened_archive(place.settings()) as archive:
        _report(archive.sources(standing=True), output)


@command(sources, "show", example="lesart source show presse")
def show(*, name: Name, place: ArchiveOptions, output: OutputOptions) -> None:
    """Show one source with type, schedule, options, counts and latest scan."""
    settings = place.settings()
    with opened_archive(settings) as archive:
        source = archive.source(name)
        facts = _row(source) | {"type": archive.read(watches.root_kind, source.id)}
    with reading_archive.open_with_settings(settings) as archive:
        figures = (each.to_dict() for each in archive.stats().sources if each.source == name)
        counts = next(figures, {})
    known = ("source", "kind", "standing")
    write_record(facts | {k: v for k, v in counts.items() if k not in known}, output.target())


@command(sources, "set", example="lesart source set presse --cron '0 6 * * 1-5'")
def change(
    *,
    name: Name,
    place: ArchiveOptions,
    output: OutputOptions,
    when: ScheduleOptions,
    fetch_options: FetchOptions,
) -> None:
    """Change the schedule or options of a source; it applies within seconds."""
    settings = place.settings()
    schedule = when.values(settings)
    options = fetch_options.options()
    if not schedule and not options and fetch_options.copy_to is None:
        raise ScheduleError(
            "nothing to change: add --every, --cron, --timezone, --recheck or another option"
        )
    with opened_archive(settings) as archive:
        source = archive.source(name)
        if fetch_options.copy_to is not None and source.kind == "folder":
            raise ScheduleError("--copy-to applies only to addresses, and this is a folder")
        if options or fetch_options.copy_to is not None:
            schedule["options"] = standing.add_copy_order(
                archive, settings, {**source.options, **options}, fetch_options.copy_to
            )
        changed = archive.change_source(name, **schedule)
        standing.apply_schedule(archive, changed)
        _report([changed], output)


@command(sources, "run", example="lesart source run presse")
def run(*, name: Name, place: ArchiveOptions, output: OutputOptions) -> None:
    """Run a source now, wait for the end and print a summary."""
    settings = place.settings()
    with opened_archive(settings) as archive:
        summaries = control.run_source(archive, settings, archive.source(name))
    report_summaries(summaries, place, output)


@command(sources, "pause", example="lesart source pause presse")
def pause(*, name: Name, place: ArchiveOptions, output: OutputOptions) -> None:
    """Pause a source until `lesart source resume`."""
    _change(place, output, name, paused=True)


@command(sources, "resume", example="lesart source resume presse")
def resume(*, name: Name, place: ArchiveOptions, output: OutputOptions) -> None:
    """Resume a paused source."""
    _change(place, output, name, paused=False)


@command(sources, "remove", example="lesart source remove presse")
def remove(*, name: Name, place: ArchiveOptions) -> None:
    """Remove a source; archived texts stay."""
    with opened_archive(place.settings()) as archive:
        archive.change_source(name, removed_at=archive.clock(), standing=False)
    say(f"removed source {name}; its archived texts stay")


def _change(place: ArchiveOptions, output: OutputOptions, name: str, **values: Any) -> None:
    with opened_archive(place.settings()) as archive:
        _report([archive.change_source(name, **values)], output)


def _report(sources: list[Source], output: OutputOptions) -> None:
    empty = "no sources: add one with `lesart source add`"
    report_list(map(_row, sources), output.target(), _COLUMNS, empty=empty)


_COLUMNS = ("name", "kind", "locator", "every_seconds", "cron", "timezone", "paused", "options")


def _row(source: Source) -> dict[str, Any]:
    options = {name: value for name, value in source.options.items() if name != "secrets"}
    return {name: getattr(source, name) for name in _COLUMNS} | {"options": options}
