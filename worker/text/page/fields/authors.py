"""Choose who wrote a text: each name that a page offers is weighed by where it stood."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from storage.values.draft import Candidate
from worker.text.annotate.bylines import (
    DESK,
    PERSON,
    People,
    clean_name,
    read_byline,
    sort_names,
)
from worker.text.annotate.words import title_key
from worker.text.page.fields.clues import NO_CLUES, PageClues
from worker.text.page.fields.titles import is_site, plain_title
from worker.text.page.fields.weigh import Features, model

_FAMILIES = {
    "JSON-LD author": "linked", "JSON-LD creator": "linked creator",
    "JSON-LD WebPage author": "linked page", "itemprop author": "itemprop",
    "itemprop creator": "itemprop", "link rel=author": "link", "byline": "byline",
    "byline in the text": "text byline", "last line": "last line", "author box": "box",
    "feed authors": "feed", "trafilatura": "trafilatura", "meta twitter:data1": "label",
    "meta twitter:data2": "label", "meta author": "meta author", "author link": "author link",
    "author link beside the article": "author link beside",
    "byline beside the article": "byline beside", "byline below the headline": "below",
}  # fmt: skip
_OTHER_META = "meta"
_SEEN = frozenset(
    {"byline", "link", "itemprop", "text byline", "box", "last line", "author link", "below"}
)
_STATED = frozenset({"linked", "itemprop", "meta author", "meta", "linked page", "label"})
_WHOLE = frozenset({"linked", "byline"})
"""Places that name all authors at once."""
_DESKS = frozenset({"Redaktion", "Staff"})
"""What a house calls those who write for it, where it names nobody."""
_BOXES = frozenset({"box", "byline beside", "author link beside"})
_LATE = 3
_MANY = 4
_LONG = 4
_LIKELY = 0.4
"""So likely has the best name to be where none reaches the threshold."""


@dataclass(slots=True)
class _Named:
    """A name that was offered: where, how early among the offers of a place, and with whom."""

    name: str
    kind: str
    order: int
    places: dict[str, int] = field(default_factory=dict)
    alone: bool = True


def choose_people(
    candidates: Sequence[Candidate], sites: Sequence[str], clues: PageClues = NO_CLUES
) -> tuple[People, str, float | None]:
    """Return who wrote a text, the place that names them best, and how sure that is.

    The site, whose names are `sites`, is nobody unless the page is of its blog: there a firm
    writes itself. Where it bears the name of a person it may be whoever writes it.
    """
    weighed = model("authors")
    named = list(_collect(candidates, clues.organisations))
    agencies = tuple(dict.fromkeys(each.name for each in named if each.kind == "agency"))
    told = features(candidates, sites, clues)
    sure = {
        name: weighed.probability(each) for name, each in told.items() if name not in clues.unseen
    }
    taken = _taken([each for each in named if each.name in sure], sure, weighed.threshold)
    if not taken:
        return People((), agencies, ()), candidates[0].found_in if candidates else "", None
    best = max(taken, key=lambda each: sure[each.name])
    beside = _beside(best, candidates)
    beside = {name for name in beside if sure.get(name, 0.0) >= _LIKELY}
    taken = [each for each in named if each in taken or each.name in beside]
    persons = tuple(_whole([each for each in taken if each.kind == "person"]))
    houses = [each.name for each in taken if each.kind == "house"]
    houses = [name for name in houses if not (persons and DESK.search(name))]
    people = People(persons, agencies, tuple(houses))
    return people, _place(best, candidates), round(sure[best.name], 2)


def _taken(offered: Sequence[_Named], sure: Mapping[str, float], threshold: float) -> list[_Named]:
    """Return the names that are likely enough, or else the likeliest if it is not unlikely.

    A box tells who is behind a name that was given: it names somebody where nothing else does.
    """
    likely = [each for each in offered if sure[each.name] >= threshold]
    if not likely:
        best = max(offered, key=lambda each: sure[each.name], default=None)
        return [best] if best and sure[best.name] >= _LIKELY else []
    boxed = [each for each in likely if each.places.keys() <= _BOXES]
    return [each for each in likely if each not in boxed] or boxed[:1]


def _beside(best: _Named, candidates: Sequence[Candidate]) -> set[str]:
    """Return the persons whom the bylines and lists of authors with the best name name too."""
    found: set[str] = set()
    for candidate in candidates:
        if isinstance(candidate.value, list) and _FAMILIES.get(candidate.found_in) in _WHOLE:
            persons = _people(candidate).persons
            found |= set(persons) if best.name in persons else set()
    return found


def features(
    candidates: Sequence[Candidate], sites: Sequence[str], clues: PageClues = NO_CLUES
) -> Mapping[str, Features]:
    """Return the features of each name that is offered: what is weighed, and fitted to."""
    named = list(_collect(candidates, clues.organisations))
    offered = [
        each
        for each in named
        if each.kind != "agency" and (clues.is_blog or not _is_outlet(each, sites))
    ]
    return {each.name: _features(each, offered, sites, clues) for each in offered}


def _collect(candidates: Sequence[Candidate], organisations: Collection[str]) -> Iterator[_Named]:
    """Yield each name once, in the order of the places that were meant for it."""
    found: dict[str, _Named] = {}
    counts: dict[str, int] = {}
    for candidate in candidates:
        if not isinstance(candidate.value, list):
            continue
        family = _FAMILIES.get(candidate.found_in, _OTHER_META)
        people = _people(candidate)
        entries = [(name, "person") for name in people.persons]
        entries += [(name, "house") for name in people.houses]
        entries += [(name, "agency") for name in people.agencies]
        if entries:
            counts[family] = counts.get(family, -1) + 1
        for name, kind in entries:
            if name in organisations and kind == "person":
                kind = "house"  # noqa: PLW2901 -- the page says so
            known = found.setdefault(title_key(name), _Named(name, kind, len(found)))
            if _legible(name) > _legible(known.name):
                known.name = name  # what was offered before is an account, a slip, or capitals
            known.places.setdefault(family, counts[family])
            known.alone = known.alone and len(entries) == 1
    yield from found.values()


def _legible(name: str) -> tuple[bool, bool]:
    return PERSON.fullmatch(name) is not None, not name.isupper()


def _people(candidate: Candidate) -> People:
    values = [plain_title(value) for value in candidate.value if isinstance(value, str)]
    if len(values) == 1 or candidate.found_in.startswith(("byline", "trafilatura")):
        found = [read_byline(value) for value in values]
    else:
        found = [sort_names(values)]
    found += [People((), (), (value,)) for value in map(clean_name, values) if value in _DESKS]
    return People(
        tuple(dict.fromkeys(p for people in found for p in people.persons)),
        tuple(dict.fromkeys(a for people in found for a in people.agencies)),
        tuple(dict.fromkeys(h for people in found for h in people.houses)),
    )


def _is_outlet(named: _Named, sites: Sequence[str]) -> bool:
    """Tell whether a name is the site's and not that of a person who has a site."""
    if not is_site(named.name, sites):
        return False
    return not (named.kind == "person" and " " in named.name and PERSON.fullmatch(named.name))


def _features(
    each: _Named, offered: Sequence[_Named], sites: Sequence[str], clues: PageClues
) -> dict[str, float]:
    """Describe a name: where it stands, how it looks, what else the page says."""
    told: dict[str, float] = {f"in {family}": 1.0 for family in each.places}
    words = each.name.split()
    others = [
        o
        for o in offered
        if o is not each
        and (o.kind == "person" or each.kind == "house")
        and not _is_outlet(o, sites)
    ]
    key = title_key(each.name)
    is_seen = not each.places.keys().isdisjoint(_SEEN)
    is_shown = key in clues.shown if clues.shown else is_seen
    is_stated = not each.places.keys().isdisjoint(_STATED)
    is_first = each.places.get("byline") == 0
    told["places"] = min(len(each.places), 5) / 5
    flags = {
        "seen": is_seen,
        "stated": is_stated,
        "first byline": is_first,
        "first author link": each.places.get("author link") == 0,
        "late author link": each.places.get("author link", 0) >= _LATE,
        "beside alone": all(place.endswith("beside") for place in each.places),
        "author link alone": all(place.startswith("author link") for place in each.places),
        "late byline": each.places.get("byline", 0) >= _LATE,
        "late itemprop": each.places.get("itemprop", 0) >= 1,
        "house": each.kind == "house",
        "desk": bool(DESK.search(each.name)),
        "site": is_site(each.name, sites),
        "house alone": each.kind == "house" and not others,
        "shown above": is_shown,
        "unshown": not is_seen and not is_shown,
        "of the site": any(_begins_with(key, site) for site in sites),
        "unseen account": each.name in clues.unseen,
        "spelled as a name": PERSON.fullmatch(each.name) is not None,
        "one word": len(words) == 1,
        "long": len(words) >= _LONG,
        "small": each.name[:1].islower(),
        "capitals": each.name.isupper(),
        "digits": any(c.isdecimal() for c in each.name),
        "many bylines": sum("byline" in o.places for o in others) >= _MANY,
        "another is linked": "linked" not in each.places
        and any("linked" in o.places for o in others),
        "another is stated": not is_stated
        and any(not o.places.keys().isdisjoint(_STATED) for o in others),
        "another in first byline": not is_first
        and any(o.places.get("byline") == 0 for o in others),
        "a longer one": any(key in title_key(o.name) for o in others),
        "a shorter one": any(title_key(o.name) in key for o in others),
        "with its own": bool(others) and all(o.places == each.places for o in others),
        "only one": all(p.endswith("beside") for other in others for p in other.places),
    }
    told |= {name: 1.0 for name, holds in flags.items() if holds}
    return told


def _begins_with(key: str, site: str) -> bool:
    site_key = title_key(site)
    return len(site_key) > 2 and key.startswith(site_key)


def _whole(persons: Sequence[_Named]) -> Iterator[str]:
    """Yield the names that are no part of another one that was taken."""
    keys = [title_key(each.name) for each in persons]
    for each, key in zip(persons, keys, strict=True):
        if not any(key in other and key != other for other in keys):
            yield each.name


def _place(best: _Named, candidates: Sequence[Candidate]) -> str:
    """Return the place of the first offer that holds the best name."""
    for candidate in candidates:
        if isinstance(candidate.value, list):
            people = _people(candidate)
            if any(title_key(n) == title_key(best.name) for n in (*people.persons, *people.houses)):
                return candidate.found_in
    return ""
