"""Of the hits of a search, how many each source, language, publisher and year has."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from storage.database.rows import Row, stream
from storage.language.tokens import Query
from storage.read.filters import Filters
from storage.read.lists import ChangeFilter
from storage.read.search import hits_asked, holding

MOST_COUNTED = 2_000
"""Hits that are counted; of more, so many are taken as they come, and it is said."""


@dataclass(frozen=True, slots=True)
class Facets:
    """How many hits have each value, the most frequent first; `is_cut` where there are more."""

    hits: int
    is_cut: bool
    counts: Mapping[str, tuple[tuple[str, int], ...]]


_COUNTED = """
SELECT src.name AS source, d.language AS language, d.publisher AS publisher,
    v.changes AS changes, v.silent AS silent, v.changed_by AS changed_by
FROM ({holding}) m
JOIN version v ON v.wording_id = m.wording_id
JOIN article a ON a.id = v.article_id
JOIN derivation d ON d.id = v.derivation_id
JOIN source src ON src.id = a.source_id
{where}
LIMIT :rows
"""


def count_facets(
    connection: Connection, query: Query, filters: Filters, steps: ChangeFilter, *, latest: bool
) -> Facets:
    """Count the hits of a search by what they have in common."""
    rows = list(_rows(connection, query, filters, steps, latest=latest))
    counted = rows[:MOST_COUNTED]
    counts = {
        name: Counter(row[name] for row in counted if row[name])
        for name in ("source", "language", "publisher")
    }
    counts["change"] = Counter(each for row in counted for each in row["changes"])
    counts["silent"] = Counter("true" for row in counted if row["silent"])
    counts["year"] = Counter(str(row["changed_by"].year) for row in counted)
    ordered = {name: tuple(counter.most_common()) for name, counter in counts.items()}
    return Facets(len(counted), len(rows) > MOST_COUNTED, ordered)


def _rows(
    connection: Connection, query: Query, filters: Filters, steps: ChangeFilter, *, latest: bool
) -> Iterator[Row]:
    asked = hits_asked(connection, filters, steps, latest=latest)
    held = holding(connection.dialect.name, query)
    if held is None:
        return
    statement = _COUNTED.format(holding=held[0], where=asked.where)
    values: dict[str, Any] = {**asked.values, **held[1], "rows": MOST_COUNTED + 1}
    yield from stream(connection, statement, values)
