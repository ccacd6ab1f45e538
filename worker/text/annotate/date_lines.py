"""Find the dates that a line of a page shows, and what each is the date of."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from storage.values.draft import PartialDate
from worker.text.annotate.dates import CLOCK, DATE, MONTH_NUMBERS

_MOST_DATES = 4
_MONTH = "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True))

MODIFIED_WORD = re.compile(
    r"\b(?:updated?|modified|last-?edit\w*|edited|aktualisiert\w*|aktualisierung|geändert|bearbeitet"
    r"|überarbeitet|letzte\s+änderung|stand|zuletzt|mis à jour|actualizado|uppfært|aggiornat\w)\b",
    re.IGNORECASE,
)
"""A word that says that a date is that of a change.

>>> bool(MODIFIED_WORD.search("Stand: 18.06.2024")), bool(MODIFIED_WORD.search("Abstand 3 m"))
(True, False)
"""

BETWEEN_DAY_AND_CLOCK = re.compile(
    r"(?<=\d{4})\s*(?:[|·•–—/,]|-(?=\s))\s*(?=\d{1,2}[:.]\d\d\b(?!\.))"
)
"""A mark between day and time, for which others write a comma.

>>> BETWEEN_DAY_AND_CLOCK.sub(", ", "18.06.2024 | 13:34 Uhr")
'18.06.2024, 13:34 Uhr'
"""

DOTTED_CLOCK = re.compile(r"(?<=\d{4}, )(\d{1,2})\.(\d\d)(?=\s*(?:h\b|\)|\Z))")
"""A time with a full stop and without the word Uhr.

>>> DOTTED_CLOCK.sub(r"\\1:\\2", "18.06.2024, 13.34")
'18.06.2024, 13:34'
"""

SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])")
"""A day with slashes, where day and month may stand in either order.

>>> SLASHED.search("17/02/2022").groups()
('17', '02', '2022')
"""

CLOCK_FIRST = re.compile(
    r"\b(?P<clock>\d{1,2}[:.]\d\d)(?:\s?uhr)?(?:\s[A-Z]{2,4})?,?\s+(?:am\s+|on\s+|vom\s+)?"
    rf"(?P<day>\d{{1,2}}\.\s?(?:\d{{1,2}}\.|(?:{_MONTH})\.?)\s?\d{{4}}"
    rf"|(?:{_MONTH})\.?\s\d{{1,2}},?\s\d{{4}}|\d{{1,2}}\s(?:{_MONTH})\.?\s\d{{4}})",
    re.IGNORECASE,
)
"""A time before its day.

>>> CLOCK_FIRST.search("17:41 JST, October 13, 2024")["day"]
'October 13, 2024'
"""

AGO = re.compile(
    r"\bvor\s+(?P<n>\d{1,3}|einer?|einem)\s+(?P<unit>minute|stunde|tag)(?:n|en)?\b"
    r"|\b(?P<m>\d{1,3}|an?|one)\s+(?P<of>min(?:ute)?|h(?:ou)?r|day)s?\s+ago\b",
    re.IGNORECASE,
)
"""A date that is told by how long ago it was.

>>> AGO.search("vor 3 Stunden")["n"], AGO.search("2 hours ago")["of"]
('3', 'hour')
"""

NEAR_DAY = re.compile(
    r"\A\W*(?:\w+:?\s+)?(?P<day>heute|gestern|vorgestern|today|yesterday)\b(?!['’])"
    r"(?:,|\s+um|\s+at|\s*[|·-])?\s*(?:(?P<hour>\d{1,2})[:.](?P<minute>\d\d))?",
    re.IGNORECASE,
)
"""A line that begins with a day that has no number.

>>> NEAR_DAY.match("Heute, 13:34 Uhr")["hour"], NEAR_DAY.match("gestern")["day"]
('13', 'gestern')
"""

_DAYS_BACK = {"heute": 0, "today": 0, "gestern": 1, "yesterday": 1, "vorgestern": 2}
_UNITS = {"m": timedelta(minutes=1), "s": timedelta(hours=1), "h": timedelta(hours=1)}


def stamps_in(line: str) -> Iterator[tuple[Literal["published", "modified"], str]]:
    """Yield the dates of a line with the words before them, and the field that each is for.

    >>> list(stamps_in("Veröffentlicht: 17.06.2024 | Aktualisiert: 18.06.2024, 13:34 Uhr"))
    [('published', '17.06.2024'), ('modified', '18.06.2024, 13:34 Uhr')]
    """
    if not any(map(str.isdecimal, line)):
        return
    plain = plain_stamp(line.rstrip(" ."))
    end = 0
    for found in list(_days(plain))[:_MOST_DATES]:
        clock = CLOCK.match(plain, found.end())
        stop = clock.end() if clock else found.end()
        label = plain[end : found.start()] + found[0]
        yield (
            "modified" if MODIFIED_WORD.search(label) else "published",
            plain[_first_digit(found) : stop],
        )
        end = stop


def plain_stamp(text: str) -> str:
    """Return a line with its dates spelled as most write them.

    >>> plain_stamp("17/02/2022"), plain_stamp("02/17/2022"), plain_stamp("02/03/2022")
    ('17.02.2022', '17.02.2022', '02/03/2022')
    >>> plain_stamp("18.06.2024 | 13.34"), plain_stamp("17:41 JST, October 13, 2024")
    ('18.06.2024, 13:34', 'October 13, 2024, 17:41')
    """
    text = SLASHED.sub(_unslashed, text)
    text = CLOCK_FIRST.sub(r"\g<day>, \g<clock>", text)
    return DOTTED_CLOCK.sub(r"\1:\2", BETWEEN_DAY_AND_CLOCK.sub(", ", text))


def read_relative(text: str, found_in: str, seen_at: datetime, timezone: str) -> PartialDate | None:
    """Return the day that a line tells by its distance from `seen_at`, None where it tells none.

    No more is said than what follows: three hours ago may be two days, and is none then.

    >>> at = datetime.fromisoformat("2024-06-18T12:00+00:00")
    >>> read_relative("vor 3 Stunden", "time", at, "UTC").value
    '2024-06-18'
    >>> read_relative("Gestern, 13:34 Uhr", "time", at, "UTC").value
    '2024-06-17T13:34'
    >>> read_relative("vor 12 Stunden", "time", at, "UTC")
    """
    here = seen_at.astimezone(ZoneInfo(timezone))
    near = NEAR_DAY.match(text)
    if near:
        day = (here - timedelta(days=_DAYS_BACK[near["day"].lower()])).date().isoformat()
        if near["hour"] and int(near["hour"]) < 24 and int(near["minute"]) < 60:
            value = f"{day}T{int(near['hour']):02}:{near['minute']}"
            return PartialDate(value, "minute", None, found_in)
        return PartialDate(day, "day", None, found_in)
    ago = AGO.search(text)
    if ago is None:
        return None
    number, unit = ago["n"] or ago["m"], (ago["unit"] or ago["of"])[0].lower()
    count = int(number) if number.isdecimal() else 1
    if unit in ("t", "d"):
        days = {(here - timedelta(days=count)).date()}
    else:
        days = {(here - _UNITS[unit] * count).date(), (here - _UNITS[unit] * (count + 1)).date()}
    return PartialDate(days.pop().isoformat(), "day", None, found_in) if len(days) == 1 else None


def _days(text: str) -> Iterator[re.Match[str]]:
    """Yield the days with a year: a year or a month alone is too little for a line."""
    for found in DATE.finditer(text):
        before = text[found.start() - 1] if found.start() else " "
        if not before.isalnum() and any(found[f"d{form}"] for form in "1234"):
            yield found


def _first_digit(found: re.Match[str]) -> int:
    """Return where the day itself begins, behind „Stand“ and the day of the week."""
    starts = (found.start(f"{part}{form}") for part in "ymd" for form in "1234")
    return min(start for start in starts if start >= 0)


def _unslashed(found: re.Match[str]) -> str:
    first, second, year = found.groups()
    if int(first) > 12 >= int(second):
        return f"{first}.{second}.{year}"
    if int(second) > 12 >= int(first):
        return f"{second}.{first}.{year}"
    return f"{first}.{second}.{year}" if first == second else found[0]
