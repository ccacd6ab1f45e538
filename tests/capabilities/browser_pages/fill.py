"""Rendered pages have no table of their own."""

from typing import Any

VIEWS: dict[str, str] = {}
"""The columns of its views: there are none."""


def fill(_connection: Any, _observation: int, _add_row: Any) -> None:
    """Add nothing."""
