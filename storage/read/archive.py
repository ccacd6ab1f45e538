"""The reading interface: open an archive and query it for immutable records.

with open_archive("lesart-data/lesart.sqlite3") as archive:
    for hit in archive.search("Öllager"):
        print(hit.article, hit.snippet)
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from storage.database.engine import (
    ArchiveMissingError,
    Commits,
    database_url,
    place_of,
    reachable,
    reading_engine,
)
from storage.database.rows import CursorError
from storage.database.schema_version import head, require_current
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
    Hit,
    Job,
    NoiseStep,
    Observation,
    Raw,
    Refusal,
    Relation,
    Rows,
    Stats,
    VersionLine,
    VersionText,
    WorkFigures,
)
from storage.read.filters import EVERYTHING, TODAY, Clocks, Filters
from storage.read.lists import ANY_STEP, ChangeFilter, Part, RefusalFilter
from storage.read.revision import RevisionError
from storage.read.sql import QueryError
from storage.values.arrivals.source import Source
from storage.values.errors import (
    AmbiguousError,
    AmbiguousPassageError,
    NoSuchError,
    RedactedError,
    RestrictedError,
)
from storage.values.late import LateModule

if TYPE_CHECKING:
    from storage.diff import word_diff
    from storage.language import tokens
    from storage.read import blame, cite, explain, facets, find, same_extractor, texts
    from storage.read import search as full_text
    from storage.read.blame import SentenceMemory
    from storage.read.clocks import as_of
    from storage.read.figures import coverage, edits, lineages, pulse, stats, work
    from storage.record import sources as source_rows
else:
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
    pulse = LateModule("storage.read.figures.pulse")
    same_extractor = LateModule("storage.read.same_extractor")
    source_rows = LateModule("storage.record.sources")
    stats = LateModule("storage.read.figures.stats")
    texts = LateModule("storage.read.texts")
    word_diff = LateModule("storage.diff.word_diff")
    work = LateModule("storage.read.figures.work")

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
_SHOWN_OF_A_PASSAGE = 80
_MOST_PASSAGES = 5
NO_PARAMETERS: Mapping[str, Any] = MappingProxyType({})


def open_archive(
    url: str | Path,
    *,
    timezone: tzinfo = UTC,
    languages: Sequence[str] = LANGUAGES,
    clocks: Clocks = TODAY,
    seconds: int | None = None,
) -> "ReadOnlyArchive":
    """Open the archive at a path or a database address for reading; nothing is ever written.

    `timezone` determines where a date in a revision ends. `languages` are those whose word forms
    a search includes. No query may take longer than `seconds`. Raises: DatabaseUrlError,
    ArchiveMissingError, ArchiveUnreachableError, SchemaOlderError, SchemaNewerError.
    """
    address = database_url(str(url))
    engine = reading_engine(address, seconds)
    try:
        with reachable(address):
            require_current(engine)
    except DatabaseError as error:
        engine.dispose()
        if "not a database" in str(error.orig):
            raise ArchiveMissingError(place_of(address)) from error
        raise
    except BaseException:
        engine.dispose()
        raise
    return ReadOnlyArchive(engine, address, timezone, languages, clocks)


class ReadOnlyArchive:
    """An archive opened for reading by `open_archive`; `with` closes it.

    Lists are iterators that fetch their rows as needed. Each row has a `cursor`; pass it as
    `after` to continue the list. `limit` is the maximum number of rows.
    """

    def __init__(
        self,
        engine: Engine,
        url: URL,
        timezone: tzinfo = UTC,
        languages: Sequence[str] = LANGUAGES,
        clocks: Clocks = TODAY,
    ) -> None:
        self._engine = engine
        self._url = url
        self._timezone = timezone
        self.clocks = clocks
        self.languages = tuple(languages)
        self._resources = ExitStack()
        self._sentences: list[blame.SentenceMemory] = []
        self._held: Connection | None = None
        self._found: find.Finder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def close(self) -> None:
        self._resources.close()
        self._engine.dispose()

    @property
    def place(self) -> str:
        """Return the archive's name for messages, without a password."""
        return place_of(self._url)

    def at(self, as_of: datetime | None = None, known_at: datetime | None = None) -> Self:
        """Return the archive as it was readable at `as_of`, according to its knowledge at
        `known_at`.

        Closing this archive closes it too. `sql` and `stats` ignore both times.
        """
        engine = reading_engine(self._url)
        self._resources.callback(engine.dispose)
        clocks = Clocks(as_of, known_at)
        return type(self)(engine, self._url, self._timezone, self.languages, clocks)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Open a read-only connection; for other modules of `storage.read`."""
        if self._held is not None:
            yield self._held
            return
        with reachable(self._url), self._engine.connect() as connection:
            if self.clocks.are_set and connection.info.get("clocks") != self.clocks:
                as_of.turn_back(connection, self.clocks)
                connection.info["clocks"] = self.clocks
            yield connection

    def commits(self) -> Commits:
        """Return a counter of the commits by other processes; it is closed with the archive."""
        found = Commits(self._engine)
        self._resources.callback(found.close)
        return found

    @contextmanager
    def at_once(self) -> Iterator[Self]:
        """Return the archive for related queries: one connection, used in one thread.

        Each article name is resolved only once.
        """
        with self.connected() as connection:
            yield self._by(connection)

    # --------------------------------------------------------------------------- lists

    def articles(
        self,
        filters: Filters = EVERYTHING,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[ArticleLine]:
        """Yield the articles in the order in which the archive first saw them.

        Raises: CursorError.
        """
        return self._each(lists.articles, filters, Part(after, limit))

    def search(
        self,
        query: str,
        latest: bool = False,  # noqa: FBT001, FBT002 - the second thing that one says of a search
        filters: Filters = EVERYTHING,
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
        asked = tokens.parse_query(query, self.languages)
        part = Part(after, limit)
        return self._each(full_text.search, asked, filters, part, latest=latest, steps=steps)

    def history(
        self, article: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[VersionLine]:
        """Yield the versions of an article, the oldest first.

        Raises: NoSuchError, CursorError.
        """
        number = self.row_of(article)
        return self._each(lists.history, number, Part(after, limit))

    def changes(  # noqa: PLR0917 - each of them asks for less
        self,
        article: str | None = None,
        classes: Sequence[str] = (),
        silent: bool | None = None,  # noqa: FBT001 - all of them are named by most callers
        contains: str | None = None,
        filters: Filters = EVERYTHING,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Change]:
        """Yield the steps between two versions, the newest first.

        `classes` selects steps of any of these classes, `contains` those that inserted or deleted a
        passage with this text, ignoring case and white space. Raises: NoSuchError, CursorError.
        """
        number = None if article is None else self.row_of(article)
        wanted = ChangeFilter(tuple(classes), silent, contains)
        part = Part(after, limit)
        return self._each(lists.changes, number, wanted, filters, part)

    def most_telling(
        self, looked_at: int, shown: int, rank: Callable[[Mapping[str, Any]], int]
    ) -> list[Change]:
        """Return the highest-ranked of the newest steps; among equals, the newest first.

        `rank` receives a row with `changes` and `silent`.
        """
        return self._ask(lists.most_telling, looked_at, shown, rank)

    def observations(
        self, article: str, after: str | None = None, limit: int | None = None
    ) -> Iterator[Observation]:
        """Yield every check of an article in the order of time.

        Raises: NoSuchError, CursorError.
        """
        number = self.row_of(article)
        part = Part(after, limit)
        return self._each(lists.observations, number, part)

    def relations(
        self,
        article: str | None = None,
        filters: Filters = EVERYTHING,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Relation]:
        """Yield the relations of one article or of all; filters need to match only one side.

        Raises: NoSuchError, CursorError.
        """
        origins = None if article is None else self._origins(article)
        part = Part(after, limit)
        return self._each(lists.relations, origins, filters, part)

    def lineages(
        self, article: str | None = None, after: str | None = None, limit: int | None = None
    ) -> "Iterator[lineages.LineageDecision]":
        """Yield the decisions that two addresses are one article, including undone ones.

        Raises: NoSuchError, CursorError.
        """
        number = None if article is None else self.row_of(article)
        return self._each(lineages.lineages, number, Part(after, limit))

    def noise(
        self,
        article: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[NoiseStep]:
        """Yield the steps between two wordings that count as noise and create no version.

        Raises: NoSuchError, CursorError.
        """
        number = None if article is None else self.row_of(article)
        return self._each(lists.noise, number, Part(after, limit))

    def explained(self, relations: Iterable[Relation]) -> Iterator[ExplainedRelation]:
        """Yield relations with their explanation: shared passages, differences and additions."""
        with self.connected() as connection:
            yield from explain.explained(connection, relations)

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
        wanted, part = RefusalFilter(job, codes, source, since), Part(after, limit)
        return self._each(lists.refusals, wanted, part)

    def jobs(
        self, job: int | None = None, after: str | None = None, limit: int | None = None
    ) -> Iterator[Job]:
        """Yield the jobs, the newest first; or one job and then its parts.

        Raises: NoSuchError, CursorError.
        """
        if job is not None:
            with self.connected() as connection:
                if next(lists.jobs(connection, job, lists.Part(limit=1)), None) is None:
                    raise NoSuchError("job", str(job), "`lesart jobs` names those that are there")
        return self._each(lists.jobs, job, Part(after, limit))

    # ----------------------------------------------------------------------- one or two texts

    def version(self, rev: str) -> VersionText:
        """Return one complete version.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        with self.connected() as connection:
            return texts.version_text(connection, self._finder(connection).version(rev))

    def raw(self, rev: str) -> Raw:
        """Return the captured bytes of a version, unchanged.

        Raises: RevisionError, NoSuchError, AmbiguousError, DamagedBytesError, RestrictedError.
        """
        with self.connected() as connection:
            return texts.raw(connection, self._open(connection, rev))

    def diff(self, rev_a: str, rev_b: str | None = None) -> Diff:
        """Compare `rev_a` with `rev_b`; `rev_a` may be a range `REV..REV`.

        A single revision is compared with the version before it. If different extractors produced
        the two texts, both are taken from one extractor where the archive has such a reading.
        Raises: RevisionError, NoSuchError, AmbiguousError, RedactedError.
        """
        with self.connected() as connection:
            a, b = self._pair(self._finder(connection), rev_a, rev_b)
            find.refuse_restricted(connection, a, b)
            found = same_extractor.pair(connection, a, b)
        return Diff(a.rev, b.rev, tuple(word_diff.diff(*found)))

    def blame(
        self,
        rev: str,
        removed: bool = False,  # noqa: FBT001, FBT002 - the second thing that one says of blame
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Blame]:
        """Yield each sentence of a version: since when it is present, and which article had it
        first.

        `removed` selects the deleted sentences instead.
        Raises: RevisionError, NoSuchError, AmbiguousError, CursorError.
        """
        found = self._ask(self._open, rev)
        memory = self._memory()
        ask = blame.gone if removed else blame.standing
        part = Part(after, limit)
        return self._each(ask, found, memory, part)

    def blame_whole(self, rev: str) -> tuple[list[Blame], list[Blame]]:
        """Return the sentences of a version, and the sentences deleted before it.

        Raises: RevisionError, NoSuchError, AmbiguousError, RedactedError, RestrictedError.
        """
        with self.connected() as connection:
            return blame.both(connection, self._open(connection, rev), self._memory())

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
            return cite.cited(version)
        found = cite.places(version.text or "", passage)
        if len(found) == 1:
            return cite.cited(version, found[0])
        given = textwrap.shorten(passage, _SHOWN_OF_A_PASSAGE, placeholder="…")
        where = f"in {version.article}@{version.version} that reads"
        if found:
            passages = cite.unique_passages(version.text, found[:_MOST_PASSAGES])
            raise AmbiguousPassageError(given, len(found), passages)
        raise NoSuchError(f"passage {where}", given, "every letter and mark has to be the same")

    # ------------------------------------------------------------------------------- figures

    def facets(
        self,
        query: str,
        latest: bool = False,  # noqa: FBT001, FBT002 - as `search` has it
        filters: Filters = EVERYTHING,
        steps: ChangeFilter = ANY_STEP,
    ) -> "facets.Facets":
        """Return the number of hits of a search by source, language, publisher and year."""
        latest = latest or self.clocks.as_of is not None
        asked = tokens.parse_query(query, self.languages)
        return self._ask(facets.count_facets, asked, filters, steps, latest=latest)

    def article(self, given: str) -> ArticleLine:
        """Return the article with an id or an address, as in lists.

        Raises: NoSuchError.
        """
        number = self.row_of(given)
        return self._ask(lists.article, number)

    def titles(self, articles: Sequence[str]) -> dict[str, str | None]:
        """Return the current titles of articles, by article id."""
        if not articles:
            return {}
        return self._ask(lists.titles, list(dict.fromkeys(articles)))

    def cluster(self, label: str) -> tuple[ArticleLine, ...]:
        """Return the articles of a cluster in the order in which they were first seen.

        Raises: NoSuchError.
        """
        with self.connected() as connection:
            found = sorted(lists.cluster(connection, label), key=lambda each: each.first_seen)
        if not found:
            raise NoSuchError("cluster", label, "the field `cluster` of an article names its own")
        return tuple(found)

    def newest_seq(self) -> int:
        """Return the highest `seq` that a change may have now."""
        return self._ask(lists.newest_seq)

    def names_article(self, rev: str) -> bool:
        """Check whether `rev` specifies an article with all its versions, not a single version.

        Raises: RevisionError, NoSuchError, AmbiguousError.
        """
        with self.connected() as connection:
            return self._finder(connection).whole(rev) is not None

    def changes_since(
        self, seq: int, wanted: ChangeFilter, filters: Filters, limit: int
    ) -> list[tuple[int, Change]]:
        """Return the steps that were written or renumbered after `seq`, each with its own `seq`."""
        with self.connected() as connection:
            return list(lists.changes_since(connection, seq, wanted, filters, limit))

    def pulse(self, now: datetime) -> "pulse.Pulse":
        """Return the state of the work at `now`."""
        return self._ask(pulse.pulse, now)

    def work_figures(self, now: datetime, jobs: int) -> WorkFigures:
        """Return the state of the work at `now`, with the latest `jobs` jobs."""
        return self._ask(pulse.work_figures, now, jobs)

    def edits_by_day(self, until: date, days: int) -> dict[date, int]:
        """Return the number of steps on each of the last `days` days, in UTC."""
        return self._ask(stats.edits_by_day, until, days)

    def edit_figures(self, span: "edits.EditSpan") -> Iterator[EditFigures]:
        """Yield the edit figures of each source."""
        return self._each(edits.edit_figures, span)

    def edits_by_hour(self, span: "edits.EditSpan") -> Iterator[EditHour]:
        """Yield the edits by source and hour of their first snapshot, in UTC."""
        return self._each(edits.edits_by_hour, span)

    def sources(self) -> list[Source]:
        """Return the sources that were not removed, by name."""
        return self._ask(source_rows.sources)

    def sql(self, query: str, parameters: Mapping[str, Any] = NO_PARAMETERS) -> Rows:
        """Run one SELECT over the documented views; `:name` is replaced with a parameter.

        Raises: QueryError, also while the rows are read.
        """
        with reachable(self._url):
            return sql_queries.ask(self._engine, self._resources, query, parameters)

    def stats(self, now: datetime | None = None) -> Stats:
        """Return the figures of the archive at `now` (default: the current time)."""
        return self._ask(stats.stats, head(), now or datetime.now(UTC))

    def work_left(self) -> "work.WorkLeft":
        """Return the amount of pending work, and whether any worker runs."""
        return self._ask(work.work_left)

    def coverage(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
    ) -> Iterator[Coverage]:
        """Yield the number of checks of each source, by hour."""
        until = until or datetime.now(UTC)
        return self._each(coverage.coverage, since, until, source)

    # ------------------------------------------------------------------------------- private

    def _ask(
        self, question: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        with self.connected() as connection:
            return question(connection, *args, **named)

    def _each(
        self,
        question: Callable[Concatenate[Connection, P], Iterator[T]],
        *args: P.args,
        **named: P.kwargs,
    ) -> Iterator[T]:
        with self.connected() as connection:
            yield from question(connection, *args, **named)

    def _by(self, connection: Connection) -> Self:
        """Return this archive bound to an open connection."""
        found = copy(self)
        found.__dict__.update(_held=connection, _found=self._finder(connection))
        return found

    def _memory(self) -> "SentenceMemory":
        if not self._sentences:
            self._sentences.append(blame.SentenceMemory(self.languages))
        return self._sentences[0]

    def _finder(self, connection: Connection) -> "find.Finder":
        if self._found is not None:
            return self._found
        return find.Finder(connection, self._timezone, self.clocks)

    def _open(self, connection: Connection, rev: str) -> "find.FoundVersion":
        found = self._finder(connection).version(rev)
        find.refuse_restricted(connection, found)
        return found

    def row_of(self, given: str) -> int:
        """Return the row number of an article, for modules that work on rows.

        Raises: NoSuchError.
        """
        with self.connected() as connection:
            return self._finder(connection).article(given).row_id

    def _origins(self, given: str) -> list[int]:
        with self.connected() as connection:
            finder = self._finder(connection)
            return finder.origins(finder.article(given))

    @staticmethod
    def _pair(
        finder: "find.Finder", rev_a: str, rev_b: str | None
    ) -> tuple["find.FoundVersion", "find.FoundVersion"]:
        if rev_b is not None:
            return finder.pair(rev_a, rev_b)
        found = finder.versions(rev_a)
        if len(found) == 2:
            return found[0], found[1]
        (only,) = found
        if only.number == 1:
            raise NoSuchError("version before", only.rev, "it is the first one")
        return replace(only, number=only.number - 1, certain=True, wording_id=None), only
