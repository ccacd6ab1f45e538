r"""PURE: decides which texts people may enter, by command or by request, on both databases alike.

Each option of a command and each field of a request has a rule: `RULES` by the word that its help
shows for the value, `Bounds` in the type of a field. PostgreSQL stores neither NUL nor halves of
surrogate pairs, so `make_storable` replaces them in texts that an archive of SQLite already has.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from storage.values.messages import message_text

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROLS_IN_LINES = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
LONGEST = 8_192
"""Maximum number of characters of a text without a rule of its own."""


@dataclass(frozen=True, slots=True)
class TextRule:
    """The rule for an entered text: its greatest length, and whether it may have several lines.

    The name of a file, `is_place`, may contain any bytes except NUL.
    """

    longest: int = LONGEST
    has_lines: bool = False
    is_place: bool = False

    def fault(self, text: str) -> str | None:
        r"""Return why a text is refused, None if it is accepted.

        >>> TextRule().fault("a\0b")
        'it contains the control character U+0000'
        >>> TextRule(has_lines=True).fault("zwei\nZeilen"), TextRule(is_place=True).fault("\udcff")
        (None, None)
        """
        if len(text) > self.longest:
            return message_text("text_long", limit=self.longest)
        unwanted = _CONTROLS_IN_LINES if self.has_lines else _CONTROLS
        found = None if text.isprintable() else unwanted.search(text)
        if found is None or (self.is_place and found[0] != "\0" and "\0" not in text):
            return None
        name = "text_control" if found[0] < "\ud800" else "text_surrogate"
        return message_text(name, code=f"{ord(found[0]):04X}")


LINE, LINES, PLACE = TextRule(), TextRule(100_000, has_lines=True), TextRule(is_place=True)
RULES: Mapping[str, TextRule] = MappingProxyType({
    "NAME": TextRule(300),
    "TEXT": TextRule(has_lines=True),
    "WORDS": LINES,
    "QUERY": LINES,
    "NAME=VALUE": LINES,
    "PATH|URL": PLACE,
    "LOCATOR": PLACE,
    "LOCATOR…": PLACE,
    "OTHER": PLACE,
})  # fmt: skip
"""The rules of the options and arguments whose value is not a line of at most `LONGEST`."""


def make_storable(value: Any) -> Any:
    r"""Return a text or JSON value with U+FFFD for what PostgreSQL cannot store.

    >>> make_storable({"note": ["a\0", 5]})
    {'note': ['a\ufffd', 5]}
    """
    match value:
        case str():
            return _UNSTORABLE.sub(REPLACEMENT, value)
        case dict():
            return {make_storable(name): make_storable(each) for name, each in value.items()}
        case list():
            return [make_storable(each) for each in value]
    return value
