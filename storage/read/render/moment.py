"""PURE: parse a time with year to second precision as the moment when it begins or ends."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from storage.values.messages import message_text

Edge = Literal["first", "last"]

TYPED = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?)?)?)?",
    re.ASCII,
)
"""
>>> TYPED.fullmatch("2024-06-18T12:00+02:00")["zone"]
'+02:00'
"""

_GERMAN = re.compile(
    r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})(?:,? (?P<clock>\d{2}:\d{2}.*))?",
    re.ASCII,
)
_SMALLEST = timedelta(microseconds=1)


class MomentError(ValueError):
    """Invalid time; `reason` is a message about it (default: it cannot be parsed)."""

    def __init__(self, text: str, reason: str | None = None) -> None:
        super().__init__(reason or message_text("no_time", given=text))
        self.given = text


def parse_moment(text: str, zone: tzinfo, edge: Edge) -> datetime:
    """Return, in UTC, the first or the last moment of the span that `text` specifies.

    `zone` applies if the text has none. Raises: MomentError.

    >>> parse_moment("2024-06", UTC, "last").isoformat()
    '2024-06-30T23:59:59.999999+00:00'
    >>> parse_moment("2024-06-18T12:00+02:00", UTC, "first").isoformat()
    '2024-06-18T10:00:00+00:00'
    >>> parse_moment("18.6.2024 12:00", UTC, "first").isoformat()
    '2024-06-18T12:00:00+00:00'
    """
    iso = _iso_form(text.strip())
    match = TYPED.fullmatch(iso)
    if match is None:
        raise MomentError(text)
    try:
        if match["hour"] is None:
            return _day_edge(match, zone, edge).astimezone(UTC)
        return _time_edge(match, iso, zone, edge).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MomentError(text) from error


def _iso_form(text: str) -> str:
    """Return a date with points in the form of ISO 8601; other text as it is."""
    given = _GERMAN.fullmatch(text)
    if given is None:
        return text
    day = f"{given['year']}-{int(given['month']):02}-{int(given['day']):02}"
    return day if given["clock"] is None else f"{day}T{given['clock']}"


def _day_edge(match: re.Match[str], zone: tzinfo, edge: Edge) -> datetime:
    year, month, day = (int(match[part] or 1) for part in ("year", "month", "day"))
    first = date(year, month, day)
    if edge == "last":
        first = _next_day(first, has_month=bool(match["month"]), has_day=bool(match["day"]))
    moment = datetime.combine(first, time(), zone)
    return moment if edge == "first" else moment.astimezone(UTC) - _SMALLEST


def _next_day(first: date, *, has_month: bool, has_day: bool) -> date:
    """Return the day after the day, month or year that begins at `first`."""
    if has_day:
        return first + timedelta(days=1)
    if has_month:
        return date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return date(first.year + 1, 1, 1)


def _time_edge(match: re.Match[str], text: str, zone: tzinfo, edge: Edge) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:  # at the end of summer time, an hour comes twice
        both = [moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        moment = min(both) if edge == "first" else max(both)
    if edge == "last" and match["second"] is None:
        return moment.astimezone(UTC) + timedelta(minutes=1) - _SMALLEST
    return moment
