"""The copies of the page of a version."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from storage.database.rows import Row, fetch
from storage.database.views import view_query
from storage.read.answers import OutsideCopy, VersionText
from storage.read.query.records import record_from_row
from storage.read.render.visible import one_line

if TYPE_CHECKING:
    from sqlalchemy import Connection


def facts_of_versions(
    connection: "Connection", articles: Sequence[int], versions: Sequence[VersionText]
) -> list[tuple[OutsideCopy, ...]]:
    """Return the copies of each version of these articles."""
    found = find_copies(connection, articles)
    return [
        tuple(
            copy for row, copy in found
            if (row["article"], row["version"]) == (version.article, version.version)
        )
        for version in versions
    ]  # fmt: skip


def show_lines(version: VersionText, show_time: Callable[[datetime], str]) -> Iterator[str]:
    """Yield the lines of `lesart show`."""
    for copy in version.outside_copies:
        moment = show_time(copy.captured_at)
        yield f"copy       {one_line(copy.address)} · {copy.archive}, {moment}"


def find_copies(connection: "Connection", articles: Sequence[int]) -> list[tuple[Row, OutsideCopy]]:
    """Return the copies of pages of articles at other archives, each with its row."""
    query = (
        "SELECT q.article, q.version, q.observation_id, q.archive, q.address, q.captured_at, "
        f"q.recorded_at FROM ({view_query('outside_copies', connection)}) q "
        f"WHERE q.article_id IN :articles ORDER BY q.recorded_at"
    )
    rows = fetch(connection, query, {"articles": list(articles)})
    return [(row, record_from_row(OutsideCopy, row)) for row in rows]
