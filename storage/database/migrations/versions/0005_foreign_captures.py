"""Make room for captures made elsewhere: their exact records, and what is only counted of them."""

import sqlalchemy as sa
from alembic import op

from storage.database.migrations.create import create

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create(
        "foreign_record",
        "id big key, digest bytes32 unique, kind str16, container_id big, number int, "
        "observation_id big?, main_id big?, about_id big?, name str200?, payload_digest str160?, "
        "head bytes?, opening bytes?, payload_capture_id big?, recorded_at time",
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
