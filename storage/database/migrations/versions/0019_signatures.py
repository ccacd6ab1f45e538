"""Store no signatures: whoever needs one has the text that it is made of."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.drop_table("fingerprint")
