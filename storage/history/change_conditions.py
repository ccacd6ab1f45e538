"""Filters of changes and searches that capabilities declare, as SQL conditions."""

from collections.abc import Collection
from types import MappingProxyType
from typing import Any

from storage.capabilities import CAPABILITIES
from storage.capabilities.hooks import ChangeCondition
from storage.database.view_queries.sql_words import RESTRICTED, Connected
from storage.database.views import view_query
from storage.language.folded_names import name_spellings

CONDITIONS = MappingProxyType({
    each.name: (each, own.views) for own in CAPABILITIES for each in own.change_conditions
})  # fmt: skip
"""The filters by name, each with the views that its query can use."""
Clause = tuple[str, dict[str, Any]]
"""A condition or a query with its parameters."""


def selecting_query(name: str, values: Collection[str], database: Connected | str) -> Clause:
    """Return the query of a filter for rows with one of the values."""
    each, views = CONDITIONS[name]
    query = each.query.format_map({view: view_query(view, database) for view in views})
    return query, {name: sorted({form for value in values for form in _spellings(each, value)})}


def _spellings(condition: ChangeCondition, value: str) -> tuple[str, ...]:
    return name_spellings(value) if condition.has_names else (value,)


def change_clause(name: str, values: Collection[str], database: Connected | str) -> Clause:
    """Return the condition for a change `q`."""
    query, parameters = selecting_query(name, values, database)
    if CONDITIONS[name][0].selects == "changes":
        return f"(q.article_id, q.version) IN ({query})", parameters
    return _BEFORE_OR_AFTER.format(query=query, restricted=RESTRICTED), parameters


_BEFORE_OR_AFTER = """q.version_id IN (
SELECT edit.id FROM version own
JOIN version edit ON edit.article_id = own.article_id
    AND edit.number IN (own.number, own.number + 1)
WHERE own.wording_id IN ({query}) AND own.article_id NOT IN {restricted})"""


def hit_clause(name: str, values: Collection[str], database: Connected | str) -> Clause:
    """Return the condition for a version `v`: its text, or the change that created it."""
    query, parameters = selecting_query(name, values, database)
    is_of_change = CONDITIONS[name][0].selects == "changes"
    own = "(v.article_id, v.number)" if is_of_change else "v.wording_id"
    return f"{own} IN ({query})", parameters
