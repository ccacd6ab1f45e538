"""Parameters of requests: those of the queries that the commands share, and their own."""

from dataclasses import fields
from datetime import datetime, tzinfo
from typing import Annotated, Any, Literal
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request

from storage.read.query import queries
from storage.read.query.parameter import PARAMETER
from storage.read.query.queries import Plain, moment_or_none
from storage.values.messages import message_text
from storage.web.problems import MOST_NAME_CHARACTERS, Problem


class QueryParameters(BaseModel):
    """Parameters of a request; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **_more: Any) -> None:
        """Describe the parameters of a shared query as its declaration does."""
        for base in cls.__mro__:
            for each in fields(base) if "__dataclass_fields__" in vars(base) else ():
                declared, field = each.metadata[PARAMETER], cls.model_fields[each.name]
                field.description = field.description or declared.http_help or declared.help
                field.alias = field.validation_alias = declared.alias
        cls.model_rebuild(force=True)


class GetParameters(QueryParameters):
    """Parameters of a GET request; empty ones, such as those of a form, are ignored."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: Any) -> Any:
        if isinstance(given, dict):
            empty = ("", None, [""])
            names = {each.alias or name for name, each in cls.model_fields.items()} - {"q"}
            return {k: value for k, value in given.items() if k not in names or value not in empty}
        return given


class PageParameters(GetParameters, queries.PageOptions):
    """Parameters of a part of a list."""


class ClockParameters(GetParameters, queries.ClockOptions):
    """Time and state of knowledge of a request."""


class VersionParameters(GetParameters, queries.VersionQuery):
    """One version."""


class DiffParameters(GetParameters, queries.DiffQuery):
    """Two versions: a range as `rev`, or `rev` and `to`; one alone means the version before it."""


class SearchParameters(PageParameters, queries.SearchQuery):
    """Parameters of a search."""


class ArticlesParameters(PageParameters, queries.ArticlesQuery):
    """Parameters of a list of articles."""


class ChangesParameters(PageParameters, queries.ChangesQuery):
    """Parameters of a list of changes; a number as `after` requests the changes after that
    `seq`.
    """


class RelationsParameters(PageParameters, queries.RelationsQuery):
    """The relations of an article, or all of them."""


class CiteParameters(GetParameters, queries.CiteQuery):
    """A version, or a passage of it."""

    style: Annotated[
        Literal["json", "markdown", "bibtex", "csl-json", "w3c"],
        Field(description="How the reference is written."),
    ] = "json"


class CoverageQuery(GetParameters):
    """Parameters of hourly statistics by source."""

    source: Annotated[Plain | None, Field(description="Of this source alone.")] = None
    since: Annotated[Plain | None, Field(description="From then on.")] = None
    until: Annotated[Plain | None, Field(description="Up to then.")] = None

    def span(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """Return the first and the last time.

        Raises: MomentError.
        """
        return moment_or_none(self.since, zone, "first"), moment_or_none(self.until, zone, "last")


def list_parameters(kind: type[Any]) -> type[PageParameters]:
    """Return the parameters of requests for a list of the kind `queries.ListQuery`."""
    members = {"__doc__": kind.__doc__, "__module__": __name__}
    return type(kind.__name__, (PageParameters, kind), members)


def check_query(request: Request) -> None:
    """Refuse parameters that are not UTF-8; the query of a stored address is part of the address.

    Raises: Problem.
    """
    if "address" not in request.path_params:
        check_fields(request.scope["query_string"])


def check_fields(encoded: bytes) -> None:
    """Refuse fields, as a query or a form encodes them, that are not UTF-8.

    Raises: Problem.
    """
    for each in encoded.split(b"&"):
        name, _, value = each.partition(b"=")
        decode_field(unquote_to_bytes(name), unquote_to_bytes(value))


def decode_field(name: bytes, value: bytes) -> tuple[str, str]:
    """Return the name and the value of a field; parsers replace what is not UTF-8 by other text.

    Raises: Problem.
    """
    try:
        return name.decode(), value.decode()
    except UnicodeDecodeError:
        told = name.decode("utf-8", "replace")[:MOST_NAME_CHARACTERS]
        detail = message_text("not_utf8", parameter=told)
        errors = [{"parameter": told, "detail": detail}]
        raise Problem("parameter_invalid", detail, {"errors": errors}) from None
