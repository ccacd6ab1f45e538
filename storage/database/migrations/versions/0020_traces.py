"""Let PostgreSQL find traces by their number alone: who lays them sees to it that none is twice."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_constraint("trace_pkey", "trace")
    op.create_index("trace_by_number", "trace", ["trace"])
    op.execute("ALTER TABLE trace REPLICA IDENTITY FULL")
