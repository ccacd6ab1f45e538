"""Search: hits with their words marked, filters as facets; the address is the query."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from storage.read.answers import Hit
from storage.read.render.moment import MomentError
from storage.values.change_class import ChangeClass
from storage.values.errors import SearchQueryError
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.pages.query_parameters import Search
from storage.web.pages.rendering import page, plain
from storage.web.problems import wants_page

router = APIRouter(include_in_schema=False, route_class=CachedRoute)
HITS = 20
MOST_FACETS = 12


@router.get("/search")
def search(request: Request, pool: PoolDep, query: Annotated[Search, Query()]) -> Response:
    """Show the results of a search and their facets."""
    zone, error = pool.place.timezone, None
    try:
        filters, clocks, steps = query.filters(zone), query.clocks(zone), query.steps()
    except MomentError as caught:
        if not wants_page(request):
            raise
        error = caught
    common: dict[str, Any] = {
        "query": query, "classes": [*ChangeClass], "marked": marked, "most": MOST_FACETS,
        "error": error, "refused": None, "is_filtered": query != Search(q=query.q, lang=query.lang),
    }  # fmt: skip
    if error is not None or not query.q.strip():
        return page(
            request, "search.html", groups=[], facets=None, following=None, **common,
            status=HTTPStatus.OK if error is None else HTTPStatus.BAD_REQUEST,
        )  # fmt: skip
    limit = query.limit or HITS
    hits: list[Hit] = []
    facets = None
    try:
        with pool.archive_at(clocks) as archive:
            hits = list(query.rows(archive, (query.after, limit)))
            facets = archive.facets(query.q, query.latest, filters, steps)
    except SearchQueryError as caught:
        if not wants_page(request):
            raise
        common["refused"] = str(caught)
    return page(
        request, "search.html", groups=_group_by_article(hits), facets=facets, **common,
        following=hits[-1].cursor if len(hits) == limit else None,
        status=HTTPStatus.BAD_REQUEST if common["refused"] else HTTPStatus.OK,
    )  # fmt: skip


def _group_by_article(hits: Iterable[Hit]) -> list[list[Hit]]:
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
