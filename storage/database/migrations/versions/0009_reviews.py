"""Add the reviews of changes."""

from alembic import op

from storage.database.tables.metadata import METADATA

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    tables = [METADATA.tables[name] for name in ("review", "review_withdrawn")]
    METADATA.create_all(op.get_bind(), tables=tables)
