"""Make the views anew: why a check was refused is its note, a refusal names its source."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Change no table: whoever migrates drops the views before and makes them after."""
