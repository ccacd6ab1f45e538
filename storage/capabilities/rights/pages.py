"""The page of the declarations about the use of an article."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.pages.article import CHECK_ROWS, build_revision
from storage.web.pages.query_parameters import Checks
from storage.web.pages.rendering import page

ROUTER = APIRouter(prefix="/a", include_in_schema=False, route_class=CachedRoute)


@ROUTER.get("/{article}/rights")
def rights(
    request: Request, pool: PoolDep, article: str, query: Annotated[Checks, Query()]
) -> Response:
    """Show what the site declared about the use of an article, with the periods."""
    limit = query.limit or CHECK_ROWS
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(build_revision(article, None))
        rows = list(archive.rights(version.article, query.after, limit))
    following = rows[-1].cursor if len(rows) == limit else None
    return page(
        request, "rights/page.html", version=version, rows=rows, tab="rights", following=following
    )
