"""Rows of reviews for an archive with a row in every table."""

from typing import Any

from sqlalchemy import Connection

VIEWS = {
    "reviews": "seq id article version label note reviewer reviewed_at recorded_at foreign "
    "withdrawn_at withdrawn_by",
}
"""The columns of its views, which never change their order."""


def fill(connection: Connection, observation: int, add_row: Any) -> None:
    for label in ("important", "zahl"):
        review = add_row(
            connection, "review", observation_id=observation, label=label, note="Zahl geändert",
            reviewer="ada", is_foreign=False,
        )  # fmt: skip
        add_row(connection, "review_withdrawn", review_id=review, reviewer="ada")
