"""Add the copies at other archives, and the requests for them."""

from alembic import op

from storage.database.tables.metadata import METADATA

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    names = ("outside_copy", "copy_request")
    METADATA.create_all(op.get_bind(), tables=[METADATA.tables[name] for name in names])
