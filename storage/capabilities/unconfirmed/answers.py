"""The list of unconfirmed readings."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.capabilities.unconfirmed.readings import IS_OPEN, find_unconfirmed
from storage.read import filters
from storage.read.answers import UnconfirmedReading
from storage.read.query.parameter import flag
from storage.read.query.queries import AnyArticle, ListQuery
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.read.archive.queries import ArchiveQueries
    from storage.read.query import records
    from storage.read.query.queries import Page
else:
    records = LazyModule("storage.read.query.records")


@dataclass(kw_only=True)
class UnconfirmedQuery(ListQuery, AnyArticle):
    """List the readings that are held back, and those that were, oldest first."""

    open: bool = flag("--open", "Only readings without a decision.")
    record = staticmethod(lambda: UnconfirmedReading)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[UnconfirmedReading]":
        criteria = filters.Conditions()
        if self.article is not None:
            number = archive.article_row_id(self.article)
            criteria = criteria.with_clause("q.article_id = :article", article=number)
        if self.open:
            criteria = criteria.with_clause(IS_OPEN)
        return archive.iterate(find_unconfirmed, criteria, records.Part(*page))


QUERIES = (UnconfirmedQuery,)
