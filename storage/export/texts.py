"""Stream the archive, or the results of a query, as JSON lines or flat rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from storage.database.views import COLUMNS
from storage.language.tokens import parse_query
from storage.read import texts
from storage.read.archive import ReadOnlyArchive
from storage.read.filters import EVERYTHING, Conditions, Filters, conditions
from storage.read.lists import Part
from storage.read.search import CHUNK_HITS, cursor_of, found_versions
from storage.values.draft import Json, as_dict

Line = dict[str, Json]
Take = Callable[[Connection, Conditions, int | None], Iterator[Any]]

FLAT_COLUMNS = (*COLUMNS["versions"], *texts.PLACE, "cursor")
"""The columns of `flat_rows`: those of the view `versions`, of its article, and the cursor."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects versions: the latest or all, by filters, by a query, and a part of them.

    Without a query, articles come in the order in which the archive first saw them; with a query,
    the best hit comes first.
    """

    filters: Filters = EVERYTHING
    query: str | None = None
    every_version: bool = False
    after: str | None = None
    limit: int | None = None


def json_lines(archive: ReadOnlyArchive, selection: Selection) -> Iterator[Line]:
    """Yield the fields of `show`, and a cursor, of each version.

    Raises: CursorError.
    """
    take = partial(_json_lines, as_of=archive.clocks.as_of)
    return _selected(archive, selection, take)


def flat_rows(archive: ReadOnlyArchive, selection: Selection) -> Iterator[Line]:
    """Yield `FLAT_COLUMNS` of each version.

    Raises: CursorError.
    """
    return _selected(archive, selection, _flat_rows)


def typed_rows(archive: ReadOnlyArchive, selection: Selection) -> Iterator[Mapping[str, Any]]:
    """Yield `FLAT_COLUMNS` of each version, with times and lists as Python values.

    Raises: CursorError.
    """
    return _selected(archive, selection, texts.version_rows)


def _json_lines(
    connection: Connection, asked: Conditions, limit: int | None, as_of: datetime | None = None
) -> Iterator[Line]:
    for version in texts.version_texts(connection, asked, limit, as_of=as_of):
        yield {**version.to_dict(), "cursor": version.cursor}


def _flat_rows(connection: Connection, asked: Conditions, limit: int | None) -> Iterator[Line]:
    yield from map(as_dict, texts.version_rows(connection, asked, limit))


def _selected(archive: ReadOnlyArchive, selection: Selection, take: Take) -> Iterator[Any]:
    with archive.connected() as connection:
        if selection.query is None:
            yield from _all(connection, selection, take)
        else:
            yield from _hits(connection, selection, archive.languages, take)


def _all(connection: Connection, selection: Selection, take: Take) -> Iterator[Any]:
    asked = conditions(selection.filters, article="q", version="x")
    if not selection.every_version:
        asked = asked.also("x.version = q.versions")
    return take(connection, texts.after(asked, selection.after), selection.limit)


def _hits(
    connection: Connection, selection: Selection, languages: tuple[str, ...], take: Take
) -> Iterator[Any]:
    found = found_versions(
        connection,
        parse_query(selection.query or "", languages),
        selection.filters,
        Part(selection.after, selection.limit),
        latest=not selection.every_version,
    )
    while chunk := list(islice(found, CHUNK_HITS)):
        asked = Conditions().also("x.version_id IN :ids", ids=[row["version_id"] for row in chunk])
        lines = {(line["article"], line["version"]): line for line in take(connection, asked, None)}
        for row in chunk:
            yield {**lines[row["article"], row["version"]], "cursor": cursor_of(row)}
