"""How many words a text has."""

import re

LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def word_count(text: str) -> int:
    """Count what stands between blanks and holds a letter or a digit.

    >>> word_count("3,6 Prozent – das ist 152-Millimeter-Munition")
    5
    """
    tokens = text.split()
    odd = [token for token in tokens if not token[0].isalnum()]
    return len(tokens) - sum([not LETTER_OR_DIGIT.search(token) for token in odd])
