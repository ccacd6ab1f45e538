"""The view of reviews and its query."""

from datetime import datetime

from storage.database.view_facts import View
from storage.database.view_queries.own_times import act_time
from storage.database.view_queries.sql_words import SqlWords, open_alone, renewal_seq


class Review:
    """A label that a reader gave to a change."""

    seq: int
    id: int
    article: str | None
    version: int | None
    label: str
    note: str | None
    reviewer: str
    reviewed_at: datetime
    recorded_at: datetime
    foreign: bool
    withdrawn_at: datetime | None
    withdrawn_by: str | None


def _select_reviews(words: SqlWords) -> str:
    own = words.greater("coalesce(w.id, r.id)", renewal_seq("review", "r.id"))
    return f"""
SELECT {words.greater(own, f"coalesce(s.seq, {own})")} AS seq, r.id AS id, a.public_id AS article,
    CASE WHEN s.version > 1 AND (r.before_id IS NULL OR EXISTS (
            SELECT 1 FROM version v WHERE v.article_id = s.article_id
                AND v.number = s.version - 1 AND v.wording_id = b.wording_id
        )) THEN s.version END AS version,
    r.label AS label, {open_alone("r.note")} AS note, r.reviewer AS reviewer,
    {act_time(words, "r", "reviewed_at")} AS reviewed_at,
    {act_time(words, "r", "recorded_at")} AS recorded_at, r.is_foreign AS "foreign",
    {act_time(words, "w", "withdrawn_at")} AS withdrawn_at,
    w.reviewer AS withdrawn_by, a.id AS article_id
FROM review r
LEFT JOIN review_withdrawn w ON w.review_id = r.id
LEFT JOIN snapshot s ON s.observation_id = r.observation_id
LEFT JOIN snapshot b ON b.observation_id = r.before_id
LEFT JOIN article a ON a.id = s.article_id
"""


VIEWS = (View("reviews", Review, ("id",), _select_reviews, "never", shares_seq=True),)
