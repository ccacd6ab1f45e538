"""The reading interface: open an archive and query it for immutable records.

with open_archive("lesart-data/lesart.sqlite3") as archive:
    for hit in archive.search("Öllager"):
        print(hit.article, hit.snippet)
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from functools import cached_property
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from storage.database.archive_errors import ArchiveClosedError, ArchiveMissingError
from storage.database.rows import CursorError
from storage.database.schema_version import head, require_current
from storage.database.sqlite_file import SqliteReader, sqlite_path
from storage.diff.entry_history import LiveBlogEntry
from storage.read import lists
from storage.read import sql as sql_queries
from storage.read.answers import (
    ArticleLine,
    Blame,
    Change,
    Citation,
    Coverage,
    Diff,
    EditFigures,
    EditHour,
    ExplainedRelation,
    FrontStay,
    Hit,
    Job,
    NoiseStep,
    Observation,
    Raw,
    Refusal,
    Relation,
    RightsDeclaration,
    Rows,
    Sentence,
    Stats,
    Teaser,
    VersionLine,
    VersionText,
    WorkFigures,
)
from storage.read.filters import NO_FILTERS, TODAY, Clocks, Conditions, Filters
from storage.read.lists import ANY_STEP, ChangeFilter, RefusalFilter
from storage.read.query.records import Part
from storage.read.revision import RevisionError
from storage.read.sql import DEFAULT_LIMITS, QueryError, QueryLimits
from storage.values.arrivals.source import Source
from storage.values.errors import (
    AmbiguousError,
    AmbiguousPassageError,
    NoSuchError,
    RedactedError,
    RestrictedError,
)
from storage.values.failures import driver_error
from storage.values.late import LateModule

if TYPE_CHECKING:
    import sqlmodel
    from sqlalchemy import URL, Connection, Engine
    from sqlmodel import Session

    from storage.database import engine as engines
    from storage.database.engine import Commits
    from storage.diff import word_diff
    from storage.language import tokens
    from storage.read import blame, cite, explain, facets, find, same_extractor, texts
    from storage.read import search as full_text
    from storage.read.blame import SentenceCache
    from storage.read.clocks import as_of
    from storage.read.figures import coverage, edits, lineages, pending_work, stats, work_state
    from storage.record import sources as source_rows
else:
    engines = LateModule("storage.database.engine")
    sqlmodel = LateModule("sqlmodel")
    full_text = LateModule("storage.read.search")
    tokens = LateModule("storage.language.tokens")
    as_of = LateModule("storage.read.clocks.as_of")
    blame = LateModule("storage.read.blame")
    cite = LateModule("storage.read.cite")
    coverage = LateModule("storage.read.figures.coverage")
    edits = LateModule("storage.read.figures.edits")
    explain = LateModule("storage.read.explain")
    facets = LateModule("storage.read.facets")
    find = LateModule("storage.read.find")
    lineages = LateModule("storage.read.figures.lineages")
    work_state = LateModule("storage.read.figures.work_state")
    same_extractor = LateModule("storage.read.same_extractor")
    source_rows = LateModule("storage.record.sources")
    stats = LateModule("storage.read.figures.stats")
    texts = LateModule("storage.read.texts")
    word_diff = LateModule("storage.diff.word_diff")
    pending_work = LateModule("storage.read.figures.pending_work")

__all__ = [
    "AmbiguousError",
    "CursorError",
    "Filters",
    "NoSuchError",
    "QueryError",
    "ReadOnlyArchive",
    "RevisionError",
    "open_archive",
]

P = ParamSpec("P")
T = TypeVar("T")
LANGUAGES = ("de", "en")
_QUOTED_LETTERS = 80
_MAX_PASSAGES = 5
NO_PARAMETERS: Mapping[str, Any] = MappingProxyType({})


def open_archive(
    url: str | Path,
    *,
    timezone: tzinfo = UTC,
    languages: Sequence[str] = LANGUAGES,
    clocks: Clocks = TODAY,
    seconds: int | None = None,
    by_driver: bool = False,
) -> "ReadOnlyArchive":
    """Open the archive at a path or a database address for reading; nothing is ever written.

    `timezone` determines where a date in a revision ends. `languages` are those whose word forms
    a search includes. No query may take longer than `seconds`. With `by_driver`, an SQLite file is
    read without SQLAlchemy, which takes longer to load than most queries. Raises:
    DatabaseUrlError, ArchiveMissingError, ArchiveUnreachableError, SchemaOlderError,
    SchemaNewerError.
    """
    place = ReadingPlace(str(url), by_driver=by_driver and not clocks.are_set)
    engine = place.open(seconds)
    try:
        with place.reachable():
            require_current(engine)
    except Exception as error:
        engine.dispose()
        if "not a database" in str(driver_error(error) or ""):
            raise ArchiveMissingError(place.name) from error
        raise
    except BaseException:
        engine.dispose()
        raise
    return ReadOnlyArchive(engine, place, timezone, languages, clocks)


class ReadingPlace:
    """The place of an archive, and how it is opened for reading."""

    def __init__(self, locator: str, *, by_driver: bool = False) -> None:
        self.path = sqlite_path(locator) if by_driver else None
        self.locator = locator

    @cached_property
    def url(self) -> "URL":
        """Return the address for SQLAlchemy. Raises: DatabaseUrlError."""
        return engines.database_url(self.locator)

    @property
    def name(self) -> str:
        """Return the name for messages, without a password."""
        return engines.place_of(self.url) if self.path is None else str(self.path.absolute())

    def open(self, seconds: int | None = None) -> "Engine | SqliteReader":
        """Open it for reading. Raises: ArchiveMissingError, ArchiveDamagedError."""
        if self.path is not None:
            return SqliteReader(self.path, seconds)
        return engines.reading_engine(self.url, seconds)

    def reachable(self) -> AbstractContextManager[None]:
        """Turn a refused connection into ArchiveUnreachableError."""
        return nullcontext() if self.path is not None else engines.reachable(self.url)


class ReadOnlyArchive:
    """An archive opened for reading by `open_archive`; `with` closes it.

    Lists are iterators that fetch their rows as needed. Each row has a `cursor`; pass it as
    `after` to continue the list. `limit` is the maximum number of rows.
    """

    def __init__(
        self,
        engine: "Engine | SqliteReader",
        place: ReadingPlace,
        timezone: tzinfo = UTC,
        languages: Sequence[str] = LANGUAGES,
        clocks: Clocks = TODAY,
    ) -> None:
        self._engine = engine
        self._place = place
        self.timezone = timezone
        self.clocks = clocks
        self.languages = tuple(languages)
        self._resources = ExitStack()
        self._closed = Event()
        self._sentence_caches: list[blame.SentenceCache] = []
        self._connection: Connection | None = None
        self._shared_finder: find.Finder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Archive {self.place}>"

    def __len__(self) -> int:
        """Return the number of articles."""
        return self._query(lists.count_articles)

    def __iter__(self) -> Iterator[ArticleLine]:
        return self.articles()

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, rev: str) -> VersionText:
        return self.version(rev)

    def close(self) -> None:
        """Close the archive; its iterators raise ArchiveClosedError from then on."""
        self._closed.set()
        self._resources.close()
        self._engine.dispose()

    @property
    def place(self) -> str:
        """Return the archive's name for messages, without a password."""
        return self._place.name

    def with_clocks(self, as_of: datetime | None = None, known_at: datetime | None = None) -> Self:
        """Return the archive as it was readable at `as_of`, according to its knowledge at
        `known_at`.

        Closing this archive closes it too. `sql` and `stats` ignore both times.
        """
        place = ReadingPlace(self._place.locator)  # its views are built with SQLAlchemy
        engine = place.open()
        self._resources.callback(engine.dispose)
        clocks = Clocks(as_of, known_at)
        archive = type(self)(engine, place, self.timezone, self.languages, clocks)
        archive._closed = self._closed  # noqa: SLF001  # of the same class
        return archive

    @contextmanager
    def connect(self) -> "Iterator[Connection]":
        """Open a read-only connection; for other modules of `storage.read`."""
        self._require_open()
        if self._connection is not None:
            yield self._connection
            return
        with self._place.reachable(), self._engine.connect() as connection:
            if self.clocks.are_set and connection.info.get("clocks") != self.clocks:
                as_of.create_as_of_views(connection, self.clocks)
                connection.info["clocks"] = self.clocks
            try:
                yield connection
            finally:
                if self._closed.is_set():  # its pool is gone and would leave it open
                    connection.invalidate()

    def commits(self) -> "Commits":
        """Return a counter of the commits by other processes; it is closed with the archive."""
        commits = engines.Commits(self._engine)
        self._resources.callback(commits.close)
        return commits

    @contextmanager
    def single_connection(self) -> Iterator[Self]:
        """Return the archive for related queries: one connection, used in one thread.

        Each article name is resolved only once.
        """
        with self.connect() as connection:
            yield self._bind(connection)

    # --------------------------------------------------------------------------- lists

    def articles(
        self,
        filters: Filters = NO_FILTERS,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[ArticleLine]:
        """Yield the articles in the order in which the archive first saw them.

        Raises: CursorError.
        """
        return self._iterate(lists.articles, filters, Part(after, limit))

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

        All words must occur; `"…"` is a phrase, `-word` excludes, `OR` between two words means
        either. For a common word, the best of the newest thousand texts come first, then older
        ones. `latest` excludes earlier versions, as does reading the archive as of a time. `steps`
        selects versions created by such a change. Raises: CursorError.
        """
        latest = latest or self.clocks.as_of is not None
        words = tokens.parse_query(query, self.languages)
        part = Part(after, limit)
        return self._iterate(full_text.search, words, filters, part, latest=latest, steps=steps)

    def history(
        self, article: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[VersionLine]:
        """Yield the versions of an article, the oldest first.

        Raises: NoSuchError, CursorError.
        """
        number = self.article_row_id(article)
        return self._iterate(lists.history, number, Part(after, limit))

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
        number = None if article is None else self.article_row_id(article)
        steps = ChangeFilter(tuple(classes), silent, contains)
        part = Part(after, limit)
        return self._iterate(lists.changes, number, steps, filters, part)

    def top_changes(
        self, candidates: int, limit: int, rank: Callable[[Mapping[str, Any]], int]
    ) -> list[Change]:
        """Return the `limit` highest-ranked of the newest `candidates` steps; on ties the newest.

        `rank` receives a row with `changes` and `silent`.
        """
        return self._query(lists.top_changes, candidates, limit, rank)

    def observations(
        self, article: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[Observation]:
        """Yield every check of an article in the order of time.

        Raises: NoSuchError, CursorError.
        """
        number = self.article_row_id(article)
        part = Part(after, limit)
        return self._iterate(lists.observations, number, part)

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
        return self._iterate(lists.relations, origins, filters, part)

    def lineages(
        self, article: str | None = None, after: str | None = None, limit: int | None = None
    ) -> "Iterator[lineages.LineageDecision]":
        """Yield the decisions that two addresses are one article, including undone ones.

        Raises: NoSuchError, CursorError.
        """
        number = None if article is None else self.article_row_id(article)
        return self._iterate(lineages.lineages, number, Part(after, limit))

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
        return self._iterate(lists.noise, number, Part(after, limit))

    def explain_relations(self, relations: Iterable[Relation]) -> Iterator[ExplainedRelation]:
        """Yield relations with their explanation: shared passages, differences and additions."""
        with self.connect() as connection:
            yield from explain.explain_relations(connection, relations)

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
        return self._iterate(lists.entries, number, part, oldest_first=oldest_first)

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
        return self._iterate(lists.rights, criteria, Part(after, limit))

    def front(
        self, address: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[Teaser]:
        """Yield the teasers of a front page at its latest check, from top to bottom.

        In an archive opened with `as_of`, those of that time. Raises: NoSuchError, CursorError.
        """
        with self.connect() as connection:
            front = self._finder(connection).front_row_id(address)
        return self._iterate(lists.teasers, front, Part(after, limit))

    def front_addresses(self) -> list[str]:
        """Return the addresses of all front pages with teasers."""
        return list(self._iterate(lists.front_addresses))

    def fronts(
        self,
        article: str | None = None,
        front: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[FrontStay]:
        """Yield how long which headlines were on front pages, in the order of their beginnings.

        `article` is an article or the address of a teaser, `front` the address of a front page.
        Raises: NoSuchError, CursorError.
        """
        criteria = Conditions()
        with self.connect() as connection:
            finder = self._finder(connection)
            if article is not None:
                criteria = finder.teaser_conditions(article)
            if front is not None:
                criteria = criteria.with_clause(
                    "k.front_id = :front", front=finder.front_row_id(front)
                )
        return self._iterate(lists.fronts, criteria, Part(after, limit))

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
        Raises: CursorError.
        """
        selection, part = RefusalFilter(job, codes, source, since), Part(after, limit)
        return self._iterate(lists.refusals, selection, part)

    def jobs(
        self, job: int | None = None, after: str | None = None, limit: int | None = None
    ) -> Iterator[Job]:
        """Yield the jobs, the newest first; or one job and then its parts.

        Raises: NoSuchError, CursorError.
        """
        if job is not None:
            with self.connect() as connection:
                if next(lists.jobs(connection, job, Part(limit=1)), None) is None:
                    raise NoSuchError("job", str(job), "`lesart jobs` lists the existing jobs")
        return self._iterate(lists.jobs, job, Part(after, limit))

    # ----------------------------------------------------------------------- one or two texts

    def version(self, rev: str) -> VersionText:
        """Return one complete version.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        with self.connect() as connection:
            found = texts.version_text(connection, self._finder(connection).version(rev))
            return next(texts.add_statements(connection, [found]))

    def raw(self, rev: str) -> Raw:
        """Return the captured bytes of a version, unchanged.

        Raises: RevisionError, NoSuchError, AmbiguousError, DamagedBytesError, RestrictedError.
        """
        with self.connect() as connection:
            return texts.raw(connection, self._open(connection, rev))

    def diff(self, rev_a: str, rev_b: str | None = None) -> Diff:
        """Compare `rev_a` with `rev_b`; `rev_a` may be a range `REV..REV`.

        A single revision is compared with the version before it. If different extractors produced
        the two texts, both are taken from one extractor where the archive has such a reading.
        Raises: RevisionError, NoSuchError, AmbiguousError, RedactedError.
        """
        with self.connect() as connection:
            a, b = self._pair(self._finder(connection), rev_a, rev_b)
            find.refuse_restricted(connection, a, b)
            pair = same_extractor.same_extractor_texts(connection, a, b)
        return Diff(a.rev, b.rev, tuple(word_diff.diff(*pair)))

    def change_operations(self, change: Change) -> "Sequence[word_diff.Operation]":
        """Return the operations of a change; for a live blog without entries that moved.

        Raises: NoSuchError, RedactedError.
        """
        number = change.version
        if not any(each.startswith("entry_") for each in change.changes):
            return self.diff(f"{change.article}@{number - 1}..@{number}").operations
        article = self.article_row_id(change.article)
        with self.connect() as connection:
            return same_extractor.entry_step_operations(connection, article, number)

    def blame(
        self,
        rev: str,
        removed: bool = False,  # noqa: FBT001, FBT002 - the second argument of most calls
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Blame]:
        """Yield each sentence of a version: since when it is present, and which article had it
        first.

        `removed` selects the deleted sentences instead.
        Raises: RevisionError, NoSuchError, AmbiguousError, CursorError.
        """
        version = self._query(self._open, rev)
        cache = self._sentence_cache()
        part = Part(after, limit)
        return self._iterate(blame.blame_sentences, version, cache, part, removed=removed)

    def sentence(self, rev: str, number: int) -> Sentence:
        """Return one sentence of a version, counted from 1 as in `blame`, and the other articles
        whose current text contains it.

        Raises: RevisionError, NoSuchError, AmbiguousError, RedactedError, RestrictedError.
        """
        (found,) = self._sentences(rev, number, Part())
        return found

    def sentences(
        self, rev: str, contains: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[Sentence]:
        """Yield the sentences of a version that contain a text, like `sentence`.

        Raises: RevisionError, NoSuchError, AmbiguousError, CursorError, RestrictedError.
        """
        return self._sentences(rev, contains, Part(after, limit))

    def _sentences(self, rev: str, choice: int | str, part: Part) -> Iterator[Sentence]:
        version = self._query(self._open, rev)
        return self._iterate(blame.find_sentences, version, self._sentence_cache(), part, choice)

    def cite(self, rev: str, passage: str | None = None) -> Citation:
        """Return a reference to a version, or to a passage of its text.

        White space and the form of quotation marks are ignored in the passage. Raises:
        RevisionError, NoSuchError if the passage does not occur, AmbiguousPassageError if it occurs
        more than once, AmbiguousError, RedactedError, RestrictedError.
        """
        version = self.version(rev)
        if "restricted" in version.flags:
            raise RestrictedError(version.article)
        if version.text is None:
            raise RedactedError("the text of", rev)
        if passage is None:
            return cite.build_citation(version)
        spans = cite.find_passages(version.text or "", passage)
        if len(spans) == 1:
            return cite.build_citation(version, spans[0])
        excerpt = textwrap.shorten(passage, _QUOTED_LETTERS, placeholder="…")
        where = f"in {version.article}@{version.version} that reads"
        if spans:
            passages = cite.unique_passages(version.text, spans[:_MAX_PASSAGES])
            raise AmbiguousPassageError(excerpt, len(spans), passages)
        raise NoSuchError(
            f"passage {where}", excerpt, "all letters and punctuation marks must be the same"
        )

    # ------------------------------------------------------------------------------- figures

    def facets(
        self,
        query: str,
        latest: bool = False,  # noqa: FBT001, FBT002 - like `search`
        filters: Filters = NO_FILTERS,
        steps: ChangeFilter = ANY_STEP,
    ) -> "facets.Facets":
        """Return the number of hits of a search by source, language, publisher, year and month
        of publication.
        """
        latest = latest or self.clocks.as_of is not None
        words = tokens.parse_query(query, self.languages)
        return self._query(facets.count_facets, words, filters, steps, latest=latest)

    def article(self, name: str) -> ArticleLine:
        """Return the article with an id or an address, as in lists.

        Raises: NoSuchError.
        """
        number = self.article_row_id(name)
        return self._query(lists.article, number)

    def titles(self, articles: Sequence[str]) -> dict[str, str | None]:
        """Return the current titles of articles, by article id."""
        if not articles:
            return {}
        return self._query(lists.titles, list(dict.fromkeys(articles)))

    def outlets(self, articles: Sequence[str]) -> dict[str, str | None]:
        """Return the publishers of articles, or their sources, by article id."""
        return self._query(lists.outlets, list(dict.fromkeys(articles))) if articles else {}

    def cluster(self, label: str) -> tuple[ArticleLine, ...]:
        """Return the articles of a cluster in the order in which they were first seen.

        Raises: NoSuchError.
        """
        with self.connect() as connection:
            articles = sorted(lists.cluster(connection, label), key=lambda line: line.first_seen)
        if not articles:
            raise NoSuchError(
                "cluster", label, "the field `cluster` of an article contains its label"
            )
        return tuple(articles)

    def newest_seq(self) -> int:
        """Return the highest `seq` that a change may have now."""
        return self._query(lists.newest_seq)

    def is_whole_article(self, rev: str) -> bool:
        """Check whether `rev` specifies an article with all its versions, not a single version.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        with self.connect() as connection:
            return self._finder(connection).find_whole_article(rev) is not None

    def changes_since(
        self, seq: int, steps: ChangeFilter, filters: Filters, limit: int
    ) -> list[tuple[int, Change]]:
        """Return the steps that were written or renumbered after `seq`, each with its own `seq`."""
        with self.connect() as connection:
            return list(lists.changes_since(connection, seq, steps, filters, limit))

    def work_state(self, now: datetime) -> "work_state.WorkState":
        """Return the state of the work at `now`."""
        return self._query(work_state.work_state, now)

    def work_figures(self, now: datetime, jobs: int) -> WorkFigures:
        """Return the state of the work at `now`, with the latest `jobs` jobs."""
        return self._query(work_state.work_figures, now, jobs)

    def edits_by_day(self, last_day: date, days: int) -> dict[date, int]:
        """Return the number of steps on each of the last `days` days, in UTC."""
        return self._query(stats.edits_by_day, last_day, days)

    def edit_figures(self, span: "edits.EditSpan") -> Iterator[EditFigures]:
        """Yield the edit figures of each source."""
        return self._iterate(edits.edit_figures, span)

    def edit_summary(self, now: datetime) -> "edits.EditSummary":
        """Return the edit figures of all sources; of a large archive those stored last."""
        return self._query(edits.edit_summary, now)

    def edits_by_hour(self, span: "edits.EditSpan") -> Iterator[EditHour]:
        """Yield the edits by source and hour of their first snapshot, in UTC."""
        return self._iterate(edits.edits_by_hour, span)

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

    def stats(self, now: datetime | None = None) -> Stats:
        """Return the figures of the archive at `now` (default: the current time)."""
        return self._query(stats.stats, head(), now or datetime.now(UTC))

    def pending_work(self) -> "pending_work.PendingWork":
        """Return the amount of pending work, and whether any worker runs."""
        return self._query(pending_work.pending_work)

    def coverage(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
    ) -> Iterator[Coverage]:
        """Yield the number of checks of each source, by hour."""
        until = until or datetime.now(UTC)
        return self._iterate(coverage.coverage, since, until, source)

    # ------------------------------------------------------------------------------- private

    def _query(
        self, function: "Callable[Concatenate[Connection, P], T]", *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self.connect() as connection:
            return function(connection, *args, **kwargs)

    def _iterate(
        self,
        function: "Callable[Concatenate[Connection, P], Iterator[T]]",
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        with self.connect() as connection:
            for row in function(connection, *args, **kwargs):
                yield row
                self._require_open()

    def _require_open(self) -> None:
        if self._closed.is_set():
            raise ArchiveClosedError(self.place)

    def _sqlalchemy_engine(self) -> "Engine":
        if isinstance(self._engine, SqliteReader):
            engine = engines.reading_engine(self._place.url)
            self._resources.callback(engine.dispose)
            return engine
        return self._engine

    def _bind(self, connection: "Connection") -> Self:
        """Return this archive bound to an open connection."""
        bound = copy(self)
        bound.__dict__.update(_connection=connection, _shared_finder=self._finder(connection))
        return bound

    def _sentence_cache(self) -> "SentenceCache":
        if not self._sentence_caches:
            self._sentence_caches.append(blame.SentenceCache(self.languages))
        return self._sentence_caches[0]

    def _finder(self, connection: "Connection") -> "find.Finder":
        if self._shared_finder is not None:
            return self._shared_finder
        return find.Finder(connection, self.timezone, self.clocks)

    def _open(self, connection: "Connection", rev: str) -> "find.VersionRef":
        version = self._finder(connection).version(rev)
        find.refuse_restricted(connection, version)
        return version

    def article_row_id(self, name: str) -> int:
        """Return the row number of an article, for modules that work on rows.

        Raises: NoSuchError.
        """
        with self.connect() as connection:
            return self._finder(connection).article(name).row_id

    def _origin_ids(self, name: str) -> list[int]:
        with self.connect() as connection:
            finder = self._finder(connection)
            return finder.origins(finder.article(name))

    @staticmethod
    def _pair(
        finder: "find.Finder", rev_a: str, rev_b: str | None
    ) -> tuple["find.VersionRef", "find.VersionRef"]:
        if rev_b is not None:
            return finder.pair(rev_a, rev_b)
        versions = finder.versions(rev_a)
        if len(versions) == 2:
            return versions[0], versions[1]
        (only,) = versions
        if only.number == 1:
            raise NoSuchError("version before", only.rev, "it is the first one")
        return replace(only, number=only.number - 1, certain=True, wording_id=None), only
