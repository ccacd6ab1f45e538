"""The list of declarations about the use of texts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.read import answers
from storage.read.query.parameter import argument, flag
from storage.read.query.queries import ClockOptions, ListQuery, Long

if TYPE_CHECKING:
    from storage.read.archive.queries import ArchiveQueries
    from storage.read.query.queries import Page
    from storage.values.answer import Answer


@dataclass(kw_only=True)
class RightsQuery(ListQuery, ClockOptions):
    """List what a site declared about the use of a text, and when this was seen."""

    article: Long | None = argument(
        "ARTICLE", "Article by id, address or path, or address of a feed (default: all).", None
    )
    current: bool = flag("--current", "List only the declarations of the latest check.")
    record = staticmethod(lambda: answers.RightsDeclaration)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        return archive.rights(self.article, *page, current=self.current)


QUERIES = (RightsQuery,)
