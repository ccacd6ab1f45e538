"""Drop the indexes that no statement uses."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    for name in ("doubt_by_observation", "log_checkpoint_by_size"):
        op.execute(f"DROP INDEX IF EXISTS {name}")
