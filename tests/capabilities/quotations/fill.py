"""Rows of quotations for an archive with a row in every table."""

from typing import Any

from sqlalchemy import Connection, text

VIEWS = {
    "quotes": "seq article version number wording kind text speaker name office speaker_kind cue "
    "paragraph confidence published changed_after changed_by first_seen last_seen",
    "persons": "seq name quotations articles first_seen last_seen",
    "identities": "seq name article version outlet office quotations first_seen",
}
"""The columns of its views, which never change their order."""


def fill(connection: Connection, observation: int, add_row: Any) -> None:
    shown = "SELECT wording_id, derivation_id FROM snapshot WHERE observation_id = :number"
    row = connection.execute(text(shown), {"number": observation}).one()
    connection.execute(
        text(
            "INSERT INTO quotation (wording_id, number, derivation_id, kind, words, speaker, name, "
            "speaker_kind, paragraph, person, surname, is_hidden) VALUES (:wording, 0, :derivation, 'direct', "
            "'Der Damm hält.', 'Kern', 'Ada Kern', 'person', 0, 'ada kern', 'kern', FALSE)"
        ),
        {"wording": row.wording_id, "derivation": row.derivation_id},
    )
    for other in (observation, None):
        add_row(
            connection, "person_parted", observation_id=observation, other_id=other,
            digest="0" * 64, actor="ada",
        )  # fmt: skip
    for number in range(2):
        redacted = add_row(
            connection, "person_redaction", digest=f"{number}" * 64, reason="mistake", actor="ada"
        )
        add_row(connection, "person_redaction_lifted", redaction_id=redacted, actor="ada")
