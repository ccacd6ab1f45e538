"""PURE: names of speakers in the form in which they are compared."""

import re
import unicodedata
from functools import lru_cache

MOST_LETTERS = 120
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
