"""The queries of the archive: their parameters for commands, HTTP API and pages, and their rows.

A field is an option of a command and a parameter of a request (`storage.read.query.parameter`). The
docstring of a query describes its command and its route.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from storage.capabilities import CAPABILITIES
from storage.read.filters import Clocks, Filters
from storage.read.query.parameter import Bounds, argument, flag, option
from storage.read.render.moment import Edge, parse_moment
from storage.values.change_class import ChangeClass
from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from storage.read.archive.queries import ArchiveQueries
    from storage.read.lists import ChangeFilter
    from storage.values.answer import Answer

    Page = tuple[str | None, int | None]
    from storage.diff import entry_history as live_blogs
    from storage.read import answers, lists
else:
    live_blogs = LazyModule("storage.diff.entry_history")
    answers = LazyModule("storage.read.answers")
    lists = LazyModule("storage.read.lists")

T = TypeVar("T")
Plain = Annotated[str, Bounds(max_length=300)]
Long = Annotated[str, Bounds(min_length=1, max_length=8_192)]
Query = Annotated[str, Bounds(max_length=2_000, has_lines=True)]
Row = Annotated[int, Bounds(ge=0, le=2**62)]
ArticleState = Literal["present", "gone", "unreachable", "blocked", "restricted"]

PAGE_ROWS = 100
MOST_ROWS = 1_000
"""Default and maximum number of rows in a response."""

REVISION_HELP = (
    "Version of an article: ARTICLE (latest version), or ARTICLE followed by @3 (number), "
    "@~1 (one before the latest), @2024-06-18[T12:00] (time) or @w1:5f3a9c… (wording)"
)
QUERY_HELP = (
    'Words that all must occur; "…" is a phrase, A OR B either, -WORD (or NOT WORD) excludes.'
)
CLASS_HELP = "Only changes of this class; repeatable (default: all classes)."
SILENT_HELP = "Only silent changes: no update time or correction notice on the page."


# ------------------------------------------------------------------------- shared parameters


@dataclass(kw_only=True)
class PageOptions:
    """Options that select a page of the result."""

    limit: Annotated[int, Bounds(ge=1, le=MOST_ROWS)] | None = option(
        "--limit",
        "N",
        "Print at most N rows (default: all).",
        http_help=f"Maximum number of rows (default: {PAGE_ROWS}).",
        min=1,
    )
    after: Plain | None = option(
        "--after", "CURSOR", "Continue after the row with this cursor (default: first row)."
    )


@dataclass(kw_only=True)
class ClockOptions:
    """Options that read an earlier state of the archive."""

    as_of: Plain | None = option(
        "--as-of", "T", "Show what was readable at time T, as known today (default: now)."
    )
    known_at: Plain | None = option(
        "--known-at", "T", "Use only what the archive contained at time T (default: now)."
    )

    def clocks(self, zone: tzinfo) -> Clocks:
        """Return both times; a date, month or year becomes its last moment.

        Raises: MomentError.
        """
        return Clocks(*(_parse_state_time(each, zone) for each in (self.as_of, self.known_at)))


@dataclass(kw_only=True)
class FilterOptions:
    """Options that filter articles; times without a zone are in LESART_TIMEZONE."""

    language: Plain | None = option(
        "--language", "L", "Only articles in this language, such as de."
    )
    source: Plain | None = option("--source", "NAME", "Only articles from the source NAME.")
    publisher: Plain | None = option("--publisher", "NAME", "Only articles of the publisher NAME.")
    since: Plain | None = option("--since", "T", "Only articles first seen at time T or later.")
    until: Plain | None = option("--until", "T", "Only articles first seen at time T or earlier.")
    published_since: Plain | None = option(
        "--published-since", "D", "Only articles published on date D or later."
    )
    published_until: Plain | None = option(
        "--published-until", "D", "Only articles published on date D or earlier."
    )

    def filters(self, zone: tzinfo) -> Filters:
        """Return the filters; a date, month or year becomes its first or last moment.

        Raises: MomentError.
        """
        return Filters(
            language=self.language,
            source=self.source,
            publisher=self.publisher,
            since=moment_or_none(self.since, zone, "first"),
            until=moment_or_none(self.until, zone, "last"),
            published_since=moment_or_none(self.published_since, zone, "first"),
            published_until=moment_or_none(self.published_until, zone, "last"),
        )


@dataclass(kw_only=True)
class ChangeFilterOptions(FilterOptions):
    """Options that filter the articles of changes, and the time of the changes themselves."""

    since: Plain | None = option("--since", "T", "Only changes seen at time T or later.")
    until: Plain | None = option("--until", "T", "Only changes seen at time T or earlier.")


@dataclass(kw_only=True)
class OneArticle:
    """The argument for one article."""

    article: Long = argument("ARTICLE", "Article by id, address or path.")


@dataclass(kw_only=True)
class AnyArticle:
    """The argument for one article, or for all."""

    article: Long | None = argument(
        "ARTICLE", "Article by id, address or path (default: all articles).", None
    )


CONDITIONS = tuple(each for capability in CAPABILITIES for each in capability.change_conditions)
"""The filters of changes and searches that capabilities declare."""


def with_conditions(kind: type[T]) -> type[T]:
    """Add the filters of the capabilities to the options of a class."""
    for each in CONDITIONS:
        kind.__annotations__[each.name] = Annotated[list[Plain], Bounds(max_length=20)] | None
        setattr(kind, each.name, option(each.option, each.metavar, each.help))
    return kind


def given_conditions(options: object) -> dict[str, tuple[str, ...]]:
    """Return the values of the filters of the capabilities, by name; one may be a text alone."""
    given = {each.name: getattr(options, each.name) or () for each in CONDITIONS}
    return {name: (each,) if isinstance(each, str) else tuple(each) for name, each in given.items()}


@dataclass(kw_only=True)
@with_conditions
class ChangeOptions(AnyArticle):
    """Options that filter changes."""

    classes: Annotated[list[ChangeClass], Bounds(max_length=20)] | None = option(
        "--class", "C", CLASS_HELP, alias="class"
    )
    silent: bool | None = flag("--silent", SILENT_HELP, default=None)
    contains: Query | None = option(
        "--contains", "TEXT", "Only changes that add or remove a passage with TEXT."
    )

    def filter(self) -> "ChangeFilter":
        """Return the filter of these options without the article."""
        classes = tuple(each.value for each in self.classes or ())
        return lists.ChangeFilter(classes, self.silent, self.contains, given_conditions(self))


# ------------------------------------------------------------------------- versions


@dataclass(kw_only=True)
class VersionQuery(ClockOptions):
    """One version."""

    rev: Long = argument("REV", f"{REVISION_HELP}.")


@dataclass(kw_only=True)
class DiffQuery(ClockOptions):
    """Two versions."""

    rev: Long = argument("REV", f"{REVISION_HELP}, or a range REV..REV.")
    to: Long | None = argument(
        "REV", "Version to compare with (default: the version before the first one).", None
    )


@dataclass(kw_only=True)
class CiteQuery(VersionQuery):
    """A version, or a passage of it."""

    passage: Long | None = option(
        "--passage",
        "TEXT",
        "Cite this passage, quoted exactly; - reads standard input (default: whole version).",
        http_help="Passage, exactly as in the text.",
    )


# ------------------------------------------------------------------------- lists


@dataclass(kw_only=True)
class ListQuery(PageOptions):
    """A list of records."""

    @staticmethod
    def record() -> "type[Answer]":
        """Return the type of the records."""
        raise NotImplementedError

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        """Yield the records of a page.

        Raises: MomentError, NoSuchError, CursorError.
        """
        raise NotImplementedError


@dataclass(kw_only=True)
class ArticlesQuery(ListQuery, ClockOptions, FilterOptions):
    """List articles.

    They are in the order in which they were added to the archive.
    """

    state: ArticleState | None = option(
        "--state", None, "Only articles in this state (default: all states)."
    )
    classes: Annotated[list[ChangeClass], Bounds(max_length=20)] | None = option(
        "--class", "C", "Only articles with a change of this class; repeatable.", alias="class"
    )
    newest_first: bool = flag(
        "--newest-first", "List the article added last first (default: the first one)."
    )
    record = staticmethod(lambda: answers.ArticleLine)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[answers.ArticleLine]":
        classes = tuple(each.value for each in self.classes or ())
        selection = lists.ArticleFilter(self.state, classes)
        return archive.articles(
            self.filters(archive.timezone), *page, selection, newest_first=self.newest_first
        )


@dataclass(kw_only=True)
@with_conditions
class SearchQuery(ListQuery, ClockOptions, FilterOptions):
    """Search the full text of all versions.

    The results are sorted in batches of the newest texts, best result first.
    """

    q: Query = argument(
        "QUERY",
        f"{QUERY_HELP} - reads standard input.",
        http_help=QUERY_HELP,
    )
    latest: bool = flag(
        "--latest", "Search only the latest version of each article (default: all versions)."
    )
    change: ChangeClass | None = option(
        "--class", "C", "Only versions that this class of change created (default: all)."
    )
    silent: bool | None = flag(
        "--silent", "Only versions that a silent change created.", default=None
    )
    record = staticmethod(lambda: answers.Hit)

    def steps(self) -> "ChangeFilter":
        """Return the filter for the changes that created a version."""
        classes = (self.change.value,) if self.change else ()
        return lists.ChangeFilter(classes, self.silent, recorded=given_conditions(self))

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[answers.Hit]":
        return archive.search(
            self.q, self.latest, self.filters(archive.timezone), *page, self.steps()
        )


@dataclass(kw_only=True)
class VersionsQuery(ListQuery, ClockOptions, OneArticle):
    """List the versions of an article, oldest first."""

    record = staticmethod(lambda: answers.VersionLine)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        return archive.history(self.article, *page)


@dataclass(kw_only=True)
class ObservationsQuery(ListQuery, ClockOptions, OneArticle):
    """List all checks of an article with their outcomes, oldest first."""

    record = staticmethod(lambda: answers.Observation)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        return archive.observations(self.article, *page)


@dataclass(kw_only=True)
class EntriesQuery(ListQuery, ClockOptions, OneArticle):
    """List the entries of a live blog with their edits."""

    oldest_first: bool = flag(
        "--oldest-first", "List the oldest entry first (default: the newest)."
    )
    record = staticmethod(lambda: live_blogs.LiveBlogEntry)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        return archive.entries(self.article, *page, oldest_first=self.oldest_first)


@dataclass(kw_only=True)
class ChangesQuery(ListQuery, ClockOptions, ChangeFilterOptions, ChangeOptions):
    """List changes from version to version, newest first."""

    record = staticmethod(lambda: answers.Change)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[answers.Change]":
        return archive.select_changes(
            self.article, self.filter(), self.filters(archive.timezone), *page
        )


@dataclass(kw_only=True)
class BlameQuery(ListQuery, VersionQuery):
    """List for each sentence the version that added it and the article that had it first."""

    removed: bool = flag(
        "--removed", "List removed sentences (default: the sentences of the version)."
    )
    record = staticmethod(lambda: answers.Blame)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        return archive.blame(self.rev, self.removed, *page)


@dataclass(kw_only=True)
class SentencesQuery(ListQuery, VersionQuery):
    """List sentences that contain a text, with other articles that contain them now."""

    contains: Query = argument("TEXT", "Text that the sentences contain; case is ignored.")
    record = staticmethod(lambda: answers.Sentence)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        return archive.sentences(self.rev, self.contains, *page)


@dataclass(kw_only=True)
class RelationsQuery(ListQuery, ClockOptions, FilterOptions, AnyArticle):
    """List copies, contained texts and follow-ups, with score and method."""

    explain: bool = flag(
        "--explain", "Add the shared passages, the differences, and the earlier article."
    )
    record = staticmethod(lambda: answers.Relation)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        found = archive.relations(self.article, self.filters(archive.timezone), *page)
        return archive.explain_relations(found) if self.explain else found


@dataclass(kw_only=True)
class NoiseQuery(ListQuery, AnyArticle):
    """List differences that count as noise, with the rule and the passages."""

    record = staticmethod(lambda: answers.NoiseStep)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        return archive.noise(self.article, *page)


@dataclass(kw_only=True)
class LineagesQuery(ListQuery, AnyArticle):
    """List addresses that were joined to one article; `lesart undo ID` separates them."""

    record = staticmethod(lambda: answers.LineageDecision)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        return archive.lineages(self.article, *page)


@dataclass(kw_only=True)
class RefusalsQuery(ListQuery):
    """List refused documents with reason, remedy, and number of refusals."""

    job: Row | None = option("--job", "JOB", "Only refusals of this job (default: all jobs).")
    code: Annotated[list[Plain], Bounds(max_length=100)] | None = option(
        "--code", "CODE", "Only refusals with this error code; repeatable (default: all)."
    )
    source: Plain | None = option(
        "--source", "NAME", "Only refusals from the source NAME (default: all sources)."
    )
    since: Plain | None = option("--since", "T", "Only refusals at time T or later (default: all).")
    record = staticmethod(lambda: answers.Refusal)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        since = moment_or_none(self.since, archive.timezone, "first")
        return archive.refusals(
            self.job, *page, codes=self.code or (), source=self.source, since=since
        )


@dataclass(kw_only=True)
class JobsQuery(ListQuery):
    """List jobs with state, counts and reason."""

    job: Row | None = argument(
        "JOB", "Only the job with this number and its parts (default: all jobs).", None
    )
    record = staticmethod(lambda: answers.Job)

    def rows(self, archive: "ArchiveQueries", page: "Page") -> "Iterator[Answer]":
        return archive.jobs(self.job, *page)


def moment_or_none(text: str | None, zone: tzinfo, edge: Edge) -> datetime | None:
    """Return the first or the last moment of a span, as `parse_moment`; None without a text."""
    return None if text is None else parse_moment(text, zone, edge)


def _parse_state_time(text: str | None, zone: tzinfo) -> datetime | None:
    """Parse a time as in a revision: `12:00` is that moment, a date is its last moment."""
    return moment_or_none(text, zone, "first" if text and ":" in text else "last")
