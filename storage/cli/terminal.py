"""PURE: text that is safe on a terminal, and the few styles that we use."""

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
