"""The documented views: one definition each, rendered for SQLite and for PostgreSQL.

A view has the columns in `VIEWS`; its query has additional ones, whose names begin with
`row_` or end in `_id`: the keys by which `storage.read.archive` finds its rows.
"""

from types import MappingProxyType
from typing import TYPE_CHECKING

from storage.capabilities import load_parts
from storage.database.view_facts import Kind, common_kinds
from storage.database.view_queries import (
    articles,
    decisions,
    jobs,
    observations,
)
from storage.database.view_queries.sql_words import Connected, words_of
from storage.values.change_class import ChangeClass

if TYPE_CHECKING:
    from sqlalchemy import Connection

READER_ROLE = "lesart_reader"
"""The role that may select only from the views, if the database has roles."""

_DECLARED = (
    articles.ARTICLES,
    articles.VERSIONS,
    articles.FIELDS,
    articles.CHANGES,
    articles.ENTRIES,
    observations.OBSERVATIONS,
    decisions.RELATIONS,
    decisions.NOISE,
    articles.ADDRESSES,
    observations.TRANSFERS,
    jobs.REFUSALS,
    jobs.JOBS,
    *(view for part in load_parts("view_sql") for view in part.VIEWS),
)
VIEWS = MappingProxyType({view.name: view for view in _DECLARED})
"""The views by name, in the order of creation."""

COLUMNS = MappingProxyType({name: tuple(view.columns) for name, view in VIEWS.items()})
"""The columns of each view, in order, the same on both databases."""

KINDS: dict[str, Kind] = common_kinds(VIEWS)
"""The conversions of the columns that mean the same in all views, by name."""


def create_views(connection: "Connection") -> None:
    """Create all views; the caller drops the old ones first."""
    for name in VIEWS:
        columns = ", ".join(f'q."{column}" AS "{column}"' for column in COLUMNS[name])
        query = view_query(name, connection)
        connection.exec_driver_sql(f"CREATE VIEW {name} AS SELECT {columns} FROM ({query}) q")


def drop_views(connection: "Connection") -> None:
    for name in reversed(VIEWS):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def view_query(name: str, database: Connected | str) -> str:
    """Return the SELECT of the view `name` with its keys, in the SQL of `database`."""
    query: str = VIEWS[name].query(words_of(database))
    return query


def snapshots_query(database: Connected | str) -> str:
    """Return the rows of the view `observations` that belong to articles."""
    words = words_of(database)
    selects = (observations.select_snapshots, observations.select_confirmations)
    return " UNION ALL ".join(select(words) for select in selects)


def steps_query(database: Connected | str) -> str:
    """Return every version with its change: the view `changes`, and each first version."""
    return articles.select_steps(words_of(database))


def element_of(listed: str, wanted: str, database: Connected | str) -> str:
    """Return the condition that an element of the JSON list `listed` is among `wanted`."""
    each = words_of(database).elements(listed)
    return f"EXISTS (SELECT 1 FROM {each} WHERE e.value IN {wanted})"


def edit_condition(listed: str, database: Connected | str) -> str:
    """Return the condition that the classes `listed` are not those of new entries alone."""
    added = f"('{ChangeClass.ENTRY_ADDED}')"
    others = element_of(listed, added, database).replace(" IN ", " NOT IN ", 1)
    return f"({others} OR NOT {element_of(listed, added, database)})"


def seconds_between(a: str, b: str, database: Connected | str) -> str:
    """Return the expression for the seconds from the time `a` to the time `b`."""
    return words_of(database).seconds(a, b)
