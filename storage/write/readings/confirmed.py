"""Index and relate the texts of articles that were held back and count now."""

from collections.abc import Collection

from sqlalchemy import select

from storage.database.tables import INDEX_KEY, RELATION_DUE, VERSION
from storage.database.unit import Unit, rows_in
from storage.write.readings.known_content import ExactCopies


def settle_confirmed(unit: Unit, articles: Collection[int]) -> None:
    """Relate the confirmed texts of articles: exact copies now, the others from their index keys.

    A text that is held back has no index keys, and is in no article.
    """
    if not articles:
        return
    unit.flush()
    query = select(VERSION.c.wording_id).where(VERSION.c.confirmed_id.is_not(None))
    wordings = {row[0] for row in rows_in(unit.connection, query, VERSION.c.article_id, articles)}
    for column in (INDEX_KEY.c.wording_id, RELATION_DUE.c.wording_id):
        known = rows_in(unit.connection, select(column).distinct(), column, wordings)
        wordings -= {row[0] for row in known}
    for wording in sorted(wordings):
        unit.add(RELATION_DUE, {"wording_id": wording, "found": None, "recorded_at": unit.now})
    ExactCopies(unit).settle(articles)
