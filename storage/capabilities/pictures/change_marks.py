"""The changes of pictures that were found since, for alerts."""

from sqlalchemy import Connection, bindparam, text

from storage.capabilities.hooks import ChangeMark
from storage.capabilities.pictures.answers import UNCHANGED
from storage.database.views import view_query


def find_marks(connection: Connection, after: int, limit: int) -> list[ChangeMark]:
    """Return the next changes of pictures after a number, each by its event and as `any`."""
    query = text(
        "SELECT p.id, p.article_id, p.version, p.event "
        f"FROM ({view_query('pictures', connection)}) p "
        "WHERE p.id > :after AND p.version IS NOT NULL AND p.event NOT IN :unchanged "
        "ORDER BY p.id LIMIT :rows"
    ).bindparams(bindparam("unchanged", expanding=True))
    rows = connection.execute(query, {"after": after, "rows": limit, "unchanged": UNCHANGED})
    return [
        ChangeMark(row[0], row[1], row[2], "picture", value)
        for row in rows for value in (row[3], "any")
    ]  # fmt: skip
