"""Find new scans by their number: whatever is appended to the log looks for them each time."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_index("scan_by_seq", "scan", ["seq"])
