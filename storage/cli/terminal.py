"""PURE: text that is safe on a terminal, and the few styles that we use."""

import unicodedata
from collections.abc import Mapping

STYLES: Mapping[str, tuple[str, str]] = {
    "removed": ("\x1b[31;9m", "\x1b[0m"),
    "added": ("\x1b[32m", "\x1b[0m"),
    "moved": ("\x1b[36m", "\x1b[0m"),
    "strong": ("\x1b[1m", "\x1b[0m"),
    "faint": ("\x1b[2m", "\x1b[0m"),
}
"""What is written before and after a text in that style."""


def styled(text: str, style: str, *, colour: bool) -> str:
    """Return `text` in that style, or bare without `colour`."""
    if not colour or not text:
        return text
    before, after = STYLES[style]
    return f"{before}{text}{after}"


def width(text: str) -> int:
    """Return how many columns of a terminal `text` takes.

    >>> [width(each) for each in ("Öl", "O\u0308l", "東京")]
    [2, 2, 4]
    """
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def cut(text: str, columns: int) -> str:
    """Return as much of `text` as fits, with an ellipsis where something is left out.

    >>> cut("Harkenbrück", 6)
    'Harke…'
    """
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > columns - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
