"""The list of the resources of pages, and the bytes of one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from storage.read.query.queries import AnyArticle, ListQuery
from storage.values.answer import Answer
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.database import capture_store, rows, views
    from storage.read import filters
    from storage.read.archive.queries import ArchiveQueries
    from storage.read.filters import Conditions
    from storage.read.query import records
    from storage.read.query.queries import Page
    from storage.read.query.records import Part
else:
    capture_store = LazyModule("storage.database.capture_store")
    filters = LazyModule("storage.read.filters")
    records = LazyModule("storage.read.query.records")
    rows = LazyModule("storage.database.rows")
    views = LazyModule("storage.database.views")


@dataclass(frozen=True, slots=True)
class Resource(Answer):
    """An answer that a page got from a server while a browser read it.

    `location` is the target of a redirect, `size` the number of bytes of the decoded body, and
    `digest` its SHA-256; null if its bytes are not stored.
    """

    id: int
    article: str
    version: int | None
    observed_at: datetime
    address: str
    media_type: str | None
    location: str | None
    status: int
    size: int
    digest: str | None
    recorded_at: datetime
    cursor: str


@dataclass(kw_only=True)
class ResourcesQuery(ListQuery, AnyArticle):
    """List the resources of pages that a browser read, such as styles and scripts."""

    record = staticmethod(lambda: Resource)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Resource]":
        criteria = filters.Conditions()
        if self.article is not None:
            number = archive.article_row_id(self.article)
            criteria = criteria.with_clause("q.article_id = :article", article=number)
        return archive.iterate(find_resources, criteria, records.Part(*page))


def find_resources(
    connection: "Connection", criteria: "Conditions", part: "Part"
) -> Iterator[Resource]:
    """Yield the selected resources."""
    listed = records.RecordList(Resource, "resources", {"id": int}, "page_resources")
    yield from listed.rows(connection, criteria, part)


def load_bytes(connection: "Connection", number: int) -> bytes | None:
    """Return the bytes of a resource; None if there are none, or its article is restricted."""
    query = (
        "SELECT b.digest, b.encoding, b.data "
        f"FROM ({views.view_query('page_resources', connection)}) p "
        "JOIN capture b ON b.id = p.capture_id WHERE p.id = :number AND b.data IS NOT NULL"
    )
    row = next(iter(rows.fetch(connection, query, {"number": number})), None)
    if row is None:
        return None
    stored = capture_store.StoredBytes(bytes(row["digest"]), row["encoding"], row["data"])
    return capture_store.load(connection, stored)


QUERIES = (ResourcesQuery,)
