"""Choose the visible headline among the titles of a page (docs/decisions/0014)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape

from storage.values.draft import Candidate
from worker.text.annotate.measures import title_key

SEPARATOR = re.compile(r"(?<!\s)\s++[|ǀ–—·•»«:/~>-]++\s++|(?:(?<!\s)\s++)?[|•ǀㅣ]\s*+|:\s++")
"""A separator between a headline and the name of the site.

>>> SEPARATOR.split("Die Linde bleibt | Küstenbote")
['Die Linde bleibt', 'Küstenbote']
"""

INVISIBLE_CHARACTER = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
"""Invisible characters: soft hyphens, zero-width spaces and joiners.

>>> INVISIBLE_CHARACTER.sub("", "Straßen\u00adbahn")
'Straßenbahn'
"""

REFERENCE = re.compile(r"&(?:#\d{2,6}|#x[0-9a-f]{2,5}|[a-z]{2,8}\d?);", re.IGNORECASE)
"""A character reference, left over from double escaping.

>>> bool(REFERENCE.search("Sorge &#8211; Auftrag")), bool(REFERENCE.search("R&D; Co"))
(True, False)
"""

_MAX_ESCAPES = 3
"""Maximum number of nested escapes, as observed on real pages."""

MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
"""A tag inside a plain text value.

>>> MARKUP.sub("", "Ein <i>neuer</i> Ton")
'Ein neuer Ton'
"""

LETTERS = re.compile(r"[^\W\d_]+")
"""A word of a title.

>>> LETTERS.findall("Öl: 3 Tonnen")
['Öl', 'Tonnen']
"""

# Family and weight of each place. Places of one family have the same origin, so only the
# greatest weight of a family counts. JSON-LD usually contains the visible headline.
_FAMILIES: dict[str, tuple[str, float]] = {
    "JSON-LD headline": ("linked", 3.5),
    "itemprop headline": ("itemprop", 3.2),
    "JSON-LD name": ("linked", 1.0),
    "JSON-LD WebPage name": ("title", 1.0),
    "meta headline": ("headline", 1.5),
    "h1": ("heading", 3.0),
    "h2": ("subheading", 0.7),
    "heading in the title": ("heading", 3.0),
    "h1 with kicker": ("heading with kicker", 0.8),
    "h1 beside the article": ("heading beside", 0.5),
    "meta og:title": ("shared", 1.4),
    "title": ("title", 1.2),
    "feed title": ("feed", 1.2),
    "trafilatura": ("trafilatura", 0.3),
}
_OTHER_META = ("shared", 0.8)
_SPELLING_ORDER = ("h1", "JSON-LD headline", "h2", "itemprop headline", "meta og:title")
_DISPLAY_PLACES = (
    "h1",
    "h1 with kicker",
    "JSON-LD headline",
    "itemprop headline",
    "meta headline",
)
_INNER_PUNCTUATION = (",", '"', "'", "“", "”", "’", "«", "»")
"""Punctuation that continues a headline and does not separate the name of the site."""
_PREFIX_SEPARATORS = ("-", "–", "—", "|", "»", ">", "·", "•")
_MIN_KEY_LENGTH = 3
_MIN_HEADLINE_LENGTH = 15
_MAX_SEPARATORS = 12
_MAX_ITEMPROP_HEADLINES = 2
_VISIBLE_BONUS = 6.0  # more than all metadata titles together
_MIN_STEMS = 2
_STEM_LENGTH = 6  # letters
_MIN_STEM_WORD = 5
_METADATA_PLACES = ("JSON-LD headline", "meta og:title", "title")
_AMBIGUOUS_WEIGHT = 1.0  # of a property that a page uses for several headings


@dataclass(frozen=True, slots=True)
class Headline:
    """The chosen headline; `conflict` is set if strong candidates disagree."""

    value: str
    found_in: str
    confidence: float
    conflict: bool


def choose_title(candidates: Sequence[Candidate], sites: Iterable[str]) -> Headline | None:
    """Return the headline with the greatest total weight, in the spelling of the h1.

    Each place has a weight. Titles that differ only in the name of the site (`sites`), quotation
    marks or case are added up.
    """
    titles = _without_unrelated_headings(_first_title_per_place(candidates))
    sites = (*sites, *_find_site_suffixes(titles))
    titles = [(place, _remove_site_name(text, sites)) for place, text in titles]
    headlines = [text for place, text in titles if place in _DISPLAY_PLACES]
    if not any(place == "h1" for place, _ in titles):
        headlines += [text for place, text in titles if place in ("h2", "h1 beside the article")]
    is_ambiguous = (
        sum(c.found_in == "itemprop headline" for c in candidates) > _MAX_ITEMPROP_HEADLINES
    )
    votes: dict[str, list[tuple[str, float, str, str]]] = {}
    for place, title in titles:
        text = _without_kicker(strip_site(title, sites, headlines), place, titles)
        text = _without_prefix(text, place, titles)
        key = title_key(text)
        if len(key) < _MIN_KEY_LENGTH or is_site(text, sites):
            continue
        family, weight = _FAMILIES.get(place, _OTHER_META)
        if is_ambiguous and family == "itemprop":
            weight = _AMBIGUOUS_WEIGHT
        votes.setdefault(key, []).append((family, weight, place, text))
    if not votes:
        return None
    sums = {key: _weight(group) for key, group in votes.items()}
    visible = _visible_headline(titles, votes)
    if visible is not None:
        sums[visible] += _VISIBLE_BONUS
    best = max(sums, key=lambda key: sums[key])  # the first wins a tie
    found_in, text = _best_spelling([(place, text) for _, _, place, text in votes[best]])
    share = sums[best] / sum(sums.values())
    rivals = [
        key for key in sums if sums[key] >= _FAMILIES["h1"][1] and not _is_contained(key, best)
    ]
    return Headline(text, found_in, round(share, 2), bool(rivals))


def _without_unrelated_headings(titles: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Choose between the h1 and a smaller heading that is a part of the title tag.

    The smaller heading is the headline if the h1 has nothing in common with the other titles.
    """
    texts = dict(titles)
    key = title_key(texts.get("h1", ""))
    others = [title_key(text) for place, text in titles if place in _METADATA_PLACES]
    is_related = bool(key) and any(_is_contained(key, other) for other in others)
    excluded = "heading in the title" if is_related else "h1"
    if "heading in the title" not in texts:
        return list(titles)
    return [(place, text) for place, text in titles if not place.startswith(excluded)]


def _without_prefix(text: str, place: str, titles: Sequence[tuple[str, str]]) -> str:
    """Remove a section or kicker and its separator before the text of the h1."""
    heading = next((title for source, title in titles if source == "h1"), "")
    if place.startswith("h1") or len(heading) < _MIN_HEADLINE_LENGTH:
        return text
    prefix = text.removesuffix(heading)
    return heading if prefix != text and prefix.rstrip()[-1:] in _PREFIX_SEPARATORS else text


def _find_site_suffixes(titles: Sequence[tuple[str, str]]) -> list[str]:
    """Return site names: suffixes that the title tag appends to og:title after a separator.

    >>> _find_site_suffixes([("meta og:title", "Deich hält"), ("title", "Deich hält | Lohe Heute")])
    ['Lohe Heute']
    """
    shared = [text for place, text in titles if place == "meta og:title"]
    longer = [text for place, text in titles if place in ("title", "JSON-LD WebPage name")]
    return [
        text[end:]
        for text in longer
        for start, end in _separator_spans(text)
        if ":" not in text[start:end] and text[:start] in shared
    ]


def plain_title(text: str) -> str:
    """Remove invisible characters and tags, and decode character references.

    >>> plain_title("Die Straßen\u00adbahn  &#8211; ein <b>Test</b>")
    'Die Straßenbahn – ein Test'
    >>> plain_title("&lt;p&gt;Here&amp;#x27;s the plan&lt;/p&gt;")
    "Here's the plan"
    """
    for _ in range(_MAX_ESCAPES):
        if not REFERENCE.search(text):
            break
        text = unescape(text)
    return " ".join(INVISIBLE_CHARACTER.sub("", MARKUP.sub("", text)).split())


def strip_site(text: str, sites: Sequence[str], headlines: Sequence[str] = ()) -> str:
    """Remove the name of the site before or after a title.

    The removed part must be one of `sites`, or the rest must be one of the `headlines` found
    elsewhere on the page.

    >>> strip_site("Die Linde bleibt - Lohetal - Küstenbote", ["Küstenbote"], ["Die Linde bleibt"])
    'Die Linde bleibt'
    >>> strip_site("Sturm - Dächer fliegen", ["Küstenbote"])
    'Sturm - Dächer fliegen'
    """
    for headline in headlines:
        if len(headline) >= _MIN_HEADLINE_LENGTH and _is_extension(text, headline):
            return headline
    if title_key(text) in map(title_key, headlines):
        return text
    return _remove_site_name(text, sites)


def is_site(text: str, sites: Iterable[str]) -> bool:
    """Check whether `text` is one of the names of a site.

    >>> is_site("Küstenbote Online", ["Küstenbote"]), is_site("Der Bote", ["Küstenbote"])
    (True, False)
    """
    key = title_key(text)
    return bool(key) and any(
        key == site or _is_domain_variant(key, site) for site in map(title_key, sites)
    )


def _remove_site_name(text: str, sites: Sequence[str]) -> str:
    spans = _separator_spans(text)
    for start, end in reversed(spans):
        if is_site(text[end:], sites):
            return _remove_site_name(text[:start].strip(), sites)
    start, end = spans[0] if spans else (0, 0)
    if ":" not in text[start:end] and is_site(text[:start], sites):
        return text[end:].strip()
    return text


def _separator_spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in SEPARATOR.finditer(text)][:_MAX_SEPARATORS]


def _is_extension(text: str, headline: str) -> bool:
    """Check whether `text` is `headline` followed by a separator and more words."""
    rest = text.removeprefix(headline)
    is_separated = not rest[:1].isalnum() and rest.lstrip()[:1] not in _INNER_PUNCTUATION
    return rest != text and bool(title_key(rest)) and is_separated


def _without_kicker(text: str, place: str, titles: Sequence[tuple[str, str]]) -> str:
    """Remove a kicker before the text of the h1 in a JSON-LD headline, and labels of the h1.

    A kicker with a colon is part of the headline.
    """
    heading = next((title for source, title in titles if source == "h1"), "")
    if place == "h1":
        return _without_label(text, titles)
    if (
        place != "JSON-LD headline"
        or len(heading) < _MIN_HEADLINE_LENGTH
        or not text.endswith(heading)
    ):
        return text
    prefix = text.removesuffix(heading).rstrip()
    return heading if prefix and prefix[-1].isalnum() else text


def _visible_headline(
    titles: Sequence[tuple[str, str]], votes: Mapping[str, Sequence[tuple[str, float, str, str]]]
) -> str | None:
    """Return the key of an h1 whose wording differs from that of the metadata titles.

    The h1 is the headline for readers; JSON-LD and the title tag may be optimised for search
    engines, or outdated. An h1 without a word in common with them is a logo or a section.
    """
    texts = dict(titles)
    tag = "h1" if "h1" in texts else "h2"
    key = next((k for k, g in votes.items() if any(place == tag for _, _, place, _ in g)), None)
    if key is None or (tag == "h2" and "JSON-LD headline" in texts):
        return None
    heading = texts[tag]
    others = [text for place, text in titles if place in _METADATA_PLACES]
    words = _stems(heading)
    related = any(words & _stems(other) for other in others)
    keys = {place: title_key(text) for place, text in titles}
    agrees = key == keys.get("JSON-LD headline") or (
        "title" in keys and _is_contained(key, keys["title"])
    )
    return key if related and not agrees and len(words) >= _MIN_STEMS else None


def _stems(text: str) -> set[str]:
    """Return the stems of the longer words of a title.

    >>> sorted(_stems("Der Deich wird höher")), _stems("Ab wann")
    (['deich', 'höher'], set())
    """
    words = (word.casefold() for word in LETTERS.findall(text))
    return {word[:_STEM_LENGTH] for word in words if len(word) >= _MIN_STEM_WORD}


def _without_label(text: str, titles: Sequence[tuple[str, str]]) -> str:
    """Remove the label or kicker in an h1 before the common beginning of og:title and title.

    A kicker with a colon occurs in the other places too, and remains.
    """
    page_titles = [title for place, title in titles if place in ("meta og:title", "title")]
    keys = {title_key(title) for title in page_titles}
    shared = [t for t in page_titles if all(key.startswith(title_key(t)) for key in keys)]
    if len(page_titles) < 2 or not shared or len(shared[0]) < _MIN_HEADLINE_LENGTH:
        return text
    return shared[0] if text != shared[0] and text.endswith(shared[0]) else text


def _weight(group: Sequence[tuple[str, float, str, str]]) -> float:
    strongest: dict[str, float] = {}
    for family, weight, _, _ in group:
        strongest[family] = max(weight, strongest.get(family, 0.0))
    return sum(strongest.values())


def _is_domain_variant(key: str, site: str) -> bool:
    """Check whether the names differ only by a top-level domain or "online" at the end."""
    shorter, longer = sorted((key, site), key=len)
    is_extended = len(shorter) > 2 and longer.startswith(shorter)
    return is_extended and longer.removeprefix(shorter) in (
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


def _first_title_per_place(candidates: Sequence[Candidate]) -> list[tuple[str, str]]:
    """Return place and plain text of the first candidate of each place.

    Of several h1, the one that agrees best with other places comes first; the others are logos,
    menus or sections.
    """
    texts = [(c.found_in, plain_title(c.value)) for c in candidates if isinstance(c.value, str)]
    others = [
        title_key(text)
        for place, text in texts
        if not place.startswith(("h1", "h2", "heading", "trafilatura"))
    ]
    first: dict[str, str] = {}
    for place, text in sorted(texts, key=lambda entry: _h1_rank(entry[0], entry[1], others)):
        first.setdefault(place, text)
    return list(first.items())


def _h1_rank(place: str, text: str, others: Sequence[str]) -> tuple[int, int]:
    """Return the sort rank of an h1 by its agreement with other places; 0 for other places."""
    key = title_key(text)
    if place != "h1" or key in others:
        return 0, 0
    if len(key) < _MIN_KEY_LENGTH:
        return 4, 0
    is_contained = any(key in other for other in others)
    return (1, -len(key)) if is_contained else (3, 0)


def _best_spelling(spellings: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return place and text of the preferred spelling: that of the h1, if it is complete.

    A kicker or second line in a separate element may lack the colon or blank of other places.
    """
    ranked = sorted(spellings, key=lambda spelling: _spelling_rank(spelling[0]))
    _, first = ranked[0]
    for place, text in ranked[1:]:
        colon_lost = text.count(": ") > first.count(":")
        blank_lost = len(text) > len(first) and text.replace(" ", "") == first.replace(" ", "")
        if colon_lost or blank_lost:
            return place, text
    return ranked[0]


def _spelling_rank(place: str) -> int:
    return _SPELLING_ORDER.index(place) if place in _SPELLING_ORDER else len(_SPELLING_ORDER)


def _is_contained(key: str, second_key: str) -> bool:
    return key in second_key or second_key in key
