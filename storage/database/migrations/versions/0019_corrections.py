"""Add corrections to the deliveries of alerts: their unique columns differ."""

import sqlalchemy
from alembic import op

revision = "0019"
down_revision = "0014"


def upgrade() -> None:
    columns = sqlalchemy.inspect(op.get_bind()).get_columns("alert_delivery")
    if "turn" not in {each["name"] for each in columns}:
        # SQLite cannot change them in a table: it is created again and filled from this one
        op.execute("CREATE TABLE older_alert_delivery AS SELECT * FROM alert_delivery")
        op.drop_table("alert_delivery")
