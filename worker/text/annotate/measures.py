"""Count words and normalise titles."""

from collections.abc import Sequence
from functools import lru_cache

_NO_LETTERS = {code: None for code in range(128) if not chr(code).isalnum()}


@lru_cache(maxsize=2048)  # the titles of a page are compared repeatedly
def title_key(text: str) -> str:
    """Return only the letters and digits of a title, for comparisons.

    >>> title_key("„Niemand“, sagt sie") == title_key('"Niemand", sagt sie')
    True
    """
    lowered = text.casefold()
    if lowered.isascii():
        return lowered.translate(_NO_LETTERS)
    return "".join(filter(str.isalnum, lowered))


def word_count(pieces: Sequence[str]) -> int:
    """Count the whitespace-separated pieces that contain a letter or a digit.

    >>> word_count("3,6 Prozent – das ist 152-Millimeter-Munition".split())
    5
    """
    odd = [piece for piece in pieces if not piece[0].isalnum()]
    return len(pieces) - sum([not any(map(str.isalnum, piece)) for piece in odd])
