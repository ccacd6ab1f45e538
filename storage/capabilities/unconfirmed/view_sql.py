"""The view of unconfirmed readings and its query."""

from datetime import datetime

from storage.database.view_facts import View
from storage.database.view_queries.own_times import act_time
from storage.database.view_queries.sql_words import SqlWords, name_of_wording, open_alone


class UnconfirmedReading:
    """A text that was held back, at one article, with its checks from first to last."""

    seq: int
    id: int
    article: str | None
    origin: str
    wording: str
    observed_at: datetime
    last_seen: datetime
    checks: int
    signs: list[str]
    grade: str
    title: str | None
    text: str | None
    until: datetime | None
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None


_SHOWN = """
SELECT s.article_id, d.wording_id, min(k.id) AS id, max(k.id) AS newest_id,
    coalesce(max(CASE WHEN k.grade = 'wall' THEN k.id END), min(k.id)) AS sign_id,
    min(s.observed_at) AS observed_at, max(s.observed_at) AS last_seen,
    max(CASE WHEN s.wording_id IS NULL THEN s.observed_at END) AS last_held,
    count(DISTINCT s.observation_id) AS checks, count(v.id) AS confirmed,
    max(k.grade) AS grade, max(k.wait_seconds) AS wait_seconds
FROM doubt k
JOIN article_origin ao ON ao.origin_id = k.origin_id
JOIN snapshot s ON s.derivation_id = k.b_derivation_id AND s.article_id = ao.article_id
JOIN derivation d ON d.id = s.derivation_id
LEFT JOIN version v ON v.article_id = s.article_id AND v.number = s.version
    AND v.confirmed_id IS NOT NULL
WHERE d.wording_id IS NOT NULL AND (s.wording_id IS NULL OR v.id IS NOT NULL)
GROUP BY s.article_id, d.wording_id
"""
_SETTLED = """
SELECT ps.id FROM snapshot ss
JOIN doubt_settled ps ON ps.observation_id = ss.observation_id
JOIN derivation ds ON ds.id = ss.derivation_id
LEFT JOIN doubt_settled_undone us ON us.doubt_settled_id = ps.id
WHERE ss.article_id = g.article_id AND ds.wording_id = g.wording_id AND us.id IS NULL
ORDER BY {decided_at} DESC, ps.decision DESC, ps.id DESC LIMIT 1
"""
_NEXT = (
    "SELECT min(n.observed_at) FROM snapshot n WHERE n.article_id = g.article_id "
    "AND n.wording_id IS NOT NULL AND n.observed_at > g.last_held"
)


def _select_unconfirmed(words: SqlWords) -> str:
    until = words.before("g.observed_at", "(-1000000 * g.wait_seconds)")
    settled = _SETTLED.format(decided_at=act_time(words, "ps", "decided_at"))
    is_open = f"p.id IS NULL AND g.confirmed = 0 AND ({_NEXT}) IS NULL"
    return f"""
SELECT {words.greater("a.seq", "g.newest_id")} AS seq, g.id AS id, a.public_id AS article,
    {open_alone("r.origin")} AS origin,
    {name_of_wording(words, "w.digest")} AS wording, g.observed_at AS observed_at,
    g.last_seen AS last_seen, g.checks AS checks, k.signs AS signs, g.grade AS grade,
    {open_alone("w.title")} AS title, {open_alone("w.text")} AS text,
    CASE WHEN g.grade = 'soft' AND {is_open} THEN {until} END AS until,
    CASE WHEN p.id IS NOT NULL THEN p.decision WHEN g.confirmed > 0 THEN 'confirmed'
        WHEN ({_NEXT}) IS NOT NULL THEN 'dismissed' END AS decision,
    p.decided_by AS decided_by,
    CASE WHEN p.id IS NOT NULL THEN {act_time(words, "p", "decided_at")}
        WHEN g.confirmed = 0 THEN ({_NEXT}) END AS decided_at,
    a.id AS article_id, g.wording_id AS wording_id
FROM ({_SHOWN}) g
JOIN doubt k ON k.id = g.sign_id
JOIN article a ON a.id = g.article_id
JOIN origin r ON r.id = a.origin_id
JOIN wording w ON w.id = g.wording_id
LEFT JOIN doubt_settled p ON p.id = ({settled})
"""


VIEWS = (
    View("unconfirmed", UnconfirmedReading, ("id",), _select_unconfirmed, "keys", shares_seq=True),
)
