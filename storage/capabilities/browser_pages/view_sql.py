"""The view of resources and its query."""

from datetime import datetime

from storage.database.view_facts import View
from storage.database.view_queries.sql_words import RESTRICTED, SqlWords


class PageResource:
    """An answer that a page got from a server while a browser read it."""

    seq: int
    id: int
    article: str
    version: int | None
    origin: str
    observed_at: datetime
    address: str
    media_type: str | None
    location: str | None
    status: int
    size: int
    digest: str | None
    recorded_at: datetime


def _select_resources(words: SqlWords) -> str:
    return f"""
SELECT {words.greater("p.id", "s.seq")} AS seq, p.id AS id, a.public_id AS article,
    s.version AS version, r.origin AS origin, s.observed_at AS observed_at, p.address AS address,
    p.media_type AS media_type, p.location AS location, p.status AS status, p.size AS size,
    CASE WHEN b.data IS NOT NULL THEN {words.hexed("b.digest")} END AS digest,
    p.recorded_at AS recorded_at, a.id AS article_id, p.observation_id AS observation_id,
    p.capture_id AS capture_id
FROM page_resource p
JOIN snapshot s ON s.observation_id = p.observation_id
JOIN article a ON a.id = s.article_id
JOIN origin r ON r.id = s.origin_id
LEFT JOIN capture b ON b.id = p.capture_id
WHERE p.address IS NOT NULL AND a.id NOT IN {RESTRICTED}
"""


VIEWS = (View("page_resources", PageResource, ("id",), _select_resources, "keys", shares_seq=True),)
