"""Health checks of the server and the archive."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import text
from starlette.responses import PlainTextResponse, Response

from storage.web.archives import ArchivePool, archive_pool
from storage.web.schemas import plain, troubles

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=plain("text/plain", "The server is running."))
async def healthz() -> Response:
    """Report that the server is running, without access to the archive."""
    return PlainTextResponse("ok\n")


@router.get("/readyz", responses=plain("text/plain", "The archive is available.") | troubles(503))
def readyz(pool: Annotated[ArchivePool, Depends(archive_pool)]) -> Response:
    """Check whether the archive is available."""
    with pool.today.connect() as connection:
        connection.execute(text("SELECT 1"))
    return PlainTextResponse("ok\n")
