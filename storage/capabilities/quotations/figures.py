"""The number of quotations, and of the names of their speakers."""

from sqlalchemy import Connection

from storage.database.rows import fetch_row
from storage.values.draft import Json

OPEN = METRIC = None

_COUNTED = (
    "SELECT count(*) AS quotations, count(DISTINCT person) AS speakers FROM quotation t "
    "WHERE EXISTS (SELECT 1 FROM version v WHERE v.wording_id = t.wording_id)"
)


def compute_figures(connection: "Connection") -> Json:
    """Return how many quotations the versions have, and how many different names speak."""
    return dict(fetch_row(connection, _COUNTED, {}))
