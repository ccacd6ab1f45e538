"""The list of the pictures of articles, and the bytes of one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from storage.read.query.parameter import option
from storage.read.query.queries import AnyArticle, ListQuery, Plain
from storage.values.answer import Answer
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.database import capture_store, rows, views
    from storage.database.view_queries import sql_words
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
    sql_words = LazyModule("storage.database.view_queries.sql_words")
    views = LazyModule("storage.database.views")

UNCHANGED = ("first", "same", "unread", "screenshot")
"""The events that are no change of a picture."""


@dataclass(frozen=True, slots=True)
class Picture(Answer):
    """A picture of an article as a check found it.

    `position` is 0 for the lead picture. `event` states what became of the picture `before`:
    first, same, scaled, cropped, swapped, added, removed, caption or unread. `digest` is the
    SHA-256 of its bytes; without bytes, `refused` states why.
    """

    id: int
    article: str
    version: int | None
    observed_at: datetime
    position: int
    event: str
    before: int | None
    address: str
    caption: str | None
    credit: str | None
    digest: str | None
    media_type: str | None
    width: int | None
    height: int | None
    pdq: str | None
    refused: str | None
    recorded_at: datetime
    cursor: str

    @property
    def is_change(self) -> bool:
        return self.event not in UNCHANGED


@dataclass(frozen=True, slots=True)
class PictureBytes:
    """The bytes of a picture, unchanged."""

    media_type: str
    data: bytes


@dataclass(kw_only=True)
class PicturesQuery(ListQuery, AnyArticle):
    """List the pictures of articles, and what became of them."""

    event: Plain | None = option(
        "--event", "EVENT", "Only pictures with this event, such as swapped (default: all)."
    )
    record = staticmethod(lambda: Picture)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Picture]":
        criteria = filters.Conditions()
        if self.article is not None:
            number = archive.article_row_id(self.article)
            criteria = criteria.with_clause("q.article_id = :article", article=number)
        if self.event is not None:
            criteria = criteria.with_clause("q.event = :event", event=self.event)
        return archive.iterate(find_pictures, criteria, records.Part(*page))


def find_pictures(
    connection: "Connection", criteria: "Conditions", part: "Part"
) -> Iterator[Picture]:
    """Yield the selected pictures."""
    listed = records.RecordList(Picture, "pictures", {"id": int}, "pictures")
    yield from listed.rows(connection, criteria, part)


def find_by_id(connection: "Connection", numbers: Sequence[int]) -> dict[int, Picture]:
    """Return pictures by their number."""
    criteria = filters.Conditions().with_clause("q.id IN :numbers", numbers=list(numbers) or [0])
    found = find_pictures(connection, criteria, records.Part(limit=len(numbers) or 1))
    return {each.id: each for each in found}


def load_bytes(
    connection: "Connection", number: int, *, of_thumbnail: bool = False
) -> PictureBytes | None:
    """Return the bytes of a picture; None if there are none, or its article is restricted.

    A picture without a thumbnail is its own.
    """
    query = (
        "SELECT f.media_type, b.digest, b.encoding, b.data "
        f"FROM ({views.view_query('pictures', connection)}) p "
        "JOIN article_picture f ON f.observation_id = p.observation_id "
        "AND (f.id = p.id OR :of_thumbnail AND f.position = -2 AND p.position = -1) "
        "JOIN capture b ON b.id = f.capture_id "
        "WHERE p.id = :number AND b.data IS NOT NULL ORDER BY f.position"
    )
    values = {"number": number, "of_thumbnail": of_thumbnail}
    return _first_picture(connection, query, values)


def load_wall(
    connection: "Connection", address: str, *, of_thumbnail: bool = False
) -> PictureBytes | None:
    """Return the latest screenshot of a wall at an address, or its thumbnail; None as above."""
    query = (
        "SELECT p.media_type, b.digest, b.encoding, b.data FROM article_picture p "
        "JOIN observation o ON o.id = p.observation_id JOIN origin r ON r.id = o.locator_id "
        "JOIN capture b ON b.id = p.capture_id WHERE r.origin = :address AND p.address IS NOT NULL "
        "AND p.event = 'screenshot' AND p.position >= :least AND o.capture_id IS NULL "
        "AND b.data IS NOT NULL AND o.locator_id NOT IN (SELECT origin_id FROM article_origin "
        f"WHERE article_id IN {sql_words.RESTRICTED}) ORDER BY o.id DESC, p.position LIMIT 1"
    )
    values = {"address": address, "least": -2 if of_thumbnail else -1}
    return _first_picture(connection, query, values)


def _first_picture(
    connection: "Connection", query: str, values: Mapping[str, object]
) -> PictureBytes | None:
    row = next(iter(rows.fetch(connection, query, values)), None)
    if row is None:
        return None
    stored = capture_store.StoredBytes(bytes(row["digest"]), row["encoding"], row["data"])
    return PictureBytes(row["media_type"], capture_store.load(connection, stored))


QUERIES = (PicturesQuery,)
