"""PURE: detect teasers by the texts before and after them."""

import re
from collections.abc import Sequence
from typing import Literal

_BROKEN_OFF = re.compile(r"(?<!\s)\s*+(?:(?:…|\.\.\.|\[…\]|\[\.\.\.\])\s*+)?$")
"""End of a truncated paragraph."""
Beginning = Literal["paragraphs", "broken off"]
"""How a text begins another one: with whole paragraphs, or with a truncated last paragraph."""


def teaser_flags(
    paragraphs: Sequence[str], earlier: Sequence[str] = (), later: Sequence[str] = ()
) -> list[str]:
    """Return the flags of a text that follow from its neighbours in time.

    All arguments are paragraphs in canonical form. A text is a `teaser` if it is only the beginning
    of the text before it, or is truncated within the text after it. It is `after_teaser` if the
    text before it is truncated within it. A text that grew by whole paragraphs is a story that
    grew.
    """
    shrank = beginning(paragraphs, earlier) is not None
    breaks_off = beginning(paragraphs, later) == "broken off"
    flags = {
        "teaser": shrank or breaks_off,
        "after_teaser": beginning(earlier, paragraphs) == "broken off",
    }
    return [name for name, holds in flags.items() if holds]


def beginning(short: Sequence[str], long: Sequence[str]) -> Beginning | None:
    """Check whether paragraphs are only the beginning of others, as in front of a paywall.

    Both are in canonical form. Every paragraph occurs in the other text in the same order from its
    start; the last one may be truncated. At least half of the words of the longer text are missing.

    >>> whole = ["der Pegel steigt weiter.", "zwei Wege sind zu."]
    >>> beginning(["der Pegel steigt …"], whole), beginning(whole[:1], whole)
    ('broken off', 'paragraphs')
    >>> beginning(whole[1:], whole), beginning([], whole)
    (None, None)
    """
    count = len(short)
    if not 0 < count <= len(long) or short[:-1] != long[: count - 1]:
        return None
    last = _BROKEN_OFF.sub("", short[-1])
    if not last or not long[count - 1].startswith(last):
        return None
    if 2 * _count_words(short) > _count_words(long):
        return None
    return "paragraphs" if short[-1] == long[count - 1] else "broken off"


def _count_words(paragraphs: Sequence[str]) -> int:
    return sum(len(paragraph.split()) for paragraph in paragraphs)
