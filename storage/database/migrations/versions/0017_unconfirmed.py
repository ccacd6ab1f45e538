"""Add the doubts about readings, the decisions of persons, and when a version was confirmed."""

import sqlalchemy
from alembic import op

from storage.database.tables.metadata import METADATA

revision = "0017"
down_revision = "0016"

_COLUMNS = (
    ("version", sqlalchemy.Column("confirmed_id", sqlalchemy.BigInteger)),
    ("job", sqlalchemy.Column(
        "unconfirmed", sqlalchemy.Integer, nullable=False, server_default="0"
    )),
)  # fmt: skip


def upgrade() -> None:
    bind = op.get_bind()
    tables = [METADATA.tables[name] for name in ("doubt", "doubt_settled", "doubt_settled_undone")]
    METADATA.create_all(bind, tables=tables)
    for table, column in _COLUMNS:
        known = {each["name"] for each in sqlalchemy.inspect(bind).get_columns(table)}
        if column.name not in known:
            op.add_column(table, column)
