"""The decisions that two addresses are one article, with the numbers that `lesart undo` takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from storage.database.view_queries.sql_words import RESTRICTED
from storage.read.filters import Conditions
from storage.read.query.records import Part, RecordList
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


_LINEAGES = RecordList(LineageDecision, "lineages", {"id": int})
_QUERY = f"""
SELECT l.id AS id, l.origin_id AS origin_id, l.to_origin_id AS to_origin_id,
    a.public_id AS article, l.kind AS kind, o.origin AS origin,
    t.origin AS to_origin, l.decided_at AS decided_at, u.undone_at AS undone_at, u.reason AS reason
FROM lineage l
JOIN origin o ON o.id = l.origin_id
JOIN origin t ON t.id = l.to_origin_id
LEFT JOIN lineage_undone u ON u.lineage_id = l.id
LEFT JOIN article_origin ao ON ao.origin_id = l.to_origin_id
LEFT JOIN article a ON a.id = ao.article_id
WHERE a.id IS NULL OR a.id NOT IN {RESTRICTED}
"""  # a constant
_OF_ARTICLE = """
EXISTS (SELECT 1 FROM article_origin ao
    WHERE ao.article_id = :article AND ao.origin_id IN (q.origin_id, q.to_origin_id))
"""


def lineages(
    connection: Connection, article_id: int | None, part: Part
) -> Iterator[LineageDecision]:
    """Yield the decisions in their order, including undone ones.

    Raises: CursorError.
    """
    criteria = Conditions()
    if article_id is not None:
        criteria = criteria.with_clause(_OF_ARTICLE, article=article_id)
    yield from _LINEAGES.rows(connection, criteria, part, _QUERY)
