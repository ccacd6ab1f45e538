"""Exact copies: articles that hold one wording, recorded as relations."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from storage.database.tables import (
    ARTICLE,
    RELATION,
    VERSION,
)
from storage.database.unit import Unit, rows_in
from storage.relations.clusters import join_origins

PUBLIC_COPY_METHOD = "w1"


class WordingHolder(NamedTuple):
    """The article that had a wording first: its number, its origin, and since when it had it."""

    article: int
    origin: int
    since: datetime


class ExactCopies:
    """The holders of wordings in one unit of work, and the relations that it adds."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._related: set[frozenset[int]] = set()
        self.holders: dict[int, WordingHolder] = {}
        self.pairs: list[tuple[int, int]] = []

    def load(self, wordings: Collection[int]) -> None:
        """Load the first holder of each of these wordings."""
        query = (
            select(VERSION.c.wording_id, VERSION.c.changed_by, ARTICLE.c.id, ARTICLE.c.origin_id)
            .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
            .order_by(ARTICLE.c.id.desc(), VERSION.c.number.desc())
        )
        for wording, moment, article, origin in rows_in(
            self._unit.connection, query, VERSION.c.wording_id, wordings
        ):
            self.holders[wording] = WordingHolder(article, origin, moment)

    def hold(self, wording: int, holder: WordingHolder) -> WordingHolder:
        """Return the holder of a wording: the one before, otherwise the given one."""
        return self.holders.setdefault(wording, holder)

    def relate(self, pair: tuple[int, int], moment: datetime, held_since: datetime) -> None:
        """Record that the articles of two origins have one wording, unless this is known."""
        if frozenset(pair) in self._related:
            return
        self._related.add(frozenset(pair))
        a, b = pair
        query = select(RELATION.c.id).where(
            RELATION.c.kind == "exact_copy",
            ((RELATION.c.a_origin_id == a) & (RELATION.c.b_origin_id == b))
            | ((RELATION.c.a_origin_id == b) & (RELATION.c.b_origin_id == a)),
        )
        if self._unit.connection.execute(query).first() is not None:
            return
        earlier = "unknown" if moment == held_since else "a" if moment < held_since else "b"
        self.pairs.append(pair)
        self._unit.add(
            RELATION,
            {
                "id": self._unit.number(), "kind": "exact_copy", "a_origin_id": a,
                "b_origin_id": b, "score": 1.0, "method": PUBLIC_COPY_METHOD, "threshold": 1.0,
                "earlier": earlier, "agency": None, "evidence": {},
                "decided_at": self._unit.now,
            },
        )  # fmt: skip

    def settle(self, displaced: Collection[int]) -> None:
        """Relate the articles that lost their address, and join the origins of all pairs."""
        for article_id in sorted(displaced):
            self._relate_displaced(article_id)
        self._unit.flush()
        join_origins(self._unit, self.pairs)

    def _relate_displaced(self, article_id: int) -> None:
        """Record the other articles with the wordings of an article that lost its address."""
        own, other, holder = VERSION.alias(), VERSION.alias(), ARTICLE.alias()
        query = (
            select(ARTICLE.c.origin_id, holder.c.origin_id, own.c.changed_by, other.c.changed_by)
            .join(own, own.c.article_id == ARTICLE.c.id)
            .join(other, other.c.wording_id == own.c.wording_id)
            .join(holder, holder.c.id == other.c.article_id)
            .where(ARTICLE.c.id == article_id, holder.c.id != article_id)
            .order_by(holder.c.id, own.c.number, other.c.number)
            .limit(1)
        )
        for a, b, moment, held_since in self._unit.connection.execute(query).all():
            self.relate((a, b), moment, held_since)
