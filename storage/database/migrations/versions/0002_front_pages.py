"""Add the teasers of front pages; first complete a schema 0001 from before its last changes."""

import sqlalchemy
from alembic import op

from storage.database.columns import UtcTime
from storage.database.tables.metadata import METADATA

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
LATER_TABLES = ("clock_correction", "corrected_scan")
LATER_COLUMNS = (
    ("observation", sqlalchemy.Column("clock_at", UtcTime)),
    ("scan", sqlalchemy.Column("clock_at", UtcTime)),
    (
        "corrected_scan",
        sqlalchemy.Column("seq", sqlalchemy.BigInteger, nullable=False, server_default="0"),
    ),
    ("job", sqlalchemy.Column("noise", sqlalchemy.Integer, nullable=False, server_default="0")),
)


def upgrade() -> None:
    _complete_first_schema(op.get_bind())
    tables = [METADATA.tables[name] for name in ("teaser", "front")]
    METADATA.create_all(op.get_bind(), tables=tables)


def _complete_first_schema(connection: sqlalchemy.Connection) -> None:
    """Rename and add what 0001 got without a number of its own."""
    found = sqlalchemy.inspect(connection)
    there = set(found.get_table_names())
    for old, new in RENAMED_TABLES.items():
        if old in there:
            for index in found.get_indexes(old):
                op.drop_index(index["name"], table_name=old)
            op.rename_table(old, new)
    columns = _columns(connection)
    for (table, old), new in RENAMED_COLUMNS.items():
        if old in columns[table]:
            op.alter_column(table, old, new_column_name=new)
    METADATA.create_all(connection, tables=[METADATA.tables[name] for name in LATER_TABLES])
    columns = _columns(connection)
    for table, column in LATER_COLUMNS:
        if column.name not in columns[table]:
            op.add_column(table, column)
    for table in RENAMED_TABLES.values():
        for index in METADATA.tables[table].indexes:
            index.create(connection, checkfirst=True)


def _columns(connection: sqlalchemy.Connection) -> dict[str, set[str]]:
    """Return the names of the columns of each table."""
    found = sqlalchemy.inspect(connection)
    return {
        table: {column["name"] for column in found.get_columns(table)}
        for table in found.get_table_names()
    }
