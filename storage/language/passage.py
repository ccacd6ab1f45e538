r"""PURE: decides whether a text contains a passage, and where.

Only letters and digits are compared. A text contains a passage if it has the letters and digits of
the passage in the same order, with a break between words only where the passage has one. Case,
compatibility forms of Unicode, apostrophes, invisible code points, emphasis and hyphens at line
ends are ignored. The passage may begin and end within words, unless it matches whole words only.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from storage.values.digest import SINGLE_QUOTES

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""The code points with the property Default_Ignorable_Code_Point of Unicode 16, for a pattern."""
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
_APOSTROPHES = re.compile(f"['{SINGLE_QUOTES}\uff07]")
_NOT_COUNTED = re.compile(r"[\W_]+")
_BREAKS = (
    r"\s!-&()+-/:-@\[-^{-~\u00a1-\u00bf\u00d7\u00f7\u2010-\u2027\u2030-\u205e\u2190-\u2bff"
    r"\u3000-\u303f\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uffef"
)
"""White space, punctuation and symbols, which end a word. All other characters except letters and
digits are ignored within words: marks, controls, apostrophes, `*` and `_`."""
_IGNORED = rf"(?:[^\w{_BREAKS}]|_|[-\u2010\u2011\u2043][ \t]*[\r\n]\s*)*+"
_IGNORED_IN_WORDS = re.compile(_IGNORED)
_GAP = r"[\W_]*+"
_COMBINING = "\u0300"
"""The first combining code point."""


def fold(text: str) -> str:
    r"""Return a text without differences of case, compatibility and invisible code points.

    >>> fold("Stra\u00adße, Ｋern’s \ufb01")
    "strasse, kern's fi"
    """
    if text.isascii():
        return text.lower()
    text = _APOSTROPHES.sub("'", _INVISIBLE.sub("", text))
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def letters_of(folded: str) -> str:
    """Return the letters and digits of a folded text.

    >>> letters_of(fold("Ada Kern-Müller, 36"))
    'adakernmüller36'
    """
    return _NOT_COUNTED.sub("", folded)


@dataclass(frozen=True)
class Passage:
    """A passage as its folded words; with `is_whole` it begins and ends with whole words only.

    >>> Passage.parse("Ada  Kern").replace("Frau ada kerns Haus", "[redacted]")
    'Frau [redacted]s Haus'
    >>> ulm = Passage.parse("Ulm")
    >>> ulm.is_in("in Kulmbach"), ulm.is_in("Paul Meier")
    (True, False)
    >>> Passage.parse("Ulm", is_whole=True).is_in("in Kulmbach")
    False
    """

    words: tuple[str, ...]
    is_whole: bool = False

    @classmethod
    def parse(cls, text: str, *, is_whole: bool = False) -> "Passage":
        """Return a passage; it has no words if the text has neither letters nor digits."""
        ignored = _IGNORED_IN_WORDS.sub("", fold(text))
        return cls(tuple(_NOT_COUNTED.sub(" ", ignored).split()), is_whole)

    @classmethod
    def from_breaks(cls, letters: str, breaks: Sequence[int], *, is_whole: bool) -> "Passage":
        """Return a passage by its letters and the places in them at which a word ends."""
        ends = (*breaks, len(letters))
        starts = (0, *breaks)
        words = (letters[start:end] for start, end in zip(starts, ends, strict=True))
        return cls(tuple(words), is_whole)

    @cached_property
    def letters(self) -> str:
        return "".join(self.words)

    @property
    def breaks(self) -> tuple[int, ...]:
        """The places in `letters` at which a word ends and the next one begins."""
        ends, end = [], 0
        for word in self.words[:-1]:
            end += len(word)
            ends.append(end)
        return tuple(ends)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        inner = _GAP.join(_IGNORED.join(map(re.escape, word)) for word in self.words)
        if self.is_whole:
            between = rf"(?:[^\w{_BREAKS}]|_)"
            inner = rf"(?<![^\W_])(?<![^\W_]{between}){inner}(?!{_IGNORED}[^\W_])"
        return re.compile(inner)

    def is_in(self, text: str) -> bool:
        """Check whether a text contains the passage."""
        return self.is_in_folded(fold(text))

    def is_in_folded(self, folded: str, letters: str | None = None) -> bool:
        """Check whether a folded text contains the passage; `letters` are those of the text."""
        if not self.words:
            return False
        found = letters_of(folded) if letters is None else letters
        return self.letters in found and self._pattern.search(folded) is not None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield start and end of each place of the passage in a text, in code points."""
        if not self.is_in(text):
            return
        folded, places = _fold_with_places(text)
        for found in self._pattern.finditer(folded):
            yield places[found.start()][0], places[found.end() - 1][1]

    def replace(self, text: str, mark: str) -> str:
        """Return a text with a mark in place of the passage."""
        pieces, end = [], 0
        for start, stop in self.spans(text):
            pieces += [text[end:start], mark]
            end = stop
        return "".join((*pieces, text[end:])) if pieces else text


def _fold_with_places(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a folded text, and start and end in the text of each of its characters."""
    folded: list[str] = []
    places: list[tuple[int, int]] = []
    for start, end in _clusters(text):
        characters = fold(text[start:end])
        folded.append(characters)
        places += [(start, end)] * len(characters)
    return "".join(folded), places


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of characters with the marks and invisible characters that follow them."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not _is_joined(text[at]):
            if at > start:
                yield start, at
            start = at


def _is_joined(character: str) -> bool:
    """Check whether a character may compose with the one before it."""
    if character < _COMBINING:
        return character == "\u00ad"
    return (
        unicodedata.category(character).startswith("M")
        or "\u1160" <= character <= "\u11ff"
        or _INVISIBLE.match(character) is not None
    )
