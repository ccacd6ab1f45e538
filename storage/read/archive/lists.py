"""The lists of an archive."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storage.diff.entry_history import LiveBlogEntry
from storage.read import lists
from storage.read.answers import (
    ArticleLine,
    Change,
    ExplainedRelation,
    Hit,
    Job,
    LineageDecision,
    NoiseStep,
    Observation,
    Refusal,
    Relation,
    RightsDeclaration,
    VersionLine,
)
from storage.read.archive.connection import ArchiveConnection, narrow_to_articles
from storage.read.filters import NO_FILTERS, Conditions, Filters
from storage.read.lists import ANY_ARTICLE, ANY_STEP, ArticleFilter, ChangeFilter, RefusalFilter
from storage.read.named import check_if_empty
from storage.read.query.records import Part
from storage.values.errors import NoSuchError
from storage.values.lazy import LazyModule
from storage.values.messages import message_text

if TYPE_CHECKING:
    from storage.language import tokens
    from storage.read import explain
    from storage.read import search as full_text
else:
    tokens = LazyModule("storage.language.tokens")
    explain = LazyModule("storage.read.explain")
    full_text = LazyModule("storage.read.search")


class ArchiveLists(ArchiveConnection):
    """Lists: iterators that fetch their rows as needed."""

    def articles(
        self,
        filters: Filters = NO_FILTERS,
        after: str | None = None,
        limit: int | None = None,
        selection: ArticleFilter = ANY_ARTICLE,
        *,
        newest_first: bool = False,
    ) -> Iterator[ArticleLine]:
        """Yield the articles in the order in which the archive first saw them, or in reverse.

        `selection` limits them to a state, or to those with a change of a class. Raises:
        CursorError.
        """
        part = Part(after, limit)
        return self._iterate_named(
            filters, lists.articles, filters, selection, part, newest_first=newest_first
        )

    def search(
        self,
        query: str,
        latest: bool = False,  # noqa: FBT001, FBT002 - the second argument of most searches
        filters: Filters = NO_FILTERS,
        after: str | None = None,
        limit: int | None = None,
        steps: ChangeFilter = ANY_STEP,
    ) -> Iterator[Hit]:
        """Yield the versions that match `query`, the best first.

        All words must occur; `"…"` is a phrase, `-word` or `NOT word` excludes, `OR` between two
        words means either. For a common word, the best of the newest thousand texts come first,
        then older ones. `latest` excludes earlier versions, as does reading the archive as of a
        time. `steps` selects versions created by such a change. Raises: CursorError,
        SearchQueryError, NoSuchError.
        """
        latest = latest or self.clocks.as_of is not None
        words = tokens.parse_search(query, self.languages)
        part = Part(after, limit)
        return self._iterate_named(
            filters, full_text.search, words, filters, part, latest=latest, steps=steps
        )

    @narrow_to_articles("article")
    def history(
        self, article: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[VersionLine]:
        """Yield the versions of an article, the oldest first.

        Raises: NoSuchError, CursorError.
        """
        number = self.article_row_id(article)
        return self.iterate(lists.history, number, Part(after, limit))

    def changes(  # noqa: PLR0917 - each is an independent filter
        self,
        article: str | None = None,
        classes: Sequence[str] = (),
        silent: bool | None = None,  # noqa: FBT001 - most callers use keywords
        contains: str | None = None,
        filters: Filters = NO_FILTERS,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Change]:
        """Yield the steps between two versions, the newest first.

        `classes` selects steps of any of these classes, `contains` those that inserted or deleted a
        passage with this text, ignoring case and white space. Raises: NoSuchError, CursorError.
        """
        steps = ChangeFilter(tuple(classes), silent, contains)
        return self.select_changes(article, steps, filters, after, limit)

    @narrow_to_articles("article")
    def select_changes(
        self,
        article: str | None,
        selection: ChangeFilter,
        filters: Filters,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Change]:
        """Yield the steps that a filter selects, as `changes`. Raises: NoSuchError, CursorError."""
        number = None if article is None else self.article_row_id(article)
        part = Part(after, limit)
        return self._iterate_named(filters, lists.changes, number, selection, filters, part)

    def top_changes(
        self, candidates: int, limit: int, rank: Callable[[Mapping[str, Any]], int]
    ) -> list[Change]:
        """Return the `limit` highest-ranked of the newest `candidates` steps; on ties the newest.

        `rank` receives a row with `changes` and `silent`.
        """
        return self._query(lists.top_changes, candidates, limit, rank)

    @narrow_to_articles("article")
    def observations(
        self, article: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[Observation]:
        """Yield every check of an article in the order of time.

        Raises: NoSuchError, CursorError.
        """
        number = self.article_row_id(article)
        part = Part(after, limit)
        return self.iterate(lists.observations, number, part)

    def relations(
        self,
        article: str | None = None,
        filters: Filters = NO_FILTERS,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Relation]:
        """Yield the relations of one article or of all; filters need to match only one side.

        Raises: NoSuchError, CursorError.
        """
        origins = None if article is None else self._origin_ids(article)
        part = Part(after, limit)
        return self._iterate_named(filters, lists.relations, origins, filters, part)

    def lineages(
        self, article: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Iterator[LineageDecision]:
        """Yield the decisions that two addresses are one article, including undone ones.

        Raises: NoSuchError, CursorError.
        """
        number = None if article is None else self.article_row_id(article)
        return self.iterate(lists.lineages, number, Part(after, limit))

    @narrow_to_articles("article")
    def noise(
        self,
        article: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[NoiseStep]:
        """Yield the steps between two wordings that count as noise and create no version.

        Raises: NoSuchError, CursorError.
        """
        number = None if article is None else self.article_row_id(article)
        return self.iterate(lists.noise, number, Part(after, limit))

    def compared_revisions(
        self, relations: Iterable[Relation]
    ) -> list[tuple[str | None, str | None]]:
        """Return the two revisions from which each relation was computed."""
        with self.connect() as connection:
            return [explain.find_compared_revisions(connection, each) for each in relations]

    def explain_relations(self, relations: Iterable[Relation]) -> Iterator[ExplainedRelation]:
        """Yield relations with their explanation: shared passages, differences and additions."""
        with self.connect() as connection:
            yield from explain.explain_relations(connection, relations)

    @narrow_to_articles("article")
    def entries(
        self,
        article: str,
        after: str | None = None,
        limit: int | None = None,
        *,
        oldest_first: bool = False,
    ) -> Iterator[LiveBlogEntry]:
        """Yield the entries of a live blog with all their texts, the newest first.

        Raises: NoSuchError, CursorError.
        """
        number, part = self.article_row_id(article), Part(after, limit)
        return self.iterate(lists.entries, number, part, oldest_first=oldest_first)

    def rights(
        self,
        place: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        *,
        current: bool = False,
    ) -> Iterator[RightsDeclaration]:
        """Yield declarations about the use of texts, with the periods in which they were seen.

        `place` is an article, or the address of another document such as a feed. With `current`,
        only those of the latest check. Raises: NoSuchError, CursorError.
        """
        criteria = Conditions()
        if place is not None:
            with self.connect() as connection:
                criteria = self._finder(connection).place_conditions(place)
        if current:
            criteria = criteria.with_clause("q.ended_by IS NULL")
        return self.iterate(lists.rights, criteria, Part(after, limit))

    def refusals(
        self,
        job: int | None = None,
        after: str | None = None,
        limit: int | None = None,
        *,
        codes: Sequence[str] = (),
        source: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Refusal]:
        """Yield refusals in the order of time, of one job or of all.

        Repeated refusals for the same reason are one row, with their number and the first time.
        Raises: CursorError, NoSuchError.
        """
        selection, part = RefusalFilter(job, codes, source, since), Part(after, limit)
        if job is not None:
            self._require_job(job)
        rows = self.iterate(lists.refusals, selection, part)

        def check() -> None:
            for each in codes or (None,):
                self.require_named({"source": source, "code": each})

        return check_if_empty(rows, check)

    def jobs(
        self, job: int | None = None, after: str | None = None, limit: int | None = None
    ) -> Iterator[Job]:
        """Yield the jobs, the newest first; or one job and then its parts.

        Raises: NoSuchError, CursorError.
        """
        if job is not None:
            self._require_job(job)
        return self.iterate(lists.jobs, job, Part(after, limit))

    def _require_job(self, job: int) -> None:
        with self.connect() as connection:
            if next(lists.jobs(connection, job, Part(limit=1)), None) is None:
                raise NoSuchError(message_text("job"), str(job), message_text("where_jobs"))
