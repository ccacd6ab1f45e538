"""Classify stored changes again if older rules classified them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Row, select

from storage.database.tables import VERSION
from storage.database.unit import Unit, rows_in
from storage.diff.change import METHOD
from storage.history.changes import CaptureComparer
from storage.history.runs import Pair
from storage.history.versions import rebuild_all

ARTICLES_AT_A_TIME = 50
_OLDER = (VERSION.c.number > 1, VERSION.c.method < METHOD, VERSION.c.before_id.is_not(None))


def outdated_articles(connection: Connection, articles: Sequence[int] | None = None) -> list[int]:
    """Return the articles with changes that older rules classified, among `articles` if given."""
    query = select(VERSION.c.article_id).where(*_OLDER).distinct()
    if articles is None:
        return sorted(connection.execute(query).scalars())
    return sorted(
        number for (number,) in rows_in(connection, query, VERSION.c.article_id, articles)
    )


def reclassify(unit: Unit, articles: Sequence[int]) -> tuple[int, int]:
    """Classify the changes of articles again that older rules classified; versions stay.

    Returns how many were classified, and how many of them have other classes now. A change that
    is noise by the current rules keeps its classes and its older method.
    """
    before = {row.id: row for row in _select_outdated(unit, articles)}
    stale: dict[int, frozenset[Pair]] = {}
    for row in before.values():
        pair = (row.before_id, row.after_id)
        stale[row.article_id] = stale.get(row.article_id, frozenset()) | {pair}
    comparing = CaptureComparer(unit.connection, unit.since)
    rebuild_all(unit, dict.fromkeys(stale, True), comparing, stale, keeps_versions=True)
    query = select(VERSION.c.id, VERSION.c.changes, VERSION.c.method)
    after = [
        row for row in rows_in(unit.connection, query, VERSION.c.id, before) if row.method == METHOD
    ]
    return len(after), sum(row.changes != before[row.id].changes for row in after)


def _select_outdated(unit: Unit, articles: Sequence[int]) -> Iterable[Row[tuple[int, ...]]]:
    query = select(
        VERSION.c.id, VERSION.c.article_id, VERSION.c.before_id, VERSION.c.after_id,
        VERSION.c.changes,
    ).where(*_OLDER)  # fmt: skip
    return rows_in(unit.connection, query, VERSION.c.article_id, articles)
