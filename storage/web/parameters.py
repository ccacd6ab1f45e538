"""What may be asked: the parameters of requests, the same words as the options of commands."""

from datetime import datetime, tzinfo
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from storage.read.filters import Clocks, Filters
from storage.read.render.moment import Edge, parse_moment
from storage.values.change_class import ChangeClass

PAGE_ROWS = 100
MOST_ROWS = 1_000


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("it holds a character that no text has")
    return value


Plain = Annotated[str, AfterValidator(_without_nul), Field(max_length=300)]
Long = Annotated[str, AfterValidator(_without_nul), Field(min_length=1, max_length=8_192)]
Query = Annotated[str, AfterValidator(_without_nul), Field(max_length=2_000)]
Row = Annotated[int, Field(ge=0, le=2**62)]


class Asked(BaseModel):
    """Parameters of which every one is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Paged(Asked):
    """Which part of a list."""

    after: Annotated[Plain | None, Field(description="Go on after the row with this cursor.")] = (
        None
    )
    limit: Annotated[
        int | None,
        Field(ge=1, le=MOST_ROWS, description=f"Rows at most; {PAGE_ROWS} if nothing is said."),
    ] = None


class Clocked(Asked):
    """As of when, and by which knowledge."""

    as_of: Annotated[Plain | None, Field(description="What was readable then.")] = None
    known_at: Annotated[Plain | None, Field(description="What the archive knew then.")] = None

    def clocks(self, zone: tzinfo) -> Clocks:
        """Return both as moments.

        Raises: MomentError.
        """
        return Clocks(_then(self.as_of, zone), _then(self.known_at, zone))


class Filtered(Asked):
    """Which articles."""

    language: Annotated[Plain | None, Field(description="In this language, such as de.")] = None
    source: Annotated[Plain | None, Field(description="From the source of this name.")] = None
    publisher: Annotated[Plain | None, Field(description="Of this publisher.")] = None
    since: Annotated[Plain | None, Field(description="First seen by us then or later.")] = None
    until: Annotated[Plain | None, Field(description="First seen by us then or earlier.")] = None
    published_since: Annotated[Plain | None, Field(description="Published then or later.")] = None
    published_until: Annotated[Plain | None, Field(description="Published then or earlier.")] = None

    def filters(self, zone: tzinfo) -> Filters:
        """Return the filters with every time as a moment: the first of a span, or its last.

        Raises: MomentError.
        """
        return Filters(
            language=self.language or None,
            source=self.source or None,
            publisher=self.publisher or None,
            since=_moment(self.since, zone, "first"),
            until=_moment(self.until, zone, "last"),
            published_since=_moment(self.published_since, zone, "first"),
            published_until=_moment(self.published_until, zone, "last"),
        )


class OfArticle(Clocked):
    """One article, by an id or an address."""

    article: Annotated[Long, Field(description="An id or an address.")]


class OfVersion(Clocked):
    """One version."""

    rev: Annotated[
        Long, Field(description="ARTICLE, ARTICLE@3, @latest, @~1, @2024-06-18, @w1:5f3a9c…")
    ]


class ListQuery(Paged, Filtered, Clocked):
    """Parameters of a list of articles."""


class SearchQuery(ListQuery):
    """Parameters of a search."""

    q: Annotated[Query, Field(description='Words, all of them; "…" is a phrase.')]
    latest: Annotated[bool, Field(description="Search the latest versions only.")] = False
    change: Annotated[
        ChangeClass | None, Field(description="Versions that came with such a change.")
    ] = None
    silent: Annotated[
        bool | None, Field(description="Versions that came without the page owning up to it.")
    ] = None


class ChangesQuery(ListQuery):
    """Parameters of a list of changes; a number as `after` asks for what came after that `seq`."""

    article: Annotated[Long | None, Field(description="Of this article alone.")] = None
    change: Annotated[
        list[ChangeClass],
        Field(alias="class", max_length=20, description="Of this class; more than one: any."),
    ] = []
    silent: Annotated[bool | None, Field(description="Steps that the page (never) owns up to.")] = (
        None
    )
    contains: Annotated[
        Query | None, Field(description="Steps in which this text came or went.")
    ] = None


class ArticleRows(Paged, OfArticle):
    """A list of what belongs to one article."""


class DiffQuery(OfVersion):
    """Two versions: a range as `rev`, or `rev` and `to`; one alone means the version before it."""

    to: Annotated[Long | None, Field(description="The other version.")] = None


class BlameQuery(Paged, OfVersion):
    """The sentences of a version."""

    removed: Annotated[bool, Field(description="Those that stand there no more.")] = False


class CiteQuery(OfVersion):
    """A version, or a passage of it."""

    passage: Annotated[Long | None, Field(description="A passage, as it stands there.")] = None
    style: Annotated[
        Literal["json", "markdown", "bibtex", "csl-json", "w3c"],
        Field(description="How the reference is written."),
    ] = "json"


class RelationsQuery(ListQuery):
    """The relations of an article, or all of them."""

    article: Annotated[Long | None, Field(description="Of this article alone.")] = None
    explain: Annotated[bool, Field(description="Tell what is shared and what differs.")] = False


class NoiseQuery(Paged):
    """What counts as no change."""

    article: Annotated[Long | None, Field(description="Of this article alone.")] = None


class JobRows(Paged):
    """Rows that belong to a job, or to any."""

    job: Annotated[Row | None, Field(description="Of this job alone.")] = None


class CoverageQuery(Asked):
    """Which hours of which source."""

    source: Annotated[Plain | None, Field(description="Of this source alone.")] = None
    since: Annotated[Plain | None, Field(description="From then on.")] = None
    until: Annotated[Plain | None, Field(description="Up to then.")] = None

    def span(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """Return the first and the last moment.

        Raises: MomentError.
        """
        return _moment(self.since, zone, "first"), _moment(self.until, zone, "last")


def _moment(given: str | None, zone: tzinfo, edge: Edge) -> datetime | None:
    return parse_moment(given, zone, edge) if given else None


def _then(given: str | None, zone: tzinfo) -> datetime | None:
    """Return a time as a revision reads it: a time of day is that moment, not its minute."""
    return _moment(given, zone, "first" if given and ":" in given else "last")
