"""Choose when a text was published and changed among the dates that a page carries."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from storage.values.dates import span
from storage.values.draft import Candidate, PartialDate
from worker.text.annotate.date_lines import plain_stamp, read_relative
from worker.text.annotate.dates import DATE, InvalidDate, leading_date

_RANKS = {
    "published": (
        "JSON-LD datePublished", "meta article:published_time", "itemprop datepublished",
        "meta og:published_time", "meta article:published", "meta dc.date.issued",
        "meta dcterms.created", "meta pubdate", "meta publish-date", "meta publish_date",
        "time[datetime]", "JSON-LD dateCreated", "itemprop datecreated", "time", "page text",
        "feed published", "meta date", "meta dc.date", "meta dcterms.date",
        "time[datetime] beside the article", "JSON-LD WebPage datePublished",
        "address", "trafilatura",
    ),
    "modified": (
        "JSON-LD dateModified", "meta article:modified_time", "meta og:updated_time",
        "itemprop datemodified", "meta last-modified", "time[datetime]", "time", "page text",
        "feed modified", "JSON-LD WebPage dateModified", "trafilatura",
    ),
}  # fmt: skip
_CLOCK_SLACK = timedelta(minutes=10)  # servers and captures do not share a clock
_DAY_SLACK = timedelta(hours=26)  # a day without a zone may be anywhere on earth
_CONFLICT = timedelta(days=2)
_FINENESS = {"year": 0, "month": 1, "day": 2, "minute": 3, "second": 4}
_STRONG = 9  # so many places of a rank are made for machines
_MARKED = "itemprop datepublished"
_FEW_DAYS = 2
_SEEN = ("time[datetime]", "time", "page text")
"""The places that readers see."""

URL_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)[/-]?(0[1-9]|1[0-2])[/-]?(0[1-9]|[12]\d|3[01])(?!\d)")
"""A day in an address.

>>> URL_DAY.search("/politik/2024/06/18/deich")[0], URL_DAY.search("/2024-06-18-deich")[0]
('2024/06/18', '2024-06-18')
>>> URL_DAY.search("/artikel-202406181334")
"""


@dataclass(frozen=True, slots=True)
class Dated:
    """The date that was chosen; `conflict` says that strong candidates disagree."""

    date: PartialDate
    conflict: bool


class _Read(NamedTuple):
    """A candidate that could be read, with the rank of its place and its first moment."""

    rank: int
    date: PartialDate
    moment: datetime


def choose_date(
    field: str, candidates: Sequence[Candidate], seen_at: datetime, timezone: str
) -> Dated | None:
    """Return the date of the best place, as precise as a place that names the same day.

    `field` is published or modified. A date after `seen_at` is no candidate, nor is the
    beginning of the Unix epoch, which systems write where they know none. Of the dates that
    lines show one with a time goes first: a mere day may be that of the matter.
    """
    ranks = _RANKS[field]
    readable = sorted(
        _without_lists(
            _Read(_rank(c.found_in, ranks), date, moment)
            for c in candidates
            if (date := _read(c, seen_at, timezone))
            and (moment := moment_of(date, timezone))
            and is_possible(date, moment, seen_at)
        ),
        key=lambda read: (read.rank, _is_mere_day(read.date)),
    )
    if not readable:
        return None
    best = readable[0].date
    strong = [read.moment for read in readable if read.rank < _STRONG]
    conflict = bool(strong) and max(strong) - min(strong) > _CONFLICT
    finer = [read.date for read in readable if read.date.value.startswith(best.value[:10])]
    return Dated(max(finer, key=_explicitness), conflict)


def _without_lists(readable: Iterable[_Read]) -> list[_Read]:
    """Return the dates without those of a place that a page gives to all texts that it lists."""
    found = list(readable)
    listed = {read.date.value[:10] for read in found if read.date.found_in == _MARKED}
    if len(listed) <= _FEW_DAYS:
        return found
    return [read for read in found if read.date.found_in != _MARKED]


def _read(candidate: Candidate, seen_at: datetime, timezone: str) -> PartialDate | None:
    date = read_stamp(candidate.value, candidate.found_in, seen_at.year + 1)
    if date is None and candidate.found_in in _SEEN and isinstance(candidate.value, str):
        return read_relative(candidate.value, candidate.found_in, seen_at, timezone)
    return date


def read_stamp(value: object, found_in: str, latest_year: int) -> PartialDate | None:
    """Return the date in a stamp or a line: its only one, or the first that is a date.

    >>> read_stamp("2024-05-27T06:00:00+02:00", "meta", 2025).value
    '2024-05-27T06:00:00'
    >>> read_stamp("Erschienen am 27. Mai 2024 um 6:00 Uhr", "time", 2025).value
    '2024-05-27T06:00'
    """
    if not isinstance(value, str):
        return None
    if found_in == "address":
        in_address = URL_DAY.search(value)
        value = "-".join(in_address.groups()) if in_address else ""
    value = plain_stamp(value.rstrip(" ."))
    for found in DATE.finditer(value):
        if found.start() and value[found.start() - 1].isalnum():
            continue
        read = leading_date(value[found.start() :], found_in, latest_year)
        if read is None or isinstance(read[0], InvalidDate):
            continue
        if read[0].precision != "year" or len(value.strip()) == 4:
            return read[0]
    return None


def moment_of(date: PartialDate, timezone: str) -> datetime | None:
    """Return the first moment that a date may mean, None where its zone is none on earth."""
    try:
        return span(date, timezone)[0]
    except (ValueError, OverflowError):
        return None


def is_possible(date: PartialDate, moment: datetime, seen_at: datetime) -> bool:
    """Return whether a date may be that of a text seen at `seen_at`."""
    slack = _CLOCK_SLACK if date.zone else _DAY_SLACK
    return moment <= seen_at + slack and not date.value.startswith(("1970-01-01", "1969-12-31"))


def _is_mere_day(date: PartialDate) -> bool:
    return date.found_in == "page text" and date.precision == "day"


def _rank(found_in: str, ranks: Sequence[str]) -> int:
    if found_in in ranks:
        return ranks.index(found_in)
    return ranks.index("time[datetime]") if found_in.startswith("meta ") else len(ranks)


def _explicitness(date: PartialDate) -> tuple[bool, int, bool]:
    """Order dates by how much they tell; midnight is what systems write for a mere day."""
    midnight = date.value[10:].startswith("T00:00")
    return (len(date.value) > 10 and not midnight, _FINENESS[date.precision], date.zone is not None)
