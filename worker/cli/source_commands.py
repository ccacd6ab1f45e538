"""The commands `lesart source …`: watched sources and their schedules."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer

from storage.capabilities import CAPABILITIES
from storage.cli.app import command_group
from storage.cli.exits import say
from storage.cli.options import ArchiveOptions, OutputOptions, command
from storage.cli.output import write_record
from storage.cli.report import report_list
from storage.read.query.parameter import argument, flag, option
from storage.schedule.interval import IntervalRange
from storage.settings import Settings
from storage.values.arrivals.source import Source
from storage.values.lazy import LazyModule
from storage.values.locator import escape_locator
from storage.values.settings.readers import parse_interval, read_interval
from worker.cli.opened import opened_archive
from worker.cli.summaries import report_summaries
from worker.errors import LocatorError, LocatorMissingError, ScheduleError

if TYPE_CHECKING:
    from storage.read import archive as reading_archive
    from storage.schedule import watches
    from worker.cli import control
    from worker.flow import order
    from worker.flow import standing_sources as standing
    from worker.services.schedule import cron as crons
    from worker.sources import locators
    from worker.web import credentials
else:
    reading_archive = LazyModule("storage.read.archive")
    watches = LazyModule("storage.schedule.watches")
    control = LazyModule("worker.cli.control")
    order = LazyModule("worker.flow.order")
    standing = LazyModule("worker.flow.standing_sources")
    locators = LazyModule("worker.sources.locators")
    crons = LazyModule("worker.services.schedule.cron")
    credentials = LazyModule("worker.web.credentials")


SOURCE_OPTIONS = tuple(each for own in CAPABILITIES for each in own.source_options)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ScheduleOptions:
    """Options for the schedule of a source."""

    every: str | None = option(
        "--every",
        "DURATION",
        "Interval between checks, such as 90s, 5m, 2h or 1d (default for folders: LESART_EVERY).",
    )
    cron: str | None = option(
        "--cron", "CRON", "Times of checks: minute hour day month weekday (0 is Sunday)."
    )
    timezone: str | None = option(
        "--timezone", "ZONE", "Time zone of --cron (default: LESART_TIMEZONE)."
    )

    def values(self, settings: Settings) -> dict[str, Any]:
        """Return the changed fields of a source.

        Raises: ScheduleError.
        """
        if self.every is not None and self.cron is not None:
            raise ScheduleError("--every and --cron exclude each other: use one of them")
        values: dict[str, Any] = {}
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (ValueError, OSError, KeyError) as error:
                reason = (
                    f"there is no time zone {self.timezone!r}: use a name such as Europe/Berlin"
                )
                raise ScheduleError(reason) from error
            values["timezone"] = self.timezone
        if self.every is not None:
            try:
                values |= {"every_seconds": read_interval(self.every), "cron": None}
            except ValueError as error:
                raise ScheduleError(str(error)) from error
        if self.cron is not None:
            try:
                crons.cron_trigger(self.cron, settings.zone)
            except crons.CronError as error:
                raise ScheduleError(str(error)) from error
            values |= {"every_seconds": None, "cron": self.cron}
        return values


def _with_source_options(kind: type[T]) -> type[T]:
    """Add the options of capabilities to a class."""
    for each in SOURCE_OPTIONS:
        kind.__annotations__[each.name] = str | None
        setattr(kind, each.name, option(each.option, each.metavar, each.help))
    return kind


@dataclass(frozen=True, slots=True)
@_with_source_options
class FetchOptions:
    """Options for requests to the addresses of a source."""

    recheck: str | None = option(
        "--recheck",
        "RANGE",
        "Intervals between checks of its pages: 15m..40d (shortest, longest), 1h, or off.",
    )
    newer_than: str | None = option(
        "--newer-than", "DURATION", "Ignore list entries older than DURATION, such as 30d."
    )
    header: list[str] | None = option(
        "--header",
        "HEADER",
        "Send a header `NAME: VALUE`; VALUE may be @FILE or $VARIABLE; repeatable.",
    )
    proxy: str | None = option(
        "--proxy", "URL", "Use this proxy: http://HOST:PORT, @FILE or $VARIABLE."
    )
    retain_captures: str | None = option(
        "--retain-captures",
        "DURATION",
        "Delete captured bytes after DURATION, such as 90d (default: LESART_RETAIN_CAPTURES).",
    )

    def collect_wishes(self) -> dict[str, str]:
        """Return the options of capabilities that were given, by their names."""
        given = {each.name: getattr(self, each.name) for each in SOURCE_OPTIONS}
        return {name: value for name, value in given.items() if value is not None}

    def options(self) -> dict[str, Any]:
        """Return the options that were given.

        Raises: ScheduleError.
        """
        found = recheck_options(self.recheck)
        try:
            if self.newer_than is not None:
                found["newer_than"] = parse_interval(self.newer_than)
            if self.retain_captures is not None:
                found["retain_captures"] = parse_interval(self.retain_captures)
            if self.header:
                found["headers"] = dict(credentials.read_header(each) for each in self.header)
            if self.proxy is not None:
                found["proxy"] = _proxy(self.proxy)
        except ValueError as error:
            raise ScheduleError(str(error)) from error
        return found


def _proxy(text: str) -> str:
    """Check the proxy option; a proxy with a password must be in a file or variable.

    Raises: ValueError.
    """
    if text.startswith(("@", "$")):
        return text
    if credentials.read_proxy(text).user is not None:
        raise ValueError("put a proxy with a password into a file and write --proxy @FILE")
    return text


def recheck_options(text: str | None) -> dict[str, Any]:
    """Return the source options for a value of `--recheck`.

    Raises: ScheduleError.

    >>> recheck_options("15m..40d")
    {'recheck': {'first': 900.0, 'longest': 3456000.0}}
    >>> recheck_options("off"), recheck_options(None)
    ({'recheck': {'off': True}}, {})
    """
    if text is None:
        return {}
    if text.strip() == "off":
        return {"recheck": {"off": True}}
    first, is_range, longest = text.partition("..")
    first, longest = (first, longest) if is_range else (text, text)
    try:
        intervals = IntervalRange(parse_interval(first), parse_interval(longest))
    except ValueError as error:
        raise ScheduleError(f"--recheck {text}: {error}") from error
    return {"recheck": {"first": intervals.first, "longest": intervals.longest}}


Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the source.")]
FOR_ADDRESSES = (
    "--type", "--history", "--recheck", "--newer-than", "--header", "--proxy", "--retain-captures",
)  # fmt: skip
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
    wishes = fetch_options.collect_wishes()
    if locators.is_address(locator):
        options = fetch_options.options()
        locators.require_address(settings, locator)
        with opened_archive(settings, create=settings.is_embedded) as archive:
            options = standing.add_options_of_capabilities(archive, settings, options, wishes)
            watch = standing.watch_with_history if history else standing.watch_address
            added = watch(
                archive, settings, locator, name=name, kind=type, options=options, **schedule
            )
        _report([added], output)
        return
    if type is not None or history or fetch_options.options() or any(wishes.values()):
        raise ScheduleError(f"{_for_addresses()} apply only to addresses, and LOCATOR is a folder")
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


def _for_addresses() -> str:
    """Return the options that only addresses have."""
    *names, last = *FOR_ADDRESSES, *(each.option for each in SOURCE_OPTIONS)
    return f"{', '.join(names)} and {last}"


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
    options, wishes = fetch_options.options(), fetch_options.collect_wishes()
    if not schedule and not options and not wishes:
        raise ScheduleError(
            "nothing to change: add --every, --cron, --timezone, --recheck or another option"
        )
    with opened_archive(settings) as archive:
        source = archive.source(name)
        if wishes and source.kind == "folder":
            given = next(each.option for each in SOURCE_OPTIONS if each.name in wishes)
            raise ScheduleError(f"{given} applies only to addresses, and this is a folder")
        if options or wishes:
            schedule["options"] = standing.add_options_of_capabilities(
                archive, settings, {**source.options, **options}, wishes
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
