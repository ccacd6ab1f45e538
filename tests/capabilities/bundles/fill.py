"""Bundles have no tables and no views of their own."""

from typing import Any

from sqlalchemy import Connection

VIEWS: dict[str, str] = {}


def fill(_connection: Connection, _observation: int, _add_row: Any) -> None:
    """Add nothing: it has no tables."""
