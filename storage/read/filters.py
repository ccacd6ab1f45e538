"""Filters and times that list, search, changes and export have in common."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


def _require_zones(given: object, *names: str) -> None:
    for name in names:
        moment = getattr(given, name)
        if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
            raise ValueError(
                f"{name} is {moment!r}: pass a datetime with a zone, such as "
                "datetime(2024, 6, 18, 12, tzinfo=UTC)"
            )


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on a row; None means any. Both ends of a span are included.

    `since` and `until` limit the time when an article was first seen (for changes: `changed_by`).
    A publication date matches if its span overlaps the requested one.
    """

    language: str | None = None
    source: str | None = None
    publisher: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    published_since: datetime | None = None
    published_until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse times without a zone. Raises: ValueError."""
        _require_zones(self, "since", "until", "published_since", "published_until")

    @property
    def is_empty(self) -> bool:
        return self == Filters()


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Clocks:
    """The archive as readable at `as_of`, by its knowledge at `known_at`; None is now."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse times without a zone. Raises: ValueError."""
        _require_zones(self, "as_of", "known_at")

    @property
    def are_set(self) -> bool:
        return self != TODAY


TODAY = Clocks()


@dataclass(frozen=True, slots=True)
class Conditions:
    """Parts of a WHERE clause with their parameters."""

    clauses: tuple[str, ...] = ()
    parameters: tuple[tuple[str, Any], ...] = ()

    def with_clause(self, clause: str, **parameters: Any) -> "Conditions":
        return Conditions((*self.clauses, clause), (*self.parameters, *parameters.items()))

    def merge(self, conditions: "Conditions") -> "Conditions":
        return Conditions(
            self.clauses + conditions.clauses, self.parameters + conditions.parameters
        )

    @property
    def sql_where(self) -> str:
        """Return the clause with its WHERE, or an empty string."""
        return f" WHERE {' AND '.join(self.clauses)}" if self.clauses else ""

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.parameters)


def conditions(
    filters: Filters, *, time_column: str = "q.first_seen", article: str = "q", version: str = "q"
) -> Conditions:
    """Return the conditions of a query for `filters`.

    `article` is the alias of the row that has `source_id`, `version` of the one that has
    `language` and the publication, `time_column` the column that `since` and `until` limit.
    """
    bindings = {
        f"{version}.language = :language": ("language", filters.language),
        f"{article}.source_id IN (SELECT id FROM source WHERE name = :source)": (
            "source",
            filters.source,
        ),
        f"{version}.publisher = :publisher": ("publisher", filters.publisher),
        f"{time_column} >= :since": ("since", filters.since),
        f"{time_column} <= :until": ("until", filters.until),
        f"{version}.published_to >= :published_since": (
            "published_since",
            filters.published_since,
        ),
        f"{version}.published_from <= :published_until": (
            "published_until",
            filters.published_until,
        ),
    }
    clauses = {clause: bind for clause, bind in bindings.items() if bind[1] is not None}
    return Conditions(tuple(clauses), tuple(clauses.values()))
