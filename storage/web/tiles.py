"""Transparency log over HTTP (C2SP tlog-tiles): checkpoint and tiles."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from storage.proof.checkpoints import latest
from storage.proof.files import CHECKPOINT, file_at
from storage.proof.tiles import TileError
from storage.values.messages import message_text
from storage.web.archives import PoolDep
from storage.web.problems import Problem
from storage.web.schemas import plain

router = APIRouter(prefix="/log", tags=["log"])
BYTES = "application/octet-stream"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
FEW_SECONDS = {"Cache-Control": "public, max-age=5"}


@router.get(f"/{CHECKPOINT}", responses=plain("text/plain", "A signed note (C2SP)."))
def checkpoint(pool: PoolDep) -> Response:
    """Return the newest checkpoint with the cosignatures of the witnesses."""
    with pool.today.connect() as connection:
        newest = latest(connection)
    if newest is None:
        raise Problem("no_such", message_text("no_checkpoint"))
    return PlainTextResponse(newest.with_cosignatures, headers=FEW_SECONDS)


@router.get("/tile/{path:path}", responses=plain(BYTES, "Hashes or log entries."))
def tile(pool: PoolDep, path: str) -> Response:
    """Return a tile of hashes (`LEVEL/N`) or of entries (`entries/N`) of the newest checkpoint."""
    with pool.today.connect() as connection:
        newest = latest(connection)
        try:
            found = file_at(connection, f"tile/{path}", newest.size if newest else 0)
        except TileError as error:
            raise Problem("no_such", str(error)) from error
    if found is None:
        raise Problem("no_such", message_text("no_tile"))
    return Response(found, media_type=BYTES, headers=FOREVER)
