"""The page of a front page at one time, and the headlines of an article on front pages."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.capabilities.front_pages import answers
from storage.read.answers import FrontStay, Teaser
from storage.read.filters import TODAY
from storage.read.query.queries import Long
from storage.read.render.moment import MomentError
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.pages.article import build_revision
from storage.web.pages.query_parameters import Checks, PartQuery
from storage.web.pages.rendering import page
from storage.web.parameters import ClockParameters
from storage.web.problems import wants_page

ROUTER = APIRouter(include_in_schema=False, route_class=CachedRoute)
ROWS = 100
MOST_CHECKS = 3_000
"""Checks with teasers up to which the page shows earlier headlines at once: half a second."""


class FrontPage(PartQuery, ClockParameters):
    """A front page at a time; without an address, all front pages.

    `headlines` shows earlier headlines whatever the number of checks.
    """

    front: Long | None = None
    headlines: bool = False


@ROUTER.get("/front")
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
    addresses: list[tuple[str, bool]] = []
    histories: dict[str, list[FrontStay]] = {}
    with pool.archive_at(clocks) as archive:
        if query.front is None:
            addresses = list(archive.iterate(answers.list_addresses))
        elif error is None:
            rows = list(archive.front(query.front, query.after, limit))
        moment = rows[0].observed_at if rows else clocks.as_of
        before, after, checks = None, None, 0
        if query.front is not None and moment is not None:
            with pool.today.connect() as connection:
                found = answers.find_neighbours(connection, query.front, moment)
                before, after, checks = found
        has_histories = query.headlines or checks <= MOST_CHECKS
        if rows and query.front is not None and has_histories:
            with archive.connect() as connection:
                origins = [each.origin for each in rows]
                histories = answers.find_histories(connection, query.front, origins)
    return page(
        request, "front_pages/page.html", query=query, rows=rows, fronts=addresses, error=error,
        before=before, later=after, histories=histories, has_histories=has_histories,
        following=rows[-1].cursor if len(rows) == limit else None,
        status=HTTPStatus.OK if error is None else HTTPStatus.BAD_REQUEST,
    )  # fmt: skip


@ROUTER.get("/a/{article}/fronts")
def fronts(
    request: Request, pool: PoolDep, article: str, query: Annotated[Checks, Query()]
) -> Response:
    """Show how long which headlines of an article were on front pages."""
    limit = query.limit or ROWS
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(build_revision(article, None))
        rows = list(archive.fronts(version.article, None, query.after, limit))
    following = rows[-1].cursor if len(rows) == limit else None
    return page(
        request, "front_pages/article_page.html", version=version, rows=rows, tab="fronts",
        following=following,
    )  # fmt: skip
