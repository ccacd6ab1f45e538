"""How Alembic runs the migrations: on the connection that `storage.database.schema` hands over."""

from alembic import context

from storage.database.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=False,  # the caller holds one transaction around everything
)
context.run_migrations()
