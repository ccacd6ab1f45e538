"""Modules that are loaded on first use, so that a command loads only its own modules."""

from importlib import import_module
from typing import Any


class LateModule:
    """Stands in for a module until one of its attributes is needed.

    >>> LateModule("storage.values.digest").raw_digest(b"").hex()[:8]
    'e3b0c442'
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
