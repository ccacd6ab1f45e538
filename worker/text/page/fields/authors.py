"""Choose the authors of a text: a model scores each name (docs/decisions/0018)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from storage.values.draft import Candidate
from worker.text.annotate.bylines import (
    EAST_ASIAN_PERSON,
    LABEL_WORDS,
    NEWSROOM,
    PARTICLES,
    PERSON,
    People,
    classify_names,
    clean_name,
    read_byline,
)
from worker.text.annotate.date_lines import MODIFIED_WORD, PUBLISHED_WORD
from worker.text.annotate.measures import title_key
from worker.text.annotate.speaker.first_names import given_names, plain_word
from worker.text.page.fields.clues import NO_CLUES, PageClues
from worker.text.page.fields.titles import is_site, plain_title
from worker.text.page.scoring import Features, load_model

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
_VISIBLE_PLACES = frozenset(
    {
        "byline",
        "link",
        "itemprop",
        "text byline",
        "box",
        "last line",
        "signature",
        "author link",
        "below",
    }
)
_STATED_PLACES = frozenset(
    {"linked", "itemprop", "meta author", "meta", "linked page", "label", "feed"}
)
_GENERIC_NAMES = frozenset({"Redaktion", "Staff"})
"""Generic bylines of publishers that name no person."""
_BOX_PLACES = frozenset({"box", "byline beside", "author link beside", "link beside"})
_WEAK_PLACES = frozenset({"line", "feed", "trafilatura", *_BOX_PLACES})
"""Places whose names do not compete with those of other places."""
_DISTANT_PLACES = frozenset(
    {"text byline", "author link", "link", "last line", "trafilatura", *_BOX_PLACES}
)
"""Places that may be far from the headline."""
_UNLABELLED_PLACES = frozenset({"line", "last line", "box", "caption"})
"""Places that no label and no class marks as those of an author."""
_LINK_PLACES = frozenset({"author link", "itemprop beside", *_BOX_PLACES} - {"box"})
"""Places that may name unrelated persons; names found only there must reach the threshold."""
_PLACE_FEATURES = frozenset({"byline", "below", "itemprop", "meta", "trafilatura"})
"""Places with a feature of their own, in addition to seen and stated."""
_CONTEXTS = {
    (False, False): "weak",
    (False, True): "stated",
    (True, False): "seen",
    (True, True): "both",
}
_DIRECTLY_BELOW = 2  # blocks below the headline
_MIN_SITE_KEY = 2  # letters; longer than a particle
_MAX_EXTRA_WORDS = 2  # additional words of a full name
_UNORDERED = 1000
_LATE_LINK = 3
_LONG_NAME = 4
_JOINED_WORDS = 20  # letters; longer words are several joined words
_LINE_THRESHOLD = 0.5
"""Minimum probability of the best name if it is only found in a line without a label."""
_DISTANT_THRESHOLD = 0.35
"""Minimum probability of the best name if it is only found far from the headline."""
_LIST_THRESHOLD = 0.3
"""Minimum probability of a person who is named together with an accepted one."""
_FALLBACK_THRESHOLD = 0.25
"""Minimum probability of the best name if none reaches the threshold (decision 0018)."""


@dataclass(slots=True)
class _AuthorCandidate:
    """A candidate name; `places` maps each place to the index of the byline that contains it.

    `lists` are the numbers of the candidates that name several persons, this one among them.
    """

    name: str
    kind: str
    order: int
    places: dict[str, int] = field(default_factory=dict)
    lists: set[int] = field(default_factory=set)


def choose_authors(
    candidates: Sequence[Candidate], sites: Sequence[str], clues: PageClues = NO_CLUES
) -> tuple[People, str, float | None]:
    """Return the authors, the place of the most probable one, and its probability.

    A name of the site (`sites`) is not an author, except on a company blog, or if it has the form
    of a person's name.
    """
    model = load_model("authors")
    names = list(_collect_names(candidates, clues.organisations))
    agencies = tuple(dict.fromkeys(author.name for author in names if author.kind == "agency"))
    name_features = _features_by_name(names, sites, clues)
    probabilities = {
        name: model.probability(values)
        for name, values in name_features.items()
        if name not in clues.invisible
    }
    is_stated = any(author.places.keys() & _STATED_PLACES for author in names)
    possible = [
        author
        for author in names
        if author.name in probabilities
        and not _may_be_label(author, clues.text)
        and not (is_stated and author.places.keys() == {"line"})
    ]
    chosen = _select_names(possible, probabilities, model.threshold)
    if not chosen:
        return People((), agencies, ()), candidates[0].found_in if candidates else "", None
    best = max(chosen, key=lambda author: probabilities[author.name])
    persons = tuple(
        _without_partial_names(
            [
                author
                for author in chosen
                if author.kind == "person" and not _is_studio(author, chosen, sites)
            ]
        )
    )
    publishers = [author.name for author in chosen if author.kind == "house"]
    if persons:
        publishers = [
            name
            for name in publishers
            if not (NEWSROOM.search(name) or _starts_with_site(name, sites))
        ]
    people = People(persons, agencies, tuple(publishers))
    return people, _best_place(best, candidates), round(probabilities[best.name], 2)


def _select_names(
    candidates: Sequence[_AuthorCandidate], probabilities: Mapping[str, float], threshold: float
) -> list[_AuthorCandidate]:
    """Return the names that reach the threshold, or the most probable ones above a minimum.

    A first name adds its probability to the full name. Persons named together with an accepted one
    are accepted too. Names found only in unlabelled lines or links need the threshold. A name found
    only in author boxes counts if there is no other.
    """
    accepted = [author for author in candidates if probabilities[author.name] >= threshold]
    if not accepted:
        joint_probabilities = {
            author.name: probability
            for author in candidates
            if not author.places.keys() <= _LINK_PLACES
            and (
                probability := probabilities[author.name]
                + probabilities.get(_first_name(author.name), 0.0)
            )
            >= _fallback_threshold(author)
        }
        best = max(joint_probabilities.values(), default=0.0)
        accepted = [author for author in candidates if joint_probabilities.get(author.name) == best]
    accepted = [
        author
        for author in candidates
        if author in accepted
        or (
            probabilities[author.name] >= _LIST_THRESHOLD
            and any(_are_named_together(author, other) for other in accepted)
        )
    ]
    from_boxes = [author for author in accepted if author.places.keys() <= _BOX_PLACES]
    return [author for author in accepted if author not in from_boxes] or from_boxes[:1]


def _are_named_together(author: _AuthorCandidate, accepted: _AuthorCandidate) -> bool:
    """Check whether the same list names two persons, or the same places do in the same order."""
    if author.name.isupper() and not _has_known_name(author.name):
        return False  # a house
    return not author.lists.isdisjoint(accepted.lists) or (
        author.kind == "person" and _significant_places(author) == _significant_places(accepted)
    )


def _fallback_threshold(author: _AuthorCandidate) -> float:
    """Return the minimum probability of a name if no name reaches the threshold of the model."""
    if author.places.keys() == {"line"}:
        return _LINE_THRESHOLD
    return _DISTANT_THRESHOLD if author.places.keys() <= _DISTANT_PLACES else _FALLBACK_THRESHOLD


def _may_be_label(author: _AuthorCandidate, text: str) -> bool:
    """Check whether neither the words nor the places of a name show that it is one."""
    places = author.places.keys()
    if is_label(author.name) and (author.kind == "person" or HOST.fullmatch(author.name)):
        return True
    if author.kind != "person" or places & _STATED_PLACES or _has_known_name(author.name):
        return False
    return places <= _UNLABELLED_PLACES or all(common_words(author.name, text))


def _first_name(name: str) -> str:
    """Return the first word of a name with several words."""
    first, _, rest = name.partition(" ")
    return first if rest else ""


def features(
    candidates: Sequence[Candidate], sites: Sequence[str], clues: PageClues = NO_CLUES
) -> Mapping[str, Features]:
    """Return the features of each candidate name, as input of the model and of its training."""
    return _features_by_name(list(_collect_names(candidates, clues.organisations)), sites, clues)


def _features_by_name(
    authors: Sequence[_AuthorCandidate], sites: Sequence[str], clues: PageClues
) -> Mapping[str, Features]:
    site_names = {author.name for author in authors if _is_site_name(author, sites)}
    candidates = [
        author
        for author in authors
        if author.kind != "agency" and (clues.is_blog or author.name not in site_names)
    ]
    rivals = [author for author in candidates if author.name not in site_names]
    return {author.name: _features(author, rivals, clues) for author in candidates}


def _collect_names(
    candidates: Sequence[Candidate], organisations: Collection[str]
) -> Iterator[_AuthorCandidate]:
    """Yield each candidate name once, with all its places, in the order of the candidates."""
    by_key: dict[str, _AuthorCandidate] = {}
    counts: dict[str, int] = {}
    for number, candidate in enumerate(candidates):
        if not isinstance(candidate.value, list):
            continue
        family = _FAMILIES.get(candidate.found_in, _OTHER_META)
        people = _read_candidate(candidate)
        if family == "last line" and any("/" in value for value in candidate.value):
            family = "signature"  # the house that the text is from, and its site
        entries = [(name, "person") for name in people.persons]
        entries += [(name, "house") for name in people.publishers]
        entries += [(name, "agency") for name in people.agencies]
        if entries and family not in _STATED_PLACES:  # metadata may list each author separately
            counts[family] = counts.get(family, -1) + 1
        earlier = [by_key[k] for name, _ in entries if (k := title_key(name)) in by_key]
        order = min([counts.get(family, 0), *(b.places.get(family, _UNORDERED) for b in earlier)])
        for name, kind in entries:
            if name in organisations and kind == "person" and not has_given_name(name):
                kind = "house"  # noqa: PLW2901 -- declared by the page
            entry = by_key.setdefault(title_key(name), _AuthorCandidate(name, kind, len(by_key)))
            if _spelling_rank(name) > _spelling_rank(entry.name):
                entry.name = name  # the earlier spelling is an account, a typo, or capitals
            entry.places[family] = min(order, entry.places.get(family, order))
            if len(people.persons) > 1 and kind == "person":
                entry.lists.add(number)
    yield from _merge_variants(list(by_key.values()))


def _merge_variants(authors: Sequence[_AuthorCandidate]) -> Iterator[_AuthorCandidate]:
    """Merge names that are shorter forms of another one, without a middle name or title.

    >>> names = ["Ada Kern", "Dr. Ada Maria Kern"]
    >>> two = [_AuthorCandidate(name, "person", order) for order, name in enumerate(names)]
    >>> [author.name for author in _merge_variants(two)]
    ['Dr. Ada Maria Kern']
    """
    all_keys = [_word_keys(author.name) if author.kind == "person" else [] for author in authors]
    for author, word_keys in zip(authors, all_keys, strict=True):
        longer_names = (
            longer
            for longer, longer_keys in zip(authors, all_keys, strict=True)
            if 1 < len(word_keys) < len(longer_keys) <= len(word_keys) + _MAX_EXTRA_WORDS
            and word_keys[-1] == longer_keys[-1]
            and (word_keys[0] == longer_keys[0] or begins_with_title(longer.name))
            and set(word_keys) < set(longer_keys)
        )
        full = next(longer_names, None)
        if full is None:
            yield author
        else:
            if author.places.keys() & _STATED_PLACES and not full.places.keys() & _STATED_PLACES:
                full.name = author.name
            for family, order in author.places.items():
                full.places[family] = min(order, full.places.get(family, order))
            full.order = min(full.order, author.order)
            full.lists |= author.lists


def _word_keys(name: str) -> list[str]:
    """Return the normalised words of a name."""
    return list(filter(None, map(title_key, name.split())))


def _spelling_rank(name: str) -> tuple[bool, bool]:
    return PERSON.fullmatch(name) is not None, not name.isupper()


def _read_candidate(candidate: Candidate) -> People:
    values = tuple(value for value in candidate.value if isinstance(value, str))
    return _read_values(values, candidate.found_in)


@lru_cache(maxsize=256)  # called repeatedly per page
def _read_values(texts: tuple[str, ...], place: str) -> People:
    values = [plain_title(value) for value in texts]
    if place.startswith("meta"):
        values = list(map(_in_spoken_order, values))
    if len(values) == 1 or place.startswith(("byline", "trafilatura")):
        readings = [read_byline(value) for value in values]
    else:
        readings = [classify_names(values)]
    readings += [
        People((), (), (value,)) for value in map(clean_name, values) if value in _GENERIC_NAMES
    ]
    return People(
        tuple(dict.fromkeys(p for people in readings for p in people.persons)),
        tuple(dict.fromkeys(a for people in readings for a in people.agencies)),
        tuple(dict.fromkeys(h for people in readings for h in people.publishers)),
    )


def _in_spoken_order(value: str) -> str:
    """Convert "last name, first name" to the spoken order.

    >>> _in_spoken_order("Kern, Ada"), _in_spoken_order("Ada Kern, Bo Lind")
    ('Ada Kern', 'Ada Kern, Bo Lind')
    """
    last, _, first = value.partition(", ")
    return f"{first} {last}" if first and " " not in last and first.count(" ") < 2 else value


def _is_site_name(candidate: _AuthorCandidate, sites: Sequence[str]) -> bool:
    """Check whether a name is that of the site, and not that of a person with a website."""
    if not is_site(candidate.name, sites):
        return False
    return not (
        candidate.kind == "person" and " " in candidate.name and PERSON.fullmatch(candidate.name)
    )


def _features(
    author: _AuthorCandidate, rivals: Sequence[_AuthorCandidate], clues: PageClues
) -> dict[str, float]:
    """Return the features of a name: its places, its form, and competing names."""
    stronger = [
        rival
        for rival in rivals
        if rival is not author
        and (rival.kind == "person" or author.kind == "house")
        and not rival.places.keys() <= _WEAK_PLACES
    ]
    flags = {
        **_place_features(author, clues),
        **_form_features(author),
        **_evidence_features(author, clues),
        **_rival_features(author, stronger),
    }
    values: dict[str, float] = {
        f"in {place}": 1.0 for place in author.places if place in _PLACE_FEATURES
    }
    values["places"] = min(len(author.places), 5) / 5
    return values | {name: 1.0 for name, is_set in flags.items() if is_set}


def _place_features(author: _AuthorCandidate, clues: PageClues) -> dict[str, bool]:
    places, key = author.places, title_key(author.name)
    lines = [line for line in clues.lines if key in line[1]]
    return {
        "seen": not places.keys().isdisjoint(_VISIBLE_PLACES),
        "stated": not places.keys().isdisjoint(_STATED_PLACES),
        "first byline": places.get("byline") == 0,
        "never first": all(places.values()),
        "late author link": places.get("author link", 0) >= _LATE_LINK,
        "beside alone": all(place.endswith("beside") for place in places),
        "above the headline": any(offset < 0 for offset, *_ in lines),
        "right below": any(
            0 < offset <= _DIRECTLY_BELOW and line == key for offset, line, _ in lines
        ),
        "dated line": any(has_date for *_, has_date in lines),
        "introduced": any(text.startswith(f"{author.name} ") for text in clues.openings),
    }


def _form_features(author: _AuthorCandidate) -> dict[str, bool]:
    words = author.name.split()
    return {
        "house": author.kind == "house",
        "spelled as a name": PERSON.fullmatch(author.name) is not None
        or EAST_ASIAN_PERSON.fullmatch(author.name) is not None,
        "long": sum(word not in PARTICLES for word in words) >= _LONG_NAME
        or max(map(len, words)) > _JOINED_WORDS,
        "capitals": author.name.isupper(),
    }


def _evidence_features(author: _AuthorCandidate, clues: PageClues) -> dict[str, bool]:
    """Return the features of the words of a name."""
    places = author.places.keys()
    flags = {"line alone": places == {"line"}}
    if author.kind == "person":
        is_seen = not places.isdisjoint(_VISIBLE_PLACES)
        is_stated = not places.isdisjoint(_STATED_PLACES)
        context = _CONTEXTS[is_seen, is_stated]
        first, *others = common_words(author.name, clues.text)
        flags |= {
            f"known name, {context}": _has_known_name(author.name),
            f"common first word, {context}": first,
            "common word": any(others),
        }
    return flags


@lru_cache(maxsize=1024)  # called repeatedly per page
def _has_known_name(name: str) -> bool:
    return has_given_name(name) or has_initials(name) or is_east_asian_person(name)


def _rival_features(
    author: _AuthorCandidate, rivals: Sequence[_AuthorCandidate]
) -> dict[str, bool]:
    key = title_key(author.name)
    keys = [title_key(rival_key.name) for rival_key in rivals]
    order = _significant_places(author)
    separate = [
        rival for rival in rivals if author.kind == "house" or _significant_places(rival) != order
    ]
    is_stated = not author.places.keys().isdisjoint(_STATED_PLACES)
    return {
        "another is linked": "linked" not in author.places
        and any("linked" in rival.places for rival in rivals),
        "another is stated": not is_stated
        and any(not rival.places.keys().isdisjoint(_STATED_PLACES) for rival in rivals),
        "a longer one": any(key in rival_key for rival_key in keys),
        "a shorter one": any(rival_key in key for rival_key in keys),
        "only one": not separate,
    }


def _significant_places(candidate: _AuthorCandidate) -> dict[str, int]:
    """Return the places of a name in which the order is significant."""
    return {place: order for place, order in candidate.places.items() if place != "line"}


def _is_studio(
    author: _AuthorCandidate, chosen: Sequence[_AuthorCandidate], sites: Sequence[str]
) -> bool:
    """Check whether a name is that of a part of the site, listed with a person."""
    return (
        _starts_with_site(author.name, sites)
        and not _has_known_name(author.name)
        and any(_has_known_name(other.name) for other in chosen)
    )


def _starts_with_site(name: str, sites: Sequence[str]) -> bool:
    """Check whether a name begins with a name of the site."""
    key = title_key(name)
    return any(len(site) > _MIN_SITE_KEY and key.startswith(site) for site in map(title_key, sites))


def _without_partial_names(persons: Sequence[_AuthorCandidate]) -> Iterator[str]:
    """Yield the names that are not part of another one."""
    keys = [title_key(author.name) for author in persons]
    for author, key in zip(persons, keys, strict=True):
        if not any(key in longer and key != longer for longer in keys):
            yield author.name


def _best_place(best: _AuthorCandidate, candidates: Sequence[Candidate]) -> str:
    """Return the place of the first candidate that contains the best name."""
    for candidate in candidates:
        if isinstance(candidate.value, list):
            people = _read_candidate(candidate)
            if any(
                title_key(n) == title_key(best.name) for n in (*people.persons, *people.publishers)
            ):
                return candidate.found_in
    return ""


EAST_ASIAN_NAME = re.compile("[\u3040-\u30ff\u3400-\u9fff々\uac00-\ud7af]{1,8}")
"""A word in Chinese, Japanese or Korean script.

>>> bool(EAST_ASIAN_NAME.fullmatch("高木")), EAST_ASIAN_NAME.fullmatch("Takagi")
(True, None)
"""
HOST = re.compile(
    r"((?:[a-z0-9-]+\.)*[a-z0-9-]+)\.(?:com|net|org|info|biz|eu|tv|[a-z]{2})", re.IGNORECASE
)
"""A host name.

>>> bool(HOST.fullmatch("facebook.com")), bool(HOST.fullmatch("J. Kern"))
(True, False)
"""
LABEL = re.compile(rf"(?:{MODIFIED_WORD.pattern}|{PUBLISHED_WORD.pattern})", re.IGNORECASE)
"""A word that labels a date."""
_BETWEEN_WORDS = re.compile(r"[\s.-]+")
_INITIALS = re.compile(r"(?:[A-ZÄÖÜ]\.-?){1,3}")
_TITLES = frozenset(["dr", "prof", "dipl", "ing", "mag", "med", "mr", "mrs", "ms", "sir"])
_MIN_WORD = 2  # letters
_MAX_FAMILY_NAME = 2  # characters of an East Asian family name
_MAX_FULL_NAME = 4  # Chinese characters and syllables of a full name


def has_given_name(name: str) -> bool:
    """Check whether the first word of a name, without titles and initials, is a given name.

    >>> has_given_name("Dr. Anna-Lena Kern"), has_given_name("J. Peter Kern")
    (True, True)
    >>> has_given_name("Mental Health"), has_given_name("T. V. Kern")
    (False, False)
    """
    words = [plain_word(word) for word in name.replace("-", " ").split()]
    known = [word for word in words if len(word) >= _MIN_WORD and word not in _TITLES]
    return bool(known) and known[0] in given_names()


def is_label(name: str) -> bool:
    """Check whether a value consists of words with which pages label values, or is such a host.

    The words were counted on pages of many hosts (bench.fit.labels); none is a given name.

    >>> is_label("Last Modified"), is_label("facebook.com"), is_label("Zuletzt aktualisiert")
    (True, True, True)
    >>> is_label("Jimmy Page"), is_label("bote.example.de")
    (False, False)
    """
    host = HOST.fullmatch(name)
    words = _BETWEEN_WORDS.split(host[1] if host else name)
    return all(
        plain_word(word) in _names("labels")
        or word.casefold() in LABEL_WORDS
        or LABEL.fullmatch(word)
        for word in words
    )


def begins_with_title(name: str) -> bool:
    """Check whether a name begins with a title or an initial.

    >>> begins_with_title("Dr Ole Sand"), begins_with_title("J. Peter Kern")
    (True, True)
    >>> begins_with_title("About Ole Sand")
    False
    """
    first = name.split(" ", 1)[0]
    return plain_word(first) in _TITLES or first.endswith(".")


def has_initials(name: str) -> bool:
    """Check whether a name has an initial before its last word.

    >>> has_initials("T. V. Kern"), has_initials("J.R. Kern"), has_initials("Plan B")
    (True, True, False)
    """
    return any(_INITIALS.fullmatch(word) for word in name.split()[:-1])


def is_east_asian_person(name: str) -> bool:
    """Check whether a name in East Asian script begins with a known family name.

    >>> is_east_asian_person("高橋健"), is_east_asian_person("最新消息")
    (True, False)
    """
    joined = name.replace(" ", "").replace("　", "")
    return (
        1 < len(joined) <= _MAX_FULL_NAME + 1
        and EAST_ASIAN_NAME.fullmatch(joined) is not None
        and any(joined[:length] in _names("family_names") for length in (2, 1))
    )


def common_words(name: str, text: str) -> list[bool]:
    """Return for each word of a name whether `text` contains it in lower case.

    Words of labels occur in lower case too, except for nouns in German.

    >>> common_words("Mental Health", "good for the health of all")
    [False, True]
    >>> common_words("Ada Kern", "Ada Kern, ein Kernkraftwerk"), common_words("kern", "kern")
    ([False, False], [False])
    """
    return [
        len(word) > _MIN_WORD
        and word[0].isupper()
        and word.casefold() not in _TITLES
        and _has_word(word.casefold(), text)
        for word in name.split()
    ]


def _has_word(word: str, text: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        is_whole = not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
        if is_whole and text[start - 1 : start] not in {*"@/._-#"}:
            return True
        start = text.find(word, end)
    return False


@lru_cache(maxsize=2)
def _names(name: str) -> frozenset[str]:
    text = (files("worker.text.page") / "weights" / f"{name}.txt").read_text("utf-8")
    return frozenset(text.splitlines()[1:])
