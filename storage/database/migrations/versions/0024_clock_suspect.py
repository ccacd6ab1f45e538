"""Make the views anew: what was seen by a clock that stood too early is flagged."""

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Change no table: whoever migrates drops the views before and makes them after."""
