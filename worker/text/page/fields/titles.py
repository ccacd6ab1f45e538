"""Choose the headline that a reader sees among the titles that a page carries."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape

from storage.values.draft import Candidate
from worker.text.annotate.words import title_key

SEPARATOR = re.compile(r"(?<!\s)\s++[|ǀ–—·•»«:/~>-]++\s++|(?:(?<!\s)\s++)?[|•ǀㅣ]\s*+|:\s++")
"""What stands between a headline and the name of its site.

>>> SEPARATOR.split("Die Linde bleibt | Küstenbote")
['Die Linde bleibt', 'Küstenbote']
"""

UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
"""Characters that nobody sees: soft hyphens, zero-width blanks and joiners.

>>> UNSEEN.sub("", "Straßen\u00adbahn")
'Straßenbahn'
"""

REFERENCE = re.compile(r"&(?:#\d{2,6}|#x[0-9a-f]{2,5}|[a-z]{2,8}\d?);", re.IGNORECASE)
"""A character reference that a system escaped twice.

>>> bool(REFERENCE.search("Sorge &#8211; Auftrag")), bool(REFERENCE.search("R&D; Co"))
(True, False)
"""

_ESCAPES = 3
"""So many times over has a system been seen to escape a value."""

MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
"""A tag inside a value that should be plain.

>>> MARKUP.sub("", "Ein <i>neuer</i> Ton")
'Ein neuer Ton'
"""

LETTERS = re.compile(r"[^\W\d_]+")
"""A word of a title.

>>> LETTERS.findall("Öl: 3 Tonnen")
['Öl', 'Tonnen']
"""

# Places of one family are written from one another: a family speaks once, with its strongest
# voice. The headline in JSON-LD is most often what is read; og and title are made for machines.
_FAMILIES: dict[str, tuple[str, float]] = {
    "JSON-LD headline": ("linked", 3.5),
    "itemprop headline": ("itemprop", 3.2),
    "JSON-LD name": ("linked", 1.0),
    "JSON-LD WebPage name": ("title", 1.0),
    "meta headline": ("headline", 1.5),
    "h1": ("heading", 3.0),
    "h2": ("subheading", 0.7),
    "h1 with kicker": ("heading with kicker", 0.8),
    "h1 beside the article": ("heading beside", 0.5),
    "meta og:title": ("shared", 1.4),
    "title": ("title", 1.2),
    "feed title": ("feed", 1.2),
    "trafilatura": ("trafilatura", 0.3),
}
_OTHER_META = ("shared", 0.8)
_SPELLING_ORDER = ("h1", "JSON-LD headline", "h2", "itemprop headline", "meta og:title")
_MADE_TO_BE_READ = (
    "h1",
    "h1 with kicker",
    "JSON-LD headline",
    "itemprop headline",
    "meta headline",
)
_IN_WORDS = (",", '"', "'", "“", "”", "’", "«", "»")
"""What goes on with the words of a headline, and parts none from its site."""
_SHORTEST = 3
_SHORTEST_KNOWN = 15
_MOST_CUTS = 12
_FEW_HEADLINES = 2
_SEEN = 6.0  # more than all the titles for machines together
_FEWEST_STEMS = 2
_STEM = 6  # letters
_SHORTEST_STEM = 5
_MADE_FOR_MACHINES = ("JSON-LD headline", "meta og:title", "title")
_SCATTERED = 1.0  # the weight of a mark that a page gives to all sorts of headings


@dataclass(frozen=True, slots=True)
class Headline:
    """The headline that was chosen; `conflict` says that strong candidates disagree."""

    value: str
    found_in: str
    confidence: float
    conflict: bool


def choose_title(candidates: Sequence[Candidate], sites: Iterable[str]) -> Headline | None:
    """Return the headline that most of a page agrees on, in the spelling of its h1.

    Each place has a weight; places that say the same but for the name of the site, quotation
    marks and case speak for the same headline. `sites` are the names of the site.
    """
    offers = _one_per_place(candidates)
    sites = (*sites, *_learned(offers))
    offers = [(place, _cut_by_sites(text, sites)) for place, text in offers]
    known = [text for place, text in offers if place in _MADE_TO_BE_READ]
    if not any(place == "h1" for place, _ in offers):
        known += [text for place, text in offers if place in ("h2", "h1 beside the article")]
    scattered = sum(c.found_in == "itemprop headline" for c in candidates) > _FEW_HEADLINES
    votes: dict[str, list[tuple[str, float, str, str]]] = {}
    for place, offered in offers:
        text = _without_kicker(strip_site(offered, sites, known), place, offers)
        key = title_key(text)
        if len(key) < _SHORTEST or is_site(text, sites):
            continue
        family, weight = _FAMILIES.get(place, _OTHER_META)
        if scattered and family == "itemprop":
            weight = _SCATTERED
        votes.setdefault(key, []).append((family, weight, place, text))
    if not votes:
        return None
    sums = {key: _weight(group) for key, group in votes.items()}
    seen = _seen_headline(offers, votes)
    if seen is not None:
        sums[seen] += _SEEN
    best = max(sums, key=lambda key: sums[key])  # the first wins a tie
    found_in, text = _best_spelling([(place, text) for _, _, place, text in votes[best]])
    share = sums[best] / sum(sums.values())
    rivals = [key for key in sums if sums[key] >= _FAMILIES["h1"][1] and not _kin(key, best)]
    return Headline(text, found_in, round(share, 2), bool(rivals))


def _learned(offers: Sequence[tuple[str, str]]) -> list[str]:
    """Return what the title tag adds to og:title behind a mark: a name of the site.

    >>> _learned([("meta og:title", "Deich hält"), ("title", "Deich hält | Lohe Heute")])
    ['Lohe Heute']
    """
    shared = [text for place, text in offers if place == "meta og:title"]
    longer = [text for place, text in offers if place in ("title", "JSON-LD WebPage name")]
    return [
        text[end:]
        for text in longer
        for start, end in _cuts(text)
        if ":" not in text[start:end] and text[:start] in shared
    ]


def plain_title(text: str) -> str:
    """Return a title as it is read: without unseen characters, tags and double escapes.

    >>> plain_title("Die Straßen\u00adbahn  &#8211; ein <b>Test</b>")
    'Die Straßenbahn – ein Test'
    >>> plain_title("&lt;p&gt;Here&amp;#x27;s the plan&lt;/p&gt;")
    "Here's the plan"
    """
    for _ in range(_ESCAPES):
        if not REFERENCE.search(text):
            break
        text = unescape(text)
    return " ".join(UNSEEN.sub("", MARKUP.sub("", text)).split())


def strip_site(text: str, sites: Sequence[str], known: Sequence[str] = ()) -> str:
    """Return a title without the name of its site before or after it.

    What is cut must be one of `sites`, or leave a headline that stands elsewhere on the page
    (`known`): so the name is learned from the page, not from a list.

    >>> strip_site("Die Linde bleibt - Lohetal - Küstenbote", ["Küstenbote"], ["Die Linde bleibt"])
    'Die Linde bleibt'
    >>> strip_site("Sturm - Dächer fliegen", ["Küstenbote"])
    'Sturm - Dächer fliegen'
    """
    for headline in known:
        if len(headline) >= _SHORTEST_KNOWN and _is_longer(text, headline):
            return headline
    if title_key(text) in map(title_key, known):
        return text
    return _cut_by_sites(text, sites)


def is_site(text: str, sites: Iterable[str]) -> bool:
    """Return whether `text` is one of the names of a site.

    >>> is_site("Küstenbote Online", ["Küstenbote"]), is_site("Der Bote", ["Küstenbote"])
    (True, False)
    """
    key = title_key(text)
    return bool(key) and any(key == site or _domain_of(key, site) for site in map(title_key, sites))


def _cut_by_sites(text: str, sites: Sequence[str]) -> str:
    cuts = _cuts(text)
    for start, end in reversed(cuts):
        if is_site(text[end:], sites):
            return _cut_by_sites(text[:start].strip(), sites)
    start, end = cuts[0] if cuts else (0, 0)
    if ":" not in text[start:end] and is_site(text[:start], sites):
        return text[end:].strip()
    return text


def _cuts(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in SEPARATOR.finditer(text)][:_MOST_CUTS]


def _is_longer(text: str, headline: str) -> bool:
    """Return whether `text` is `headline` with more behind it that is no part of its words."""
    rest = text.removeprefix(headline)
    parted = not rest[:1].isalnum() and rest.lstrip()[:1] not in _IN_WORDS
    return rest != text and bool(title_key(rest)) and parted


def _without_kicker(text: str, place: str, offers: Sequence[tuple[str, str]]) -> str:
    """Return a JSON-LD headline without a kicker glued before what the h1 says.

    A kicker with a colon is a part of the headline as its house writes it.
    """
    heading = next((said for spot, said in offers if spot == "h1"), "")
    if place == "h1":
        return _without_label(text, offers)
    if place != "JSON-LD headline" or len(heading) < _SHORTEST_KNOWN or not text.endswith(heading):
        return text
    before = text.removesuffix(heading).rstrip()
    return heading if before and before[-1].isalnum() else text


def _seen_headline(
    offers: Sequence[tuple[str, str]], votes: Mapping[str, Sequence[tuple[str, float, str, str]]]
) -> str | None:
    """Return the key of an h1 that words the same matter in another way than the machines' titles.

    It is what a reader sees; a headline in JSON-LD may be one for search engines, or of an
    earlier hour, and so may the title tag. An h1 that shares no word with any other title is a
    logo or a section.
    """
    key = next((k for k, g in votes.items() if any(place == "h1" for _, _, place, _ in g)), None)
    if key is None:
        return None
    heading = next(text for place, text in offers if place == "h1")
    others = [text for place, text in offers if place in _MADE_FOR_MACHINES]
    words = _stems(heading)
    related = any(words & _stems(other) for other in others)
    said = {place: title_key(text) for place, text in offers}
    kin = key == said.get("JSON-LD headline") or ("title" in said and _kin(key, said["title"]))
    return key if related and not kin and len(words) >= _FEWEST_STEMS else None


def _stems(text: str) -> set[str]:
    """Return the beginnings of the words of a title that carry its matter.

    >>> sorted(_stems("Der Deich wird höher")), _stems("Ab wann")
    (['deich', 'höher'], set())
    """
    words = (word.casefold() for word in LETTERS.findall(text))
    return {word[:_STEM] for word in words if len(word) >= _SHORTEST_STEM}


def _without_label(text: str, offers: Sequence[tuple[str, str]]) -> str:
    """Return an h1 without the words before what og:title and the title tag agree on.

    A label or a kicker stands there; one with a colon of its own is in the other places too.
    """
    titles = [said for place, said in offers if place in ("meta og:title", "title")]
    keys = {title_key(said) for said in titles}
    shared = [said for said in titles if all(key.startswith(title_key(said)) for key in keys)]
    if len(titles) < 2 or not shared or len(shared[0]) < _SHORTEST_KNOWN:
        return text
    return shared[0] if text != shared[0] and text.endswith(shared[0]) else text


def _weight(group: Sequence[tuple[str, float, str, str]]) -> float:
    strongest: dict[str, float] = {}
    for family, weight, _, _ in group:
        strongest[family] = max(weight, strongest.get(family, 0.0))
    return sum(strongest.values())


def _domain_of(key: str, site: str) -> bool:
    """Return whether one is the other with a top-level domain or "online" behind it."""
    shorter, longer = sorted((key, site), key=len)
    rest = longer.removeprefix(shorter)
    return len(shorter) > 2 and rest in (
        "de",
        "at",
        "ch",
        "com",
        "org",
        "net",
        "online",
        "tv",
        "couk",
    )


def _one_per_place(candidates: Sequence[Candidate]) -> list[tuple[str, str]]:
    """Return place and plain text of the first candidate of each place.

    Of several h1 the one is taken that the other places speak of: logos, menus and sections
    have theirs too.
    """
    texts = [(c.found_in, plain_title(c.value)) for c in candidates if isinstance(c.value, str)]
    others = [title_key(text) for place, text in texts if not place.startswith(("h1", "h2"))]
    first: dict[str, str] = {}
    for place, text in sorted(texts, key=lambda entry: _h1_rank(entry[0], entry[1], others)):
        first.setdefault(place, text)
    return list(first.items())


def _h1_rank(place: str, text: str, others: Sequence[str]) -> int:
    """Order the h1 by how they agree with the other places; all else keeps its order."""
    key = title_key(text)
    if place != "h1" or key in others:
        return 0
    if len(key) < _SHORTEST:
        return 4
    if any(other.startswith(key) for other in others):
        return 1
    return 2 if any(key in other for other in others) else 3


def _best_spelling(spellings: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return place and text of the spelling of the h1, unless markup stands in its blanks.

    Where a kicker or a second line is an element of its own, the h1 has lost the colon or the
    blank that the other places have.
    """
    ranked = sorted(spellings, key=lambda spelling: _spelling_rank(spelling[0]))
    _, first = ranked[0]
    for place, text in ranked[1:]:
        colon_lost = text.count(": ") > first.count(":")
        blank_lost = len(text) > len(first) and text.replace(" ", "") == first.replace(" ", "")
        if colon_lost or blank_lost:
            return place, text
    return ranked[0]


def _spelling_rank(found_in: str) -> int:
    return _SPELLING_ORDER.index(found_in) if found_in in _SPELLING_ORDER else len(_SPELLING_ORDER)


def _kin(one: str, other: str) -> bool:
    return one in other or other in one
