"""Make room for restrictions, by which nothing of an article is shown, and for their lifting."""

import sqlalchemy as sa
from alembic import op

from storage.database.tables import UtcTime

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "restriction",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("restriction_by_origin", "restriction", ["origin_id"])
    op.create_table(
        "restriction_lifted",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("restriction_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("restriction_id"),
    )
