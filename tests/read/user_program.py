"""A program of a user: mypy reads it with the product, and test_library.py runs it."""

from datetime import datetime
from typing import assert_type

from sqlmodel import select

import lesart
from lesart import views


def run(archive: lesart.Archive) -> int:
    """Read views and records; return the number of changes, each counted in both."""
    number = 0
    with archive.session() as session:
        query = select(views.Change, lesart.Article).where(
            views.Change.article == lesart.Article.article, views.Change.words_removed >= 0
        )
        for change, article in session.exec(query):
            assert_type(article.title, str | None)
            assert_type(article.published_from, datetime | None)
            assert_type(change.removed, list[str])
            assert_type(change.method, int)
            assert article.model_dump()["versions"] >= change.version
            number += 1
        assert_type([each.picture for each in session.exec(select(views.Teaser))], list[bool])
    for record in archive.changes():
        assert_type(record, lesart.Change)
        assert_type(record.removed, tuple[str, ...])
        number += 1
    return number
