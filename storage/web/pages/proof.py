"""The page that says how a version is proven, and how a third person checks it."""

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
    """Show what proves a version, the commands that write it out, and those that check it."""
    with library.at() as archive:
        version = archive.version(rev)
    named = f"{version.article}@{version.version}"
    return page(request, "proof.html", version=version, named=named, tab="proof")
