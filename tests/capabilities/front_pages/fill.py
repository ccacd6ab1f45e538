"""Rows of a front page for an archive with a row in every table."""

from typing import Any

from sqlalchemy import Connection, text

VIEWS = {
    "teasers": "seq front observed_at position origin headline kicker heading_level picture foreign id",
    "fronts": "seq front origin headline kicker position first_position last_position heading_level "
    "picture headline_test changed_after first_seen last_seen ended_by checks foreign id teaser",
}
"""The columns of its views, which never change their order."""


def fill(connection: Connection, observation: int, add_row: Any) -> None:
    query = text("SELECT id, locator_id FROM observation ORDER BY id = :own, id DESC")
    (other, front), *_, (_own, article) = connection.execute(query, {"own": observation})
    a, b = (
        add_row(connection, "teaser", front_id=front, origin_id=article, headline=each)
        for each in ("Pegel steigt", "Pegel fällt")
    )
    add_row(
        connection, "front", observation_id=other, origin_id=front,
        teasers=[[a, 2, 1], [b, None, 0]], found=2,
    )  # fmt: skip
