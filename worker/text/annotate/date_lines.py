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
_OTHER_MONTHS = (
    "janvier janv enero ene gennaio gen januari janeiro stycznia января ocak",
    "février fevrier févr febrero febbraio februari fevereiro fev lutego февраля şubat",
    "mars marzo maart mrt março marca марта mart",
    "avril avr abril abr aprile kwietnia апреля nisan",
    "mai mayo maggio mag mei maio maja maj мая mayıs",
    "juin junio giugno giu juni junho czerwca июня haziran",
    "juillet juil julio luglio lug julho lipca июля temmuz",
    "août aout agosto ago augustus sierpnia augusti августа ağustos",
    "septembre septiembre setiembre settembre setembro set września сентября eylül",
    "octobre octubre ottobre ott outubro out października октября ekim",
    "novembre noviembre novembro listopada ноября kasım",
    "décembre diciembre dic dicembre dezembro grudnia desember декабря aralık",
)
"""Months in French, Spanish, Italian, Dutch, Portuguese, Polish, Russian, Turkish and Swedish."""
_MONTH_OF_WORD = {
    name: number for number, names in enumerate(_OTHER_MONTHS, start=1) for name in names.split()
} | MONTH_NUMBERS
_ANY_MONTH = "|".join(sorted(_MONTH_OF_WORD, key=len, reverse=True))

MODIFIED_WORD = re.compile(
    r"\b(?:updated?|modified|last-?edit\w*|edited|aktualisiert\w*|aktualisierung|geändert|bearbeitet"
    r"|überarbeitet|letzte\s+änderung|stand|zuletzt|mise? à jour|modifiée?|actualizad[oa]|uppfært"
    r"|aggiornat\w|bijgewerkt|atualizad[oa]|revised|reviewed)\b|更新|修正|수정",
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

SEPARATOR = re.compile(r"(?<=\d)[|·•–—]")
"""A separator directly after a year, before which a blank is inserted.

>>> SEPARATOR.sub(r" \\g<0>", "18. Juni 2024|Deich")
'18. Juni 2024 |Deich'
"""

DOTTED_CLOCK = re.compile(r"(?<=\d{4}, )(\d{1,2})\.(\d\d)(?=\s*(?:h\b|\)|\Z))")
"""A time with a full stop and without the word Uhr.

>>> DOTTED_CLOCK.sub(r"\\1:\\2", "18.06.2024, 13.34")
'18.06.2024, 13:34'
"""

PUBLISHED_WORD = re.compile(
    r"\b(?:publi\w*|pubblicat\w|gepubliceerd|veröffentlich\w*|erschienen|erstellt|created|posted"
    r"|released?|datum|date|fecha|data|(?:presse)?mitteilung|meldung|vom|first)\b"
    r"|公開|掲載|配信|投稿|発表|发布|发表|發佈|发表|입력|등록|게시",
    re.IGNORECASE,
)
"""A word that marks a date as the date of publication.

>>> bool(PUBLISHED_WORD.search("Pressemitteilung vom")), bool(PUBLISHED_WORD.search("am Montag"))
(True, False)
"""

SLASHED = re.compile(r"(?<![\d/-])(\d{1,2})([/-])(\d{1,2})\2((?:19|20)\d\d)(?![\d/-])")
"""A date with slashes or hyphens, with day and month in either order.

>>> SLASHED.search("17/02/2022").groups()
('17', '/', '02', '2022')
"""

OTHER_DAY = re.compile(
    r"(?<![\d.,/-])(?:(?P<y1>(?:19|20)\d\d)\s?(?:[./]|年|년)\s?(?P<m1>\d{1,2})\s?(?:[./]|月|월)\s?"
    r"(?P<d1>\d{1,2})(?!\d)(?:\s?[日号號일]|\.(?!\d))?(?:\s?[(（]\w{1,3}[)）])?"
    r"|(?P<d2>\d{1,2})\.\s?(?P<m2>\d{1,2})\.\s?(?P<y2>[0-3]\d)(?![\d.:%]|\s?(?:uhr|h|km|m|€)\b)"
    rf"|(?P<d3>\d{{1,2}})(?:er|º|°|st|nd|rd|th)?\.?[\s/-]?\s?(?:(?:of|de)\s)?(?P<m3>{_ANY_MONTH})\b\.?,?"
    r"[\s/-]\s?(?:del?\s)?(?P<y3>(?:19|20)\d\d)(?!\d)"
    rf"|\b(?P<m4>{_ANY_MONTH})\.?\s(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<y4>(?:19|20)\d\d)(?!\d))",
    re.IGNORECASE,
)
"""A day in a form or language that `DATE` does not know.

>>> [bool(OTHER_DAY.search(day)) for day in ("2021年5月3日", "17 de marzo de 2020", "25.01.22")]
[True, True, True]
>>> OTHER_DAY.search("Version 2.10.22.1"), OTHER_DAY.search("1.2.14 Uhr")
(None, None)
"""

EAST_ASIAN_CLOCK = re.compile(r"(\d{1,2})\s?[時时点시]\s?(\d{1,2})\s?[分분]")
"""A time in Japanese, Chinese or Korean.

>>> EAST_ASIAN_CLOCK.sub(r"\\1:\\2", "13時34分")
'13:34'
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
    for label, stamp in labelled_dates(line):
        yield "modified" if MODIFIED_WORD.search(label) else "published", stamp


def labelled_dates(line: str, *, day_first: bool | None = None) -> Iterator[tuple[str, str]]:
    """Yield the dates of a line, each with the words before it.

    >>> list(labelled_dates("Pressemitteilung vom 25. Januar 2022"))
    [('Pressemitteilung vom 25. Januar 2022', '25. Januar 2022')]
    """
    if not any(map(str.isdecimal, line)):
        return
    plain = normalize_date_line(line.rstrip(" ."), day_first=day_first)
    end = 0
    for match in list(_days(plain))[:_MAX_DATES]:
        clock = CLOCK.match(plain, match.end())
        stop = clock.end() if clock else match.end()
        yield plain[end : match.start()] + match[0], plain[_date_start(match) : stop]
        end = stop


def normalize_date_line(text: str, *, day_first: bool | None = None) -> str:
    """Return a line with its dates in a standard spelling.

    `day_first` is the order of day and month in ambiguous dates, None if unknown.

    >>> [normalize_date_line(day) for day in ("17/02/2022", "02/17/2022", "02/03/2022")]
    ['17.02.2022', '17.02.2022', '02/03/2022']
    >>> normalize_date_line("02/03/2022", day_first=True)
    '02.03.2022'
    >>> normalize_date_line("2021年5月3日 13時34分"), normalize_date_line("17 de marzo de 2020")
    ('2021-05-03 13:34', '2020-03-17')
    >>> normalize_date_line("18.06.2024 | 13.34"), normalize_date_line("17:41 JST, May 13, 2024")
    ('18.06.2024, 13:34', 'May 13, 2024, 17:41')
    """
    text = SLASHED.sub(lambda match: _replace_slashes(match, day_first=day_first), text)
    text = CLOCK_FIRST.sub(r"\g<day>, \g<clock>", text)
    text = OTHER_DAY.sub(_replace_other_day, EAST_ASIAN_CLOCK.sub(r"\1:\2", text))
    text = BETWEEN_DAY_AND_CLOCK.sub(", ", text)
    return SEPARATOR.sub(r" \g<0>", DOTTED_CLOCK.sub(r"\1:\2", text))


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
        if any(match[f"d{form}"] for form in "1234"):
            start = _date_start(match)
            if start == 0 or not text[start - 1].isalnum():
                yield match


def _date_start(match: re.Match[str]) -> int:
    """Return the position of the date itself, after „Stand“ and the weekday."""
    starts = (match.start(f"{part}{form}") for part in "ymd" for form in "1234")
    return min(start for start in starts if start >= 0)


def _replace_slashes(match: re.Match[str], *, day_first: bool | None) -> str:
    first, _, second, year = match.groups()
    if day_first is False or (day_first is None and int(second) > 12):
        first, second = second, first
    is_known = day_first is not None or first == second or int(first) > 12
    if int(second) > 12 and int(first) <= 12:
        first, second = second, first
    return f"{first}.{second}.{year}" if is_known and int(second) <= 12 else match[0]


def _replace_other_day(match: re.Match[str]) -> str:
    """Return the day in ISO format; forms that `DATE` knows and invalid days stay unchanged."""
    form = next(form for form in "1234" if match[f"y{form}"])
    day, month, year = (match[f"{part}{form}"] for part in "dmy")
    is_number = month.isdecimal()
    number = int(month) if is_number else _MONTH_OF_WORD[month.lower()]
    if not (1 <= number <= 12 and 1 <= int(day) <= 31) or DATE.fullmatch(match[0]):
        return match[0]
    century = "20" if len(year) == 2 else ""
    blank = " " if match.string[match.end() : match.end() + 1].isalnum() else ""
    return f"{century}{int(year):02}-{number:02}-{int(day):02}{blank}"
