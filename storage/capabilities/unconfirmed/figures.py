"""The number of readings that were held back, by what became of them."""

from sqlalchemy import Connection

from storage.database.rows import fetch
from storage.database.views import view_query
from storage.values.draft import Json

OPEN = "open"
METRIC = ("lesart_unconfirmed", "Texts that were held back, by their decision", "decision")


def compute_figures(connection: "Connection") -> Json:
    """Return how many readings are open, confirmed and dismissed."""
    query = (
        f"SELECT coalesce(q.decision, '{OPEN}') AS name, count(*) AS number "
        f"FROM ({view_query('unconfirmed', connection)}) q GROUP BY coalesce(q.decision, '{OPEN}')"
    )
    found = {row["name"]: row["number"] for row in fetch(connection, query, {})}
    return {name: found.get(name, 0) for name in (OPEN, "confirmed", "dismissed")}
