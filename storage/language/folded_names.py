"""PURE: names of speakers in the form in which they are compared."""

import re
import unicodedata
from functools import cache, lru_cache

from storage.language.word_lists import word_list

MOST_LETTERS = 120
MOST_UMLAUTS = 4
JOINED = re.compile(r" (?:und|and|sowie|as well as) | ?& ?|/(?=[A-ZÄÖÜ])|, (?=[A-ZÄÖÜ])")
"""What is between the names of several speakers in the words of a text."""
_SHORTEST_GENITIVE = 3
_UMLAUT = re.compile("([aouAOU])\u0308")
_DIGRAPH = re.compile("[aou]e")
_WORD = re.compile(r"\w+(?:['’]\w+)*+")


@lru_cache(maxsize=1024)  # the same few names speak in a text
def fold_name(name: str | None) -> str | None:
    """Return the words of a name without case, accents and punctuation, None if there are none.

    >>> fold_name("Jörg  KÖSTLIN-Weiß"), fold_name("“"), fold_name("O’Neill")
    ('jorg kostlin weiss', None, "o'neill")
    """
    letters = name or ""
    if not letters.isascii():
        plain = unicodedata.normalize("NFKD", letters)
        letters = "".join([each for each in plain if not unicodedata.combining(each)])
    words = _WORD.findall(letters.casefold().replace("’", "'"))
    return " ".join(words)[:MOST_LETTERS] or None


def name_spellings(name: str) -> tuple[str, ...]:
    """Return the folded forms of a typed name: with umlauts, or with ae, oe and ue.

    >>> name_spellings("Michael Muehlan")
    ('michael muehlan', 'michael muhlan', 'michal muehlan', 'michal muhlan')
    >>> name_spellings("Mühlan"), name_spellings("Kern")
    (('muhlan', 'muehlan'), ('kern',))
    """
    full = _UMLAUT.sub(r"\1e", unicodedata.normalize("NFD", name))
    forms = [fold_name(full) or ""]
    for digraph in reversed([*_DIGRAPH.finditer(forms[0])][:MOST_UMLAUTS]):
        forms += [each[: digraph.end() - 1] + each[digraph.end() :] for each in forms]
    return tuple(dict.fromkeys([fold_name(name) or "", *forms]))


@cache
def _titles() -> frozenset[str]:
    return frozenset(fold_name(each) or each for each in word_list("titles"))


@lru_cache(maxsize=1024)
def person_forms(folded: str) -> tuple[str, ...]:
    """Return the folded names that folded words may mean: as they are, without titles and genitive.

    >>> person_forms("prof dr ada kerns")
    ('prof dr ada kerns', 'ada kerns', 'prof dr ada kern', 'ada kern')
    >>> person_forms("ada kern"), person_forms("ada kerns sprecher"), person_forms("herr kern's")
    (('ada kern',), ('ada kerns sprecher',), ("herr kern's", "kern's", 'herr kern', 'kern'))
    """
    found = [folded]
    words = folded.split()
    while len(words) > 1 and words[0] in _titles():
        words = words[1:]
    found.append(" ".join(words))
    for each in (*found,):
        if len(each) > _SHORTEST_GENITIVE and each.endswith("s"):
            found.append(each.removesuffix("s").removesuffix("'"))
        elif each.endswith("'"):
            found.append(each.removesuffix("'"))
    return tuple(dict.fromkeys(found))
