"""Renew the rows about redacted files: the scans before the redaction are shown again.

Delete what waits for a comparison with articles that were joined with others: no page of their site
could be read any more.
"""

from alembic import op
from sqlalchemy import text

from storage.database.view_facts import FIELD_BLOCK, SNAPSHOT_BLOCK

revision = "0014"
down_revision = "0011"

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


_LEFT = "DELETE FROM boilerplate_due WHERE article_id NOT IN (SELECT id FROM article)"


def upgrade() -> None:
    connection = op.get_bind()
    connection.execute(text(_LEFT))
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
