"""Drop the rows of quotations with their words: new ones name the positions in their texts."""

import sqlalchemy
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    tables = sqlalchemy.inspect(op.get_bind())
    if tables.has_table("quotation"):
        columns = {each["name"] for each in tables.get_columns("quotation")}
        if "position" not in columns:
            op.drop_table("quotation")
