"""Alembic environment: steps change the tables of the archive, then missing ones are created.

A step names no class: it takes the tables from the archive, as an earlier program left them. A
missing table, column or index is then created from the class of today, and a new table gets its
first rows. Revisions without a file added tables and columns only.
"""

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.schema import CreateColumn

from storage.capabilities import parts_of
from storage.database.schema import missing_columns
from storage.database.schema_version import names_in
from storage.database.tables.metadata import METADATA
from storage.database.tables.row import set_index_options

_ROWS = {
    # what was lifted or emptied before has the number of the order
    "renewal": (
        """INSERT INTO renewal (table_name, row_id, seq)
        SELECT 'origin', r.origin_id, max(l.id) FROM restriction r
        JOIN restriction_lifted l ON l.restriction_id = r.id GROUP BY r.origin_id""",
        """INSERT INTO renewal (table_name, row_id, seq)
        SELECT 'refusal', row_id, max(id) FROM redaction
        WHERE table_name IN ('refusal', 'refusal_address') GROUP BY row_id""",
    ),
    # readers have seen the changes under these numbers, so they go on with their cursors
    "change_event": (
        """INSERT INTO change_event (id, article_id, origin_id, wording_id, occurrence, kind, what,
            changed_after, changed_by)
        SELECT v.seq, v.article_id, a.origin_id, v.wording_id,
            (SELECT count(*) FROM version b WHERE b.article_id = v.article_id
                AND b.wording_id = v.wording_id AND b.number <= v.number),
            'change', '[]', v.changed_after, v.changed_by
        FROM version v JOIN article a ON a.id = v.article_id WHERE v.number > 1""",
    ),
}
"""The first rows of new tables, from older tables of the archive."""


def _complete(connection: Connection) -> None:
    there = names_in(connection)
    created = METADATA.tables.keys() - there
    set_index_options(METADATA, connection, tables=[*METADATA.tables.values()])
    METADATA.create_all(connection, tables=[METADATA.tables[name] for name in created])
    for name in missing_columns(connection):
        table, _, column = name.partition(".")
        if table in METADATA.tables:
            _add_column(connection, table, column)
    for table in METADATA.tables.keys() - created:
        for index in METADATA.tables[table].indexes:
            if index.name not in there:
                index.create(connection)
    _fill(connection, created)


def _add_column(connection: Connection, table: str, column: str) -> None:
    """Add a column; a number that must not be null is 0."""
    wanted = METADATA.tables[table].columns[column]
    definition = str(CreateColumn(wanted).compile(dialect=connection.dialect))
    if not wanted.nullable and wanted.server_default is None:
        definition += " DEFAULT 0"
    connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {definition}"))


def _fill(connection: Connection, created: set[str]) -> None:
    older = {f"older_{name}": name for name in created}
    for source in older.keys() & names_in(connection):
        names = ", ".join(connection.execute(text(f"SELECT * FROM {source} LIMIT 0")).keys())
        query = f"INSERT INTO {older[source]} ({names}) SELECT {names} FROM {source}"
        connection.execute(text(query))
        connection.execute(text(f"DROP TABLE {source}"))
    for table in created & _ROWS.keys():
        for statement in _ROWS[table]:
            connection.execute(text(statement))
    for capability, part in parts_of("wording_rows"):
        if created & {table.name for table in capability.state_tables}:
            part.fill(connection)


context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=False,  # the caller has opened one transaction for everything
)
context.run_migrations()
_complete(context.config.attributes["connection"])
