"""The articles that the knowledge about some articles depends on."""

from collections.abc import Iterable
from datetime import UTC
from itertools import chain

from sqlalchemy import Connection

from storage.database.rows import fetch
from storage.database.unit import rows_in
from storage.database.view_queries.sql_words import RESTRICTED
from storage.read.find import JOINED, ArticleRef, Finder, possible_names
from storage.read.revision import RevisionError, refuse_unprintable, split_range
from storage.relations.clusters import A, B, joins, select_related_articles


def find_scope(connection: Connection, references: Iterable[str]) -> set[int]:
    """Return the articles that answers about the articles of revisions depend on.

    These are all articles that the revisions may mean at any time, the members of their clusters
    at any time, and the restricted articles, whose texts are withheld wherever they are.
    `connection` shows the archive of today.
    """
    finder = _CandidateFinder(connection)
    for reference in references:
        finder.collect(reference)
    query = f"SELECT q.article_id AS id FROM {RESTRICTED} q"
    restricted = {row["id"] for row in fetch(connection, query, {})}
    return restricted | _find_members(connection, finder.found)


def _find_members(connection: Connection, articles: set[int]) -> set[int]:
    """Return articles with all that relations, undone ones too, ever joined to them."""
    members, new = set(articles), articles
    while new:
        joined = {
            article
            for end in (A, B)
            for _id, a, b, kind, evidence in rows_in(
                connection, select_related_articles(), end.c.article_id, new
            )
            if joins(kind, evidence)
            for article in (a, b)
        }
        new = joined - members
        members |= new
    return members


class _CandidateFinder(Finder):
    """Finds every article that a revision may mean: no way of finding hides another one."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, UTC)
        self.found: set[int] = set()

    def collect(self, reference: str) -> None:
        """Add the articles of a revision, or of both sides of a range, to those found."""
        try:
            refuse_unprintable(reference)
        except RevisionError:
            return
        parts = {reference, *chain.from_iterable(split_range(reference))}
        for name in {name for part in parts for name in possible_names(part)}:
            self._find_article(name)

    def _load(self, names: set[str]) -> None:
        public = self._public_names(names)
        self._add(_EVER_BY_NAME, names=public)
        self._cache |= dict.fromkeys(names)

    def _find_only(self, condition: str, _reference: str, /, **values: str) -> ArticleRef | None:
        self._add(f"SELECT DISTINCT a.id AS id {JOINED} WHERE {condition}", **values)
        return None

    def _add(self, query: str, **values: object) -> None:
        self.found.update(row["id"] for row in fetch(self.connection, query, values))


_EVER_BY_NAME = f"""
SELECT a.id AS id {JOINED} WHERE o.public_id IN :names
UNION
SELECT s.article_id FROM origin o JOIN snapshot s ON s.locator_id = o.id
WHERE o.public_id IN :names AND s.article_id IS NOT NULL
"""
