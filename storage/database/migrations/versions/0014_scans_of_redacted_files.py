"""Renew the rows about redacted files: the scans before the redaction are shown again."""

from alembic import op
from sqlalchemy import text

from storage.database.view_facts import FIELD_BLOCK, SNAPSHOT_BLOCK

revision = "0014"
down_revision = "0013"

_ARTICLES = (
    "(SELECT s.article_id FROM redaction e JOIN observation o ON o.locator_id = e.row_id "
    "JOIN snapshot s ON s.observation_id = o.id WHERE e.table_name = 'origin_address')"
)
_RENEWED = (
    ("article", "id", "id", 1),
    ("version", "id", "article_id", FIELD_BLOCK),
    ("snapshot", "observation_id", "article_id", SNAPSHOT_BLOCK),
)
"""Tables with their keys, the columns of their articles, and the numbers of a row."""


def upgrade() -> None:
    connection = op.get_bind()
    for table, key, article, block in _RENEWED:
        query = text(f"SELECT {key} FROM {table} WHERE {article} IN {_ARTICLES} ORDER BY {key}")
        for row in connection.execute(query).scalars().all():
            count = text("UPDATE counter SET value = value + :block WHERE name = 'seq'")
            connection.execute(count, {"block": block})
            renew = text(
                f"UPDATE {table} SET seq = (SELECT value FROM counter WHERE name = 'seq') "
                f"WHERE {key} = :row"
            )
            connection.execute(renew, {"row": row})
