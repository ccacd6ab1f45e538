"""Add the form of redacted passages; those of older archives keep their number of words."""

import sqlalchemy
from alembic import op

from storage.database.columns import JSON_TYPE

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    columns = sqlalchemy.inspect(op.get_bind()).get_columns("suppression")
    if "form" not in {column["name"] for column in columns}:
        op.add_column("suppression", sqlalchemy.Column("form", JSON_TYPE))
