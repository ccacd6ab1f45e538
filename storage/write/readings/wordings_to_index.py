"""New wordings that get index keys, by which copies are found."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from storage.database.tables import RELATION_DUE, VERSION
from storage.database.unit import Unit, rows_in
from storage.history.neighbours import KnownArticle
from storage.record.reading import Reading
from storage.relations.candidates import IndexedWording


class NewWording(NamedTuple):
    """A wording that a reading added, and its article."""

    article: KnownArticle
    wording: int
    reading: Reading


def indexed_wordings(unit: Unit, new: Sequence[NewWording]) -> list[IndexedWording]:
    """Return new wordings with their index keys, which PostgreSQL adds after the commit."""
    own: dict[int, set[int]] = {each.article.id: set() for each in new}
    query = select(VERSION.c.article_id, VERSION.c.wording_id)
    stored = [each.article.id for each in new if each.article.stored]
    for article_id, wording in rows_in(unit.connection, query, VERSION.c.article_id, stored):
        own[article_id].add(wording)
    indexed = []
    for article, wording, reading in new:
        assert reading.index_keys is not None
        others = frozenset(own[article.id] - {wording})
        day = reading.day.toordinal() if reading.day else 0
        indexed.append(IndexedWording(wording, reading.index_keys, day, others))
        own[article.id].add(wording)
        if unit.connection.dialect.name == "postgresql":
            due = {"wording_id": wording, "found": None, "recorded_at": unit.now}
            unit.add(RELATION_DUE, due)
    return indexed
