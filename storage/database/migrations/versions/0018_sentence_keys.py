"""Let SQLite find sentences by keys; wordings that are there get theirs little by little."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(
        "CREATE VIRTUAL TABLE sentence_text USING fts5("
        "keys, content='', detail=none, columnsize=0, tokenize='ascii')"
    )
    op.execute(
        "CREATE TABLE sentence_text_due AS SELECT coalesce(max(id), 0) AS up_to FROM wording"
    )
