"""Make the views anew: why a check was refused is its note, a refusal names its source."""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change no table: whoever migrates drops the views before and makes them after."""


def downgrade() -> None:
    raise NotImplementedError("an archive is never taken back to an older program")
