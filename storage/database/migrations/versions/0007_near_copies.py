"""Make room for near-copies: traces of wordings, what is still to be compared, clusters."""

from alembic import op

from storage.database.migrations.create import create

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    create("trace", "trace big key, wording_id big key, day int", sqlite_with_rowid=False)
    create("relate_due", "wording_id big key, found json?, recorded_at time")
    create("cluster", "id big key, label str32, size int")
    create("cluster_member", "article_id big key, cluster_id big")
    op.create_index("ix_cluster_member_cluster_id", "cluster_member", ["cluster_id"])
    op.execute(
        "INSERT INTO relate_due (wording_id, found, recorded_at) "
        "SELECT id, NULL, recorded_at FROM wording"
    )
