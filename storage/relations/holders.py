"""The owners of wordings: the first article with each, and the story that copies share."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from sqlalchemy import Connection, select

from storage.database.tables import (
    ARTICLE,
    CLUSTER,
    CLUSTER_MEMBER,
    DERIVATION,
    ORIGIN,
    VERSION,
    WORDING,
)
from storage.database.unit import rows_in
from storage.relations.candidates import IndexedWording
from storage.similarity.follow_up import FollowUpText
from storage.similarity.index_keys import clause_spans, index_keys
from storage.similarity.near_copy import LONGEST_TEXT, StoryText
from storage.similarity.references import day_in_month
from storage.similarity.signature import signature_of
from storage.values.dates import day_of
from storage.values.digest import canonical_all
from storage.values.net.site import site_of

Story = tuple[str, int]
"""The common identity of copies of one text: their cluster, otherwise the article."""


MOST_COMMON = 0.7
"""Number of identical texts from which a text is not treated as a common phrase."""


@dataclass(frozen=True)
class Holder:
    """A wording with the article in which it was first seen."""

    wording_id: int
    article_id: int
    origin_id: int
    derivation_id: int
    article: str
    origin: str
    seen: datetime
    title: str | None
    stored: str
    published: str | None
    precision: str | None
    cluster_id: int | None
    cluster_size: int | None

    @cached_property
    def text(self) -> str:
        """Return the text in canonical form, which passages refer to."""
        return "\n\n".join(canonical_all(self.stored.split("\n\n")))[:LONGEST_TEXT]

    @cached_property
    def day(self) -> tuple[date | None, bool]:
        """Return the last possible day of publication, otherwise the day of the first snapshot."""
        published, is_exact = day_of(self.published, self.precision)
        return (self.seen.date(), True) if published is None else (published, is_exact)

    @property
    def story(self) -> Story:
        """Return the identity that copies share: the cluster, otherwise the article."""
        if self.cluster_id is not None:
            return "cluster", self.cluster_id
        return "article", self.article_id

    def story_text(self, common: frozenset[int] = frozenset()) -> StoryText:
        """Return the text for a comparison; `common` are the index keys of common phrases."""
        spans = clause_spans(self.text, common) if common else []
        day, is_exact = self.day
        if sum(end - start for start, end in spans) > MOST_COMMON * len(self.text):
            spans = []
        exact = day if is_exact else None
        return StoryText(self.title, self.text, exact, tuple(spans), site_of(self.origin))

    @cached_property
    def candidate(self) -> FollowUpText:
        """Return the text as a possible follow-up, with its day as far as known."""
        day, is_exact = self.day
        if day is not None and not is_exact:
            day = day_in_month(self.text, day)
        return FollowUpText(self.wording_id, self.title, self.text, day, site_of(self.origin))

    def with_index_keys(self) -> IndexedWording:
        """Return the index keys of the wording, as computed when a text is read."""
        day, is_exact = self.day
        left = index_keys(
            self.text.split("\n\n"), signature_of(self.stored), title=self.title,
            site=site_of(self.origin), day=day, is_exact=is_exact,
        )  # fmt: skip
        return IndexedWording(self.wording_id, left, day.toordinal() if day else 0)


def holders(connection: Connection, wording_ids: set[int]) -> dict[int, Holder]:
    """Return for each wording the article in which it was first seen, unless its text is gone."""
    query = (
        select(
            VERSION.c.wording_id, ARTICLE.c.id, ARTICLE.c.origin_id, VERSION.c.derivation_id,
            ARTICLE.c.public_id, ORIGIN.c.origin, VERSION.c.changed_by, WORDING.c.title,
            WORDING.c.text, DERIVATION.c.published, DERIVATION.c.published_precision,
            CLUSTER_MEMBER.c.cluster_id, CLUSTER.c.size,
        )
        .join(ARTICLE, ARTICLE.c.id == VERSION.c.article_id)
        .join(ORIGIN, ORIGIN.c.id == ARTICLE.c.origin_id)
        .join(WORDING, WORDING.c.id == VERSION.c.wording_id)
        .join(DERIVATION, DERIVATION.c.id == VERSION.c.derivation_id)
        .outerjoin(CLUSTER_MEMBER, CLUSTER_MEMBER.c.article_id == ARTICLE.c.id)
        .outerjoin(CLUSTER, CLUSTER.c.id == CLUSTER_MEMBER.c.cluster_id)
        .where(WORDING.c.text.is_not(None))
    )  # fmt: skip
    seen: dict[int, Holder] = {}
    for row in rows_in(connection, query, VERSION.c.wording_id, wording_ids):
        holder = Holder(*row)
        known = seen.get(holder.wording_id)
        if known is None or (holder.seen, holder.article) < (known.seen, known.article):
            seen[holder.wording_id] = holder
    return seen


def _stories(connection: Connection, wording_ids: set[int]) -> dict[int, Story]:
    query = (
        select(VERSION.c.wording_id, VERSION.c.article_id, CLUSTER_MEMBER.c.cluster_id)
        .outerjoin(CLUSTER_MEMBER, CLUSTER_MEMBER.c.article_id == VERSION.c.article_id)
        .order_by(VERSION.c.id)
    )
    return {
        wording: ("article", article) if cluster is None else ("cluster", cluster)
        for wording, article, cluster in rows_in(
            connection, query, VERSION.c.wording_id, wording_ids
        )
    }
