"""Add the copies at other archives, and the requests for them."""

from alembic import op

from storage.database.tables import COPY_REQUEST, METADATA, OUTSIDE_COPY

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), tables=[OUTSIDE_COPY, COPY_REQUEST])
