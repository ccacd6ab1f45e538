"""Clusters: articles that are copies of each other, stored so that each change costs only its own
size.

If two clusters are joined, the smaller one is merged into the larger. So an article changes its
cluster at most once per doubling of the size.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, select, update

from storage.database.tables import (
    ARTICLE,
    ARTICLE_ORIGIN,
    CLUSTER,
    CLUSTER_MEMBER,
    RELATION,
    RELATION_UNDONE,
)
from storage.database.unit import Unit, rows_in, update_rows

A, B = ARTICLE_ORIGIN.alias(), ARTICLE_ORIGIN.alias()

Pair = tuple[int, int]


@dataclass(slots=True)
class _Cluster:
    id: int
    size: int
    founder: int | None = None
    """The article that gives the cluster its name; None for a stored cluster."""


def join(unit: Unit, pairs: Sequence[Pair]) -> None:
    """Put the two articles of each pair into one cluster; their rows must exist."""
    if pairs:
        _ClusterUpdate(unit, [article for pair in pairs for article in pair]).join(pairs)


def join_origins(unit: Unit, pairs: Sequence[Pair]) -> None:
    """Put the articles of the origins of each pair into one cluster."""
    query = select(ARTICLE_ORIGIN.c.origin_id, ARTICLE_ORIGIN.c.article_id)
    origins = [origin for pair in pairs for origin in pair]
    of: dict[int, int] = dict(rows_in(unit.connection, query, ARTICLE_ORIGIN.c.origin_id, origins))
    join(unit, [(of[a], of[b]) for a, b in pairs if a in of and b in of and of[a] != of[b]])


def gather(unit: Unit, articles: Iterable[int]) -> None:
    """Compute the clusters of articles again from the relations in force.

    Articles that no longer exist leave their cluster; the articles that now own their origins join
    it.
    """
    touched = set(articles)
    query = select(CLUSTER_MEMBER.c.cluster_id)
    clusters = {
        row[0] for row in rows_in(unit.connection, query, CLUSTER_MEMBER.c.article_id, touched)
    }
    query = select(CLUSTER_MEMBER.c.article_id).where(CLUSTER_MEMBER.c.cluster_id.in_(clusters))
    members = set(unit.connection.execute(query).scalars())
    unit.connection.execute(delete(CLUSTER_MEMBER).where(CLUSTER_MEMBER.c.cluster_id.in_(clusters)))
    unit.connection.execute(delete(CLUSTER).where(CLUSTER.c.id.in_(clusters)))
    query = select(ARTICLE.c.id)
    there = {row[0] for row in rows_in(unit.connection, query, ARTICLE.c.id, members)}
    _renumber(unit, sorted(there))
    join(unit, _pairs_of(unit, members | touched))


def _pairs_of(unit: Unit, articles: Iterable[int]) -> list[Pair]:
    """Return the pairs of articles, one of them in `articles`, that a relation joins."""
    query = select(ARTICLE_ORIGIN.c.origin_id)
    own = [row[0] for row in rows_in(unit.connection, query, ARTICLE_ORIGIN.c.article_id, articles)]
    query = select_related_articles().where(RELATION_UNDONE.c.id.is_(None))
    pairs = {
        number: (a, b)
        for column in (RELATION.c.a_origin_id, RELATION.c.b_origin_id)
        for number, a, b, kind, evidence in rows_in(unit.connection, query, column, own)
        if a != b and joins(kind, evidence)
    }
    return [pairs[number] for number in sorted(pairs)]


def select_related_articles() -> Select[Any]:
    """Select number, articles, kind and evidence of relations, and the undoing from
    `RELATION_UNDONE`.
    """
    return (
        select(RELATION.c.id, A.c.article_id, B.c.article_id, RELATION.c.kind, RELATION.c.evidence)
        .select_from(RELATION)
        .join(A, A.c.origin_id == RELATION.c.a_origin_id)
        .join(B, B.c.origin_id == RELATION.c.b_origin_id)
        .outerjoin(RELATION_UNDONE, RELATION_UNDONE.c.relation_id == RELATION.c.id)
    )


def joins(kind: str, evidence: Mapping[str, object] | None) -> bool:
    """Check whether a relation puts its articles into one cluster.

    A text that contains another one and has a large part of its own is another story. A near-copy
    does not join clusters whose texts report different events.
    """
    if kind in {"exact_copy", "near_copy"}:
        return bool((evidence or {}).get("joins", True))
    return kind == "contains" and bool((evidence or {}).get("joins"))


def _renumber(unit: Unit, articles: Iterable[int]) -> None:
    """Give articles a new `seq`, so that replication clients read them again."""
    rows = [{"id": article, "seq": unit.number()} for article in articles]
    update_rows(unit.connection, ARTICLE, ("id",), rows)


class _ClusterUpdate:
    """The clusters of some articles during one unit of work."""

    def __init__(self, unit: Unit, articles: Sequence[int]) -> None:
        self.unit = unit
        connection = unit.connection
        query = select(CLUSTER_MEMBER.c.article_id, CLUSTER_MEMBER.c.cluster_id)
        self.of: dict[int, int] = dict(
            rows_in(connection, query, CLUSTER_MEMBER.c.article_id, articles)
        )
        sizes = select(CLUSTER.c.id, CLUSTER.c.size)
        self.clusters = {
            number: _Cluster(number, size)
            for number, size in rows_in(connection, sizes, CLUSTER.c.id, self.of.values())
        }
        self.fresh: dict[int, int] = {}
        self.touched: set[int] = set()
        self.changed: set[int] = set()

    def join(self, pairs: Sequence[Pair]) -> None:
        for a, b in pairs:
            one, other = self.of.get(a), self.of.get(b)
            if one is None and other is None:
                one = self._cluster_of(b)
                self._enter(b, one)
                self._enter(a, one)
            elif one is None or other is None:
                known = one if one is not None else other
                assert known is not None
                self._enter(a if one is None else b, known)
            elif one != other:
                self._merge(one, other)
        self._write()

    def _cluster_of(self, article: int) -> int:
        number = self.unit.number()
        self.clusters[number] = _Cluster(number, 0, founder=article)
        return number

    def _enter(self, article: int, cluster: int) -> None:
        self.of[article] = self.fresh[article] = cluster
        self.clusters[cluster].size += 1
        self.touched.add(cluster)
        self.changed.add(article)

    def _merge(self, larger: int, smaller: int) -> None:
        large, small = sorted(
            (self.clusters[larger], self.clusters[smaller]), key=lambda each: (-each.size, each.id)
        )
        self._write()
        query = select(CLUSTER_MEMBER.c.article_id).where(CLUSTER_MEMBER.c.cluster_id == small.id)
        moved = self.unit.connection.execute(query).scalars().all()
        self.unit.connection.execute(
            update(CLUSTER_MEMBER)
            .where(CLUSTER_MEMBER.c.cluster_id == small.id)
            .values(cluster_id=large.id)
        )
        self.unit.connection.execute(delete(CLUSTER).where(CLUSTER.c.id == small.id))
        del self.clusters[small.id]
        for article in moved:
            self.of[article] = large.id
        self.changed.update(moved)
        large.size += len(moved)
        self.touched.add(large.id)

    def _write(self) -> None:
        unit = self.unit
        touched = [self.clusters[number] for number in sorted(self.touched & set(self.clusters))]
        names = self._names([each.founder for each in touched if each.founder is not None])
        known = []
        for each in touched:
            if each.founder is None:
                known.append({"id": each.id, "size": each.size})
            else:
                row = {"id": each.id, "label": names[each.founder], "size": each.size}
                unit.add(CLUSTER, row)
                each.founder = None
        for article, cluster_id in sorted(self.fresh.items()):
            unit.add(CLUSTER_MEMBER, {"article_id": article, "cluster_id": cluster_id})
        unit.flush()
        update_rows(unit.connection, CLUSTER, ("id",), known)
        _renumber(unit, sorted(self.changed))
        self.fresh.clear()
        self.touched.clear()
        self.changed.clear()

    def _names(self, articles: Sequence[int]) -> dict[int, str]:
        query = select(ARTICLE.c.id, ARTICLE.c.public_id)
        return dict(rows_in(self.unit.connection, query, ARTICLE.c.id, articles))
