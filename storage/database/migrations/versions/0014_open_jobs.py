"""Find open jobs in the order of their numbers, whatever lies behind them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

OPEN = sa.text("state IN ('ready', 'running')")


def upgrade() -> None:
    op.drop_index("job_open", "job")
    columns = ["id", "state", "kind", "run_after", "lease_until"]
    op.create_index("job_open", "job", columns, sqlite_where=OPEN, postgresql_where=OPEN)
