"""Add corrections to the deliveries of alerts, and the time of a row of the change feed."""

import sqlalchemy
from alembic import op

from storage.database.columns import UtcTime
from storage.database.tables.metadata import METADATA

revision = "0019"
down_revision = "0018"

_DELIVERIES = "alert_delivery"


def upgrade() -> None:
    _add_time()
    columns = [each["name"] for each in _columns(_DELIVERIES)]
    if "turn" in columns:
        return
    # the unique columns differ, and SQLite cannot change them in a table
    op.execute(f"CREATE TABLE older_delivery AS SELECT * FROM {_DELIVERIES}")
    op.drop_table(_DELIVERIES)
    METADATA.create_all(op.get_bind(), tables=[METADATA.tables[_DELIVERIES]])
    names = ", ".join(columns)
    op.execute(f"INSERT INTO {_DELIVERIES} ({names}) SELECT {names} FROM older_delivery")
    op.drop_table("older_delivery")


def _add_time() -> None:
    if "recorded_at" not in {each["name"] for each in _columns("change_event")}:
        op.add_column("change_event", sqlalchemy.Column("recorded_at", UtcTime()))


def _columns(table: str) -> list[sqlalchemy.engine.interfaces.ReflectedColumn]:
    return sqlalchemy.inspect(op.get_bind()).get_columns(table)
