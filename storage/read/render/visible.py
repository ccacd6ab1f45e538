"""PURE: text without active or invisible characters, for terminals and pages."""

import re

ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI … final byte: colours, cursor, erase
    r"|(?:\x1b[\]P_^X]|[\x9d\x90\x9f\x9e\x98])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS …
    r"|\x1b[ -/]*[0-~]"  # two-byte escapes
)
r"""
>>> ESCAPE_SEQUENCE.sub("", "\x1b[31mrot\x1b[0m \x1b]0;Titel\x07da")
'rot da'
"""
UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""
>>> bool(UNSEEN.search("Damm\u200bbruch"))
True
"""
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""
>>> bool(CONTROL.search("Pegel\x07"))
True
"""
BLANK = re.compile(r"\s+")
"""
>>> BLANK.sub(" ", "eine  Zeile\\nund noch eine")
'eine Zeile und noch eine'
"""


SOFT_HYPHEN = "\u00ad"
"""A possible line break that pages do not display."""


def visible(text: str) -> str:
    r"""Return `text` without terminal commands and with invisible characters made visible.

    Line feeds and tabs are retained.

    >>> visible("\x1b[2Jab\u202egnol \x00")
    'ab<U+202E>gnol '
    """
    if text.isprintable():
        return text if text.isascii() else UNSEEN.sub(_code_point, text)
    plain = ESCAPE_SEQUENCE.sub("", text)
    return CONTROL.sub("", UNSEEN.sub(_code_point, plain))


def display_text(text: str) -> str:
    r"""Return `text` for pages, feeds and mails: like `visible`, but soft hyphens are retained.

    >>> display_text("ab\u202egnol\x1b[31m")
    'ab⟨U+202E⟩gnol'
    """
    if text.isprintable():
        return text if text.isascii() else UNSEEN.sub(_bracket_code, text)
    return CONTROL.sub("", UNSEEN.sub(_bracket_code, ESCAPE_SEQUENCE.sub("", text)))


def one_line(text: str) -> str:
    r"""Return `text` as one visible line.

    >>> one_line("Damm\n gebrochen")
    'Damm gebrochen'
    """
    return BLANK.sub(" ", visible(text)).strip()


def _bracket_code(match: re.Match[str]) -> str:
    return match[0] if match[0] == SOFT_HYPHEN else f"⟨U+{ord(match[0]):04X}⟩"


def _code_point(match: re.Match[str]) -> str:
    return f"<U+{ord(match[0]):04X}>"
