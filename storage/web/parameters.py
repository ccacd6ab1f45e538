"""Parameters of requests, named like the options of the commands."""

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


class QueryParameters(BaseModel):
    """Parameters of a request; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageParameters(QueryParameters):
    """Parameters of a part of a list."""

    after: Annotated[
        Plain | None, Field(description="Return the rows after the one with this cursor.")
    ] = None
    limit: Annotated[
        int | None,
        Field(ge=1, le=MOST_ROWS, description=f"Maximum number of rows (default: {PAGE_ROWS})."),
    ] = None


class ClockParameters(QueryParameters):
    """Time and state of knowledge of a request."""

    as_of: Annotated[Plain | None, Field(description="Only what was online at this time.")] = None
    known_at: Annotated[
        Plain | None, Field(description="Only what the archive knew at this time.")
    ] = None

    def clocks(self, zone: tzinfo) -> Clocks:
        """Return both as UTC times.

        Raises: MomentError.
        """
        return Clocks(_then(self.as_of, zone), _then(self.known_at, zone))


class FilterParameters(QueryParameters):
    """Filters of articles."""

    language: Annotated[
        Plain | None, Field(description="Only articles in this language, such as de.")
    ] = None
    source: Annotated[Plain | None, Field(description="Only articles of this source.")] = None
    publisher: Annotated[Plain | None, Field(description="Only articles of this publisher.")] = None
    since: Annotated[Plain | None, Field(description="First seen at this time or later.")] = None
    until: Annotated[Plain | None, Field(description="First seen at this time or earlier.")] = None
    published_since: Annotated[
        Plain | None, Field(description="Published at this time or later.")
    ] = None
    published_until: Annotated[
        Plain | None, Field(description="Published at this time or earlier.")
    ] = None

    def filters(self, zone: tzinfo) -> Filters:
        """Return the filters with each time as the first or last moment of its period.

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


class OfArticle(ClockParameters):
    """One article, by an id or an address."""

    article: Annotated[Long, Field(description="Id or address of an article.")]


class OfVersion(ClockParameters):
    """One version."""

    rev: Annotated[
        Long, Field(description="ARTICLE, ARTICLE@3, @latest, @~1, @2024-06-18, @w1:5f3a9c…")
    ]


class ListQuery(PageParameters, FilterParameters, ClockParameters):
    """Parameters of a list of articles."""


class SearchQuery(ListQuery):
    """Parameters of a search."""

    q: Annotated[Query, Field(description='Words, all of them; "…" is a phrase.')]
    latest: Annotated[bool, Field(description="Search the latest versions only.")] = False
    change: Annotated[
        ChangeClass | None, Field(description="Only versions with this class of change.")
    ] = None
    silent: Annotated[
        bool | None, Field(description="Only versions whose page does not acknowledge the change.")
    ] = None


class ChangesQuery(ListQuery):
    """Parameters of a list of changes; a number as `after` requests the changes after that
    `seq`.
    """

    article: Annotated[Long | None, Field(description="Only changes to this article.")] = None
    change: Annotated[
        list[ChangeClass],
        Field(
            alias="class",
            max_length=20,
            description="Only changes of this class; several values match any of them.",
        ),
    ] = []
    silent: Annotated[
        bool | None,
        Field(description="Only silent changes (true), or only acknowledged ones (false)."),
    ] = None
    contains: Annotated[
        Query | None, Field(description="Only changes that add or remove this text.")
    ] = None


class ArticleRows(PageParameters, OfArticle):
    """Parameters of a list for one article."""


class DiffQuery(OfVersion):
    """Two versions: a range as `rev`, or `rev` and `to`; one alone means the version before it."""

    to: Annotated[Long | None, Field(description="The other version.")] = None


class BlameQuery(PageParameters, OfVersion):
    """The sentences of a version."""

    removed: Annotated[bool, Field(description="Those that stand there no more.")] = False


class CiteQuery(OfVersion):
    """A version, or a passage of it."""

    passage: Annotated[Long | None, Field(description="Passage, exactly as in the text.")] = None
    style: Annotated[
        Literal["json", "markdown", "bibtex", "csl-json", "w3c"],
        Field(description="How the reference is written."),
    ] = "json"


class RelationsQuery(ListQuery):
    """The relations of an article, or all of them."""

    article: Annotated[Long | None, Field(description="Only changes to this article.")] = None
    explain: Annotated[bool, Field(description="Tell what is shared and what differs.")] = False


class NoiseQuery(PageParameters):
    """Parameters of a list of noise."""

    article: Annotated[Long | None, Field(description="Only changes to this article.")] = None


class EntriesQuery(ArticleRows):
    """Parameters of the entries of a live blog."""

    oldest_first: Annotated[
        bool, Field(description="The oldest entry first; otherwise the newest.")
    ] = False


class RightsQuery(ArticleRows):
    """Parameters of the declarations about an article."""

    current: Annotated[bool, Field(description="Only the declarations of the latest check.")] = (
        False
    )


class FrontQuery(PageParameters, ClockParameters):
    """Parameters of the teasers of a front page."""

    front: Annotated[Long, Field(description="Address of the front page.")]


class FrontsQuery(PageParameters, ClockParameters):
    """Parameters of the stays of headlines on front pages."""

    article: Annotated[
        Long | None, Field(description="Only headlines of this article, by id or address.")
    ] = None
    front: Annotated[Long | None, Field(description="Only headlines on this front page.")] = None


class JobRows(PageParameters):
    """Parameters of rows of one job, or of all jobs."""

    job: Annotated[Row | None, Field(description="Of this job alone.")] = None


class CoverageQuery(QueryParameters):
    """Parameters of hourly statistics by source."""

    source: Annotated[Plain | None, Field(description="Of this source alone.")] = None
    since: Annotated[Plain | None, Field(description="From then on.")] = None
    until: Annotated[Plain | None, Field(description="Up to then.")] = None

    def span(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """Return the first and the last time.

        Raises: MomentError.
        """
        return _moment(self.since, zone, "first"), _moment(self.until, zone, "last")


def _moment(text: str | None, zone: tzinfo, edge: Edge) -> datetime | None:
    return parse_moment(text, zone, edge) if text else None


def _then(text: str | None, zone: tzinfo) -> datetime | None:
    """Return a time as in a revision: a time of day is an exact time, not a minute."""
    return _moment(text, zone, "first" if text and ":" in text else "last")
