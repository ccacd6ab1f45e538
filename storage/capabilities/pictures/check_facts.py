"""The pictures of the page of a check."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from storage.database.rows import fetch
from storage.database.views import view_query
from storage.read.answers import CheckPicture

if TYPE_CHECKING:
    from sqlalchemy import Connection


def facts_of_observations(
    connection: "Connection", article: int
) -> Mapping[int, tuple[CheckPicture, ...]]:
    """Return the pictures and the screenshot of each check of an article."""
    query = (
        f"SELECT p.observation_id, p.id, p.event FROM ({view_query('pictures', connection)}) p "
        "WHERE p.article_id = :article ORDER BY p.id"
    )
    found: dict[int, tuple[CheckPicture, ...]] = {}
    for row in fetch(connection, query, {"article": article}):
        own = found.get(row["observation_id"], ())
        found[row["observation_id"]] = (*own, CheckPicture(row["id"], row["event"]))
    return found
