"""The queries of the views of decisions: relations and noise."""

from datetime import datetime

from storage.database.view_facts import View
from storage.database.view_queries.own_times import act_time
from storage.database.view_queries.sql_words import (
    RESTRICTED,
    SqlWords,
    name_of_wording,
    renewal_seq,
)


class Relation:
    """A relation between two articles."""

    seq: int
    id: int
    a: str | None
    b: str | None
    kind: str
    score: float
    method: str
    threshold: float
    earlier: str
    agency: str | None
    decided_at: datetime
    undone_at: datetime | None


def select_relations(words: SqlWords) -> str:
    # the article of an address may be another one, or have another id, later
    seq = words.greater("coalesce(u.id, l.id)", renewal_seq("relation", "l.id"))
    return f"""
SELECT {seq} AS seq, l.id AS id, aa.public_id AS a, ab.public_id AS b,
    l.kind AS kind, l.score AS score, l.method AS method, l.threshold AS threshold,
    l.earlier AS earlier, l.agency AS agency,
    {act_time(words, "l", "decided_at", is_stated=False)} AS decided_at,
    {act_time(words, "u", "undone_at", is_stated=False)} AS undone_at,
    aa.id AS a_id, ab.id AS b_id, l.a_origin_id AS a_origin_id,
    l.b_origin_id AS b_origin_id, l.evidence AS row_evidence
FROM relation l
LEFT JOIN relation_undone u ON u.relation_id = l.id
LEFT JOIN article_origin oa ON oa.origin_id = l.a_origin_id
LEFT JOIN article aa ON aa.id = oa.article_id
LEFT JOIN article_origin ob ON ob.origin_id = l.b_origin_id
LEFT JOIN article ab ON ab.id = ob.article_id
WHERE aa.id IS NULL OR ab.id IS NULL OR aa.id <> ab.id
"""


RELATIONS = View("relations", Relation, ("id",), select_relations, "article")


class Noise:
    """A difference between two wordings that created no version."""

    seq: int
    id: int
    article: str | None
    rules: list[str]
    wording_before: str
    wording_after: str
    observed_at: datetime | None
    method: str
    decided_at: datetime
    undone_at: datetime | None


def select_noise(words: SqlWords) -> str:
    # its snapshot has a new seq when its time is corrected, or a restriction of the article lifted
    seen = words.greater("coalesce(u.id, n.id)", "coalesce(s.seq, 0)")
    seq = words.greater(seen, renewal_seq("noise_step", "n.id"))
    return f"""
SELECT {seq} AS seq, n.id AS id, a.public_id AS article, n.rules AS rules,
    {name_of_wording(words, "wa.digest")} AS wording_before,
    {name_of_wording(words, "wb.digest")} AS wording_after,
    s.observed_at AS observed_at, n.method AS method,
    {act_time(words, "n", "decided_at", is_stated=False)} AS decided_at,
    {act_time(words, "u", "undone_at", is_stated=False)} AS undone_at,
    a.id AS article_id, s.version AS version,
    n.a_derivation_id AS a_derivation_id, n.b_derivation_id AS b_derivation_id,
    n.origin_id AS origin_id
FROM noise_step n
JOIN wording wa ON wa.id = n.a_wording_id
JOIN wording wb ON wb.id = n.b_wording_id
LEFT JOIN noise_step_undone u ON u.noise_step_id = n.id
LEFT JOIN snapshot s ON s.observation_id = n.observation_id
LEFT JOIN article_origin ao ON ao.origin_id = n.origin_id
LEFT JOIN article a ON a.id = ao.article_id
WHERE a.id IS NULL OR a.id NOT IN {RESTRICTED}
"""


NOISE = View("noise", Noise, ("id",), select_noise, "restriction", shares_seq=True)
