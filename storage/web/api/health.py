"""Whether the server lives, and whether it can answer."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import text
from starlette.responses import PlainTextResponse, Response

from storage.web.archives import Library, served
from storage.web.schemas import plain, troubles

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=plain("text/plain", "It lives"))
async def healthz() -> Response:
    """Report that the server lives; nothing is asked of the archive."""
    return PlainTextResponse("ok\n")


@router.get("/readyz", responses=plain("text/plain", "It answers") | troubles(503))
def readyz(library: Annotated[Library, Depends(served)]) -> Response:
    """Return whether the archive answers."""
    with library.today.connected() as connection:
        connection.execute(text("SELECT 1"))
    return PlainTextResponse("ok\n")
