"""Add the time since which files are missing whose scans were held back."""

import sqlalchemy
from alembic import op

from storage.database.tables.metadata import METADATA

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    column = METADATA.tables["presence"].c.missing_since
    columns = sqlalchemy.inspect(op.get_bind()).get_columns("presence")
    if column.name not in {each["name"] for each in columns}:
        op.add_column("presence", sqlalchemy.Column(column.name, column.type, nullable=True))
    op.execute(
        "CREATE INDEX IF NOT EXISTS presence_missing ON presence (source_id) "
        "WHERE missing_since IS NOT NULL"
    )
