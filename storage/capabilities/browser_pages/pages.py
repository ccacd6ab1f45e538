"""The page of the resources of an article, and their bytes as files."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.capabilities.browser_pages import answers
from storage.values.messages import message_text
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.pages.article import page_of_rows
from storage.web.pages.query_parameters import Checks
from storage.web.problems import Problem

ROUTER = APIRouter(prefix="/a", include_in_schema=False, route_class=CachedRoute)


@ROUTER.get("/{article}/resources")
def resources(
    request: Request, pool: PoolDep, article: str, query: Annotated[Checks, Query()]
) -> Response:
    """Show the resources of the pages of an article in the order of their checks."""
    return page_of_rows(
        request, pool, article, query, "resources", "browser_pages/page.html", tab="checks"
    )


@ROUTER.get("/{article}/resources/{number}")
def resource(pool: PoolDep, article: str, number: int) -> Response:
    """Return the bytes of a resource as a file, which no browser shows or runs."""
    with pool.today.connect() as connection:
        found = answers.load_bytes(connection, number)
    if found is None:
        raise Problem("no_such", message_text("no_article_page", given=f"{article}/{number}"))
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(found, media_type="application/octet-stream", headers=headers)
