"""Number of hits of a search by source, language, publisher, year and month."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from storage.database.rows import Row, stream
from storage.language.tokens import Query
from storage.read.filters import Filters
from storage.read.lists import ChangeFilter
from storage.read.search import (
    MAX_RANKED,
    force_index_scan,
    hit_conditions,
    newest_wording,
    window_query,
)


@dataclass(frozen=True, slots=True)
class Facets:
    """Number of hits with each value, the most frequent first; years and months newest first.

    Years and months are those of publication; a text that states a year alone has no month.
    `is_cut` is true if more texts match than are ranked at once; then only the newest are counted.
    """

    hits: int
    is_cut: bool
    counts: Mapping[str, tuple[tuple[str, int], ...]]

    def rows(self) -> Iterator[dict[str, str | int]]:
        """Yield the values of all facets as rows."""
        for name, counts in self.counts.items():
            for value, hits in counts:
                yield {"facet": name, "value": value, "hits": hits}


_COUNTED = """
WITH m AS MATERIALIZED ({window})
SELECT src.name AS source, d.language AS language, d.publisher AS publisher,
    v.changes AS changes, v.silent AS silent, substr(d.published, 1, 7) AS month, count(*) AS hits,
    (SELECT count(*) FROM m) AS texts
FROM m
JOIN version v ON v.wording_id = m.wording_id
JOIN article a ON a.id = v.article_id
JOIN derivation d ON d.id = v.derivation_id
JOIN source src ON src.id = a.source_id
{where}
GROUP BY 1, 2, 3, 4, 5, 6
"""
_MONTH = len("2024-06")


def count_facets(
    connection: Connection, query: Query, filters: Filters, steps: ChangeFilter, *, latest: bool
) -> Facets:
    """Count the hits of a search by source, language, publisher, year and month."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in _FACETS}
    rows = list(_rows(connection, query, filters, steps, latest=latest))
    for row in rows:
        month = row["month"] or ""
        values_by_name = {
            **{name: [row[name]] for name in ("source", "language", "publisher")},
            "change": row["changes"],
            "silent": ["true"] if row["silent"] else [],
            "year": [month[:4]],
            "month": [month] if len(month) == _MONTH else [],
        }
        for name, values in values_by_name.items():
            for value in filter(None, values):
                counts[name][value] += row["hits"]
    ordered = {name: tuple(counter.most_common()) for name, counter in counts.items()}
    for name in ("year", "month"):
        ordered[name] = tuple(sorted(counts[name].items(), reverse=True))
    is_cut = any(row["texts"] > MAX_RANKED for row in rows)
    return Facets(sum(row["hits"] for row in rows), is_cut, ordered)


_FACETS = ("source", "language", "publisher", "change", "silent", "year", "month")


def _rows(
    connection: Connection, query: Query, filters: Filters, steps: ChangeFilter, *, latest: bool
) -> Iterator[Row]:
    """Yield the number of hits per combination of values; one text above the limit."""
    criteria = hit_conditions(connection, filters, steps, latest=latest)
    window = window_query(connection, query, criteria, newest_wording(connection), MAX_RANKED + 1)
    if window is None:
        return
    force_index_scan(connection)
    statement = _COUNTED.format(window=window.plain, where=criteria.sql_where)
    yield from stream(connection, statement, {**criteria.values, **window.values})
