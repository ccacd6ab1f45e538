"""Add the block of each wording to PostgreSQL's full-text index: reads all tokens once."""

from alembic import op

from storage.database.schema import ANALYZE_EMPTY_TABLES, CREATE_TOKENS_INDEX

revision = "0006"
down_revision = "0002"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX search_text_tokens")
        op.execute(CREATE_TOKENS_INDEX)
        op.execute(ANALYZE_EMPTY_TABLES)
