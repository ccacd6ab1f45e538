"""Times as text, and the span of time of a date that is only as precise as its source."""

import datetime as dt
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from storage.values.draft import PartialDate

SECOND = timedelta(seconds=1)
_STEPS = {"day": timedelta(days=1), "minute": timedelta(minutes=1), "second": SECOND}


@lru_cache(maxsize=4_096)
def span(date: PartialDate, timezone_name: str = "UTC") -> tuple[datetime, datetime]:
    """Return the first and the last second that `date` may mean, in UTC.

    They are `published_from` and `published_to`; both belong to the span. `timezone_name` applies
    if the source states no zone.

    >>> [t.isoformat() for t in span(PartialDate("2024-06", "month", None, "seed header"))]
    ['2024-06-01T00:00:00+00:00', '2024-06-30T23:59:59+00:00']

    Raises: ValueError for a value that is not an ISO date, KeyError for an unknown time zone.
    """
    zone = zone_of(date, timezone_name)
    start = datetime.fromisoformat(_complete(date.value))
    return (
        start.replace(tzinfo=zone).astimezone(UTC),
        _next(start, date.precision).replace(tzinfo=zone).astimezone(UTC) - SECOND,
    )


def local_time(date: PartialDate, zone: tzinfo) -> datetime | None:
    """Return the time of `date` in `zone`, None where the source gives no valid time or no zone.

    >>> local_time(PartialDate("2024-06-18T07:40", "minute", "+02:00", "byline"), UTC).isoformat()
    '2024-06-18T05:40:00+00:00'
    """
    if date.zone is None or "T" not in date.value:
        return None
    try:
        return datetime.fromisoformat(date.value + date.zone).astimezone(zone)
    except (ValueError, OverflowError):  # a document may claim any date
        return None


def day_of(value: str | None, precision: str | None) -> tuple[dt.date | None, bool]:
    """Return the last day that a date may mean, and whether it is the only possible day.

    >>> day_of("2024-02-03T10:15", "minute"), day_of("2024-02", "month")
    ((datetime.date(2024, 2, 3), True), (datetime.date(2024, 2, 29), False))
    """
    if not value or not precision:
        return None, False
    start = datetime.fromisoformat(_complete(value[:10]))
    if precision in {"year", "month"}:
        return (_next(start, precision) - timedelta(days=1)).date(), False
    return start.date(), True


def zone_of(date: PartialDate, timezone_name: str) -> tzinfo:
    """Return the zone of `date`, or the zone `timezone_name` if it states none.

    >>> zone_of(PartialDate("2024", "year", "-03:30", "x"), "UTC").utcoffset(None)
    datetime.timedelta(days=-1, seconds=73800)
    """
    if date.zone is None:
        return ZoneInfo(timezone_name)
    sign = -1 if date.zone.startswith("-") else 1
    hours, minutes = date.zone[1:].split(":")
    return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))


def _complete(value: str) -> str:
    """Complete a truncated ISO date with the first moment that it may mean."""
    return value + "0000-01-01T00:00:00"[len(value) :]


def _next(start: datetime, precision: str) -> datetime:
    if precision == "year":
        return start.replace(year=start.year + 1)
    if precision == "month":
        return (start + timedelta(days=31)).replace(day=1)
    return start + _STEPS[precision]


@lru_cache(maxsize=4096)
def iso_utc(moment: datetime) -> str:
    """Return `moment` as fixed-width text, which sorts by time.

    >>> iso_utc(datetime(2024, 6, 18, 12, tzinfo=UTC))
    '2024-06-18T12:00:00.000000+00:00'
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@lru_cache(maxsize=4096)
def stored_time(moment: datetime | None) -> str | None:
    """Return a time as the text that SQLite stores and that PostgreSQL's COPY accepts.

    Cached, because the rows of one unit contain the same times repeatedly.
    Raises: ValueError if it has no zone.
    """
    return None if moment is None else iso_utc(require_zone(moment))


def require_zone(moment: datetime) -> datetime:
    """Return a time; ValueError if it has no zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {moment!r}")
    return moment
