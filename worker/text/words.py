"""How many words a text has."""

import re

LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def word_count(text: str) -> int:
    """Count what stands between blanks and holds a letter or a digit.

    >>> word_count("3,6 Prozent – das ist 152-Millimeter-Munition")
    5
    """
    return sum([token.isalnum() or _has_word(token) for token in text.split()])


def _has_word(token: str) -> bool:
    return LETTER_OR_DIGIT.search(token) is not None
