"""Stream the archive, or the results of a query, as JSON lines or flat rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from storage.database.views import COLUMNS
from storage.language.tokens import parse_search
from storage.read import texts
from storage.read.archive import ReadOnlyArchive
from storage.read.filters import NO_FILTERS, Conditions, Filters, conditions
from storage.read.query.records import Part
from storage.read.search import CHUNK_HITS, hit_cursor, matching_versions
from storage.values.draft import Json, as_dict

Line = dict[str, Json]
Take = Callable[[Connection, Conditions, int | None], Iterator[Any]]

FLAT_COLUMNS = (*COLUMNS["versions"], *texts.ARTICLE_COLUMNS, "cursor")
"""The columns of `flat_rows`: those of the view `versions`, of its article, and the cursor."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects versions: the latest or all, by filters, by a query, and a part of them.

    Without a query, articles come in the order in which the archive first saw them; with a query,
    the best hit comes first.
    """

    filters: Filters = NO_FILTERS
    query: str | None = None
    every_version: bool = False
    after: str | None = None
    limit: int | None = None


def json_lines(archive: ReadOnlyArchive, selection: Selection) -> Iterator[Line]:
    """Yield the fields of `show`, and a cursor, of each version.

    Raises: CursorError.
    """
    read_rows = partial(_json_lines, as_of=archive.clocks.as_of)
    return _select_rows(archive, selection, read_rows)


def flat_rows(archive: ReadOnlyArchive, selection: Selection) -> Iterator[Line]:
    """Yield `FLAT_COLUMNS` of each version.

    Raises: CursorError.
    """
    return _select_rows(archive, selection, _flat_rows)


def rows_with_types(archive: ReadOnlyArchive, selection: Selection) -> Iterator[Mapping[str, Any]]:
    """Yield `FLAT_COLUMNS` of each version, with times and lists as Python values.

    Raises: CursorError.
    """
    return _select_rows(archive, selection, texts.version_rows)


def _json_lines(
    connection: Connection, criteria: Conditions, limit: int | None, as_of: datetime | None = None
) -> Iterator[Line]:
    versions = texts.version_texts(connection, criteria, limit, as_of=as_of)
    for version in texts.add_statements(connection, versions):
        yield {**version.to_dict(), "cursor": version.cursor}


def _flat_rows(connection: Connection, criteria: Conditions, limit: int | None) -> Iterator[Line]:
    yield from map(as_dict, texts.version_rows(connection, criteria, limit))


def _select_rows(archive: ReadOnlyArchive, selection: Selection, read_rows: Take) -> Iterator[Any]:
    with archive.connect() as connection:
        if selection.query is None:
            yield from _all(connection, selection, read_rows)
        else:
            yield from _hits(connection, selection, archive.languages, read_rows)


def _all(connection: Connection, selection: Selection, read_rows: Take) -> Iterator[Any]:
    criteria = conditions(selection.filters, article="q", version="x")
    if not selection.every_version:
        criteria = criteria.with_clause("x.version = q.versions")
    return read_rows(connection, texts.continue_after(criteria, selection.after), selection.limit)


def _hits(
    connection: Connection, selection: Selection, languages: tuple[str, ...], read_rows: Take
) -> Iterator[Any]:
    hits = matching_versions(
        connection,
        parse_search(selection.query or "", languages),
        selection.filters,
        Part(selection.after, selection.limit),
        latest=not selection.every_version,
    )
    while chunk := list(islice(hits, CHUNK_HITS)):
        criteria = Conditions().with_clause(
            "x.version_id IN :ids", ids=[row["version_id"] for row in chunk]
        )
        lines = {
            (line["article"], line["version"]): line
            for line in read_rows(connection, criteria, None)
        }
        for row in chunk:
            yield {**lines[row["article"], row["version"]], "cursor": hit_cursor(row)}
