"""Find the dates in a line of a page, and classify them as published or modified."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from storage.values.draft import PartialDate
from worker.text.annotate.dates import CLOCK, DATE, MONTH_NUMBERS

_MAX_DATES = 4
_MONTH = "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True))

MODIFIED_WORD = re.compile(
    r"\b(?:updated?|modified|last-?edit\w*|edited|aktualisiert\w*|aktualisierung|geändert|bearbeitet"
    r"|überarbeitet|letzte\s+änderung|stand|zuletzt|mis à jour|actualizado|uppfært|aggiornat\w)\b",
    re.IGNORECASE,
)
"""A word that marks a date as the date of a modification.

>>> bool(MODIFIED_WORD.search("Stand: 18.06.2024")), bool(MODIFIED_WORD.search("Abstand 3 m"))
(True, False)
"""

BETWEEN_DAY_AND_CLOCK = re.compile(
    r"(?<=\d{4})\s*(?:[|·•–—/,]|-(?=\s))\s*(?=\d{1,2}[:.]\d\d\b(?!\.))"
)
"""A separator between day and time that is replaced by a comma.

>>> BETWEEN_DAY_AND_CLOCK.sub(", ", "18.06.2024 | 13:34 Uhr")
'18.06.2024, 13:34 Uhr'
"""

DOTTED_CLOCK = re.compile(r"(?<=\d{4}, )(\d{1,2})\.(\d\d)(?=\s*(?:h\b|\)|\Z))")
"""A time with a full stop and without the word Uhr.

>>> DOTTED_CLOCK.sub(r"\\1:\\2", "18.06.2024, 13.34")
'18.06.2024, 13:34'
"""

SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])")
"""A date with slashes, with day and month in either order.

>>> SLASHED.search("17/02/2022").groups()
('17', '02', '2022')
"""

CLOCK_FIRST = re.compile(
    r"\b(?P<clock>\d{1,2}[:.]\d\d)(?:\s?uhr)?(?:\s[A-Z]{2,4})?,?\s+(?:am\s+|on\s+|vom\s+)?"
    rf"(?P<day>\d{{1,2}}\.\s?(?:\d{{1,2}}\.|(?:{_MONTH})\.?)\s?\d{{4}}"
    rf"|(?:{_MONTH})\.?\s\d{{1,2}},?\s\d{{4}}|\d{{1,2}}\s(?:{_MONTH})\.?\s\d{{4}})",
    re.IGNORECASE,
)
"""A time before its date.

>>> CLOCK_FIRST.search("17:41 JST, October 13, 2024")["day"]
'October 13, 2024'
"""

RELATIVE_TIME = re.compile(
    r"\bvor\s+(?P<n>\d{1,3}|einer?|einem)\s+(?P<unit>minute|stunde|tag)(?:n|en)?\b"
    r"|\b(?P<m>\d{1,3}|an?|one)\s+(?P<of>min(?:ute)?|h(?:ou)?r|day)s?\s+ago\b",
    re.IGNORECASE,
)
"""A relative date, as a time span before now.

>>> RELATIVE_TIME.search("vor 3 Stunden")["n"], RELATIVE_TIME.search("2 hours ago")["of"]
('3', 'hour')
"""

RELATIVE_DAY = re.compile(
    r"\A\W*(?:\w+:?\s+)?(?P<day>heute|gestern|vorgestern|today|yesterday)\b(?!['’])"
    r"(?:,|\s+um|\s+at|\s*[|·-])?\s*(?:(?P<hour>\d{1,2})[:.](?P<minute>\d\d))?",
    re.IGNORECASE,
)
"""A line that begins with a relative day.

>>> RELATIVE_DAY.match("Heute, 13:34 Uhr")["hour"], RELATIVE_DAY.match("gestern")["day"]
('13', 'gestern')
"""

_DAYS_BACK = {"heute": 0, "today": 0, "gestern": 1, "yesterday": 1, "vorgestern": 2}
_UNITS = {"m": timedelta(minutes=1), "s": timedelta(hours=1), "h": timedelta(hours=1)}


def dates_in_line(line: str) -> Iterator[tuple[Literal["published", "modified"], str]]:
    """Yield the dates of a line as written, each with the field that it belongs to.

    >>> list(dates_in_line("Veröffentlicht: 17.06.2024 | Aktualisiert: 18.06.2024, 13:34 Uhr"))
    [('published', '17.06.2024'), ('modified', '18.06.2024, 13:34 Uhr')]
    """
    if not any(map(str.isdecimal, line)):
        return
    plain = normalize_date_line(line.rstrip(" ."))
    end = 0
    for match in list(_days(plain))[:_MAX_DATES]:
        clock = CLOCK.match(plain, match.end())
        stop = clock.end() if clock else match.end()
        label = plain[end : match.start()] + match[0]
        yield (
            "modified" if MODIFIED_WORD.search(label) else "published",
            plain[_date_start(match) : stop],
        )
        end = stop


def normalize_date_line(text: str) -> str:
    """Return a line with its dates in a standard spelling.

    >>> [normalize_date_line(day) for day in ("17/02/2022", "02/17/2022", "02/03/2022")]
    ['17.02.2022', '17.02.2022', '02/03/2022']
    >>> normalize_date_line("18.06.2024 | 13.34"), normalize_date_line("17:41 JST, May 13, 2024")
    ('18.06.2024, 13:34', 'May 13, 2024, 17:41')
    """
    text = SLASHED.sub(_replace_slashes, text)
    text = CLOCK_FIRST.sub(r"\g<day>, \g<clock>", text)
    return DOTTED_CLOCK.sub(r"\1:\2", BETWEEN_DAY_AND_CLOCK.sub(", ", text))


def read_relative_date(
    text: str, source: str, observed_at: datetime, timezone: str
) -> PartialDate | None:
    """Return the day of a relative date, calculated from `observed_at`, None if there is none.

    The day is omitted if it is ambiguous: "3 hours ago" can be one of two days.

    >>> now = datetime.fromisoformat("2024-06-18T12:00+00:00")
    >>> read_relative_date("vor 3 Stunden", "time", now, "UTC").value
    '2024-06-18'
    >>> read_relative_date("Gestern, 13:34 Uhr", "time", now, "UTC").value
    '2024-06-17T13:34'
    >>> read_relative_date("vor 12 Stunden", "time", now, "UTC")
    """
    local_time = observed_at.astimezone(ZoneInfo(timezone))
    day_match = RELATIVE_DAY.match(text)
    if day_match:
        day = (local_time - timedelta(days=_DAYS_BACK[day_match["day"].lower()])).date().isoformat()
        if day_match["hour"] and int(day_match["hour"]) < 24 and int(day_match["minute"]) < 60:
            value = f"{day}T{int(day_match['hour']):02}:{day_match['minute']}"
            return PartialDate(value, "minute", None, source)
        return PartialDate(day, "day", None, source)
    time_match = RELATIVE_TIME.search(text)
    if time_match is None:
        return None
    number, unit = (
        time_match["n"] or time_match["m"],
        (time_match["unit"] or time_match["of"])[0].lower(),
    )
    count = int(number) if number.isdecimal() else 1
    if unit in ("t", "d"):
        days = {(local_time - timedelta(days=count)).date()}
    else:
        days = {
            (local_time - _UNITS[unit] * count).date(),
            (local_time - _UNITS[unit] * (count + 1)).date(),
        }
    return PartialDate(days.pop().isoformat(), "day", None, source) if len(days) == 1 else None


def _days(text: str) -> Iterator[re.Match[str]]:
    """Yield complete dates; a year or a month alone is not specific enough for a line."""
    for match in DATE.finditer(text):
        character = text[match.start() - 1] if match.start() else " "
        if not character.isalnum() and any(match[f"d{form}"] for form in "1234"):
            yield match


def _date_start(match: re.Match[str]) -> int:
    """Return the position of the date itself, after „Stand“ and the weekday."""
    starts = (match.start(f"{part}{form}") for part in "ymd" for form in "1234")
    return min(start for start in starts if start >= 0)


def _replace_slashes(match: re.Match[str]) -> str:
    first, second, year = match.groups()
    if int(first) > 12 >= int(second):
        return f"{first}.{second}.{year}"
    if int(second) > 12 >= int(first):
        return f"{second}.{first}.{year}"
    return f"{first}.{second}.{year}" if first == second else match[0]
