"""Rows of resources for an archive with a row in every table."""

from typing import Any

from sqlalchemy import Connection

VIEWS = {
    "page_resources": "seq id article version origin observed_at address media_type location status size "
    "digest recorded_at",
}
"""The columns of its views, which never change their order."""


def fill(connection: Connection, observation: int, add_row: Any) -> None:
    for name in ("stil.css", "zahl.js"):
        add_row(
            connection, "page_resource", observation_id=observation, status=200, size=0,
            address=f"https://presse.example/{observation}/{name}",
        )  # fmt: skip
