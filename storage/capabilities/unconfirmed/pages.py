"""The page of unconfirmed readings."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.capabilities.unconfirmed.readings import IS_OPEN, find_unconfirmed
from storage.read.filters import Conditions
from storage.read.query.records import Part
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.pages.query_parameters import PartQuery
from storage.web.pages.rendering import page

ROUTER = APIRouter(include_in_schema=False, route_class=CachedRoute)
ROWS = 50


class UnconfirmedPage(PartQuery):
    """The readings that are held back; with `all`, those with a decision, too."""

    all: bool = False


@ROUTER.get("/unconfirmed")
def show_unconfirmed(
    request: Request, pool: PoolDep, query: Annotated[UnconfirmedPage, Query()]
) -> Response:
    """Show the readings that are held back, each with a link to its article."""
    limit = query.limit or ROWS
    criteria = Conditions() if query.all else Conditions().with_clause(IS_OPEN)
    rows = list(pool.today.iterate(find_unconfirmed, criteria, Part(query.after, limit)))
    following = rows[-1].cursor if len(rows) == limit else None
    return page(
        request, "unconfirmed/page.html", query=query, rows=rows, following=following,
        names=pool.today.names(row.article for row in rows),
    )  # fmt: skip
