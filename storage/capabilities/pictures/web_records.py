"""The bytes of pictures in a WARC file: a resource record each, next to the page."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from storage.capabilities.hooks import WebFile
from storage.database.capture_store import StoredBytes
from storage.database.rows import fetch
from storage.database.views import view_query


def resources_of_checks(
    connection: Connection, articles: Sequence[int]
) -> Mapping[int, list[WebFile]]:
    """Return the pictures of articles by check."""
    query = (
        "SELECT p.observation_id, p.event, p.address, p.media_type, b.digest, b.encoding, b.data "
        f"FROM ({view_query('pictures', connection)}) p JOIN capture b ON b.id = p.capture_id "
        "WHERE p.article_id IN :articles AND b.data IS NOT NULL ORDER BY p.id"
    )
    found: dict[int, list[WebFile]] = {}
    for row in fetch(connection, query, {"articles": list(articles)}):
        stored = StoredBytes(bytes(row["digest"]), row["encoding"], row["data"])
        shown = f"urn:view:{row['address']}" if row["event"] == "screenshot" else row["address"]
        found.setdefault(row["observation_id"], []).append(
            WebFile(shown, row["media_type"], stored)
        )
    return found
