"""Give requests for stamps the columns of all that is sent out; a failed one is due at once."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"

_TABLE = """
CREATE TABLE stamp_request (
    authority VARCHAR(120) NOT NULL, state VARCHAR(16) NOT NULL, attempts INTEGER NOT NULL,
    next_at FLOAT NOT NULL, lease_until FLOAT, token VARCHAR(200), note TEXT,
    PRIMARY KEY (authority)
)
"""
_INSERT = (
    "INSERT INTO stamp_request (authority, state, attempts, next_at, note) "
    "VALUES (:authority, 'failed', :attempts, 0, :reason)"
)


def upgrade() -> None:
    connection = op.get_bind()
    query = text("SELECT authority, attempts, reason FROM stamp_request")
    rows = [dict(row) for row in connection.execute(query).mappings()]
    op.execute("DROP TABLE stamp_request")
    op.execute(_TABLE)
    if rows:
        connection.execute(text(_INSERT), rows)
