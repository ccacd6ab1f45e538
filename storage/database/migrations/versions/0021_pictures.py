"""Add pictures of articles: their tables are created after the steps."""

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Change nothing that an archive has."""
