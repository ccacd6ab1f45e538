"""Create the tables of the web: what was fetched, how servers are treated, what is watched."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from storage.database.tables import UtcTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _create_record()
    _create_state()


def _create_record() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "transfer",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("observation_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("hops", _json(), nullable=False),
        sa.Column("request", _json(), nullable=True),
        sa.Column("response_headers", _json(), nullable=True),
        sa.Column("peer", sa.String(length=64), nullable=True),
        sa.Column("tls_version", sa.String(length=16), nullable=True),
        sa.Column("certificate_id", sa.BigInteger(), nullable=True),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("wire_bytes", sa.BigInteger(), nullable=True),
        sa.Column("rights", _json(), nullable=True),
        sa.Column("body_encoding", sa.String(length=64), nullable=True),
        sa.Column("body_capture_id", sa.BigInteger(), nullable=True),
        sa.Column("is_foreign", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("observation_id"),
    )
    op.create_table(
        "lineage",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("origin_id", sa.BigInteger(), nullable=False),
        sa.Column("to_origin_id", sa.BigInteger(), nullable=False),
        sa.Column("observation_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "origin_id", "to_origin_id"),
    )
    op.create_index("lineage_by_target", "lineage", ["to_origin_id"])
    op.create_table(
        "lineage_undone",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lineage_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("undone_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lineage_id"),
    )


def _create_state() -> None:
    op.create_table(
        "host",
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=True),
        sa.Column("retry_until", UtcTime(), nullable=True),
        sa.Column("delay", sa.Float(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("robots_status", sa.Integer(), nullable=True),
        sa.Column("robots_body", sa.LargeBinary(), nullable=True),
        sa.Column("robots_note", sa.Text(), nullable=True),
        sa.Column("robots_fetched_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "watch",
        sa.Column("source_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("observation_id", sa.BigInteger(), nullable=True),
        sa.Column("capture_id", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.Column("interval_seconds", sa.Float(), nullable=True),
        sa.Column("quiet", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_check", UtcTime(), nullable=True),
        sa.Column("checked_at", UtcTime(), nullable=True),
        sa.Column("reached_at", UtcTime(), nullable=True),
        sa.Column("changed_at", UtcTime(), nullable=True),
        sa.Column("listed_by", sa.BigInteger(), nullable=True),
        sa.Column("listed_at", UtcTime(), nullable=True),
        sa.Column("hints", _json(), nullable=True),
        sa.PrimaryKeyConstraint("source_id", "origin_id"),
    )
    op.create_index("watch_due", "watch", ["source_id", "next_check"])


def _json() -> sa.types.TypeEngine[object]:
    return sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
