"""Add quotations, filled from the versions, and redactions of names: reads each text once."""

from alembic import op

from storage.capabilities import parts_of
from storage.database.tables.metadata import METADATA

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    connection = op.get_bind()
    names = ("person_redaction", "person_redaction_lifted", "quotation")
    METADATA.create_all(connection, tables=[METADATA.tables[name] for name in names])
    for capability, part in parts_of("wording_rows"):
        if capability.name == "quotations":
            part.fill(connection)
