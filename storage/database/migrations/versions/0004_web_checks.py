"""Make room for checks of addresses: where a watched address stands now, and who is due."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("watch", sa.Column("final_id", sa.BigInteger(), nullable=True))
    op.add_column("watch", sa.Column("moved_to", sa.Text(), nullable=True))
    op.add_column("watch", sa.Column("guid", sa.Text(), nullable=True))
    op.add_column("host", sa.Column("retry_note", sa.Text(), nullable=True))
    due = sa.text("active")
    op.create_index("watch_next", "watch", ["next_check"], sqlite_where=due, postgresql_where=due)
    op.create_index("watch_by_list", "watch", ["listed_by"])
    op.create_index("watch_by_guid", "watch", ["source_id", "guid"])
    op.create_index("refusal_by_observation", "refusal", ["observation_id"])
