"""How many words a text has."""

from collections.abc import Sequence
from functools import lru_cache

_NO_LETTERS = {code: None for code in range(128) if not chr(code).isalnum()}


@lru_cache(maxsize=2048)  # a page is compared with itself again and again
def title_key(text: str) -> str:
    """Return the letters and digits of a title alone, to compare by.

    >>> title_key("„Niemand“, sagt sie") == title_key('"Niemand", sagt sie')
    True
    """
    folded = text.casefold()
    if folded.isascii():
        return folded.translate(_NO_LETTERS)
    return "".join(filter(str.isalnum, folded))


def word_count(pieces: Sequence[str]) -> int:
    """Count the pieces between blanks that hold a letter or a digit.

    >>> word_count("3,6 Prozent – das ist 152-Millimeter-Munition".split())
    5
    """
    odd = [piece for piece in pieces if not piece[0].isalnum()]
    return len(pieces) - sum([not any(map(str.isalnum, piece)) for piece in odd])
