"""Make room for the stamps of time-stamping authorities, and for how they answered."""

from alembic import op

from storage.database.migrations.create import create

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    create(
        "log_stamp",
        "id big key, checkpoint_id big, authority text, stamp bytes, stamped_at time, "
        "received_at time",
    )
    op.create_index("log_stamp_by_checkpoint", "log_stamp", ["checkpoint_id"])
    create("stamp_request", "authority str120 key, attempts int, next_at time, reason text?")
