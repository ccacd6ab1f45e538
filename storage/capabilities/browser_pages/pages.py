"""The page of the resources of an article, and their bytes as files."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.capabilities.browser_pages import answers
from storage.read.filters import Conditions
from storage.read.query.records import Part
from storage.values.messages import message_text
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.pages.article import build_revision
from storage.web.pages.query_parameters import Checks
from storage.web.pages.rendering import page
from storage.web.problems import Problem

ROUTER = APIRouter(prefix="/a", include_in_schema=False, route_class=CachedRoute)
ROWS = 100


@ROUTER.get("/{article}/resources")
def resources(
    request: Request, pool: PoolDep, article: str, query: Annotated[Checks, Query()]
) -> Response:
    """Show the resources of the pages of an article in the order of their checks."""
    limit = query.limit or ROWS
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        version = archive.version(build_revision(article, None))
        own = Conditions().with_clause("q.article = :article", article=version.article)
        rows = list(archive.iterate(answers.find_resources, own, Part(query.after, limit)))
    following = rows[-1].cursor if len(rows) == limit else None
    return page(
        request, "browser_pages/page.html", version=version, rows=rows, tab="checks",
        following=following,
    )  # fmt: skip


@ROUTER.get("/{article}/resources/{number}")
def resource(pool: PoolDep, article: str, number: int) -> Response:
    """Return the bytes of a resource as a file, which no browser shows or runs."""
    with pool.today.connect() as connection:
        found = answers.load_bytes(connection, number)
    if found is None:
        raise Problem("no_such", message_text("no_article_page", given=f"{article}/{number}"))
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(found, media_type="application/octet-stream", headers=headers)
