"""Mark the initial schema: `storage.database.schema` creates it from the table classes."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing: a new archive starts at the newest revision, and none is older than this one."""
