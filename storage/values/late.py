"""Modules that load when they are first asked for something: a command loads what it needs."""

from importlib import import_module
from typing import Any


class LateModule:
    """Stands for a module until something of it is wanted.

    >>> LateModule("storage.values.digest").raw_digest(b"").hex()[:8]
    'e3b0c442'
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
