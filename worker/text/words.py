"""How many words a text has."""

import re
from collections.abc import Sequence

LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def word_count(pieces: Sequence[str]) -> int:
    """Count the pieces between blanks that hold a letter or a digit.

    >>> word_count("3,6 Prozent – das ist 152-Millimeter-Munition".split())
    5
    """
    odd = [piece for piece in pieces if not piece[0].isalnum()]
    return len(pieces) - sum([not LETTER_OR_DIGIT.search(piece) for piece in odd])
