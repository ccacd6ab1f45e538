"""Page with the proof of a version and the commands to verify it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from storage.web.archives import Library, served
from storage.web.pages.rendering import page

router = APIRouter(prefix="/proof", include_in_schema=False)
Asked = Annotated[Library, Depends(served)]


@router.get("/{rev:path}")
def proof(request: Request, library: Asked, rev: str) -> Response:
    """Show the digests of a version and the commands to export and verify its proof."""
    with library.at() as archive:
        version = archive.version(rev)
    named = f"{version.article}@{version.version}"
    return page(request, "proof.html", version=version, named=named, tab="proof")
