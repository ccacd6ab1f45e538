"""PURE: frequent place names in German and English press texts, and typical endings of others.

A word that is a common noun too (Essen, Halle, Hof, Reading, Bath) is not included.
"""

import re

from storage.language.words import word_list

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
