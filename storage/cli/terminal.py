"""PURE: text styles for the terminal."""

from collections.abc import Mapping

STYLES: Mapping[str, tuple[str, str]] = {
    "removed": ("\x1b[31;9m", "\x1b[0m"),
    "added": ("\x1b[32m", "\x1b[0m"),
    "moved": ("\x1b[36m", "\x1b[0m"),
    "strong": ("\x1b[1m", "\x1b[0m"),
    "faint": ("\x1b[2m", "\x1b[0m"),
}
"""Control sequences before and after a text of that style."""


def styled(text: str, style: str, *, colour: bool) -> str:
    """Return `text` in that style; unchanged without `colour`."""
    if not colour or not text:
        return text
    before, after = STYLES[style]
    return f"{before}{text}{after}"
