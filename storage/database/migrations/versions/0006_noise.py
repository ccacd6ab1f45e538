"""Create the decisions on noise, and what the versions tell of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from storage.database.tables import UtcTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "noise_step",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin_id", sa.BigInteger(), nullable=False),
        sa.Column("a_derivation_id", sa.BigInteger(), nullable=False),
        sa.Column("b_derivation_id", sa.BigInteger(), nullable=False),
        sa.Column("a_wording_id", sa.BigInteger(), nullable=False),
        sa.Column("b_wording_id", sa.BigInteger(), nullable=False),
        sa.Column("rules", _json(), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("observation_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("origin_id", "a_derivation_id", "b_derivation_id"),
    )
    op.create_index("noise_step_by_a_wording", "noise_step", ["a_wording_id"])
    op.create_index("noise_step_by_b_wording", "noise_step", ["b_wording_id"])
    op.create_table(
        "noise_step_undone",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("noise_step_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("undone_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("noise_step_id"),
    )
    op.create_table(
        "box_due",
        sa.Column("site", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("a_derivation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("b_derivation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "site", "fingerprint", "article_id", "a_derivation_id", "b_derivation_id"
        ),
    )
    op.create_index("box_due_by_article", "box_due", ["article_id"])
    op.add_column("version", sa.Column("before_id", sa.BigInteger(), nullable=True))
    op.add_column("version", sa.Column("after_id", sa.BigInteger(), nullable=True))
    op.add_column("version", sa.Column("noise", _json(), nullable=True))
    op.add_column("version", sa.Column("notices", _json(), nullable=True))


def _json() -> sa.types.TypeEngine[object]:
    return sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
