"""Choose the headline that a reader sees among the titles that a page carries."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import unescape

from storage.record import Candidate

SEPARATOR = re.compile(r"\s+[|–—·•»«:/~>-]+\s+|\s*[|•»]\s*|\s+::\s+|:\s+")
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

MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
"""A tag inside a value that should be plain.

>>> MARKUP.sub("", "Ein <i>neuer</i> Ton")
'Ein neuer Ton'
"""

_WEIGHTS = {
    "h1": 3.0,
    "JSON-LD headline": 3.0,
    "meta og:title": 2.0,
    "itemprop headline": 2.0,
    "title": 1.5,
    "meta twitter:title": 1.0,
    "meta headline": 1.0,
    "meta title": 1.0,
    "JSON-LD name": 1.0,
    "JSON-LD WebPage name": 1.0,
    "h1 with kicker": 1.0,
    "trafilatura": 0.4,
    "h2": 0.8,
}
_OTHER_WEIGHT = 0.6
_SPELLING_ORDER = ("h1", "JSON-LD headline", "itemprop headline", "meta og:title", "h1 with kicker")
_SHORTEST = 3


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
    sites = tuple(sites)
    keys = {title_key(plain_title(c.value)) for c in candidates if c.found_in in _SPELLING_ORDER}
    votes: dict[str, list[tuple[float, str, str]]] = {}
    for candidate in _once_per_place(candidates):
        text = strip_site(plain_title(candidate.value), sites, keys)
        key = title_key(text)
        if len(key) < _SHORTEST or _is_site(text, sites):
            continue
        weight = _WEIGHTS.get(candidate.found_in, _OTHER_WEIGHT)
        votes.setdefault(key, []).append((weight, candidate.found_in, text))
    if not votes:
        return None
    sums = {key: sum(weight for weight, _, _ in group) for key, group in votes.items()}
    best = max(sums, key=lambda key: sums[key])  # the first wins a tie
    _, found_in, text = min(votes[best], key=lambda vote: _spelling_rank(vote[1]))
    share = sums[best] / sum(sums.values())
    rivals = [key for key in sums if sums[key] >= 3.0 and not _kin(key, best)]
    return Headline(text, found_in, round(share, 2), bool(rivals))


def plain_title(text: str) -> str:
    """Return a title as it is read: without unseen characters, tags and double escapes.

    >>> plain_title("Die Straßen\u00adbahn  &#8211; ein <b>Test</b>")
    'Die Straßenbahn – ein Test'
    """
    if REFERENCE.search(text):
        text = unescape(text)
    return " ".join(UNSEEN.sub("", MARKUP.sub("", text)).split())


def title_key(text: str) -> str:
    """Return the letters and digits of a title alone, to compare by.

    >>> title_key("„Niemand“, sagt sie") == title_key('"Niemand", sagt sie')
    True
    """
    return "".join(filter(str.isalnum, UNSEEN.sub("", text).casefold()))


def strip_site(
    text: str, sites: Sequence[str], keys: frozenset[str] | set[str] = frozenset()
) -> str:
    """Return a title without the name of its site before or after it.

    What is cut must be one of `sites`, or leave a headline that stands elsewhere on the page
    (`keys`): so the name is learned from the page, not from a list.

    >>> strip_site("Die Linde bleibt - Lohetal - Küstenbote", ["Küstenbote"], {"dielindebleibt"})
    'Die Linde bleibt'
    >>> strip_site("Sturm - Dächer fliegen", ["Küstenbote"])
    'Sturm - Dächer fliegen'
    """
    cuts = [(m.start(), m.end()) for m in SEPARATOR.finditer(text)][:12]
    for start, end in cuts:
        if title_key(text[:start]) in keys:
            return text[:start].strip()
        if title_key(text[end:]) in keys and _is_site(text[:start], sites):
            return text[end:].strip()
    for start, end in reversed(cuts):
        if _is_site(text[end:], sites):
            return strip_site(text[:start].strip(), sites, keys)
    if cuts and _is_site(text[: cuts[0][0]], sites) and ":" not in text[cuts[0][0] : cuts[0][1]]:
        return text[cuts[0][1] :].strip()
    return text


def _is_site(text: str, sites: Iterable[str]) -> bool:
    key = title_key(text)
    return bool(key) and any(key == site or _domain_of(key, site) for site in map(title_key, sites))


def _domain_of(key: str, site: str) -> bool:
    """Tell whether one is the other with a top-level domain or "online" behind it."""
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


def _once_per_place(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the first candidate of each place: a second h1 belongs to something else."""
    seen: dict[str, Candidate] = {}
    for candidate in candidates:
        if isinstance(candidate.value, str):
            seen.setdefault(candidate.found_in, candidate)
    return list(seen.values())


def _spelling_rank(found_in: str) -> int:
    return _SPELLING_ORDER.index(found_in) if found_in in _SPELLING_ORDER else len(_SPELLING_ORDER)


def _kin(one: str, other: str) -> bool:
    return one in other or other in one
