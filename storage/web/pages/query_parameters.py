"""Parameters of pages: those of the API and the language of the page."""

from dataclasses import replace
from datetime import tzinfo
from typing import Annotated, Literal

from pydantic import Field

from storage.read.filters import Filters
from storage.read.query.queries import JobsQuery, Long, Plain, Query, moment_or_none
from storage.web.parameters import (
    ArticlesParameters,
    ChangesParameters,
    ClockParameters,
    GetParameters,
    PageParameters,
    RelationsParameters,
    SearchParameters,
)

View = Literal["reading", "changes", "side", "fields", "quotes", "links", "raw"]
VIEWS: tuple[View, ...] = ("reading", "changes", "side", "fields", "quotes", "links", "raw")


class PageQuery(GetParameters):
    """A page: `lang` chooses its language."""

    lang: Literal["de", "en"] | None = None


class PartQuery(PageQuery, PageParameters):
    """A part of a list."""


class Jobs(PartQuery, JobsQuery):
    """The jobs, or one with its parts."""


class Front(PageQuery, ChangesParameters):
    """The latest changes."""


class Articles(PageQuery, ArticlesParameters):
    """The articles, the one added last first; `month` limits their publication."""

    newest_first: bool = True
    month: Plain | None = None

    def filters(self, zone: tzinfo) -> Filters:
        """Return the filters. Raises: MomentError."""
        found = super().filters(zone)
        if self.month is None:
            return found
        first, last = (moment_or_none(self.month, zone, edge) for edge in ("first", "last"))
        return replace(found, published_since=first, published_until=last)


class Find(PageQuery):
    """An article, by id, address or revision."""

    rev: Long


class ArticleQuery(PageQuery):
    """An article, by its id."""

    a: Long


class Search(PageQuery, SearchParameters):
    """A search; without words it is the form alone."""

    q: Query = ""


class Relations(PageQuery, RelationsParameters):
    """The relations of the archive."""


class Version(PageQuery, ClockParameters):
    """A version of an article; the latest if none is named."""

    v: Annotated[int | None, Field(ge=1, le=10**9)] = None


class SentenceParameters(PageQuery):
    """The number of the chosen sentence of a page, and whether it shows the age of sentences."""

    s: Annotated[int | None, Field(ge=1, le=10**9)] = None
    age: bool = False


class VersionPage(Version, SentenceParameters):
    """The page of one version; `to` is the newest version that its list shows."""

    to: Annotated[int | None, Field(ge=1, le=10**9)] = None


class Since(PartQuery, Version):
    """The sentences of a version, or the removed ones."""

    removed: bool = False


class Cite(Version):
    """A reference, perhaps to a passage."""

    passage: Long | None = None


class Checks(PartQuery, ClockParameters):
    """The checks of an article."""


class Entries(Checks):
    """The entries of a live blog, in either order."""

    oldest_first: bool = False


class Alerts(PartQuery):
    """The alerts, and how to watch a passage of an article."""

    article: Long | None = None
    passage: Long | None = None


class CompareQuery(SentenceParameters, ClockParameters):
    """Two versions of an article in one of the views, or one version."""

    view: View = "reading"
    to: Annotated[int | None, Field(ge=1, le=10**9)] = None


class Pair(PageQuery):
    """Two versions that a form chose."""

    a: Annotated[int, Field(ge=1, le=10**9)]
    b: Annotated[int, Field(ge=1, le=10**9)]
