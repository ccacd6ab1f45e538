"""The readings of an article that are held back, for the pages of its versions."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from storage.capabilities.unconfirmed.readings import IS_OPEN, find_unconfirmed
from storage.read.answers import UnconfirmedReading, VersionText
from storage.read.filters import Conditions
from storage.read.query.records import Part
from storage.read.render.visible import one_line

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_SHOWN = 20


def facts_of_versions(
    connection: "Connection", articles: Sequence[int], versions: Sequence[VersionText]
) -> list[tuple[UnconfirmedReading, ...]]:
    """Return the open readings of the articles of these versions."""
    criteria = Conditions().with_clause(
        f"q.article_id IN :articles AND {IS_OPEN}", articles=list(articles)
    )
    found = list(find_unconfirmed(connection, criteria, Part()))
    return [
        tuple(each for each in found if each.article == version.article)[:MOST_SHOWN]
        for version in versions
    ]


def show_lines(version: VersionText, show_time: Callable[[datetime], str]) -> Iterator[str]:
    """Yield the lines of `lesart show`."""
    for each in version.unconfirmed:
        moment, title = show_time(each.observed_at), one_line(each.title or "")
        yield f"held back  {moment}: {title} · {', '.join(each.signs)}"
