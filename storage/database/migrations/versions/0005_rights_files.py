"""Add the files with declarations about the use of a site."""

from alembic import op

from storage.database.tables import RIGHTS_FILE
from storage.database.tables.metadata import METADATA

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    METADATA.create_all(op.get_bind(), tables=[RIGHTS_FILE])
