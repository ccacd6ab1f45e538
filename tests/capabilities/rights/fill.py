"""Declarations are in the rows of transfers, which are filled with all tables."""

from typing import Any

from sqlalchemy import Connection

VIEWS = {
    "rights": "seq article origin found_in protocol name value machine_readable changed_after "
    "first_seen last_seen ended_by checks foreign id",
}
"""The columns of its views, which never change their order."""


def fill(_connection: Connection, _observation: int, _add_row: Any) -> None:
    """Add nothing: it has no tables."""
