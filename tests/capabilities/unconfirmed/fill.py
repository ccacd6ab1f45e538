"""Rows of unconfirmed readings for an archive with a row in every table."""

from typing import Any

from sqlalchemy import Connection, text

VIEWS = {
    "unconfirmed": "seq id article origin wording observed_at last_seen checks signs grade title "
    "text until decision decided_by decided_at",
}
"""The columns of its views, which never change their order."""


def fill(connection: Connection, observation: int, add_row: Any) -> None:
    """Add a first text that was doubtful and that a person confirmed."""
    chosen = {"number": observation}
    query = text("SELECT origin_id, derivation_id FROM snapshot WHERE observation_id = :number")
    origin, derivation = connection.execute(query, chosen).one()
    confirmed = text("UPDATE version SET confirmed_id = id WHERE observation_id = :number")
    connection.execute(confirmed, chosen)
    add_row(
        connection, "doubt", origin_id=origin, observation_id=observation,
        a_derivation_id=derivation, b_derivation_id=derivation, signs=["no_marks"], grade="soft",
        wait_seconds=1800,
    )  # fmt: skip
    for decision in ("dismissed", "confirmed"):
        settled = add_row(
            connection, "doubt_settled", observation_id=observation, decision=decision,
            decided_by="ada", is_foreign=False,
        )  # fmt: skip
        if decision == "dismissed":
            add_row(connection, "doubt_settled_undone", doubt_settled_id=settled, undone_by="ada")
