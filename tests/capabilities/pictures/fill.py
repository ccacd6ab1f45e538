"""Rows of pictures for an archive with a row in every table."""

from typing import Any

from sqlalchemy import Connection

VIEWS = {
    "pictures": "seq id article version origin observed_at position event before address caption "
    "credit digest media_type width height pdq refused recorded_at",
}
"""The columns of its views, which never change their order."""


def fill(connection: Connection, observation: int, add_row: Any) -> None:
    for event in ("first", "swapped", "screenshot"):
        add_row(
            connection, "article_picture", observation_id=observation, event=event,
            address=f"https://presse.example/{observation}/{event}.jpg", position=0,
        )  # fmt: skip
    add_row(
        connection, "refusal", observation_id=observation, code="consent_wall", kept=False,
        locator="https://presse.example/wand",
    )  # fmt: skip
