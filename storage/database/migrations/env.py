"""Alembic environment: migrations use the connection from `storage.database.schema`."""

from alembic import context

from storage.database.tables.metadata import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=False,  # the caller has opened one transaction for everything
)
context.run_migrations()
