"""Records of lists, page by page: their columns, their order and their cursors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from storage.database.rows import Row, cursor, fetch, place, stream
from storage.database.views import view_query
from storage.read.filters import Conditions
from storage.values.answer import Answer

if TYPE_CHECKING:
    from sqlalchemy import Connection

A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a list: after the row with that cursor, and at most `limit` rows."""

    after: str | None = None
    limit: int | None = None


ALL = Part()
MOST_FETCHED = 1_000
"""Maximum number of records that are read at once instead of one by one."""


@dataclass(frozen=True, slots=True)
class RecordList(Generic[A]):
    """How the rows of a query become records, page by page.

    `name` is that of its cursors, `keys` are the columns of its order with their types, `view` is
    the view whose columns it reads. `more` are further columns, from which `compute` returns the
    fields `computed`.
    """

    kind: type[A]
    name: str
    keys: Mapping[str, type]
    view: str = ""
    more: Sequence[str] = ()
    computed: Sequence[str] = ()
    compute: Callable[[Row], Mapping[str, Any]] = lambda _row: {}
    is_descending: bool = False

    @property
    def columns(self) -> str:
        """Return the columns to select: those that are read, because some cost much."""
        own = (name for name in self.kind.names() if name not in {"cursor", *self.computed})
        return ", ".join(f'q."{name}"' for name in dict.fromkeys((*own, *self.keys, *self.more)))

    def record(self, row: Row) -> A:
        """Return the record of a row."""
        after = cursor(self.name, *(row[key] for key in self.keys))
        return record_from_row(self.kind, row, cursor=after, **self.compute(row))

    def rows(
        self, connection: "Connection", criteria: Conditions, part: Part, query: str | None = None
    ) -> Iterator[A]:
        """Yield a record for each selected row of `query` (as `q`; default: of the view)."""
        if part.limit is not None and part.limit <= MOST_FETCHED:
            yield from self.fetch(connection, criteria, part, query)
            return
        statement = self._statement(connection, criteria, part, query)
        yield from map(self.record, stream(connection, *statement, self.view))

    def fetch(
        self,
        connection: "Connection",
        criteria: Conditions,
        part: Part = ALL,
        query: str | None = None,
    ) -> list[A]:
        """Return a record for each selected row, as `rows`; they are few."""
        statement = self._statement(connection, criteria, part, query)
        return [*map(self.record, fetch(connection, *statement, self.view))]

    def _statement(
        self, connection: "Connection", criteria: Conditions, part: Part, query: str | None
    ) -> tuple[str, Mapping[str, Any]]:
        query = query or view_query(self.view, connection)
        names = [f"q.{key}" for key in self.keys]
        sign, direction = ("<", " DESC") if self.is_descending else (">", "")
        if part.after is not None:
            position = place(self.name, part.after, *self.keys.values())
            bound = {f"a{number}": value for number, value in enumerate(position)}
            markers = ", ".join(f":{name}" for name in bound)
            criteria = criteria.with_clause(f"({', '.join(names)}) {sign} ({markers})", **bound)
        order = ", ".join(f"{name}{direction}" for name in names)
        statement = f"SELECT {self.columns} FROM ({query}) q{criteria.sql_where} ORDER BY {order}"
        parameters = criteria.values
        if part.limit is not None:
            statement += f" LIMIT {max(part.limit, 0)}"
        return statement, parameters


def record_from_row(kind: type[A], row: Row, **extra: Any) -> A:
    """Return a record from the columns named like its fields, and from computed fields."""
    read = {
        name: tuple(value) if isinstance(value := row[name], list) else value
        for name in kind.names()
        if name not in extra
    }
    return kind(**read, **extra)
