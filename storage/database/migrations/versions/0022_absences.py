"""Find the checks that found an article gone: alerts look for new ones once a second."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    where = sa.text("outcome = 'gone'")
    op.create_index(
        "sight_gone", "sight", ["observation_id"], sqlite_where=where, postgresql_where=where
    )
