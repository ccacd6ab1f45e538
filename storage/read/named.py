"""What a filter names must exist: a misspelt name is no empty list."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from storage.database.rows import fetch
from storage.values.errors import NoSuchError, did_you_mean
from storage.values.messages import message_text
from storage.values.refusals import REFUSALS
from storage.values.settings.readers import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

T = TypeVar("T")

NAMED: Mapping[str, tuple[frozenset[str], str | None, str]] = MappingProxyType(
    {
        "source": (frozenset(), "source.name", "where_sources"),
        "publisher": (
            frozenset(), "derivation.publisher",
            "where_publishers",
        ),
        "language": (LANGUAGES, "derivation.language", "where_languages"),
        "code": (frozenset(REFUSALS), None, "where_codes"),
    }
)  # fmt: skip
"""The filters that name something: the names that always exist, the column of further ones, and
where to look.
"""


def require_named(connection: "Connection", what: str, name: str | None) -> None:
    """Refuse a name of a filter if nothing is called so.

    Raises: NoSuchError.
    """
    always, place, where = NAMED[what]
    if name is None or name in always:
        return
    names = set(always)
    if place is not None:
        table, column = place.split(".")
        query = f"SELECT 1 FROM {table} WHERE {column} = :name LIMIT 1"  # constants
        if fetch(connection, query, {"name": name}):
            return
        query = f"SELECT DISTINCT {column} AS name FROM {table} WHERE {column} IS NOT NULL"
        names.update(row["name"] for row in fetch(connection, query, {}))
    hint = did_you_mean(name, names) + message_text(where)
    raise NoSuchError(message_text(what), name, hint)


def check_if_empty(rows: Iterator[T], check: "Callable[[], None]") -> Iterator[T]:
    """Yield `rows`; if there is none, call `check`, which refuses names that do not exist.

    Rows prove that the names exist, and to look for a publisher may take longer than the list.
    """
    first = next(rows, None)
    if first is None:
        check()
        return
    yield first
    yield from rows
