"""The view of copies at other archives and its query."""

from datetime import datetime

from storage.database.view_facts import View
from storage.database.view_queries.sql_words import RESTRICTED, SqlWords


class OutsideCopy:
    """The answer of another archive that it has a copy of the page of a version."""

    seq: int
    article: str
    version: int | None
    origin: str
    observed_at: datetime
    archive: str
    address: str
    captured_at: datetime
    recorded_at: datetime
    id: int


def _select_outside_copies(words: SqlWords) -> str:
    return f"""
SELECT {words.greater("c.id", "s.seq")} AS seq, a.public_id AS article, s.version AS version,
    r.origin AS origin, s.observed_at AS observed_at, c.archive AS archive, c.address AS address,
    c.captured_at AS captured_at, c.recorded_at AS recorded_at, c.id AS id,
    a.id AS article_id,
    c.observation_id AS observation_id
FROM outside_copy c
JOIN snapshot s ON s.observation_id = c.observation_id
JOIN article a ON a.id = s.article_id
JOIN origin r ON r.id = s.origin_id
WHERE c.address IS NOT NULL AND a.id NOT IN {RESTRICTED}
"""


VIEWS = (
    View("outside_copies", OutsideCopy, ("id",), _select_outside_copies, "keys", shares_seq=True),
)
