"""Modules and patterns that are loaded at first use: a command loads only what it needs."""

import builtins
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Lock, get_ident
from types import SimpleNamespace
from typing import Any, cast

_LOCK = Lock()


class LateModule:
    """Stands in for a module until one of its attributes is needed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


@contextmanager
def late_imports() -> Iterator[None]:
    """Load the modules that the block imports only when one of their attributes is needed.

    The block has the forms `import MODULE` and `from PACKAGE import MODULE`, nothing else.

    >>> with late_imports():
    ...     from storage.values import digest
    >>> type(digest).__name__, digest.raw_digest(b"").hex()[:8]
    ('LateModule', 'e3b0c442')
    """
    thread = get_ident()

    def load_later(name: str, *scope: Any, **more: Any) -> Any:
        if get_ident() != thread:
            return load(name, *scope, **more)
        names = scope[2] if len(scope) > 2 else None
        if not names:
            return LateModule(name)
        return SimpleNamespace(**{each: LateModule(f"{name}.{each}") for each in names})

    with _LOCK:
        load = builtins.__import__
        builtins.__import__ = load_later
        try:
            yield
        finally:
            builtins.__import__ = load


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
