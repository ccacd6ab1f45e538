"""Say of redactions who ordered them and which belong together; note what must not come back."""

from alembic import op

from storage.database.migrations.create import create

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE redaction_kept AS SELECT id, table_name, row_id, reason, at FROM redaction"
    )
    op.drop_table("redaction")
    create(
        "redaction",
        "id big key, table_name str16, row_id big, reason text, at time, actor text?, act_id big?",
    )
    op.create_index("redaction_by_row", "redaction", ["table_name", "row_id"])
    op.create_index("redaction_by_act", "redaction", ["act_id"])
    op.execute(
        "INSERT INTO redaction (id, table_name, row_id, reason, at) "
        "SELECT id, table_name, row_id, reason, at FROM redaction_kept"
    )
    op.drop_table("redaction_kept")
    create("suppression", "digest bytes32 key, kind str16, words int, act_id big")
