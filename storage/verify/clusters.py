"""Check clusters against the relations in force."""

from collections import defaultdict

from sqlalchemy import Connection, text

from storage.database.rows import stream
from storage.relations.clusters import joins
from storage.verify.finding import PASSED, BrokenObject, Findings, Scope

_JOINED = """
SELECT a.article_id AS a, b.article_id AS b, r.kind,
    r.evidence AS row_evidence FROM relation r
JOIN article_origin a ON a.origin_id = r.a_origin_id
JOIN article_origin b ON b.origin_id = r.b_origin_id
LEFT JOIN relation_undone u ON u.relation_id = r.id WHERE u.id IS NULL
"""
_WRONG_LABELS = """
SELECT c.id, c.label FROM cluster c WHERE NOT EXISTS (
    SELECT 1 FROM cluster_member m JOIN article_origin ao ON ao.article_id = m.article_id
    JOIN origin o ON o.id = ao.origin_id
    WHERE m.cluster_id = c.id AND (o.public_id = c.label OR o.public_id LIKE 'redacted:%')
)
"""


def clusters(connection: Connection, scope: Scope) -> Findings:  # noqa: ARG001  # all checks are called alike
    """Compute the articles of each cluster and compare them with the stored clusters."""
    stored: dict[int, set[int]] = defaultdict(set)
    for row in connection.execute(text("SELECT cluster_id, article_id FROM cluster_member")):
        stored[row.cluster_id].add(row.article_id)
    joined = {frozenset(group) for group in _groups(connection)}
    query = text("SELECT id, size FROM cluster")
    sizes = {row.id: row.size for row in connection.execute(query)}
    for number in sorted(stored.keys() | sizes.keys()):
        members = frozenset(stored.get(number, ()))
        if members not in joined:
            message = "its articles are not those that relations join"
            yield BrokenObject("cluster", number, "cluster_wrong", message)
        elif sizes.get(number) != len(members):
            message = f"it has {len(members)} articles and says {sizes.get(number)}"
            yield BrokenObject("cluster", number, "size_wrong", message)
        else:
            yield PASSED
        joined.discard(members)
    for group in joined:
        message = f"copies join it with {len(group) - 1} others, but it is in no cluster"
        yield BrokenObject("article", min(group), "cluster_missing", message)
    for row in connection.execute(text(_WRONG_LABELS)):
        message = f"it is called {row.label}, and that is none of its articles"
        yield BrokenObject("cluster", row.id, "label_wrong", message)


def _groups(connection: Connection) -> list[set[int]]:
    """Return the articles that relations join, by group."""
    found: dict[int, set[int]] = {}
    for row in stream(connection, _JOINED, {}):
        if row["a"] == row["b"] or not joins(row["kind"], row["row_evidence"]):
            continue
        one = found.setdefault(row["a"], {row["a"]})
        other = found.setdefault(row["b"], {row["b"]})
        if one is not other:
            small, large = sorted((one, other), key=len)
            large |= small
            found.update(dict.fromkeys(small, large))
    return list({id(group): group for group in found.values()}.values())
