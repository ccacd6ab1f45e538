"""Search: hits with their words marked, filters as facets; the address is the query."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from storage.read.answers import Hit
from storage.read.render.moment import MomentError
from storage.values.change_class import ChangeClass
from storage.web.api.search import steps_of
from storage.web.archives import Library, served
from storage.web.known import KnownRoute
from storage.web.pages.asked import Search
from storage.web.pages.rendering import page, plain
from storage.web.problems import wants_page

router = APIRouter(include_in_schema=False, route_class=KnownRoute)
Asked = Annotated[Library, Depends(served)]
HITS = 20
MOST_FACETS = 12


@router.get("/search")
def search(request: Request, library: Asked, asked: Annotated[Search, Query()]) -> Response:
    """Show the results of a search and their facets."""
    zone, error = library.place.timezone, None
    try:
        filters, clocks, steps = asked.filters(zone), asked.clocks(zone), steps_of(asked)
    except MomentError as caught:
        if not wants_page(request):
            raise
        error = caught
    if error is not None or not asked.q.strip():
        return page(
            request, "search.html", asked=asked, groups=[], facets=None, following=None,
            classes=[*ChangeClass], marked=marked, most=MOST_FACETS, error=error,
            status=HTTPStatus.OK if error is None else HTTPStatus.BAD_REQUEST,
        )  # fmt: skip
    limit = asked.limit or HITS
    with library.at(clocks) as archive:
        hits = list(archive.search(asked.q, asked.latest, filters, asked.after, limit, steps))
        facets = archive.facets(asked.q, asked.latest, filters, steps)
    return page(
        request, "search.html", asked=asked, groups=_by_article(hits), facets=facets,
        following=hits[-1].cursor if len(hits) == limit else None,
        classes=[*ChangeClass], marked=marked, most=MOST_FACETS, error=None,
    )  # fmt: skip


def _by_article(hits: Iterable[Hit]) -> list[list[Hit]]:
    """Return the hits of each article together, its current version first."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.article, []).append(hit)
    return [sorted(each, key=lambda hit: -hit.version) for each in groups.values()]


def marked(snippet: str) -> Markup:
    """Return a snippet with its hits marked; everything in it is escaped before.

    >>> str(marked("am «Damm» <b>"))
    'am <mark>Damm</mark> &lt;b&gt;'
    """
    safe = str(escape(plain(snippet)))
    return Markup(safe.replace("«", "<mark>").replace("»", "</mark>"))  # noqa: S704  # escaped above
