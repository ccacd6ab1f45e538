"""Say of redactions who ordered them and which belong together; note what must not come back."""

import sqlalchemy as sa
from alembic import op

from storage.database.tables import UtcTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE redaction_kept AS SELECT id, table_name, row_id, reason, at FROM redaction"
    )
    op.drop_table("redaction")
    op.create_table(
        "redaction",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("table_name", sa.String(length=16), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("act_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("redaction_by_row", "redaction", ["table_name", "row_id"])
    op.create_index("redaction_by_act", "redaction", ["act_id"])
    op.execute(
        "INSERT INTO redaction (id, table_name, row_id, reason, at) "
        "SELECT id, table_name, row_id, reason, at FROM redaction_kept"
    )
    op.drop_table("redaction_kept")
    op.create_table(
        "suppression",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
