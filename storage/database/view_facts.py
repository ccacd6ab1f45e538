"""What a documented view states about itself: its columns with their types, its key, and its SQL.

The modules of `view_queries` declare the views, each beside its query. Nothing here loads SQLModel:
`lesart.views` builds its classes from these declarations.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from storage.database.view_queries.sql_words import SqlWords

FIELD_BLOCK = 1024
"""Numbers of `seq` per version, so that each of its fields has its own."""

SNAPSHOT_BLOCK = 2
"""Numbers of `seq` per snapshot: one for itself, one for its confirming scans."""

Leaving = Literal[
    "never", "scans", "article", "version", "rows_after", "restriction", "keys", "whole"
]
"""How a copy of a view learns that a row is gone: its article is in no row of `addresses`; also,
its version is above `articles.versions`; also, its `seq` is not above `versions.rows_after`; its
article is restricted; by the keys of the view, which of `scans` is so for negative ones only; or
only by reading the view as a whole.
"""
Kind = Literal["time", "json", "boolean"]
"""What the two databases deliver in different forms."""
_KINDS: Mapping[Any, Kind] = MappingProxyType(
    {datetime: "time", bool: "boolean", list: "json", dict: "json", Any: "json"}
)

AMBIGUOUS = frozenset({"noise", "value"})
"""Columns whose type differs between views: it is that of the view that a query names."""


class View(NamedTuple):
    """A documented view.

    `row` is a plain class: its annotations are the columns in their order, its docstring says what
    a row is. `docs/sql.md` describes the columns. `query` returns the SELECT of the view, which may
    have further columns: keys of rows, whose names begin with `row_` or end in `_id`. `leaving`
    states how its rows disappear, `shares_seq` that rows which one act changed may share a `seq`.
    """

    name: str
    row: type
    key: tuple[str, ...]
    query: Callable[[SqlWords], str]
    leaving: Leaving
    shares_seq: bool = False

    @property
    def columns(self) -> dict[str, Any]:
        """Return the columns in their order, with their types."""
        return self.row.__annotations__

    @property
    def kinds(self) -> Mapping[str, Kind | None]:
        """Return how each column is converted; None if it is delivered as it is."""
        return {name: _KINDS.get(plain_type(given)) for name, given in self.columns.items()}


def plain_type(declared: Any) -> Any:
    """Return the class of a column's values that are not null.

    >>> plain_type(datetime | None), plain_type(list[str]), plain_type(Any)
    (<class 'datetime.datetime'>, <class 'list'>, typing.Any)
    """
    given = next((each for each in get_args(declared | None) if each is not type(None)), declared)
    return get_origin(given) or given


def common_kinds(views: Mapping[str, View]) -> dict[str, Kind]:
    """Return the conversions of the columns whose name means the same in all views.

    Raises: TypeError for a name that would not be converted any more in queries without a view.

    >>> rows = [type(each.__name__, (), {"__annotations__": {"at": each}}) for each in (int, bool)]
    >>> common_kinds({row.__name__: View(row.__name__, row, ("at",), str, "never") for row in rows})
    Traceback (most recent call last):
    TypeError: the column 'at' of the view 'bool' has another type than in the views before it
    """
    found: dict[str, Kind | None] = {}
    for view in views.values():
        for name, kind in view.kinds.items():
            if found.setdefault(name, kind) != kind and name not in AMBIGUOUS:
                raise TypeError(
                    f"the column {name!r} of the view {view.name!r} has another type than in the "
                    "views before it"
                )
    return {name: kind for name, kind in found.items() if kind and name not in AMBIGUOUS}
