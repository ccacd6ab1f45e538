"""The resources of pages in a WARC file: an answer each, next to the page."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from storage.capabilities.hooks import WebFile
from storage.database.capture_store import StoredBytes
from storage.database.rows import fetch
from storage.database.views import view_query


def resources_of_checks(
    connection: Connection, articles: Sequence[int]
) -> Mapping[int, list[WebFile]]:
    """Return the resources of articles by check: those with bytes, and redirects."""
    query = (
        "SELECT p.observation_id, p.address, p.media_type, p.location, p.status, "
        f"b.digest, b.encoding, b.data FROM ({view_query('page_resources', connection)}) p "
        "LEFT JOIN capture b ON b.id = p.capture_id WHERE p.article_id IN :articles "
        "AND (b.data IS NOT NULL OR p.location IS NOT NULL) ORDER BY p.id"
    )
    found: dict[int, list[WebFile]] = {}
    for row in fetch(connection, query, {"articles": list(articles)}):
        stored = None
        if row["data"] is not None:
            stored = StoredBytes(bytes(row["digest"]), row["encoding"], row["data"])
        found.setdefault(row["observation_id"], []).append(
            WebFile(row["address"], row["media_type"] or "", stored, row["status"], row["location"])
        )
    return found
