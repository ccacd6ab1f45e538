"""The figures, sources and SQL of an archive."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from storage.database.schema_version import head
from storage.read import lists
from storage.read import sql as sql_queries
from storage.read.answers import (
    ArticleLine,
    ArticleName,
    ChangeEvent,
    Rows,
)
from storage.read.archive.connection import ArchiveConnection, narrow_to_articles
from storage.read.filters import NO_FILTERS, Filters
from storage.read.lists import ANY_STEP, ChangeFilter
from storage.read.sql import DEFAULT_LIMITS, QueryLimits
from storage.values.arrivals.source import Source
from storage.values.errors import (
    NoSuchError,
)
from storage.values.lazy import LazyModule
from storage.values.messages import message_text

if TYPE_CHECKING:
    import sqlmodel
    from sqlmodel import Session

    from storage.language import tokens
    from storage.read import change_feed, facets
    from storage.read.figures import coverage, edits, stats, work_state
    from storage.read.figures.records import (
        Coverage,
        EditFigures,
        EditHour,
        OutgoingFigures,
        Stats,
        WorkFigures,
    )
    from storage.read.figures.work_state import PendingWork
    from storage.record import sources as source_rows
else:
    sqlmodel = LazyModule("sqlmodel")
    tokens = LazyModule("storage.language.tokens")
    change_feed = LazyModule("storage.read.change_feed")
    facets = LazyModule("storage.read.facets")
    coverage = LazyModule("storage.read.figures.coverage")
    edits = LazyModule("storage.read.figures.edits")
    stats = LazyModule("storage.read.figures.stats")
    work_state = LazyModule("storage.read.figures.work_state")
    source_rows = LazyModule("storage.record.sources")

NO_PARAMETERS: Mapping[str, Any] = MappingProxyType({})


class ArchiveFigures(ArchiveConnection):
    """Figures, sources and SQL."""

    def facets(
        self,
        query: str,
        latest: bool = False,  # noqa: FBT001, FBT002 - like `search`
        filters: Filters = NO_FILTERS,
        steps: ChangeFilter = ANY_STEP,
    ) -> "facets.Facets":
        """Return the number of hits of a search by source, language, publisher, year and month
        of publication. Raises: SearchQueryError, NoSuchError.
        """
        latest = latest or self.clocks.as_of is not None
        words = tokens.parse_search(query, self.languages)
        found = self._query(facets.count_facets, words, filters, steps, latest=latest)
        if not found.hits:
            self.require_named(filters)
        return found

    @narrow_to_articles("name")
    def article(self, name: str) -> ArticleLine:
        """Return the article with an id or an address, as in lists.

        Raises: NoSuchError.
        """
        number = self.article_row_id(name)
        return self._query(lists.article, number)

    def names(self, articles: Iterable[str | None]) -> dict[str, ArticleName]:
        """Return the current titles of articles and their outlets, by article id."""
        return self._query(lists.names, articles)

    def cluster(self, label: str) -> tuple[ArticleLine, ...]:
        """Return the articles of a cluster in the order in which they were first seen.

        Raises: NoSuchError.
        """
        with self.connect() as connection:
            articles = sorted(lists.cluster(connection, label), key=lambda line: line.first_seen)
        if not articles:
            raise NoSuchError(message_text("cluster"), label, message_text("where_cluster"))
        return tuple(articles)

    def newest_seq(self) -> int:
        """Return the number of the newest row of the change feed."""
        return self._query(change_feed.newest_event)

    @narrow_to_articles("rev")
    def is_whole_article(self, rev: str) -> bool:
        """Check whether `rev` specifies an article with all its versions, not a single version.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        with self.connect() as connection:
            return self._finder(connection).find_whole_article(rev) is not None

    @narrow_to_articles("article")
    def withdrawals(
        self, article: str | None, since: datetime | None, filters: Filters, limit: int
    ) -> list[ChangeEvent]:
        """Return the latest withdrawals of changes since a time that do not exist now."""
        number = None if article is None else self.article_row_id(article)
        return self._query(change_feed.latest_withdrawals, number, since, filters, limit)

    def changes_since(
        self, seq: int, steps: ChangeFilter, filters: Filters, limit: int
    ) -> list[tuple[int, ChangeEvent]]:
        """Return at most `limit` rows of the change feed above `seq`, each with its number."""
        with self.connect() as connection:
            return list(change_feed.events_since(connection, seq, steps, filters, limit))

    def work_state(self, now: datetime) -> "work_state.WorkState":
        """Return the state of the work at `now`."""
        return self._query(work_state.work_state, now)

    def work_figures(self, now: datetime, jobs: int) -> "WorkFigures":
        """Return the state of the work at `now`, with the latest `jobs` jobs."""
        return self._query(work_state.work_figures, now, jobs)

    def edits_by_day(self, last_day: date, days: int) -> dict[date, int]:
        """Return the number of steps on each of the last `days` days, in UTC."""
        return self._query(stats.edits_by_day, last_day, days)

    def edit_figures(self, span: "edits.EditSpan") -> "Iterator[EditFigures]":
        """Yield the edit figures of each source. Raises: NoSuchError."""
        return self._iterate_named({"source": span.source}, edits.edit_figures, span)

    def edit_summary(self, now: datetime) -> "edits.EditSummary":
        """Return the edit figures of all sources; of a large archive those stored last."""
        return self._query(edits.edit_summary, now)

    def edits_by_hour(self, span: "edits.EditSpan") -> "Iterator[EditHour]":
        """Yield the edits by source and hour of their first snapshot, in UTC.

        Raises: NoSuchError.
        """
        return self._iterate_named({"source": span.source}, edits.edits_by_hour, span)

    def sources(self) -> list[Source]:
        """Return the sources that were not removed, by name."""
        return self._query(source_rows.sources)

    def sql(
        self,
        query: str,
        parameters: Mapping[str, Any] = NO_PARAMETERS,
        limits: QueryLimits = DEFAULT_LIMITS,
    ) -> Rows:
        """Run one SELECT over the documented views; `:name` is replaced with a parameter.

        Raises: QueryError, also while the rows are read.
        """
        self._require_open()
        with self._place.reachable():
            return sql_queries.ask(
                self._sqlalchemy_engine(), self._resources, query, parameters, limits
            )

    @contextmanager
    def session(self) -> "Iterator[Session]":
        """Open an SQLModel session for the classes of `lesart.views`, which ignores both times."""
        self._require_open()
        with self._place.reachable(), sqlmodel.Session(self._sqlalchemy_engine()) as session:
            yield session

    def stats(self, now: datetime | None = None) -> "Stats":
        """Return the figures of the archive at `now` (default: the current time)."""
        return self._query(stats.stats, head(), now or datetime.now(UTC))

    def outgoing(self) -> "tuple[OutgoingFigures, ...]":
        """Return the figures of outgoing messages: alerts, copies elsewhere, stamps."""
        return self._query(work_state.outgoing_figures)

    def pending_work(self) -> "PendingWork":
        """Return the amount of pending work, and whether any worker processes it."""
        return self._query(work_state.pending_work)

    def coverage(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
    ) -> "Iterator[Coverage]":
        """Yield the number of checks of each source, by hour. Raises: NoSuchError."""
        until = until or datetime.now(UTC)
        return self._iterate_named({"source": source}, coverage.coverage, since, until, source)
