"""The page of the pictures of an article, their bytes, and screenshots of walls."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from storage.capabilities.pictures import answers
from storage.values.messages import message_text
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.pages.article import page_of_rows
from storage.web.pages.query_parameters import Checks
from storage.web.problems import Problem

ROUTER = APIRouter(include_in_schema=False, route_class=CachedRoute)


@ROUTER.get("/a/{article}/pictures")
def pictures(
    request: Request, pool: PoolDep, article: str, query: Annotated[Checks, Query()]
) -> Response:
    """Show the pictures of an article in the order of the checks that found them."""
    return page_of_rows(
        request, pool, article, query, "pictures", "pictures/page.html", tab="pictures"
    )


@ROUTER.get("/a/{article}/pictures/{number}")
def picture(pool: PoolDep, article: str, number: int, *, thumbnail: bool = False) -> Response:
    """Return the bytes of a picture, unchanged, or those of the thumbnail of a screenshot."""
    with pool.today.connect() as connection:
        found = answers.load_bytes(connection, number, of_thumbnail=thumbnail)
    return _answer(found, f"{article}/{number}")


@ROUTER.get("/refusals/screenshot")
def wall(pool: PoolDep, address: str, *, thumbnail: bool = False) -> Response:
    """Return the latest screenshot of a wall at an address, which may have no article."""
    with pool.today.connect() as connection:
        found = answers.load_wall(connection, address, of_thumbnail=thumbnail)
    return _answer(found, address)


def _answer(found: answers.PictureBytes | None, given: str) -> Response:
    if found is None:
        raise Problem("no_such", message_text("no_article_page", given=given))
    return Response(
        found.data, media_type=found.media_type, headers={"X-Content-Type-Options": "nosniff"}
    )
