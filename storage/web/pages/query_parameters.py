"""What pages may be asked: as the API, and in which language; empty fields are left out."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from storage.web.parameters import (
    ChangesQuery,
    ClockParameters,
    JobRows,
    ListQuery,
    Long,
    PageParameters,
    Query,
    QueryParameters,
    SearchQuery,
)

View = Literal["reading", "changes", "side", "fields", "quotes", "links", "raw"]
VIEWS: tuple[View, ...] = ("reading", "changes", "side", "fields", "quotes", "links", "raw")


class PageQuery(QueryParameters):
    """A page: `lang` chooses its language."""

    lang: Literal["de", "en"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: Any) -> Any:
        """Remove the empty fields of a form."""
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if value not in ("", None, [""])}
        return given


class PartQuery(PageQuery, PageParameters):
    """A part of a list."""


class Jobs(PageQuery, JobRows):
    """The jobs, or one with its parts."""


class Front(PageQuery, ChangesQuery):
    """The latest changes."""


class Find(PageQuery):
    """An article, by id, address or revision."""

    rev: Long


class ArticleQuery(PageQuery):
    """An article, by its id."""

    a: Long


class Search(PageQuery, SearchQuery):
    """A search; without words it is the form alone."""

    q: Query = ""


class Relations(PageQuery, ListQuery):
    """The relations of the archive."""


class Version(PageQuery, ClockParameters):
    """A version of an article; the latest if none is named."""

    v: Annotated[int | None, Field(ge=1, le=10**9)] = None


class SentenceParameters(PageQuery):
    """The number of the chosen sentence of a page, and whether it shows the age of sentences."""

    s: Annotated[int | None, Field(ge=1, le=10**9)] = None
    age: bool = False


class VersionPage(Version, SentenceParameters):
    """The page of one version."""


class Cite(Version):
    """A reference, perhaps to a passage."""

    passage: Long | None = None


class Checks(PartQuery, ClockParameters):
    """The checks of an article."""


class FrontPage(PartQuery, ClockParameters):
    """A front page at a time; without an address, all front pages."""

    front: Long | None = None


class Entries(Checks):
    """The entries of a live blog, in either order."""

    oldest_first: bool = False


class CompareQuery(SentenceParameters, ClockParameters):
    """Two versions of an article in one of the views, or one version."""

    view: View = "reading"


class Pair(PageQuery):
    """Two versions that a form chose."""

    a: Annotated[int, Field(ge=1, le=10**9)]
    b: Annotated[int, Field(ge=1, le=10**9)]
