"""Parse dates as sources write them, with the precision of the source."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime

from storage.values.dates import span
from storage.values.draft import PartialDate, Precision
from storage.values.lazy import lazy_pattern

EARLIEST_YEAR = 1600  # the first newspaper appeared in 1605

_MONTHS = (
    "januar jänner january jan",
    "februar feber february feb",
    "märz maerz march mär mar",
    "april apr",
    "mai may",
    "juni june jun",
    "juli july jul",
    "august aug",
    "september sept sep",
    "oktober october okt oct",
    "november nov",
    "dezember december dez dec",
)
MONTH_NUMBERS = {
    name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()
}
_ZONES = {
    "Z": "+00:00",
    "UTC": "+00:00",
    "GMT": "+00:00",
    "MEZ": "+01:00",
    "CET": "+01:00",
    "MESZ": "+02:00",
    "CEST": "+02:00",
    "EST": "-05:00",
    "EDT": "-04:00",
    "PST": "-08:00",
    "PDT": "-07:00",
}
_MONTH = "(?:" + "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True)) + ")"
_WEEKDAY = (
    "(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
    "|(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)"
)
_ORDINAL = "(?:st|nd|rd|th)?"

# Dienstag, 18. Juni 2024, 13:34 Uhr; 2024-06-18T13:34:05+02:00; June 18, 2024 at 1:34 pm
DATE = lazy_pattern(
    rf"(?:stand:?[ ]+)?(?:{_WEEKDAY}\.?,?[ ]+(?:den[ ]+)?)?"
    r"(?:(?P<y1>[0-9]{4})(?:-(?P<m1>[0-9]{1,2})(?:-(?P<d1>[0-9]{1,2}))?)?"
    r"|(?P<d2>[0-9]{1,2})\.[ ]?(?P<m2>[0-9]{1,2})\.[ ]?(?P<y2>[0-9]{4})"
    rf"|(?P<d3>[0-9]{{1,2}})\.?{_ORDINAL}[ ](?P<m3>{_MONTH})\.?,?[ ](?P<y3>[0-9]{{4}})"
    rf"|(?P<m4>{_MONTH})\.?[ ](?:(?P<d4>[0-9]{{1,2}}){_ORDINAL},?[ ])?(?P<y4>[0-9]{{4}}))"
    r"(?=[\s,;:)]|t[0-9]|\Z)",
    re.IGNORECASE,
)
CLOCK = lazy_pattern(
    r"(?:t|,?[ ]+(?:um[ ]+|at[ ]+|-[ ]+)?|,)(?P<hour>[0-9]{1,2})"
    r"(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?(?:[ ]?uhr\b)?"
    r"|\.(?P<minute_of_uhr>[0-9]{2})[ ]?uhr\b|[ ]?uhr\b)"
    r"(?:[ ]?(?P<half>[ap])\.?m\b\.?)?"
    r"(?:[ ]?\(?(?P<zone>utc|gmt|mesz|mez|cest|cet|est|edt|pst|pdt|z|[+-][0-9]{2}:?[0-9]{2}"
    r"|[+-][0-9]{2})\)?)?(?=[\s,;:)]|\Z)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class InvalidDate:
    """A date that does not exist, or that lies outside the years of the press."""

    text: str


def read_date(text: str, source: str, latest_year: int) -> PartialDate | InvalidDate | None:
    """Parse `text` as one date, None if it has no known format.

    >>> read_date("18. Juni 2024, 13:34 Uhr", "byline", 2025).value
    '2024-06-18T13:34'
    >>> read_date("31.02.2024", "byline", 2025), read_date("gestern", "byline", 2025)
    (InvalidDate(text='31.02.2024'), None)
    """
    text = " ".join(text.split())
    if len(text) == len("20240618") and text.isascii() and text.isdecimal():
        return read_date(f"{text[:4]}-{text[4:6]}-{text[6:]}", source, latest_year)
    result = leading_date(text, source, latest_year)
    if result is None or result[1]:
        return None
    return result[0]


def leading_date(
    line: str, source: str, latest_year: int
) -> tuple[PartialDate | InvalidDate, str] | None:
    """Parse the date at the beginning of `line`, and return it with the rest of the line.

    >>> leading_date("2024-06 Angriff: Großbrand", "seed header", 2025)[1]
    'Angriff: Großbrand'
    >>> leading_date("2024-13 Großbrand", "seed header", 2025)
    (InvalidDate(text='2024-13'), 'Großbrand')
    """
    match = DATE.match(line)
    if match is None:
        return None
    year, month, day = _date_parts(match)
    clock = CLOCK.match(line, match.end()) if day else None
    end = clock.end() if clock else match.end()
    rest = line[end:]
    rest = rest[_separator_length(rest) :]
    date = _partial_date(year, month, day, clock, source)
    if date is None or not EARLIEST_YEAR <= int(year) <= latest_year:
        return InvalidDate(line[:end].strip()), rest
    return date, rest


def instant(date: PartialDate, timezone: str) -> datetime | None:
    """Return the beginning of `date` (aware, UTC), None if it is less precise than a day.

    `timezone` is used for a date without a zone.
    """
    if date.precision in ("year", "month"):
        return None
    return span(date, timezone)[0]


def _date_parts(match: re.Match[str]) -> tuple[str, str | None, str | None]:
    for form in "1234":
        year = match[f"y{form}"]
        if year:
            return year, match[f"m{form}"], match[f"d{form}"]
    raise AssertionError(match)  # one of the four forms has matched


def _separator_length(rest: str) -> int:
    remainder = rest.lstrip()
    remainder = remainder[1:].lstrip() if remainder.startswith((":", ";", ",")) else remainder
    return len(rest) - len(remainder)


def _partial_date(
    year: str, month: str | None, day: str | None, clock: re.Match[str] | None, source: str
) -> PartialDate | None:
    value, precision = _calendar_value(int(year), _month_number(month), day)
    if value is None:
        return None
    if clock is None or clock["minute"] is clock["minute_of_uhr"] is None:
        return PartialDate(value, precision, None, source)  # "13 Uhr" has no minute
    time = _clock_value(clock)
    zone = _utc_offset(clock["zone"])
    if time is None or zone == "invalid":
        return None
    return PartialDate(f"{value}T{time}", "second" if clock["second"] else "minute", zone, source)


def _month_number(month: str | None) -> int | None:
    if month is None:
        return None
    return int(month) if month.isdecimal() else MONTH_NUMBERS[month.lower()]


def _calendar_value(year: int, month: int | None, day: str | None) -> tuple[str | None, Precision]:
    if month is None:
        return f"{year:04}", "year"
    if not 1 <= month <= 12 or year == 0:
        return None, "month"
    if day is None:
        return f"{year:04}-{month:02}", "month"
    if not 1 <= int(day) <= monthrange(year, month)[1]:
        return None, "day"
    return f"{year:04}-{month:02}-{int(day):02}", "day"


def _clock_value(clock: re.Match[str]) -> str | None:
    hour, minute = int(clock["hour"]), int(clock["minute"] or clock["minute_of_uhr"])
    half = (clock["half"] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    second = clock["second"]
    if hour > 23 or minute > 59 or int(second or 0) > 59:
        return None
    return f"{hour:02}:{minute:02}" + (f":{second}" if second else "")


def _utc_offset(text: str | None) -> str | None:
    """Return an offset as `+02:00`, or `invalid` if it is out of range."""
    if text is None:
        return None
    if text.upper() in _ZONES:
        return _ZONES[text.upper()]
    digits = text[1:].replace(":", "").ljust(4, "0")
    if int(digits[:2]) > 14 or int(digits[2:]) > 59:
        return "invalid"
    return f"{text[0]}{digits[:2]}:{digits[2:]}"
