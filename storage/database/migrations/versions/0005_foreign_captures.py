"""Make room for captures made elsewhere: their exact records, and what is only counted of them."""

import sqlalchemy as sa
from alembic import op

from storage.database.tables import UtcTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "foreign_record",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("container_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("observation_id", sa.BigInteger(), nullable=True),
        sa.Column("main_id", sa.BigInteger(), nullable=True),
        sa.Column("about_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("payload_digest", sa.String(length=160), nullable=True),
        sa.Column("head", sa.LargeBinary(), nullable=True),
        sa.Column("opening", sa.LargeBinary(), nullable=True),
        sa.Column("payload_capture_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    for name, column in (
        ("foreign_record_by_observation", "observation_id"),
        ("foreign_record_by_main", "main_id"),
        ("foreign_record_by_payload", "payload_digest"),
    ):
        op.create_index(name, "foreign_record", [column])
    op.add_column("job", _count("passed_over"))
    op.add_column("presence", _count("captures"))


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")
