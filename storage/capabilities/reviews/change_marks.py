"""The labels that were given to changes since, for alerts."""

from sqlalchemy import Connection, text

from storage.capabilities.hooks import ChangeMark
from storage.database.views import view_query


def find_marks(connection: Connection, after: int, limit: int) -> list[ChangeMark]:
    """Return the next labels after a number that were given in this archive."""
    query = text(
        "SELECT r.id, r.article_id, r.version, r.label "
        f"FROM ({view_query('reviews', connection)}) r "
        'WHERE r.id > :after AND r.version IS NOT NULL AND NOT r."foreign" '
        "ORDER BY r.id LIMIT :rows"
    )
    rows = connection.execute(query, {"after": after, "rows": limit})
    return [ChangeMark(row[0], row[1], row[2], "label", row[3]) for row in rows]
