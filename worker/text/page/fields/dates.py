"""Choose the times of publication and modification among the dates of a page."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from storage.values.dates import span
from storage.values.draft import Candidate, PartialDate
from worker.text.annotate.date_lines import normalize_date_line, read_relative_date
from worker.text.annotate.dates import DATE, InvalidDate, leading_date

_STRONG_PLACES = {
    "published": (
        "JSON-LD datePublished", "meta article:published_time", "itemprop datepublished",
        "meta og:published_time", "meta article:published", "meta dc.date.issued",
        "meta dcterms.created", "meta pubdate", "meta publish-date",
    ),
    "modified": (
        "JSON-LD dateModified", "meta article:modified_time", "meta og:updated_time",
        "itemprop datemodified", "meta last-modified", "time[datetime]", "time", "page text",
        "feed modified",
    ),
}  # fmt: skip
"""Preferred places, best first; two of them that differ by more than two days are a conflict."""
_WEAK_PLACES = {
    "published": (
        "meta publish_date", "time[datetime]", "JSON-LD dateCreated", "itemprop datecreated",
        "time", "page text", "feed published", "meta date", "meta dc.date", "meta dcterms.date",
        "time[datetime] beside the article", "JSON-LD WebPage datePublished",
        "address", "trafilatura",
    ),
    "modified": ("JSON-LD WebPage dateModified", "trafilatura"),
}  # fmt: skip
_CLOCK_SLACK = timedelta(minutes=10)  # clocks of servers and captures differ
_DAY_SLACK = timedelta(hours=26)  # a day without a time zone may be anywhere on earth
_CONFLICT = timedelta(days=2)
_FINENESS = {"year": 0, "month": 1, "day": 2, "minute": 3, "second": 4}
_LIST_PLACE = "itemprop datepublished"
_FEW_DAYS = 2
_VISIBLE_PLACES = ("time[datetime]", "time", "page text")
"""Places visible to readers."""

URL_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)[/-]?(0[1-9]|1[0-2])[/-]?(0[1-9]|[12]\d|3[01])(?!\d)")
"""A date in an address.

>>> URL_DAY.search("/politik/2024/06/18/deich")[0], URL_DAY.search("/2024-06-18-deich")[0]
('2024/06/18', '2024-06-18')
>>> URL_DAY.search("/artikel-202406181334")
"""


@dataclass(frozen=True, slots=True)
class ChosenDate:
    """The chosen date; `conflict` is set if strong candidates differ by more than two days."""

    date: PartialDate
    conflict: bool


class _ParsedDate(NamedTuple):
    """A parsed candidate with the rank of its place and its earliest moment."""

    rank: int
    date: PartialDate
    moment: datetime


def choose_date(
    field: str, candidates: Sequence[Candidate], observed_at: datetime, timezone: str
) -> ChosenDate | None:
    """Return the date of the preferred place, or a more precise one of the same day.

    `field` is published or modified. Dates after `observed_at` are ignored, and so is the beginning
    of the Unix epoch, a common placeholder. In the page text, dates with a time are preferred: a
    date without a time may be that of the event.
    """
    strong = _STRONG_PLACES[field]
    ranks = (*strong, *_WEAK_PLACES[field])
    dates = sorted(
        _without_teaser_dates(
            _ParsedDate(_rank(c.found_in, ranks), date, moment)
            for c in candidates
            if (date := _parse_candidate(c, observed_at, timezone))
            and (moment := earliest_moment(date, timezone))
            and is_possible(date, moment, observed_at)
        ),
        key=lambda parsed: (parsed.rank, _is_mere_day(parsed.date)),
    )
    if not dates:
        return None
    best = dates[0].date
    strong_moments = [parsed.moment for parsed in dates if parsed.rank < len(strong)]
    conflict = bool(strong_moments) and max(strong_moments) - min(strong_moments) > _CONFLICT
    same_day = [parsed.date for parsed in dates if parsed.date.value.startswith(best.value[:10])]
    return ChosenDate(max(same_day, key=_precision_rank), conflict)


def _without_teaser_dates(dates: Iterable[_ParsedDate]) -> list[_ParsedDate]:
    """Remove microdata dates if a page declares several: it then lists other texts, too."""
    parsed_dates = list(dates)
    days = {item.date.value[:10] for item in parsed_dates if item.date.found_in == _LIST_PLACE}
    if len(days) <= _FEW_DAYS:
        return parsed_dates
    return [item for item in parsed_dates if item.date.found_in != _LIST_PLACE]


def _parse_candidate(
    candidate: Candidate, observed_at: datetime, timezone: str
) -> PartialDate | None:
    date = read_stamp(candidate.value, candidate.found_in, observed_at.year + 1)
    if date is None and candidate.found_in in _VISIBLE_PLACES and isinstance(candidate.value, str):
        return read_relative_date(candidate.value, candidate.found_in, observed_at, timezone)
    return date


def read_stamp(value: object, place: str, latest_year: int) -> PartialDate | None:
    """Return the first valid date in a timestamp or line, or None.

    >>> read_stamp("2024-05-27T06:00:00+02:00", "meta", 2025).value
    '2024-05-27T06:00:00'
    >>> read_stamp("Erschienen am 27. Mai 2024 um 6:00 Uhr", "time", 2025).value
    '2024-05-27T06:00'
    """
    if not isinstance(value, str):
        return None
    if place == "address":
        day = URL_DAY.search(value)
        value = "-".join(day.groups()) if day else ""
    value = normalize_date_line(value.rstrip(" ."))
    for match in DATE.finditer(value):
        if match.start() and value[match.start() - 1].isalnum():
            continue
        parsed = leading_date(value[match.start() :], place, latest_year)
        if parsed is None or isinstance(parsed[0], InvalidDate):
            continue
        if parsed[0].precision != "year" or len(value.strip()) == 4:
            return parsed[0]
    return None


def earliest_moment(date: PartialDate, timezone: str) -> datetime | None:
    """Return the earliest moment of a date, or None if its time zone is invalid."""
    try:
        return span(date, timezone)[0]
    except (ValueError, OverflowError):
        return None


def is_possible(date: PartialDate, moment: datetime, observed_at: datetime) -> bool:
    """Check whether a date is possible for a text observed at `observed_at`."""
    slack = _CLOCK_SLACK if date.zone else _DAY_SLACK
    return moment <= observed_at + slack and not date.value.startswith(("1970-01-01", "1969-12-31"))


def _is_mere_day(date: PartialDate) -> bool:
    return date.found_in == "page text" and date.precision == "day"


def _rank(place: str, ranks: Sequence[str]) -> int:
    if place in ranks:
        return ranks.index(place)
    return ranks.index("time[datetime]") if place.startswith("meta ") else len(ranks)


def _precision_rank(date: PartialDate) -> tuple[bool, int, bool]:
    """Return the sort rank of a date by precision; midnight counts as a date without a time."""
    midnight = date.value[10:].startswith("T00:00")
    return (len(date.value) > 10 and not midnight, _FINENESS[date.precision], date.zone is not None)
