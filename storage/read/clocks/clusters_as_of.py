"""Clusters as they were known at a time, computed from the relations in force then."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, insert, or_, select

from storage.database.tables import (
    ARTICLE,
    CLUSTER_MEMBER,
    RELATION,
    RELATION_UNDONE,
)
from storage.database.unit import rows_in
from storage.relations.clusters import A, Pair, joins, select_related_articles

_PAST = MetaData()
_CLUSTER = Table(
    "past_cluster",
    _PAST,
    Column("id", BigInteger, primary_key=True),
    Column("label", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)
_MEMBER = Table(
    "past_cluster_member",
    _PAST,
    Column("article_id", BigInteger, primary_key=True),
    Column("cluster_id", BigInteger, nullable=True),
    prefixes=["TEMPORARY"],
)


def create_cluster_tables(connection: Connection, known_at: datetime) -> Mapping[str, str]:
    """Create tables of this session with the clusters at the time, as far as they differ.

    Returns, by table, the query for its rows; `{}` is a placeholder for the schema.
    """
    _PAST.create_all(connection, checkfirst=False)
    affected = _affected_articles(connection, known_at)
    groups = group_articles(_related_pairs(connection, affected, known_at))
    query = select(ARTICLE.c.id, ARTICLE.c.public_id)
    names = dict(rows_in(connection, query, ARTICLE.c.id, groups))
    alone = affected.difference(*groups.values())
    members = [{"article_id": a, "cluster_id": None} for a in alone]
    for founder, articles in groups.items():
        members += [{"article_id": a, "cluster_id": founder} for a in articles]
    clusters = [
        {"id": f, "label": names[f], "size": len(articles)} for f, articles in groups.items()
    ]
    for table, rows in ((_CLUSTER, clusters), (_MEMBER, members)):
        if rows:
            connection.execute(insert(table), rows)
    return {
        "cluster": "SELECT * FROM {}.cluster UNION ALL SELECT * FROM past_cluster",
        "cluster_member": "SELECT * FROM {}.cluster_member "
        "WHERE article_id NOT IN (SELECT article_id FROM past_cluster_member) "
        "UNION ALL SELECT * FROM past_cluster_member WHERE cluster_id IS NOT NULL",
    }


def group_articles(pairs: Iterable[Pair]) -> dict[int, set[int]]:
    """Return the articles of each cluster by its founder, as `relations.clusters` joins them."""
    of: dict[int, int] = {}
    groups: dict[int, set[int]] = {}
    born: dict[int, int] = {}
    for a, b in pairs:
        homes = {of[each] for each in (a, b) if each in of}
        home = min(homes, key=lambda each: (-len(groups[each]), born[each]), default=b)
        born.setdefault(home, len(born))
        grown = groups.setdefault(home, set())
        for moved in [groups.pop(each) for each in homes - {home}] + [{a, b}]:
            grown |= moved
            of.update(dict.fromkeys(moved, home))
    return groups


def _affected_articles(connection: Connection, known_at: datetime) -> set[int]:
    """Return the articles whose cluster depends on a later decision or undoing."""
    later = or_(RELATION.c.decided_at > known_at, RELATION_UNDONE.c.undone_at > known_at)
    found = connection.execute(select_related_articles().where(later))
    touched = {article for _id, *pair, _kind, _detail in found for article in pair}
    of = select(CLUSTER_MEMBER.c.cluster_id)
    clusters = {row[0] for row in rows_in(connection, of, CLUSTER_MEMBER.c.article_id, touched)}
    articles = select(CLUSTER_MEMBER.c.article_id)
    return touched | {
        row[0] for row in rows_in(connection, articles, CLUSTER_MEMBER.c.cluster_id, clusters)
    }


def _related_pairs(connection: Connection, articles: set[int], known_at: datetime) -> list[Pair]:
    query = select_related_articles().where(
        RELATION.c.decided_at <= known_at,
        or_(RELATION_UNDONE.c.id.is_(None), RELATION_UNDONE.c.undone_at > known_at),
    )
    found = rows_in(connection, query, A.c.article_id, articles)
    return [
        (a, b)
        for _id, a, b, kind, detail in sorted(found, key=lambda row: row[0])
        if a != b and joins(kind, detail)
    ]
