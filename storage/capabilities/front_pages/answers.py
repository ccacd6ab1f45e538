"""The lists of teasers and of stays on front pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from storage.read import answers, filters
from storage.read.query.parameter import argument, option
from storage.read.query.queries import ClockOptions, ListQuery, Long
from storage.values.digest import origin_id
from storage.values.errors import NoSuchError
from storage.values.lazy import LazyModule
from storage.values.messages import message_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.capabilities.front_pages import view_sql
    from storage.database import rows as database_rows
    from storage.database.view_queries import sql_words
    from storage.read import find
    from storage.read.answers import FrontStay, Teaser
    from storage.read.archive.queries import ArchiveQueries
    from storage.read.filters import Conditions
    from storage.read.query import records
    from storage.read.query.queries import Page
    from storage.read.query.records import Part, RecordList
    from storage.values.answer import Answer
    from storage.values.net import origin_name
else:
    view_sql = LazyModule("storage.capabilities.front_pages.view_sql")
    database_rows = LazyModule("storage.database.rows")
    sql_words = LazyModule("storage.database.view_queries.sql_words")
    find = LazyModule("storage.read.find")
    records = LazyModule("storage.read.query.records")
    origin_name = LazyModule("storage.values.net.origin_name")


@dataclass(kw_only=True)
class FrontQuery(ListQuery, ClockOptions):
    """List the teasers of a front page at its latest check, or at the time of --as-of."""

    front: Long = argument("ADDRESS", "Address of a front page that is watched.")
    record = staticmethod(lambda: answers.Teaser)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        with archive.connect() as connection:
            front = find_front(connection, self.front)
        return archive.iterate(find_teasers, front, records.Part(*page))


@dataclass(kw_only=True)
class FrontsQuery(ListQuery, ClockOptions):
    """List how long articles were on front pages: position, headline, and headline tests."""

    article: Long | None = option(
        "--article",
        "ARTICLE",
        "Only headlines of this article, by id, address or path (default: all).",
    )
    front: Long | None = option(
        "--front", "ADDRESS", "Only headlines on this front page (default: all)."
    )
    record = staticmethod(lambda: answers.FrontStay)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        criteria = filters.Conditions()
        with archive.connect() as connection:
            if self.article is not None:
                finder = find.Finder(connection, archive.timezone, archive.clocks)
                criteria = finder.teaser_conditions(self.article)
            if self.front is not None:
                number = find_front(connection, self.front)
                criteria = criteria.with_clause("k.front_id = :front", front=number)
        return archive.iterate(find_stays, criteria, records.Part(*page))


QUERIES = (FrontQuery, FrontsQuery)


def find_front(connection: "Connection", address: str) -> int:
    """Return the row of the front page at an address, or at the address to which it redirects.

    Raises: NoSuchError.
    """
    named = origin_id(origin_name.clean_address(address) or address)
    query = (
        "SELECT p.id AS id FROM (SELECT id FROM origin WHERE public_id = :name UNION ALL "
        "SELECT w.final_id FROM watch w JOIN origin o ON o.id = w.origin_id "
        "WHERE o.public_id = :name) p "
        "WHERE EXISTS (SELECT 1 FROM front f WHERE f.origin_id = p.id)"
    )
    for row in database_rows.fetch(connection, query, {"name": named}):
        return int(row["id"])
    is_watched = (
        "SELECT 1 FROM watch w JOIN origin o ON o.id = w.origin_id "
        "WHERE o.public_id = :name AND w.kind = 'front' AND w.active"
    )
    watched = any(database_rows.fetch(connection, is_watched, {"name": named}))
    hint = message_text("front_unread" if watched else "where_front", address=address)
    raise NoSuchError(message_text("front_page"), address, hint)


def find_teasers(connection: "Connection", front_id: int, part: "Part") -> "Iterator[Teaser]":
    """Yield the teasers of the latest list of a front page, from top to bottom."""
    query = view_sql.latest_list_query(sql_words.words_of(connection))
    for row in database_rows.fetch(connection, query, {"front": front_id}):
        criteria = filters.Conditions().with_clause("q.list_id = :list", list=row["list_id"])
        yield from _teasers().rows(connection, criteria, part)


def find_stays(
    connection: "Connection", criteria: "Conditions", part: "Part"
) -> "Iterator[FrontStay]":
    """Yield the stays of headlines on front pages, in the order of their beginnings.

    `criteria` selects rows `k` of teasers.
    """
    where = " AND ".join(criteria.clauses) or "TRUE"
    query = view_sql.select_fronts(sql_words.words_of(connection), where)
    criteria = filters.Conditions((), criteria.parameters)
    yield from _stays().rows(connection, criteria, part, query)


def find_histories(
    connection: "Connection", address: str, teasers: "Sequence[str]"
) -> "dict[str, list[FrontStay]]":
    """Return the stays of teasers on a front page by their addresses, those of one headline left
    out.

    Raises: NoSuchError.
    """
    found: dict[str, list[FrontStay]] = {}
    named = [origin_id(each) for each in teasers]
    if named:
        criteria = filters.Conditions().with_clause(
            "k.front_id = :front AND k.origin_id IN "
            "(SELECT id FROM origin WHERE public_id IN :teasers)",
            front=find_front(connection, address), teasers=named,
        )  # fmt: skip
        for stay in find_stays(connection, criteria, records.Part()):
            found.setdefault(stay.origin, []).append(stay)
    return {
        origin: stays for origin, stays in found.items() if len({s.headline for s in stays}) > 1
    }


def list_addresses(connection: "Connection") -> Iterator[tuple[str, bool]]:
    """Yield the addresses of all front pages, and whether a check has read teasers there."""
    query = (
        "SELECT o.origin AS origin, max(CASE WHEN f.id IS NULL THEN 0 ELSE 1 END) AS is_read "
        "FROM origin o LEFT JOIN front f ON f.origin_id = o.id WHERE f.id IS NOT NULL OR o.id IN "
        "(SELECT origin_id FROM watch WHERE kind = 'front' AND active AND final_id IS NULL) "
        "GROUP BY o.origin ORDER BY o.origin"
    )
    for row in database_rows.stream(connection, query, {}):
        yield row["origin"], bool(row["is_read"])


def find_neighbours(
    connection: "Connection", address: str, moment: datetime
) -> tuple[datetime | None, datetime | None, int]:
    """Return the times of the checks of a front page before and after a time, and the number of
    all.

    Raises: NoSuchError.
    """
    query = (
        "SELECT max(CASE WHEN o.observed_at < :moment THEN o.observed_at END) AS latest_at, "
        "min(CASE WHEN o.observed_at > :moment THEN o.observed_at END) AS first_at, "
        "count(*) AS checks FROM front f JOIN observation o ON o.id = f.observation_id "
        "WHERE f.origin_id = :front"
    )
    front = find_front(connection, address)
    row = database_rows.fetch_row(connection, query, {"front": front, "moment": moment})
    return row["latest_at"], row["first_at"], row["checks"]


@cache
def _teasers() -> "RecordList[Teaser]":
    return records.RecordList(
        answers.Teaser,
        "teasers",
        {"position": int},
        "teasers",
        more=["row_article"],
        computed=["article"],
        compute=lambda row: {"article": row["row_article"]},
    )


@cache
def _stays() -> "RecordList[FrontStay]":
    return records.RecordList(
        answers.FrontStay,
        "fronts",
        {"first_seen": datetime, "teaser_id": int, "first_id": int},
        "fronts",
        more=["row_article"],
        computed=["article", "seconds"],
        compute=lambda row: {
            "article": row["row_article"],
            "seconds": (row["last_seen"] - row["first_seen"]).total_seconds(),
        },
    )
