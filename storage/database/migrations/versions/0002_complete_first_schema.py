"""Complete a schema 0001 from before its last changes: rename tables and columns."""

import sqlalchemy
from alembic import op

revision = "0002"
down_revision = "0001"

RENAMED_TABLES = {
    "box_due": "boilerplate_due",
    "relate_due": "relation_due",
    "return_due": "rebuild_due",
    "sight": "snapshot",
    "trace": "index_key",
}
RENAMED_COLUMNS = {("index_key", "trace"): "key", ("log_stamp", "stamp_time"): "stamped_at"}


def upgrade() -> None:
    found = sqlalchemy.inspect(op.get_bind())
    for old, new in RENAMED_TABLES.items():
        if found.has_table(old):
            for index in found.get_indexes(old):
                op.drop_index(index["name"], table_name=old)
            op.rename_table(old, new)
    found = sqlalchemy.inspect(op.get_bind())
    for (table, old), new in RENAMED_COLUMNS.items():
        if old in {column["name"] for column in found.get_columns(table)}:
            op.alter_column(table, old, new_column_name=new)
