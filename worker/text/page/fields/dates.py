"""Choose the times of publication and modification among the dates of a page.

A model scores each day of publication (docs/decisions/0025).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as calendar_day
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from storage.values.dates import span
from storage.values.draft import Candidate, PartialDate
from worker.text.annotate.date_lines import normalize_date_line, read_relative_date
from worker.text.annotate.dates import DATE, InvalidDate, leading_date
from worker.text.page.scoring import Features, load_model

_STRONG_PLACES = (
    "JSON-LD dateModified", "meta article:modified_time", "meta og:updated_time",
    "itemprop datemodified", "meta last-modified", "time[datetime]", "time", "page text",
    "feed modified",
)  # fmt: skip
"""Preferred places of the modification; two that differ by more than two days are a conflict."""
_MODIFIED_PLACES = (*_STRONG_PLACES, "JSON-LD WebPage dateModified", "labelled line", "trafilatura")
_FAMILIES = {
    "JSON-LD datePublished": "linked", "meta article:published_time": "meta",
    "itemprop datepublished": "itemprop", "meta og:published_time": "meta",
    "meta article:published": "meta", "meta dc.date.issued": "meta",
    "meta dcterms.created": "meta", "meta pubdate": "meta", "meta publish-date": "meta",
    "meta publish_date": "meta", "time[datetime] near the headline": "near time",
    "time near the headline": "near time text", "labelled line": "labelled",
    "line below the headline": "below", "beginning of a paragraph": "opening",
    "JSON-LD dateCreated": "created", "itemprop datecreated": "created",
    "itemprop datecreated beside the article": "created",
    "itemprop datepublished beside the article": "side itemprop",
    "line above the headline": "above", "time[datetime]": "time", "time": "time text",
    "page text": "text", "labelled line beside the article": "far labelled",
    "feed published": "feed", "meta date": "meta date", "meta dc.date": "meta date",
    "meta dcterms.date": "meta date",
    "time[datetime] beside the headline": "side time", "time beside the headline": "side time text",
    "line beside the headline": "side line", "time[datetime] beside the article": "far time",
    "time beside the article": "far time", "JSON-LD WebPage datePublished": "linked page",
    "address": "address", "trafilatura": "trafilatura",
}  # fmt: skip
"""The kinds of places that the model knows, preferred places first."""
_PLACE_RANKS = {place: rank for rank, place in enumerate(_FAMILIES)}
_LAST_STATED = _PLACE_RANKS["meta publish-date"]
_OTHER_META = "meta"
_SHOWN = frozenset({
    "near time", "near time text", "labelled", "below", "above", "opening", "side time",
    "side time text", "side line", "text", "time", "time text", "far labelled",
})  # fmt: skip
_NEAR = frozenset({"near time", "near time text", "labelled", "below"})
_STRONG_FAMILIES = frozenset({"linked", "meta"})
MODIFIED_STATED, MODIFIED_SHOWN = "modified stated", "modified shown"
_MODIFIED = frozenset({MODIFIED_STATED, MODIFIED_SHOWN})
_FAMILY_ORDER = (
    "linked", "meta", "itemprop", "feed", "near time", "near time text", "labelled", "below",
    "side itemprop",
    "opening", "address", "linked page", "meta date", "created", "side time", "side time text",
    "above", "far labelled", "text", "time", "time text", "side line", "far time", "trafilatura",
    MODIFIED_SHOWN, MODIFIED_STATED,
)  # fmt: skip
"""Families in the order of their evidence; the best one of a day describes it."""
_LISTED = frozenset({"far time", "time", "text", "side itemprop", "side line", "labelled"})
_ADDRESS = frozenset({"address"})
_DECLARED = frozenset({"itemprop", "meta date", "linked page", "feed"})
_UNRELATED = frozenset({"text", "above", "side line", "far time", "far labelled"})
"""Families of days that may belong to something else, such as a biography or a clock."""
_PUBLISHED = frozenset(_FAMILY_ORDER) - _MODIFIED - {"trafilatura", "far time"}
_CLOCK_SLACK = timedelta(minutes=10)  # clocks of servers and captures differ
_DAY_SLACK = timedelta(hours=26)  # a day without a time zone may be anywhere on earth
_CONFLICT = timedelta(days=2)
_FINENESS = {"year": 0, "month": 1, "day": 2, "minute": 3, "second": 4}
_FEW_DAYS = 2
_DAY = len("2024-06-18")
_ZONE_HOURS = (timedelta(hours=-12), timedelta(hours=14))

URL_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)[/-]?(0[1-9]|1[0-2])[/-]?(0[1-9]|[12]\d|3[01])(?!\d)")
"""A date in an address.

>>> URL_DAY.search("/politik/2024/06/18/deich")[0], URL_DAY.search("/2024-06-18-deich")[0]
('2024/06/18', '2024-06-18')
>>> URL_DAY.search("/artikel-202406181334")
"""


URL_YEAR = re.compile(r"(?<=[/_=-])((?:19|20)\d\d)(?=[/_&-])")
"""A year in an address.

>>> URL_YEAR.findall("https://bote.example/2024/06/deich")
['2024']
"""


@dataclass(frozen=True, slots=True)
class ChosenDate:
    """The chosen date; `conflict` is set if strong candidates differ by more than two days.

    `probability` is that of the day, None without a model.
    """

    date: PartialDate
    conflict: bool
    probability: float | None = None


class _ParsedDate(NamedTuple):
    """A parsed candidate: the rank of its place, and its position among those of the place."""

    rank: int
    date: PartialDate
    moment: datetime
    family: str
    order: int

    @property
    def day(self) -> str:
        return self.date.value[:_DAY]


@dataclass(frozen=True, slots=True)
class DateContext:
    """The context of a choice: time of the capture, time zone and address of the page."""

    observed_at: datetime
    timezone: str
    url: str | None = None
    has_capture_time: bool = True


def choose_modified(candidates: Sequence[Candidate], context: DateContext) -> ChosenDate | None:
    """Return the modification of the preferred place, or a more precise one of the same day."""
    dates = sorted(_parse_candidates(candidates, context, _modified_family), key=_preference)
    if not dates:
        return None
    strong = [d.moment for d in dates if d.rank < len(_STRONG_PLACES)]
    return ChosenDate(_most_precise(dates, dates[0].day), _is_conflict(strong))


def choose_published(
    published: Sequence[Candidate], modified: Sequence[Candidate], context: DateContext
) -> ChosenDate | None:
    """Return the day of publication in its most precise form.

    A day stated in JSON-LD or by a meta tag of its own is believed. Otherwise it is the most
    probable day, None if no day reaches the threshold of the model. Dates after the capture are
    ignored, and so is the beginning of the Unix epoch, a common placeholder. A modification counts
    only on pages that state no publication.
    """
    model = load_model("dates")
    groups = _group_by_day(published, modified, context)
    probabilities = {
        day: model.probability(values) for day, values in _features_by_day(groups, context).items()
    }
    if not probabilities:
        return None
    dates = sorted((d for group in groups.values() for d in group), key=_preference)
    stated = [d.day for d in dates if d.rank <= _LAST_STATED and d.family in _STRONG_FAMILIES]
    best = stated[0] if stated else max(probabilities, key=lambda day: probabilities[day])
    if not stated and probabilities[best] < model.threshold:
        return None
    shown = _shifted_days(groups).get(best, best)
    strong = [d.moment for d in dates if d.family in _STRONG_FAMILIES]
    chosen = _most_precise([*dates, *_local_dates(dates, shown, context)], shown)
    return ChosenDate(chosen, _is_conflict(strong), round(probabilities[best], 2))


def day_features(
    published: Sequence[Candidate], modified: Sequence[Candidate], context: DateContext
) -> Mapping[str, Features]:
    """Return the features of each day, as input of the model and of its training."""
    return _features_by_day(_group_by_day(published, modified, context), context)


# ------------------------------------------------------------------ days


def _group_by_day(
    published: Sequence[Candidate], modified: Sequence[Candidate], context: DateContext
) -> dict[str, list[_ParsedDate]]:
    groups: dict[str, list[_ParsedDate]] = {}
    dates = [
        *_parse_candidates(published, context, _published_family),
        *_parse_candidates(modified, context, _modified_family),
    ]
    is_list = len({d.day for d in dates if d.family == "itemprop"}) > _FEW_DAYS
    for date in dates:  # a page that marks many days lists other texts, too
        is_listed = is_list and date.family == "itemprop"
        entry = date._replace(family="side itemprop") if is_listed else date
        groups.setdefault(date.day, []).append(entry)
    return groups


def _parse_candidates(
    candidates: Sequence[Candidate],
    context: DateContext,
    classify: Callable[[str], tuple[int, str]],
) -> Iterator[_ParsedDate]:
    """Yield the possible dates; the order counts the different days of a family."""
    days: dict[str, list[str]] = {}
    for candidate in candidates:
        date = _parse_candidate(candidate, context)
        moment = earliest_moment(date, context.timezone) if date else None
        if date and moment and is_possible(date, moment, context.observed_at):
            rank, family = classify(candidate.found_in)
            day = date.value[:_DAY]
            known = days.setdefault(family, [])
            if day not in known:
                known.append(day)
            yield _ParsedDate(rank, date, moment, family, known.index(day))


def _published_family(place: str) -> tuple[int, str]:
    family = _FAMILIES.get(place, _OTHER_META)
    return _PLACE_RANKS.get(place, _PLACE_RANKS["meta publish_date"]), family


def _modified_family(place: str) -> tuple[int, str]:
    plain = place.removesuffix(" near the headline")
    is_ranked = plain in _MODIFIED_PLACES
    rank = _MODIFIED_PLACES.index(plain) if is_ranked else len(_MODIFIED_PLACES)
    is_shown = place.startswith(("time", "page text", "labelled"))
    return rank, MODIFIED_SHOWN if is_shown else MODIFIED_STATED


def _features_by_day(
    groups: Mapping[str, Sequence[_ParsedDate]], context: DateContext
) -> dict[str, Features]:
    if not groups:
        return {}
    page = _PageDays(
        {day: frozenset(d.family for d in dates) for day, dates in groups.items()},
        _shifted_days(groups),
        frozenset(URL_YEAR.findall(context.url or "")),
        context.observed_at.date(),
    )
    return {
        day: _features(day, dates, page)
        for day, dates in groups.items()
        if page.families[day] != {MODIFIED_STATED}  # no publication
    }


@dataclass(frozen=True, slots=True)
class _PageDays:
    """All days of a page with their families; `shifted` maps days in UTC to days shown instead."""

    families: Mapping[str, frozenset[str]]
    shifted: Mapping[str, str]
    years: frozenset[str]
    observed: calendar_day

    def days_in(self, families: frozenset[str]) -> list[str]:
        return [day for day, own in self.families.items() if own & families]


def _features(day: str, dates: Sequence[_ParsedDate], page: _PageDays) -> dict[str, float]:
    """Return the features of a day: its best place, the places that agree, and other days."""
    own = page.families[day]
    best = min(own, key=_FAMILY_ORDER.index)
    count = len(page.days_in(frozenset({best})))
    is_first = any(d.order == 0 for d in dates if d.family == best)
    flags = {
        f"by {best}": True,
        f"first by {best}": is_first and count > 1,
        "listed": count > _FEW_DAYS,
        f"listed by {best}": count > _FEW_DAYS and best in _LISTED,
        "stated twice": len(own & _STRONG_FAMILIES) > 1,
        "also near": best not in _NEAR and bool(own & _NEAR),
        "also shown": best not in _SHOWN and bool(own & _SHOWN),
        "also in the address": best != "address" and "address" in own,
        "also in meta date": best != "meta date" and "meta date" in own,
        "also by trafilatura": best != "trafilatura" and "trafilatura" in own,
        "also modified": best not in _MODIFIED and bool(own & _MODIFIED),
        "imprecise": len(day) < _DAY,
        "new year": day.endswith("-01-01"),
        **_rival_features(day, own, page, is_first=is_first),
    }
    return {name: 1.0 for name, is_set in flags.items() if is_set}


def _rival_features(
    day: str, own: frozenset[str], page: _PageDays, *, is_first: bool
) -> dict[str, bool]:
    stated = [d for d in page.days_in(_STRONG_FAMILIES) if page.shifted.get(d) != day]
    near = page.days_in(_NEAR)
    declared = page.days_in(_DECLARED)
    modified = page.days_in(_MODIFIED)
    is_stated, is_near = bool(own & _STRONG_FAMILIES), bool(own & _NEAR)
    same = {page.shifted.get(day), *modified}  # no rivals of a day that the page states
    is_only = len(page.families) == 1
    return {
        "another is stated": not is_stated and bool(stated),
        "another is stated, too": is_stated and len(stated) > 1,
        "another is declared": not own & _DECLARED and bool(declared),
        "another is near": not is_near and not is_stated and bool(near),
        "another is near, too": is_near and len(near) > 1 and not is_stated and not is_first,
        "stated, another is near": is_stated and not is_near and not same.issuperset(near),
        "another in the address": "address" not in own and bool(page.days_in(_ADDRESS)),
        "year of the address": day[:4] in page.years,
        "another year": bool(page.years) and day[:4] not in page.years,
        "an earlier one is stated": any(other < day for other in stated),
        "modified after another": bool(own & _MODIFIED)
        and any(other < day for other in (*stated, *declared)),
        "another is published": own <= _MODIFIED and bool(page.days_in(_PUBLISHED)),
        "after modified": not own & _MODIFIED and bool(modified) and day > max(modified),
        "day of the capture": _is_close(day, page.observed) and not is_stated,
        "shown in another zone": day in page.shifted,
        "stated in another zone": day in page.shifted.values(),
        "only one": is_only and (is_near or is_stated),
        "only one, elsewhere": is_only and not own & (_NEAR | _STRONG_FAMILIES | _UNRELATED),
    }


def _is_close(day: str, observed: calendar_day) -> bool:
    is_day = len(day) == _DAY
    return is_day and abs((calendar_day.fromisoformat(day) - observed).days) <= 1


def _shifted_days(groups: Mapping[str, Sequence[_ParsedDate]]) -> dict[str, str]:
    """Map days in UTC to the neighbouring day of the same moment that the page shows."""
    shown = {
        day
        for day, dates in groups.items()
        if any(d.family in _NEAR | _ADDRESS and d.date.zone != "+00:00" for d in dates)
    }
    shifted: dict[str, str] = {}
    for day, dates in groups.items():
        for date in dates:
            if date.date.zone == "+00:00" and date.family in _STRONG_FAMILIES and day not in shown:
                near = {(date.moment + hours).date().isoformat() for hours in _ZONE_HOURS}
                for other in sorted(near & shown - {day}):
                    shifted[day] = other
    return shifted


def _local_dates(
    dates: Sequence[_ParsedDate], day: str, context: DateContext
) -> Iterator[_ParsedDate]:
    """Yield the moments stated in UTC that fall on `day` in the time zone of the site."""
    zone = ZoneInfo(context.timezone)
    for parsed in dates:
        if parsed.date.zone == "+00:00" and parsed.day != day and parsed.family in _STRONG_FAMILIES:
            local = parsed.moment.astimezone(zone)
            if local.date().isoformat() == day:
                stamp, offset = local.isoformat()[:-6], local.isoformat()[-6:]
                value = stamp[: len(parsed.date.value)]
                yield parsed._replace(date=replace(parsed.date, value=value, zone=offset))


# ------------------------------------------------------------------ single dates


def _preference(parsed: _ParsedDate) -> tuple[bool, int, bool]:
    is_mere_day = parsed.date.found_in == "page text" and parsed.date.precision == "day"
    return parsed.family in _MODIFIED, parsed.rank, is_mere_day


def _most_precise(dates: Sequence[_ParsedDate], day: str) -> PartialDate:
    return max((d.date for d in dates if d.day == day), key=_precision_rank)


def _is_conflict(moments: Sequence[datetime]) -> bool:
    return bool(moments) and max(moments) - min(moments) > _CONFLICT


def _parse_candidate(candidate: Candidate, context: DateContext) -> PartialDate | None:
    value, place = candidate.value, candidate.found_in
    date = read_stamp(value, place, context.observed_at.year + 1)
    is_visible = place.startswith(("time", "page text"))
    if date is None and is_visible and context.has_capture_time and isinstance(value, str):
        return read_relative_date(value, place, context.observed_at, context.timezone)
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
    value = value.rstrip(" .")
    if value[4:5] != "-":  # most stamps are in ISO format
        value = normalize_date_line(value)
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


def _precision_rank(date: PartialDate) -> tuple[bool, int, bool]:
    """Return the sort rank of a date by precision; midnight counts as a date without a time."""
    midnight = date.value[10:].startswith("T00:00")
    return (len(date.value) > 10 and not midnight, _FINENESS[date.precision], date.zone is not None)
