"""The list of reviews."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from storage.read import filters
from storage.read.query.parameter import flag, option
from storage.read.query.queries import AnyArticle, ListQuery, Plain
from storage.values.answer import Answer
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.read.archive.queries import ArchiveQueries
    from storage.read.filters import Conditions
    from storage.read.query import records
    from storage.read.query.queries import Page
    from storage.read.query.records import Part
else:
    records = LazyModule("storage.read.query.records")


@dataclass(frozen=True, slots=True)
class Review(Answer):
    """A label that a reader gave to the change that created a version.

    `version` is None if the article has no such change any more. `foreign`: it was recorded in
    another archive.
    """

    id: int
    article: str | None
    version: int | None
    label: str
    note: str | None
    reviewer: str
    reviewed_at: datetime
    foreign: bool
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    cursor: str


@dataclass(kw_only=True)
class ReviewsQuery(ListQuery, AnyArticle):
    """List the labels of changes, with their notes."""

    label: Plain | None = option("--label", "L", "Only reviews with this label (default: all).")
    reviewer: Plain | None = option(
        "--reviewer", "NAME", "Only reviews with the token NAME (default: all)."
    )
    current: bool = flag("--current", "Leave out reviews that were withdrawn.")
    record = staticmethod(lambda: Review)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Review]":
        criteria = filters.Conditions()
        if self.article is not None:
            number = archive.article_row_id(self.article)
            criteria = criteria.with_clause("q.article_id = :article", article=number)
        for name in ("label", "reviewer"):
            if (wanted := getattr(self, name)) is not None:
                criteria = criteria.with_clause(f"q.{name} = :{name}", **{name: wanted})
        if self.current:
            criteria = criteria.with_clause("q.withdrawn_at IS NULL")
        return archive.iterate(find_reviews, criteria, records.Part(*page))


def find_reviews(
    connection: "Connection", criteria: "Conditions", part: "Part"
) -> Iterator[Review]:
    """Yield the selected reviews, including withdrawn ones."""
    listed = records.RecordList(Review, "reviews", {"id": int}, "reviews")
    yield from listed.rows(connection, criteria, part)


QUERIES = (ReviewsQuery,)
