"""Rows of copies at other archives for an archive with a row in every table."""

from typing import Any

from sqlalchemy import Connection

VIEWS = {
    "outside_copies": "seq article version origin observed_at archive address captured_at "
    "recorded_at id",
}
"""The columns of its views, which never change their order."""


def fill(connection: Connection, observation: int, add_row: Any) -> None:
    for time in ("20240617060000", "20240618060000"):
        copy = f"https://archiv.example/{time}/https://presse.example/{observation}"
        add_row(
            connection, "outside_copy", observation_id=observation, archive="eins", address=copy
        )
