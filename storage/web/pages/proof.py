"""Page with the proof of a version and the commands to verify it."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from storage.web.archives import PoolDep
from storage.web.pages.rendering import page

router = APIRouter(prefix="/proof", include_in_schema=False)


@router.get("/{rev:path}")
def proof(request: Request, pool: PoolDep, rev: str) -> Response:
    """Show the digests of a version and the commands to export and verify its proof."""
    with pool.archive_at() as archive:
        version = archive.version(rev)
    named = f"{version.article}@{version.version}"
    return page(request, "proof.html", version=version, named=named, tab="proof")
