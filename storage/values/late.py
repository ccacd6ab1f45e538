"""Modules and patterns that are loaded at first use: a command loads only what it needs."""

import re
from importlib import import_module
from typing import Any, cast


class LateModule:
    """Stands in for a module until one of its attributes is needed.

    >>> LateModule("storage.values.digest").raw_digest(b"").hex()[:8]
    'e3b0c442'
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


class LatePattern:
    """Stands in for a compiled pattern until one of its attributes is needed."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._given = pattern, flags

    def __getattr__(self, attribute: str) -> Any:
        compiled = re.compile(*self._given)
        for name in _PATTERN_ATTRIBUTES:  # later calls cost what they cost without this class
            setattr(self, name, getattr(compiled, name))
        return getattr(compiled, attribute)


_PATTERN_ATTRIBUTES = [each for each in dir(re.Pattern) if not each.startswith("_")]


def late_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that is compiled at first use; for large ones that few texts need.

    >>> late_pattern("a+").sub("-", "baab")
    'b-b'
    """
    return cast("re.Pattern[str]", LatePattern(pattern, flags))
