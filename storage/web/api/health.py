"""Health checks of the server and the archive."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import text
from starlette.responses import PlainTextResponse, Response

from storage.web.archives import Library, served
from storage.web.schemas import plain, troubles

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=plain("text/plain", "The server is running."))
async def healthz() -> Response:
    """Report that the server is running, without access to the archive."""
    return PlainTextResponse("ok\n")


@router.get("/readyz", responses=plain("text/plain", "The archive is available.") | troubles(503))
def readyz(library: Annotated[Library, Depends(served)]) -> Response:
    """Check whether the archive is available."""
    with library.today.connect() as connection:
        connection.execute(text("SELECT 1"))
    return PlainTextResponse("ok\n")
