"""The documented views: one definition each, rendered for SQLite and for PostgreSQL.

A view has the columns in `VIEWS`; its query has additional ones, whose names begin with
`row_` or end in `_id`: the keys by which `storage.read.archive` finds its rows.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING

from storage.database.view_queries.articles import (
    select_addresses,
    select_articles,
    select_changes,
    select_entries,
    select_fields,
    select_steps,
    select_versions,
)
from storage.database.view_queries.decisions import select_noise, select_relations
from storage.database.view_queries.fronts import fronts_query, teasers_query
from storage.database.view_queries.jobs import select_jobs, select_refusals
from storage.database.view_queries.observations import (
    select_confirmations,
    select_observations,
    select_outside_copies,
    select_snapshots,
    select_transfers,
)
from storage.database.view_queries.rights import rights_query
from storage.database.view_queries.words import RESTRICTED, SqlWords, words_of
from storage.values.change_class import ChangeClass

if TYPE_CHECKING:
    from sqlalchemy import Connection

READER_ROLE = "lesart_reader"
"""The role that may select only from the views, if the database has roles."""

VIEWS = (
    "articles",
    "versions",
    "fields",
    "changes",
    "entries",
    "observations",
    "relations",
    "noise",
    "addresses",
    "transfers",
    "rights",
    "teasers",
    "fronts",
    "outside_copies",
    "refusals",
    "jobs",
)
"""The names of the views, in the order of creation."""


_COLUMNS = {
    "articles": """
        seq article id origin origins source title published published_precision published_from
        published_to language publisher versions state first_seen last_seen cluster""",
    "versions": """
        seq article version wording title text language authors publisher section tags published
        published_precision published_from published_to modified modified_precision word_count
        flags changed_after changed_by first_seen last_seen raw_digest""",
    "fields": "seq article version name value found_in confidence candidates",
    "changes": """
        seq article version wording changed_after changed_by first_seen last_seen title changes
        silent words_added words_removed removed added noise notices method""",
    "entries": """
        seq article version entry event entry_before time headline text changed_after
        changed_by""",
    "observations": """
        seq article origin observed_at recorded_at foreign outcome http_status version wording
        raw_digest note checks until""",
    "relations": """
        seq id a b kind score method threshold earlier agency decided_at undone_at""",
    "noise": """
        seq id article rules wording_before wording_after observed_at method decided_at
        undone_at""",
    "addresses": """
        seq article origin first_seen last_seen redirected_since redirected_until joined_by
        joined_to joined_at lineage undone_at""",
    "transfers": """
        seq article origin observed_at foreign address http_status hops request response_headers
        peer tls_version certificate duration_ms wire_bytes body_encoding rights""",
    "rights": """
        seq article origin found_in protocol name value machine_readable changed_after first_seen
        last_seen ended_by checks foreign""",
    "teasers": """
        seq front observed_at position origin headline kicker heading_level picture foreign""",
    "fronts": """
        seq front origin headline kicker position first_position last_position heading_level
        picture headline_test changed_after first_seen last_seen ended_by checks foreign""",
    "outside_copies": """
        seq article version origin observed_at archive address captured_at recorded_at""",
    "refusals": "seq job locator code message hint kept raw_digest at source",
    "jobs": """
        seq job kind source state trigger attempts created_at started_at finished_at reason seen
        new_articles new_versions unchanged noise copies refused failed gone passed_over seconds
        parent""",
}
COLUMNS = MappingProxyType({name: tuple(words.split()) for name, words in _COLUMNS.items()})
"""The columns of each view, in order, the same on both databases."""


def create_views(connection: "Connection") -> None:
    """Create all views; the caller drops the old ones first."""
    for name in VIEWS:
        columns = ", ".join(f'"{column}"' for column in COLUMNS[name])
        query = view_query(name, connection.dialect.name)
        connection.exec_driver_sql(f"CREATE VIEW {name} AS SELECT {columns} FROM ({query}) q")


def drop_views(connection: "Connection") -> None:
    for name in reversed(VIEWS):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def view_query(name: str, dialect: str) -> str:
    """Return the SELECT of the view `name` with its keys, in the SQL of `dialect`."""
    return _QUERIES[name](words_of(dialect))


def snapshots_query(dialect: str) -> str:
    """Return the rows of the view `observations` that belong to articles."""
    words = words_of(dialect)
    return f"{select_snapshots(words)} UNION ALL {select_confirmations(words)}"


def steps_query(dialect: str) -> str:
    """Return every version with its change: the view `changes`, and each first version."""
    return select_steps(words_of(dialect))


def element_of(listed: str, wanted: str, dialect: str) -> str:
    """Return the condition that an element of the JSON list `listed` is among `wanted`."""
    each = words_of(dialect).elements(listed)
    return f"EXISTS (SELECT 1 FROM {each} WHERE e.value IN {wanted})"


def edit_condition(listed: str, dialect: str) -> str:
    """Return the condition that the classes `listed` are not those of new entries alone."""
    added = f"('{ChangeClass.ENTRY_ADDED}')"
    others = element_of(listed, added, dialect).replace(" IN ", " NOT IN ", 1)
    return f"({others} OR NOT {element_of(listed, added, dialect)})"


def seconds_between(a: str, b: str, dialect: str) -> str:
    """Return the expression for the seconds from the time `a` to the time `b`."""
    return words_of(dialect).seconds(a, b)


def _rights(words: SqlWords) -> str:
    return rights_query("postgresql" if words.has_lateral else "sqlite", RESTRICTED)


def _teasers(words: SqlWords) -> str:
    return teasers_query("postgresql" if words.has_lateral else "sqlite", RESTRICTED)


def _fronts(words: SqlWords) -> str:
    return fronts_query("postgresql" if words.has_lateral else "sqlite", RESTRICTED)


_QUERIES: dict[str, Callable[[SqlWords], str]] = {
    "articles": select_articles,
    "versions": select_versions,
    "fields": select_fields,
    "changes": select_changes,
    "entries": select_entries,
    "observations": select_observations,
    "relations": select_relations,
    "noise": select_noise,
    "addresses": select_addresses,
    "transfers": select_transfers,
    "rights": _rights,
    "teasers": _teasers,
    "fronts": _fronts,
    "outside_copies": select_outside_copies,
    "refusals": select_refusals,
    "jobs": select_jobs,
}
