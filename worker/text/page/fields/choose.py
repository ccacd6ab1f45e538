"""Choose the value of each field among its candidates, which are stored with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from storage.values.draft import Candidate, Field, Json
from storage.values.fields import FIELDS, FieldForm, FieldSpec
from storage.values.net import origin_name
from worker.text.annotate.bylines import ADDRESS
from worker.text.annotate.language import language
from worker.text.page.fields.authors import choose_authors
from worker.text.page.fields.clues import NO_CLUES, PageClues
from worker.text.page.fields.dates import DateContext, choose_modified, choose_published
from worker.text.page.fields.titles import choose_title, plain_title
from worker.text.page.layout.candidates import Candidates

LANGUAGE_TAG = re.compile(r"^\s*+([a-zA-Z]{2,3})(?:[-_][\w-]++)?\s*+$")
"""A language tag with or without region.

>>> LANGUAGE_TAG.match("de_DE")[1]
'de'
"""

SYSTEM_NUMBER = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,}", re.IGNORECASE
)
"""An internal identifier of a content management system.

>>> bool(SYSTEM_NUMBER.fullmatch("98be933f-38cf-4fba-b6c6-ad438e82010a"))
True
"""

_LONGEST_SITE = 60  # characters
_SECOND_LEVEL_DOMAINS = frozenset({"co", "com", "org", "net", "ac", "gov", "or", "ne"})
"""The first part of an ending such as co.uk or com.au."""


@dataclass(frozen=True, slots=True)
class FieldContext:
    """The context of a choice, in addition to the candidates; `timezone` is that of the site."""

    url: str | None
    observed_at: datetime
    timezone: str
    clues: PageClues = NO_CLUES
    has_capture_time: bool = True


@dataclass(frozen=True, slots=True)
class ChosenFields:
    """The fields of a page, and flags about conflicting candidates."""

    fields: dict[str, Field]
    flags: tuple[str, ...]


def choose_fields(candidates: Candidates, context: FieldContext) -> ChosenFields:
    """Choose the fields that do not depend on the text."""
    fields: dict[str, Field] = {}
    flags: list[str] = []
    sites = site_names(candidates, context.url)
    headline = choose_title(candidates.get("title", ()), sites)
    if headline:
        fields["title"] = _field(
            headline.value, headline.found_in, candidates["title"], headline.confidence
        )
        flags += ["title_conflict"] if headline.conflict else []
    author_candidates = candidates.get("authors", ())
    people, place, probability = choose_authors(author_candidates, sites, context.clues)
    if candidates.get("authors"):
        names = list(people.names()) or None
        fields["authors"] = _field(names, place, candidates["authors"], probability)
        if people.agencies:
            fields["agency"] = Field(list(people.agencies), place)
    fields |= _choose_dates(candidates, context, flags)
    for spec in FIELDS:
        offered = candidates.get(spec.name, ())
        chosen = choose_by_place(spec, offered) if spec.place_order else None
        if chosen is not None:
            fields[spec.name] = _field(_plain_value(chosen.value), chosen.found_in, offered)
    return ChosenFields(fields, tuple(dict.fromkeys(flags)))


def _choose_dates(
    candidates: Candidates, context: FieldContext, flags: list[str]
) -> dict[str, Field]:
    published, modified = candidates.get("published", ()), candidates.get("modified", ())
    dates = DateContext(
        context.observed_at, context.timezone, context.url, context.has_capture_time
    )
    choices = {
        "published": (choose_published(published, modified, dates), published),
        "modified": (choose_modified(modified, dates), modified),
    }
    fields: dict[str, Field] = {}
    for name, (choice, offered) in choices.items():
        if choice:
            value, place = choice.date.to_dict(), choice.date.found_in
            is_offered = any(candidate.found_in == place for candidate in offered)
            sources = offered if is_offered else (*offered, *modified)
            fields[name] = _field(value, place, sources, choice.probability)
            flags += ["date_conflict"] if choice.conflict else []
        elif offered:
            fields[name] = _field(None, offered[0].found_in, offered)
    return fields


def choose_language(
    candidates: Sequence[Candidate], text: str, languages: tuple[str, ...]
) -> Field:
    """Return the detected language of the text, or the declared one if detection is uncertain.

    Detection takes precedence because templates often declare a wrong language.
    """
    detected = language(text, languages)
    declared = [
        Candidate(tag[1].lower(), c.found_in)
        for c in candidates
        if isinstance(c.value, str) and (tag := LANGUAGE_TAG.match(c.value))
    ]
    combined = (*detected.candidates, *declared)
    if detected.value is not None:
        return Field(detected.value, detected.found_in, detected.confidence, combined)
    if declared:
        return Field(
            declared[0].value,
            declared[0].found_in,
            None,
            combined[: len(detected.candidates)] + tuple(declared[1:]),
        )
    return Field(None, detected.found_in, detected.confidence, combined)


def choose_address(candidates: Sequence[Candidate]) -> Field | None:
    """Return the address that the page declares: canonical link, og:url, then JSON-LD.

    Addresses without a path are ignored: they are those of the site.

    >>> choose_address([Candidate("https://a.example/x?utm_source=y#top", "canonical link")]).value
    'https://a.example/x'
    """
    order = ("canonical link", "meta og:url", "JSON-LD mainEntityOfPage", "JSON-LD url")
    for place in order:
        for candidate in candidates:
            address = clean_address(candidate.value) if candidate.found_in == place else None
            if address:
                return _field(address, place, candidates)
    return None


def clean_address(value: Json) -> str | None:
    """Return an absolute web address as an origin; None for other values and for front pages.

    >>> clean_address("https://A.example:443/b?id=3&fbclid=x"), clean_address("/b")
    ('https://a.example/b?id=3', None)
    """
    address = origin_name.clean_address(value) if isinstance(value, str) else None
    parts = urlsplit(address or "")
    is_page = parts.path not in ("", "/") or parts.query
    return address if is_page and "." in (parts.hostname or "") else None


def choose_by_place(spec: FieldSpec, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the candidate of the preferred place, or None."""
    order, is_name = spec.place_order, spec.form is FieldForm.ORGANISATION
    usable = [c for c in candidates if not (is_name and _has_address_form(c.value))]
    return min(
        usable,
        key=lambda c: order.index(c.found_in) if c.found_in in order else len(order),
        default=None,
    )


def site_names(candidates: Candidates, url: str | None) -> tuple[str, ...]:
    """Return the names of the site of a page: declared, in home links, and in the host name."""
    names = [
        c.value
        for c in candidates.get("publisher", ())
        if isinstance(c.value, str)
        and not _has_address_form(c.value)
        and len(c.value) <= _LONGEST_SITE
        if c.found_in != "trafilatura"  # derived from the title
    ]
    names += [c.value for c in candidates.get("site", ()) if isinstance(c.value, str)]
    addresses = [url, *(c.value for c in candidates.get("url", ()))]
    for address in addresses:
        names += _host_names(address)
    return tuple(dict.fromkeys(plain_title(name).lstrip("@") for name in names))


def _host_names(address: Json) -> list[str]:
    try:
        host = urlsplit(address).hostname if isinstance(address, str) else None
    except ValueError:
        host = None
    if not host:
        return []
    host = host.removeprefix("www.")
    parts = host.split(".")
    if len(parts) > 2 and parts[-2] in _SECOND_LEVEL_DOMAINS:
        parts = [*parts[:-2], ".".join(parts[-2:])]
    return [host, ".".join(parts[-2:]), *parts[-2:-1]]


def _plain_value(value: Json) -> Json:
    """Clean a value: remove escapes, and from lists also identifiers and duplicates."""
    if isinstance(value, str):
        return plain_title(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        plain = dict.fromkeys(map(plain_title, value))
        return [item for item in plain if item and not SYSTEM_NUMBER.fullmatch(item)]
    return value


def _has_address_form(value: Json) -> bool:
    return isinstance(value, str) and bool(ADDRESS.search(value)) and not value.startswith("@")


def _field(
    value: Json, place: str, candidates: Sequence[Candidate], confidence: float | None = None
) -> Field:
    return Field(value, place, confidence, tuple(candidates))
