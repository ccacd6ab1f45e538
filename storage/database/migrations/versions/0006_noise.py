"""Create the decisions on noise, and what the versions tell of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from storage.database.migrations.create import create

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create(
        "noise_step",
        "id big key, origin_id big, a_derivation_id big, b_derivation_id big, a_wording_id big, "
        "b_wording_id big, rules json, method str16, observation_id big, decided_at time",
        "origin_id a_derivation_id b_derivation_id",
    )
    op.create_index("noise_step_by_a_wording", "noise_step", ["a_wording_id"])
    op.create_index("noise_step_by_b_wording", "noise_step", ["b_wording_id"])
    create(
        "noise_step_undone", "id big key, noise_step_id big unique, reason text?, undone_at time"
    )
    create(
        "box_due",
        "site big key, fingerprint big key, article_id big key, a_derivation_id big key, "
        "b_derivation_id big key",
    )
    op.create_index("box_due_by_article", "box_due", ["article_id"])
    op.add_column("version", sa.Column("before_id", sa.BigInteger(), nullable=True))
    op.add_column("version", sa.Column("after_id", sa.BigInteger(), nullable=True))
    op.add_column("version", sa.Column("noise", _json(), nullable=True))
    op.add_column("version", sa.Column("notices", _json(), nullable=True))


def _json() -> sa.types.TypeEngine[object]:
    return sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
