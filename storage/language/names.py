"""PURE: words that are names of people, places and organisations according to the text.

There is no model, and the only list contains well-known places: the context decides. So it finds
fewer names than a reader would, and is seldom wrong.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from storage.language.word_lists import word_list

PLACES = word_list("places")
"""Names of places; the excluded words are common nouns or words too."""

PLACE_ENDING = re.compile(
    r"[A-ZÄÖÜ][\wäöüß-]{1,20}(?:stadt|stedt|städt|burg|dorf|heim|hausen|furt|fürt|brück|brücken|ingen|büttel"
    r"|wedel|münde|kirchen|rode|roda|itz|hafen|felde|walde|leben|beuren|weiler|hofen|kamp|borg|loh"
    r"|haven|siel|koog|grad|ham|shire|ford|bury|mouth|combe|ton)"
)
"""Frequent endings of place names.

>>> [bool(PLACE_ENDING.fullmatch(each)) for each in ("Osterwedel", "Krummenfurt", "Wasser")]
[True, True, False]
"""
NO_PLACE = re.compile(
    r".*(?:haupt|innen|alt|neu|groß|klein|vor|hansa|hanse|partner|heimat|unter|welt|millionen|kreis|landes)stadt"
    r"|.*(?:flug|see|yacht|jacht|binnen|fischerei|container|fähr|heimat)hafen"
    r"|.*(?:pflege|alten|alters|kinder|tier|senioren|wohn|eigen|jugend|vereins|feuerwehr|ge)heim"
    r"|.*(?:besitz|beton|karton|Ton|kanton|marathon|hitz|spitz|blitz|notiz|schutz)|zeit.*"
    r"|.*(?:strand|sand|ritter|über)burg|.*(?:feriend|berg|nachbard|heimatd)orf|.*schul.*|.*ung"
    r"|.*leben|waggon|.*schling(?:e|en)",
    re.IGNORECASE,
)
"""Common nouns that end like places.

>>> bool(NO_PLACE.fullmatch("Innenstadt")), bool(NO_PLACE.fullmatch("Osterwedel"))
(True, False)
"""


def is_place(word: str) -> bool:
    """Check whether a word is a known place name.

    >>> is_place("Hannover"), is_place("Quellhausen")
    (True, False)
    """
    return word in PLACES


def may_be_place(word: str) -> bool:
    """Check whether a word ends like a place name; the word before it must confirm it.

    >>> may_be_place("Quellhausen"), may_be_place("Innenstadt"), may_be_place("Panik")
    (True, False, False)
    """
    return PLACE_ENDING.fullmatch(word) is not None and NO_PLACE.fullmatch(word) is None


_ENDS_OF_SENTENCE = frozenset(".!?…:\"'(-–—•*|")

_TITLES = word_list("titles")
_ABBREVIATED_TITLES = frozenset(["dr", "prof", "mr", "mrs", "ms", "st", "sen", "gov", "rep"])

_SPEECH = word_list("verbs_of_speech")

# Capitalised words that occur next to other capitalised ones without being names.
_MEASURES = word_list("measures")
_NO_NAMES = frozenset(["i", "ich", "sie", "ihr", "ihre", "ihrem", "ihren", "ihrer", "ihnen"])
_NEVER = _MEASURES | _NO_NAMES | _TITLES
_NO_NEIGHBOURS = _MEASURES | _NO_NAMES | _TITLES

_BEFORE_PLACES = frozenset(["in", "aus", "nach", "bei", "von", "bis", "über", "gegen", "um"])
_GERMAN = word_list("common_german")
_ENGLISH = word_list("common_english")


@dataclass(frozen=True, slots=True)
class Signs:
    """Evidence for names in one paragraph: its lower-case words, and the words that it shows to be
    names.

    `german` and `english` count common words of a language. `shown` are names in any language;
    `capitals` also includes words that are names only in languages without capitalised nouns.
    """

    lower: frozenset[str]
    german: int
    english: int
    shown: frozenset[str]
    capitals: frozenset[str]


def signs_of(tokens: Sequence[str]) -> Signs:
    """Return the evidence for names in the tokens of a paragraph; `names_of` combines all
    paragraphs.
    """
    shown, capitals = _find_names(tokens)
    return Signs(
        lower=frozenset(token for token in tokens if token.islower()),
        german=sum(token in _GERMAN for token in tokens),
        english=sum(token in _ENGLISH for token in tokens),
        shown=shown,
        capitals=capitals,
    )


def names_of(paragraphs: Sequence[Signs]) -> frozenset[str]:
    """Return the words that are names in some paragraph and lower-case in none.

    A capitalised word that does not begin a sentence is a name if

    - it is written in capitals or contains one (`EU`, `AfD`);
    - a title precedes it (`Frau`, `Dr.`, `Präsident`, `President`);
    - another such word is next to it, and neither is a measure, month or day (`Kim Jong`);
    - a verb of speech is next to it (`sagte Kim`);
    - it is a well-known place, or ends like one after `in`, `aus`, `nach` …;
    - the text is in English and it is not a day or month.

    A name found in this way is a name at the beginning of a sentence too.

    >>> sorted(names_of([signs_of("Die Lage sah Frau Kim in der EU .".split())]))
    ['EU', 'Kim']
    """
    lower = frozenset[str]().union(*(each.lower for each in paragraphs))
    german = sum(each.german for each in paragraphs)
    nouns_are_capitalised = german >= sum(each.english for each in paragraphs) or not lower
    shown = (each.shown if nouns_are_capitalised else each.capitals for each in paragraphs)
    found = frozenset[str]().union(*shown)
    return frozenset(token for token in found if token.lower() not in lower)


def _find_names(tokens: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words of a paragraph that are names, and those that are names in English."""
    if _is_shouted(tokens):
        return frozenset(), frozenset()
    inner = [_is_inner_capital(tokens, k) for k in range(len(tokens))]
    places = [k for k, is_inner in enumerate(inner) if is_inner and tokens[k].lower() not in _NEVER]
    shown = (
        tokens[k]
        for k in places
        if _has_inner_capital(tokens[k])
        or _is_titled(tokens, k)
        or _stands_by_another(tokens, inner, k)
        or _speaks(tokens, k)
        or _is_place(tokens, k)
    )
    return frozenset(shown), frozenset(tokens[k] for k in places)


def _is_inner_capital(tokens: Sequence[str], k: int) -> bool:
    """Check whether a capitalised word is not at the start of a sentence."""
    token = tokens[k]
    if not token[0].isupper() or len(token) == 1:
        return False
    return (k > 0 and tokens[k - 1] not in _ENDS_OF_SENTENCE) or _is_titled(tokens, k)


def _is_shouted(tokens: Sequence[str]) -> bool:
    words = [token for token in tokens if token.isalpha() and len(token) > 1]
    return 2 * sum(1 for word in words if word.isupper()) > len(words)


def _has_inner_capital(token: str) -> bool:
    return any(letter.isupper() for letter in token[1:])


def _is_titled(tokens: Sequence[str], k: int) -> bool:
    before = tokens[k - 1].lower() if k else ""
    if before == "." and k > 1:
        return tokens[k - 2].lower() in _ABBREVIATED_TITLES
    return before in _TITLES


def _stands_by_another(tokens: Sequence[str], inner: Sequence[bool], k: int) -> bool:
    return any(
        0 <= other < len(tokens) and inner[other] and tokens[other].lower() not in _NO_NEIGHBOURS
        for other in (k - 1, k + 1)
    )


def _is_place(tokens: Sequence[str], k: int) -> bool:
    if is_place(tokens[k]):
        return True
    return k > 0 and tokens[k - 1].lower() in _BEFORE_PLACES and may_be_place(tokens[k])


def _speaks(tokens: Sequence[str], k: int) -> bool:
    before = tokens[k - 1] if k else ""
    after = tokens[k + 1] if k + 1 < len(tokens) else ""
    return before in _SPEECH or (after in _SPEECH and before not in _GERMAN)
