"""Add the changes of entries of live blogs to versions."""

import sqlalchemy
from alembic import op

from storage.database.columns import JSON_TYPE

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; older versions have no entries until their captures are extracted again."""
    op.add_column("version", sqlalchemy.Column("entries", JSON_TYPE))
