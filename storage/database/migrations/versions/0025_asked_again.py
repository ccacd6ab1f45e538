"""Find scans by number, lineages and snapshots by origin: batches and the log ask each time."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_index("scan_by_seq", "scan", ["seq"])
    op.create_index("lineage_by_origin", "lineage", ["origin_id"])
    op.create_index("sight_by_origin", "sight", ["origin_id", "observation_id"])
