"""Say of each version by which rules its step was told; of those that are there nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    column = sa.Column("method", sa.SmallInteger(), nullable=False, server_default="0")
    op.add_column("version", column)
