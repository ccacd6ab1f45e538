"""Add the teasers of front pages."""

from alembic import op

from storage.database.tables import FRONT, METADATA, TEASER

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), tables=[TEASER, FRONT])
