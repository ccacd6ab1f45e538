"""Modules and patterns that are loaded at first use: a command loads only what it needs."""

import re
from importlib import import_module
from typing import Any, cast


class LazyModule:
    """Stands in for a module until one of its attributes is needed.

    An `if TYPE_CHECKING` block states the import for type checkers and readers; its `else` branch
    gives the same name to a lazy module. `tests/docs/test_house.py` compares the two.

    >>> digest = LazyModule("storage.values.digest")
    >>> digest.raw_digest(b"").hex()[:8]
    'e3b0c442'
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


class LazyPattern:
    """Stands in for a compiled pattern until one of its attributes is needed."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._given = pattern, flags

    def __getattr__(self, attribute: str) -> Any:
        compiled = re.compile(*self._given)
        for name in _PATTERN_ATTRIBUTES:  # later calls cost as much as without this class
            setattr(self, name, getattr(compiled, name))
        return getattr(compiled, attribute)


_PATTERN_ATTRIBUTES = [each for each in dir(re.Pattern) if not each.startswith("_")]


def lazy_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that is compiled at first use; for large ones that few texts need.

    >>> lazy_pattern("a+").sub("-", "baab")
    'b-b'
    """
    return cast("re.Pattern[str]", LazyPattern(pattern, flags))
