"""PURE: the dates of feeds as ISO 8601, with the original precision and UTC offset."""

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_tz

ISO = re.compile(
    r"(?P<date>[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?)"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,][0-9]{1,9})?"
    r" ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)
"""A date of ISO 8601 in its extended form, truncated anywhere.

>>> ISO.fullmatch("2024-06-18T13:34Z").groupdict()
{'date': '2024-06-18', 'time': '13:34', 'zone': 'Z'}
"""

ZONE_NAME = re.compile(r"\b(MESZ|MEZ|CEST|CET|BST|WEST|WET|EEST|EET)\b", re.IGNORECASE)
"""Names of time zones that feeds use and email does not.

>>> ZONE_NAME.sub("+0200", "18 Jun 2024 13:34:00 MESZ")
'18 Jun 2024 13:34:00 +0200'
"""

SECONDS = re.compile(r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}")
"""A time of day with seconds.

>>> bool(SECONDS.search("Tue, 18 Jun 2024 13:34 +0200"))
False
"""

ZONE = re.compile(r"[0-9][ ]*(?:[+-][0-9]{4}|Z|UTC?|GMT|[ECMP][SD]T)\b", re.IGNORECASE)
"""A time zone after a time of day, as in email."""

_HOURS = {
    "MESZ": "+0200",
    "MEZ": "+0100",
    "CEST": "+0200",
    "CET": "+0100",
    "BST": "+0100",
    "WEST": "+0100",
    "WET": "+0000",
    "EEST": "+0300",
    "EET": "+0200",
}


def feed_date(text: str | None, parsed: Sequence[int] | None = None) -> str | None:
    """Return a date of a feed as ISO 8601, or None if it cannot be parsed.

    `parsed` is the result of another parser in UTC; it is used for rare formats.

    >>> feed_date("Tue, 18 Jun 2024 13:34 +0200"), feed_date("2024-06")
    ('2024-06-18T13:34+02:00', '2024-06')
    >>> feed_date("18 Jun 2024"), feed_date("soon")
    ('2024-06-18', None)
    """
    text = " ".join((text or "").split())[:100]
    return _iso(text) or _mail(text) or _rare(text, parsed)


def _iso(text: str) -> str | None:
    found = ISO.fullmatch(text)
    if found is None:
        return None
    date, time, zone = found["date"], found["time"], found["zone"]
    if time is None:
        return date if _is_real(date) else None
    zone = "" if zone is None else "+00:00" if zone in "Zz" else f"{zone[:3]}:{zone[-2:]}"
    stamp = f"{date}T{time}{zone}"
    return stamp if len(date) == 10 and _is_real(stamp) else None


def _mail(text: str) -> str | None:
    text = ZONE_NAME.sub(lambda name: _HOURS[name[0].upper()], text)
    read = parsedate_tz(text if ":" in text else f"{text} 00:00")
    if read is None:
        return None
    year, month, day, hour, minute, second, *_, offset = read
    date = f"{year:04}-{month:02}-{day:02}"
    if ":" not in text:
        return date if _is_real(date) else None
    stamp = f"{date}T{hour:02}:{minute:02}"
    if SECONDS.search(text):
        stamp += f":{second:02}"
    if offset is not None and ZONE.search(text):
        hours, minutes = divmod(abs(offset) // 60, 60)
        stamp += f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    return stamp if _is_real(stamp) else None


def _rare(text: str, parsed: Sequence[int] | None) -> str | None:
    if not text or parsed is None:
        return None
    year, month, day, hour, minute, second = parsed[:6]
    date = f"{year:04}-{month:02}-{day:02}"
    if ":" not in text:
        return date if _is_real(date) else None
    stamp = f"{date}T{hour:02}:{minute:02}:{second:02}+00:00"
    return stamp if _is_real(stamp) else None


def _is_real(stamp: str) -> bool:
    whole = stamp + "-01-01"[: 10 - len(stamp)] if len(stamp) == 4 else stamp
    whole = f"{whole}-01" if len(whole) == 7 else whole
    try:
        datetime.fromisoformat(whole)
    except ValueError:
        return False
    return True
