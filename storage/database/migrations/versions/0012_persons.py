"""Add the orders that a name means two persons in two articles."""

from alembic import op

from storage.database.tables.metadata import METADATA

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), tables=[METADATA.tables["person_parted"]])
