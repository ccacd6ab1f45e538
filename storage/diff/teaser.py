"""PURE: whether a text is a teaser, told by what stood there before and after."""

import re
from collections.abc import Sequence
from typing import Literal

_BROKEN_OFF = re.compile(r"(?<!\s)\s*+(?:(?:…|\.\.\.|\[…\]|\[\.\.\.\])\s*+)?$")
"""How a paragraph ends that breaks off."""
Beginning = Literal["paragraphs", "broken off"]
"""How a text is the beginning of another: some whole paragraphs, or the last one breaks off."""


def teaser_flags(
    own: Sequence[str], before: Sequence[str] = (), after: Sequence[str] = ()
) -> list[str]:
    """Return what is to be said of a text between its neighbours in time.

    All are paragraphs in canonical form. It is a `teaser` if it is only the beginning of what was
    seen before, or breaks off in the middle of what was seen after; it is `after_teaser` if what
    was seen before breaks off in the middle of it. A text that grew by whole paragraphs is a story
    that grew.
    """
    shrank = beginning(own, before) is not None
    breaks_off = beginning(own, after) == "broken off"
    flags = {
        "teaser": shrank or breaks_off,
        "after_teaser": beginning(before, own) == "broken off",
    }
    return [name for name, holds in flags.items() if holds]


def beginning(short: Sequence[str], long: Sequence[str]) -> Beginning | None:
    """Return whether paragraphs are only the beginning of others, as behind a paywall.

    Both are in canonical form. Every paragraph stands in the other text in the same order from
    its start; the last may break off. At least half of the words of the longer one are missing.

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
