"""The page of a front page: its teasers at one time."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.read.answers import Teaser
from storage.read.filters import TODAY
from storage.read.render.moment import MomentError
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.pages.query_parameters import FrontPage
from storage.web.pages.rendering import page
from storage.web.problems import wants_page

router = APIRouter(include_in_schema=False, route_class=CachedRoute)
ROWS = 100


@router.get("/front")
def front(request: Request, pool: PoolDep, query: Annotated[FrontPage, Query()]) -> Response:
    """Show the teasers of a front page as of a time, or list all front pages."""
    limit, clocks, error = query.limit or ROWS, TODAY, None
    try:
        clocks = query.clocks(pool.place.timezone)
    except MomentError as caught:
        if not wants_page(request):
            raise
        error = caught
    rows: list[Teaser] = []
    addresses: list[str] = []
    with pool.archive_at(clocks) as archive:
        if query.front is None:
            addresses = archive.front_addresses()
        elif error is None:
            rows = list(archive.front(query.front, query.after, limit))
    moment = rows[0].observed_at if rows else clocks.as_of
    before, after = None, None
    if query.front is not None and moment is not None:
        before, after = pool.today.neighbouring_front_checks(query.front, moment)
    return page(
        request, "teasers.html", query=query, rows=rows, fronts=addresses, error=error,
        before=before, later=after,
        following=rows[-1].cursor if len(rows) == limit else None,
        status=HTTPStatus.OK if error is None else HTTPStatus.BAD_REQUEST,
    )  # fmt: skip
