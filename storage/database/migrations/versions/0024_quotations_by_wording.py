"""Drop the index of quotations by their derivation: a redaction finds them by their wording."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("DROP INDEX IF EXISTS quotation_by_derivation")
