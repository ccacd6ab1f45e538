"""Choose who wrote a text: each name that a page offers is weighed by where it stood."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from storage.values.draft import Candidate
from worker.text.annotate.bylines import (
    DESK,
    PARTICLES,
    PERSON,
    People,
    clean_name,
    read_byline,
    sort_names,
)
from worker.text.annotate.words import title_key
from worker.text.page.fields.clues import NO_CLUES, PageClues
from worker.text.page.fields.titles import is_site, plain_title
from worker.text.page.weigh import Features, model

_FAMILIES = {
    "JSON-LD author": "linked", "JSON-LD creator": "linked creator",
    "JSON-LD WebPage author": "linked page", "itemprop author": "itemprop",
    "itemprop creator": "itemprop", "link rel=author": "link", "byline": "byline",
    "byline in the text": "text byline", "last line": "last line", "author box": "box",
    "feed authors": "feed", "trafilatura": "trafilatura", "meta twitter:data1": "label",
    "meta twitter:data2": "label", "meta author": "meta author", "author link": "author link",
    "author link beside the article": "author link beside",
    "byline beside the article": "byline beside", "byline below the headline": "below",
    "byline in a caption": "caption", "author link in a caption": "caption",
    "itemprop author beside the article": "itemprop beside",
    "itemprop creator beside the article": "itemprop beside",
    "link rel=author in a caption": "caption",
    "link rel=author beside the article": "link beside", "line around the headline": "line",
}  # fmt: skip
_OTHER_META = "meta"
_SEEN = frozenset(
    {"byline", "link", "itemprop", "text byline", "box", "last line", "author link", "below"}
)
_STATED = frozenset({"linked", "itemprop", "meta author", "meta", "linked page", "label", "feed"})
_DESKS = frozenset({"Redaktion", "Staff"})
"""What a house calls those who write for it, where it names nobody."""
_BOXES = frozenset({"box", "byline beside", "author link beside", "link beside"})
_WEAK = frozenset({"line", "feed", "trafilatura", *_BOXES})
"""Places whose names do not rival those of others."""
_LINKS = frozenset({"author link", "itemprop beside", *_BOXES} - {"box"})
"""Places that may be about anybody, so a name that stands in no other has to be likely."""
_TELLING = frozenset({"byline", "below", "itemprop", "meta", "trafilatura"})
"""Places that say more or less than that a name is seen or stated."""
_RIGHT = 2  # blocks below the headline
_SMALL = 2  # letters of a particle
_MORE = 2  # words that a name may have more where it is spelled in full
_FAR = 1000
_TITLE = 4  # letters: Prof
_LATE = 3
_LONG = 4
_GLUED = 20  # letters of a word; it is several
_LIKELY = 0.35
"""So likely has the best name to be where none reaches the threshold."""


@dataclass(slots=True)
class _Named:
    """A name that was offered: where, how early among the offers of a place, and with whom."""

    name: str
    kind: str
    order: int
    places: dict[str, int] = field(default_factory=dict)


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
    described = _described(named, sites, clues)
    sure = {
        name: weighed.probability(each)
        for name, each in described.items()
        if name not in clues.unseen
    }
    taken = _taken([each for each in named if each.name in sure], sure, weighed.threshold)
    if not taken:
        return People((), agencies, ()), candidates[0].found_in if candidates else "", None
    best = max(taken, key=lambda each: sure[each.name])
    persons = tuple(_whole([each for each in taken if each.kind == "person"]))
    houses = [each.name for each in taken if each.kind == "house"]
    if persons:
        houses = [name for name in houses if not (DESK.search(name) or _of_site(name, sites))]
    people = People(persons, agencies, tuple(houses))
    return people, _place(best, candidates), round(sure[best.name], 2)


def _taken(offered: Sequence[_Named], sure: Mapping[str, float], threshold: float) -> list[_Named]:
    """Return the names that are likely enough, or else the likeliest if they are not unlikely.

    A first name speaks for the whole one. A mere line around the headline names nobody. A box
    tells who is behind a name that was given: it names somebody where nothing else does.
    """
    offered = [each for each in offered if each.places.keys() != {"line"}]
    likely = [each for each in offered if sure[each.name] >= threshold]
    if not likely:
        meant = [each for each in offered if not each.places.keys() <= _LINKS]
        joint = {each.name: sure[each.name] + sure.get(_first(each.name), 0.0) for each in meant}
        best = max(joint.values(), default=0.0)
        return [each for each in meant if joint[each.name] == best >= _LIKELY]
    boxed = [each for each in likely if each.places.keys() <= _BOXES]
    return [each for each in likely if each not in boxed] or boxed[:1]


def _first(name: str) -> str:
    """Return the first name of a whole one."""
    first, _, rest = name.partition(" ")
    return first if rest else ""


def features(
    candidates: Sequence[Candidate], sites: Sequence[str], clues: PageClues = NO_CLUES
) -> Mapping[str, Features]:
    """Return the features of each name that is offered: what is weighed, and fitted to."""
    return _described(list(_collect(candidates, clues.organisations)), sites, clues)


def _described(
    named: Sequence[_Named], sites: Sequence[str], clues: PageClues
) -> Mapping[str, Features]:
    outlets = {each.name for each in named if _is_outlet(each, sites)}
    offered = [
        each
        for each in named
        if each.kind != "agency" and (clues.is_blog or each.name not in outlets)
    ]
    rivals = [each for each in offered if each.name not in outlets]
    return {each.name: _features(each, rivals, clues) for each in offered}


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
        if entries and family not in _STATED:  # one may state each author apart
            counts[family] = counts.get(family, -1) + 1
        before = [found[k] for name, _ in entries if (k := title_key(name)) in found]
        order = min([counts.get(family, 0), *(b.places.get(family, _FAR) for b in before)])
        for name, kind in entries:
            if name in organisations and kind == "person":
                kind = "house"  # noqa: PLW2901 -- the page says so
            known = found.setdefault(title_key(name), _Named(name, kind, len(found)))
            if _legible(name) > _legible(known.name):
                known.name = name  # what was offered before is an account, a slip, or capitals
            known.places[family] = min(order, known.places.get(family, order))
    yield from _joined(list(found.values()))


def _joined(named: Sequence[_Named]) -> Iterator[_Named]:
    """Yield the names, those that are another one less a name or a title joined with it.

    >>> two = [_Named("Ada Kern", "person", 0), _Named("Dr. Ada Maria Kern", "person", 1)]
    >>> [each.name for each in _joined(two)]
    ['Dr. Ada Maria Kern']
    """
    words = [_words(each.name) if each.kind == "person" else [] for each in named]
    for each, own in zip(named, words, strict=True):
        fuller = (
            other
            for other, more in zip(named, words, strict=True)
            if 1 < len(own) < len(more) <= len(own) + _MORE
            and own[-1] == more[-1]
            and (own[0] == more[0] or len(more[0]) <= _TITLE)
            and set(own) < set(more)
        )
        whole = next(fuller, None)
        if whole is None:
            yield each
        else:
            if each.places.keys() & _STATED and not whole.places.keys() & _STATED:
                whole.name = each.name
            for family, order in each.places.items():
                whole.places[family] = min(order, whole.places.get(family, order))
            whole.order = min(whole.order, each.order)


def _words(name: str) -> list[str]:
    """Return the letters of each word of a name."""
    return list(filter(None, map(title_key, name.split())))


def _legible(name: str) -> tuple[bool, bool]:
    return PERSON.fullmatch(name) is not None, not name.isupper()


def _people(candidate: Candidate) -> People:
    offered = tuple(value for value in candidate.value if isinstance(value, str))
    return _people_in(offered, candidate.found_in)


@lru_cache(maxsize=256)  # one choice asks several times
def _people_in(offered: tuple[str, ...], found_in: str) -> People:
    values = [plain_title(value) for value in offered]
    if found_in.startswith("meta"):
        values = list(map(_turned, values))
    if len(values) == 1 or found_in.startswith(("byline", "trafilatura")):
        found = [read_byline(value) for value in values]
    else:
        found = [sort_names(values)]
    found += [People((), (), (value,)) for value in map(clean_name, values) if value in _DESKS]
    return People(
        tuple(dict.fromkeys(p for people in found for p in people.persons)),
        tuple(dict.fromkeys(a for people in found for a in people.agencies)),
        tuple(dict.fromkeys(h for people in found for h in people.houses)),
    )


def _turned(value: str) -> str:
    """Return a name of a catalogue as it is spoken.

    >>> _turned("Kern, Ada"), _turned("Ada Kern, Bo Lind")
    ('Ada Kern', 'Ada Kern, Bo Lind')
    """
    last, _, first = value.partition(", ")
    return f"{first} {last}" if first and " " not in last and first.count(" ") < 2 else value


def _is_outlet(named: _Named, sites: Sequence[str]) -> bool:
    """Return whether a name is the site's and not that of a person who has a site."""
    if not is_site(named.name, sites):
        return False
    return not (named.kind == "person" and " " in named.name and PERSON.fullmatch(named.name))


def _features(each: _Named, rivals: Sequence[_Named], clues: PageClues) -> dict[str, float]:
    """Describe a name: where it stands, how it looks, what else the page says."""
    others = [
        o
        for o in rivals
        if o is not each
        and (o.kind == "person" or each.kind == "house")
        and not o.places.keys() <= _WEAK
    ]
    flags = {**_of_places(each, clues), **_of_look(each), **_of_others(each, others)}
    described: dict[str, float] = {f"in {place}": 1.0 for place in each.places if place in _TELLING}
    described["places"] = min(len(each.places), 5) / 5
    return described | {name: 1.0 for name, holds in flags.items() if holds}


def _of_places(each: _Named, clues: PageClues) -> dict[str, bool]:
    places, key = each.places, title_key(each.name)
    lines = [line for line in clues.lines if key in line[1]]
    return {
        "seen": not places.keys().isdisjoint(_SEEN),
        "stated": not places.keys().isdisjoint(_STATED),
        "first byline": places.get("byline") == 0,
        "never first": all(places.values()),
        "late author link": places.get("author link", 0) >= _LATE,
        "beside alone": all(place.endswith("beside") for place in places),
        "above the headline": any(at < 0 for at, *_ in lines),
        "right below": any(0 < at <= _RIGHT and line == key for at, line, _ in lines),
        "dated line": any(dated for *_, dated in lines),
        "introduced": any(text.startswith(f"{each.name} ") for text in clues.openings),
    }


def _of_look(each: _Named) -> dict[str, bool]:
    words = each.name.split()
    return {
        "house": each.kind == "house",
        "spelled as a name": PERSON.fullmatch(each.name) is not None,
        "long": sum(word not in PARTICLES for word in words) >= _LONG
        or max(map(len, words)) > _GLUED,
        "capitals": each.name.isupper(),
    }


def _of_others(each: _Named, others: Sequence[_Named]) -> dict[str, bool]:
    key = title_key(each.name)
    keys = [title_key(other.name) for other in others]
    own = _counted(each)
    apart = [o for o in others if each.kind == "house" or _counted(o) != own]
    is_stated = not each.places.keys().isdisjoint(_STATED)
    return {
        "another is linked": "linked" not in each.places
        and any("linked" in o.places for o in others),
        "another is stated": not is_stated
        and any(not o.places.keys().isdisjoint(_STATED) for o in others),
        "a longer one": any(key in other for other in keys),
        "a shorter one": any(other in key for other in keys),
        "only one": not apart,
    }


def _counted(named: _Named) -> dict[str, int]:
    """Return the places of a name whose order tells who stands together."""
    return {place: order for place, order in named.places.items() if place != "line"}


def _of_site(name: str, sites: Sequence[str]) -> bool:
    """Return whether a name begins with that of the site."""
    key = title_key(name)
    return any(len(site) > _SMALL and key.startswith(site) for site in map(title_key, sites))


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
