"""Add resources of pages that a browser read: their table is created after the steps."""

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Change nothing that an archive has."""
