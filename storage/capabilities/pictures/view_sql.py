"""The view of pictures and its query."""

from datetime import datetime

from storage.database.view_facts import View
from storage.database.view_queries.sql_words import RESTRICTED, SqlWords


class Picture:
    """A picture of an article as a check found it, and what became of the one before."""

    seq: int
    id: int
    article: str
    version: int | None
    origin: str
    observed_at: datetime
    position: int
    event: str
    before: int | None
    address: str
    caption: str | None
    credit: str | None
    digest: str | None
    media_type: str | None
    width: int | None
    height: int | None
    pdq: str | None
    refused: str | None
    recorded_at: datetime


def _select_pictures(words: SqlWords) -> str:
    return f"""
SELECT {words.greater("p.id", "s.seq")} AS seq, p.id AS id, a.public_id AS article,
    s.version AS version, r.origin AS origin, s.observed_at AS observed_at,
    p.position AS position, p.event AS event, p.before_id AS before, p.address AS address,
    p.caption AS caption, p.credit AS credit,
    CASE WHEN b.data IS NOT NULL THEN {words.hexed("b.digest")} END AS digest,
    p.media_type AS media_type, p.width AS width, p.height AS height, p.pdq AS pdq,
    p.refused AS refused, p.recorded_at AS recorded_at, a.id AS article_id,
    p.observation_id AS observation_id, p.capture_id AS capture_id
FROM article_picture p
JOIN snapshot s ON s.observation_id = p.observation_id
JOIN article a ON a.id = s.article_id
JOIN origin r ON r.id = s.origin_id
LEFT JOIN capture b ON b.id = p.capture_id
WHERE p.address IS NOT NULL AND p.position >= -1 AND a.id NOT IN {RESTRICTED}
"""


VIEWS = (View("pictures", Picture, ("id",), _select_pictures, "keys", shares_seq=True),)
