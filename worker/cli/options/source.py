"""The options of `lesart source`: schedule and requests."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from storage.read.query.parameter import option
from storage.schedule.interval import IntervalRange
from storage.settings import Settings
from storage.values.lazy import LazyModule
from storage.values.settings.readers import parse_interval, read_interval
from worker.errors import ScheduleError

if TYPE_CHECKING:
    from worker.services.schedule import cron as crons
    from worker.web import credentials
else:
    crons = LazyModule("worker.services.schedule.cron")
    credentials = LazyModule("worker.web.credentials")


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


@dataclass(frozen=True, slots=True)
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
    copy_to: str | None = option(
        "--copy-to",
        "ARCHIVE",
        "Submit the page of each new version to this archive of LESART_WEB_ARCHIVES, or off.",
    )

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
