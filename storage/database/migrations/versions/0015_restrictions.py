"""Make room for restrictions, by which nothing of an article is shown, and for their lifting."""

from alembic import op

from storage.database.migrations.create import create

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    create("restriction", "id big key, origin_id big, reason text, actor text, at time")
    op.create_index("restriction_by_origin", "restriction", ["origin_id"])
    create("restriction_lifted", "id big key, restriction_id big unique, actor text, at time")
