"""Choose the value of every field among its candidates, which all stay with it."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from courlan import clean_url

from storage.values.draft import Candidate, Field, Json
from worker.text.annotate.bylines import ADDRESS, DESK, PERSON, People, read_byline, sort_names
from worker.text.annotate.language import language
from worker.text.annotate.words import title_key
from worker.text.page.fields.dates import choose_date
from worker.text.page.fields.titles import choose_title, is_site, plain_title
from worker.text.page.layout.candidates import Candidates

LANGUAGE_TAG = re.compile(r"^\s*+([a-zA-Z]{2,3})(?:[-_][\w-]++)?\s*+$")
"""A language with or without region.

>>> LANGUAGE_TAG.match("de_DE")[1]
'de'
"""

SYSTEM_NUMBER = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,}", re.IGNORECASE
)
"""What an editing system calls a thing for itself.

>>> bool(SYSTEM_NUMBER.fullmatch("98be933f-38cf-4fba-b6c6-ad438e82010a"))
True
"""

_FIRST_OF: dict[str, tuple[str, ...]] = {
    "publisher": (
        "JSON-LD publisher", "meta og:site_name", "meta publisher", "meta application-name",
        "trafilatura",
    ),
    "section": (
        "JSON-LD articleSection", "meta article:section", "meta section",
        "itemprop articlesection", "JSON-LD breadcrumb", "breadcrumb",
    ),
    "tags": (
        "JSON-LD keywords", "meta article:tag", "meta news_keywords", "meta keywords",
        "meta parsely-tags", "link rel=tag", "feed tags",
    ),
    "lead": (
        "JSON-LD description", "meta og:description", "meta description", "feed lead",
    ),
    "images": (
        "figure", "JSON-LD image", "JSON-LD WebPage image",
    ),
    "image": (
        "meta og:image", "JSON-LD image", "meta twitter:image",
    ),
    "kicker": (
        "h1", "above the headline",
    ),
}  # fmt: skip
_AUTHOR_RANKS = (
    "JSON-LD author", "itemprop author", "meta author", "meta article:author",
    "meta parsely-author", "link rel=author", "byline", "meta dc.creator", "JSON-LD creator",
    "feed authors", "JSON-LD WebPage author", "meta twitter:data1", "byline in the text",
    "last line", "author box", "trafilatura",
)  # fmt: skip


_NAMES_HOUSES = ("JSON-LD author", "itemprop author", "byline", "link rel=author")
"""The places that name a house on purpose; elsewhere templates fill it in."""


@dataclass(frozen=True, slots=True)
class Context:
    """What choosing depends on beside the candidates."""

    url: str | None
    seen_at: datetime
    timezone: str
    unseen: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The fields of a page, and the flags that choosing raised."""

    fields: dict[str, Field]
    flags: tuple[str, ...]


def choose_fields(candidates: Candidates, context: Context) -> Chosen:
    """Return the fields that the candidates give, except those that need the text."""
    fields: dict[str, Field] = {}
    flags: list[str] = []
    sites = site_names(candidates, context.url)
    headline = choose_title(candidates.get("title", ()), sites)
    if headline:
        fields["title"] = _field(
            headline.value, headline.found_in, candidates["title"], headline.confidence
        )
        flags += ["title_conflict"] if headline.conflict else []
    named = candidates.get("authors", ())
    people, found_in = choose_people(named, sites, context.unseen, context.organisations)
    if candidates.get("authors"):
        names = list(people.names()) or None
        fields["authors"] = _field(names, found_in, candidates["authors"])
        if people.agencies:
            fields["agency"] = Field(list(people.agencies), found_in)
    for name in ("published", "modified"):
        dated = choose_date(name, candidates.get(name, ()), context.seen_at, context.timezone)
        if dated:
            fields[name] = _field(dated.date.to_dict(), dated.date.found_in, candidates[name])
            flags += ["date_conflict"] if dated.conflict else []
        elif candidates.get(name):
            fields[name] = _field(None, candidates[name][0].found_in, candidates[name])
    for name in _FIRST_OF:
        first = first_of(name, candidates.get(name, ()))
        if first is not None:
            fields[name] = _field(_plain(first.value), first.found_in, candidates[name])
    return Chosen(fields, tuple(dict.fromkeys(flags)))


def choose_language(
    candidates: Sequence[Candidate], text: str, languages: tuple[str, ...]
) -> Field:
    """Return the language of the text itself; where that is unsure, the one that is declared.

    Templates declare the language of the template, so the text is asked first.
    """
    seen = language(text, languages)
    declared = [
        Candidate(tag[1].lower(), c.found_in)
        for c in candidates
        if isinstance(c.value, str) and (tag := LANGUAGE_TAG.match(c.value))
    ]
    offered = (*seen.candidates, *declared)
    if seen.value is not None:
        return Field(seen.value, seen.found_in, seen.confidence, offered)
    if declared:
        return Field(
            declared[0].value,
            declared[0].found_in,
            None,
            offered[: len(seen.candidates)] + tuple(declared[1:]),
        )
    return Field(None, seen.found_in, seen.confidence, offered)


def choose_address(candidates: Sequence[Candidate]) -> Field | None:
    """Return the address that the page gives itself: canonical link, og:url, then JSON-LD.

    An address of a mere host is the template's, not the page's.

    >>> choose_address([Candidate("https://a.example/x?utm_source=y#top", "canonical link")]).value
    'https://a.example/x'
    """
    order = ("canonical link", "meta og:url", "JSON-LD mainEntityOfPage", "JSON-LD url")
    for place in order:
        for candidate in candidates:
            cleaned = clean_address(candidate.value) if candidate.found_in == place else None
            if cleaned:
                return _field(cleaned, place, candidates)
    return None


def clean_address(value: Json) -> str | None:
    """Return an absolute web address without tracking parameters and fragment, else None.

    >>> clean_address("https://A.example:443/b?id=3&fbclid=x"), clean_address("/b")
    ('https://a.example/b?id=3', None)
    """
    if not isinstance(value, str) or not value.lower().startswith(("http://", "https://")):
        return None
    try:
        cleaned = clean_url(value)
        parts = urlsplit(cleaned or "")
    except ValueError:
        return None
    if not cleaned or not parts.hostname or "." not in parts.hostname or "@" in parts.netloc:
        return None
    if parts.path in ("", "/") and not parts.query:
        return None
    return cleaned.partition("#")[0]


def choose_people(
    candidates: Sequence[Candidate],
    sites: Sequence[str],
    unseen: Collection[str] = (),
    organisations: Collection[str] = (),
) -> tuple[People, str]:
    """Return who wrote a text by the best place that names persons, else houses or agencies.

    `unseen` are names of accounts that nobody can read on the page: who uploaded a text is not
    who wrote it.
    """
    ranked = sorted(
        (c for c in candidates if isinstance(c.value, list)),
        key=lambda c: _AUTHOR_RANKS.index(c.found_in) if c.found_in in _AUTHOR_RANKS else 50,
    )
    best: tuple[People, str] = (People(), ranked[0].found_in if ranked else "")
    for candidate in ranked:
        if unseen and all(value in unseen for value in candidate.value):
            continue
        if best[0] and candidate.found_in == "author box":
            continue  # a box tells who is behind a name that was given
        people = _without_organisations(_people(candidate, sites), organisations)
        if people.persons:
            whole = _whole_name(people, ranked)
            return _beside_persons(whole, candidate, sites), candidate.found_in
        named = candidate.found_in in _NAMES_HOUSES and not _is_the_site(people, candidate, sites)
        if not best[0] and (people.agencies or named):
            best = (people, candidate.found_in)
    return best


def _without_organisations(people: People, organisations: Collection[str]) -> People:
    moved = tuple(person for person in people.persons if person in organisations)
    persons = tuple(person for person in people.persons if person not in organisations)
    return replace(people, persons=persons, houses=(*moved, *people.houses)) if moved else people


def _whole_name(people: People, candidates: Sequence[Candidate]) -> People:
    """Return a single first name as the whole name that a byline of the page gives."""
    if len(people.persons) != 1 or " " in people.persons[0]:
        return people
    first = f"{people.persons[0]} "
    for candidate in candidates:
        if candidate.found_in.startswith("byline"):
            for person in _people(candidate, ()).persons:
                if person.startswith(first) and PERSON.fullmatch(person):
                    return replace(people, persons=(person,))
    return people


def _beside_persons(people: People, candidate: Candidate, sites: Sequence[str]) -> People:
    """Keep of the houses that stand beside persons those that are no desk and not the site.

    A studio of the site is kept where JSON-LD names it, which means it.
    """
    meant = candidate.found_in == "JSON-LD author" and len(candidate.value) > 1
    is_own = is_site if meant else _belongs_to
    houses = tuple(
        house
        for house in people.houses
        if not DESK.search(house) and not any(is_own(house, site) for site in sites)
    )
    return replace(people, houses=houses)


def _is_studio(name: str, sites: Sequence[str]) -> bool:
    """Tell whether a name in capitals is a house of the site and nobody's: LANDESFUNK SÜD."""
    return name.isupper() and any(_belongs_to(name, site) for site in sites)


def _belongs_to(house: str, site: str) -> bool:
    """Tell whether a house is a site or begins with its name, as its studios and regions do."""
    key = title_key(site)
    return is_site(house, (site,)) or (len(key) > 2 and title_key(house).startswith(key))


def _is_the_site(people: People, candidate: Candidate, sites: Sequence[str]) -> bool:
    """Tell whether a template only repeats the name of the site; JSON-LD means it."""
    keys = {title_key(site) for site in sites}
    return candidate.found_in != "JSON-LD author" and all(
        title_key(house) in keys for house in people.houses
    )


def first_of(name: str, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the candidate of the best place."""
    order = _FIRST_OF[name]
    usable = [c for c in candidates if not (name == "publisher" and _is_address(c.value))]
    return min(
        usable,
        key=lambda c: order.index(c.found_in) if c.found_in in order else len(order),
        default=None,
    )


def site_names(candidates: Candidates, url: str | None) -> tuple[str, ...]:
    """Return the names under which the site of a page goes: its own words and its host."""
    names = [
        c.value
        for c in candidates.get("publisher", ())
        if isinstance(c.value, str) and not _is_address(c.value)
        if c.found_in != "trafilatura"  # which cuts it off the title itself
    ]
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
    return [host, ".".join(parts[-2:]), *parts[-2:-1]]


def _people(candidate: Candidate, sites: Sequence[str]) -> People:
    """Return who a candidate names; the site itself is a house, however it is spelled."""
    values = [plain_title(value) for value in candidate.value if isinstance(value, str)]
    if len(values) == 1 or candidate.found_in.startswith(("byline", "trafilatura")):
        found = [read_byline(value) for value in values]
    else:
        found = [sort_names(values)]
    keys = {title_key(site) for site in sites}
    persons = dict.fromkeys(p for people in found for p in people.persons)
    houses = dict.fromkeys(h for people in found for h in people.houses)
    if candidate.found_in in ("meta author", "trafilatura") and houses:
        persons, houses = {}, houses | persons  # an imprint: house, town, country
    if candidate.found_in == "trafilatura":
        persons = {p: None for p in persons if PERSON.fullmatch(p)}
    own = {p: None for p in persons if title_key(p) in keys or _is_studio(p, sites)}
    agencies = dict.fromkeys(a for people in found for a in people.agencies)
    return People(tuple(p for p in persons if p not in own), tuple(agencies), (*own, *houses))


def _plain(value: Json) -> Json:
    """Return a value without double escapes, a list without numbers of a system and repeats."""
    if isinstance(value, str):
        return plain_title(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        plain = dict.fromkeys(map(plain_title, value))
        return [item for item in plain if item and not SYSTEM_NUMBER.fullmatch(item)]
    return value


def _is_address(value: Json) -> bool:
    return isinstance(value, str) and bool(ADDRESS.search(value)) and not value.startswith("@")


def _field(
    value: Json, found_in: str, candidates: Sequence[Candidate], confidence: float | None = None
) -> Field:
    return Field(value, found_in, confidence, tuple(candidates))
