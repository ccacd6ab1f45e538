"""Make room for the log over the record: its keys, checkpoints, cosignatures, leaves and tiles."""

from alembic import op

from storage.database.migrations.create import create

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    create(
        "log_key",
        "id big key, vkey text unique, size big, previous text?, endorsement text?, made_at time",
    )
    create("log_checkpoint", "id big key, size big, note text, made_at time")
    op.create_index("log_checkpoint_by_size", "log_checkpoint", ["size"])
    create(
        "log_cosignature", "id big key, checkpoint_id big, vkey text, line text, received_at time"
    )
    op.create_index("log_cosignature_by_checkpoint", "log_cosignature", ["checkpoint_id"])
    create("log_entry", "seq big key, kind small, opening bytes, commitment bytes32")
    create("log_tile", "level small key, number big key, digest bytes32, last_seq big")
    op.create_index("log_tile_by_seq", "log_tile", ["level", "last_seq"])
