"""Add the table of quotations, and fill it from the versions: reads each text once."""

from alembic import op

from storage.capabilities import parts_of
from storage.database.tables import METADATA

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    connection = op.get_bind()
    METADATA.create_all(connection, tables=[METADATA.tables["quotation"]])
    for capability, part in parts_of("wording_rows"):
        if capability.name == "quotations":
            part.fill(connection)
