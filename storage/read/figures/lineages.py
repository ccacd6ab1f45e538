"""The decisions that two addresses are one article, with the numbers that `lesart undo` takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from storage.database.rows import cursor, place, stream
from storage.database.views import RESTRICTED
from storage.read.lists import Part
from storage.values.answer import Answer


@dataclass(frozen=True, slots=True)
class LineageDecision(Answer):
    """Two addresses of one article; `kind` is redirect, guid (of a feed) or canonical."""

    id: int
    article: str | None
    kind: str
    origin: str
    to_origin: str
    decided_at: datetime
    undone_at: datetime | None
    reason: str | None
    cursor: str


_QUERY = f"""
SELECT l.id AS id, a.public_id AS article, l.kind AS kind, o.origin AS origin,
    t.origin AS to_origin, l.decided_at AS decided_at, u.undone_at AS undone_at, u.reason AS reason
FROM lineage l
JOIN origin o ON o.id = l.origin_id
JOIN origin t ON t.id = l.to_origin_id
LEFT JOIN lineage_undone u ON u.lineage_id = l.id
LEFT JOIN article_origin ao ON ao.origin_id = l.to_origin_id
LEFT JOIN article a ON a.id = ao.article_id
WHERE (a.id IS NULL OR a.id NOT IN {RESTRICTED}) AND l.id > :after
"""  # a constant
_OF_ARTICLE = """
AND (l.origin_id IN (SELECT origin_id FROM article_origin WHERE article_id = :article)
    OR l.to_origin_id IN (SELECT origin_id FROM article_origin WHERE article_id = :article))
"""


def lineages(
    connection: Connection, article_id: int | None, part: Part
) -> Iterator[LineageDecision]:
    """Yield the decisions in their order, including undone ones.

    Raises: CursorError.
    """
    after = 0 if part.after is None else place("lineages", part.after, int)[0]
    query = _QUERY + (_OF_ARTICLE if article_id is not None else "") + "ORDER BY l.id"
    parameters = {"after": after}
    if article_id is not None:
        parameters["article"] = article_id
    if part.limit is not None:
        query, parameters["rows"] = f"{query} LIMIT :rows", part.limit
    for row in stream(connection, query, parameters):
        yield LineageDecision(**row, cursor=cursor("lineages", row["id"]))
