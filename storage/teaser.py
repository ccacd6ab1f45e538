"""PURE: whether a text is a teaser, told by what stood there before and after."""

import re
from collections.abc import Sequence
from typing import Literal

from storage.compare import Text
from storage.digest import canonical_all

_BROKEN_OFF = re.compile(r"\s*(?:…|\.\.\.|\[…\]|\[\.\.\.\])?\s*$")
"""How a paragraph ends that breaks off."""
Beginning = Literal["paragraphs", "broken off"]
"""How a text is the beginning of another: some whole paragraphs, or the last one breaks off."""


def teaser_flags(own: Text, before: Text | None, after: Text | None) -> list[str]:
    """Return what is to be said of a text between its neighbours in time.

    It is a `teaser` if it is only the beginning of what was seen before, or breaks off in the
    middle of what was seen after; it is `after_teaser` if what was seen before breaks off in the
    middle of it. A text that grew by whole paragraphs is a story that grew.
    """
    shrank = before is not None and beginning(own, before) is not None
    breaks_off = after is not None and beginning(own, after) == "broken off"
    follows = before is not None and beginning(before, own) == "broken off"
    flags = {"teaser": shrank or breaks_off, "after_teaser": follows}
    return [name for name, holds in flags.items() if holds]


def beginning(short: Text, long: Text) -> Beginning | None:
    """Tell whether a text is only the beginning of another one, as behind a paywall.

    Every paragraph stands in the other one in the same order from its start; the last may break
    off. At least half of the words of the longer one are missing.

    >>> whole = Text(None, (("text", "Der Pegel steigt weiter."), ("text", "Zwei Wege sind zu.")))
    >>> beginning(Text(None, (("text", "Der Pegel steigt …"),)), whole)
    'broken off'
    >>> beginning(Text(None, (("text", "Der Pegel steigt weiter."),)), whole)
    'paragraphs'
    >>> beginning(Text(None, (("text", "Zwei Wege sind zu."),)), whole)
    """
    own, other = (canonical_all([p for _, p in each.paragraphs]) for each in (short, long))
    count = len(own)
    if not 0 < count <= len(other) or own[:-1] != other[: count - 1]:
        return None
    last = _BROKEN_OFF.sub("", own[-1])
    if not last or not other[count - 1].startswith(last):
        return None
    if 2 * _count_words(own) > _count_words(other):
        return None
    return "paragraphs" if own[-1] == other[count - 1] else "broken off"


def _count_words(paragraphs: Sequence[str]) -> int:
    return sum(len(paragraph.split()) for paragraph in paragraphs)
