"""Articles and their versions as JSON: lists, texts, comparisons, blame, references, bytes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, get_type_hints
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from storage.diff.entry_diff import EntryDiff
from storage.diff.operation import Operation
from storage.read import answers
from storage.read.query.queries import Long
from storage.read.render import citation
from storage.web.archives import PoolDep
from storage.web.http_cache import CachedRoute
from storage.web.paging import add_lists, answer_one
from storage.web.parameters import (
    CiteParameters,
    ClockParameters,
    DiffParameters,
    VersionParameters,
)
from storage.web.schemas import model_of, one, plain, record

router = APIRouter(prefix="/api", tags=["articles"], route_class=CachedRoute)
VERSION = one(model_of(answers.VersionText))

_STYLES: Mapping[str, tuple[Callable[[answers.Citation], str], str]] = MappingProxyType(
    {
        "markdown": (citation.markdown, "text/markdown"),
        "bibtex": (citation.bibtex, "application/x-bibtex"),
        "csl-json": (citation.csl_json, "application/vnd.citationstyles.csl+json"),
        "w3c": (citation.w3c, "application/ld+json"),
    }
)


LISTS = add_lists(router, "articles")


@router.get("/articles/{rev:path}", responses=VERSION)
def article(
    pool: PoolDep,
    rev: Annotated[Long, Path()],
    query: Annotated[ClockParameters, Query()],
) -> Response:
    """Return a version by its REV, or the latest version of an article."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        return answer_one(archive.version(rev))


@router.get("/version", responses=VERSION)
def version(pool: PoolDep, query: Annotated[VersionParameters, Query()]) -> Response:
    """Return a version by `rev`, which may contain any address."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        return answer_one(archive.version(query.rev))


EDIT = Literal["equal", "insert", "delete", "move"]
OPERATION = record("Operation", **get_type_hints(Operation) | {"op": EDIT})
BREAK = record("ParagraphBreak", op=Literal["split", "join"], role=str, a_start=int, b_start=int)
ENTRY = model_of(EntryDiff, ("operations", list[OPERATION]))  # type: ignore[valid-type]
DIFF = model_of(
    answers.Diff,
    ("operations", list[OPERATION]),  # type: ignore[valid-type]
    ("breaks", list[BREAK]),  # type: ignore[valid-type]
    ("entries", list[ENTRY]),  # type: ignore[valid-type]
)


@router.get("/diff", responses=one(DIFF))
def diff(pool: PoolDep, query: Annotated[DiffParameters, Query()]) -> Response:
    """Compare two versions word by word."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        return answer_one(archive.diff(query.rev, query.to))


def _shape(media: str) -> dict[str, str]:
    return {} if media.endswith("json") else {"type": "string"}


@router.get(
    "/cite",
    responses=one(model_of(answers.Citation)) | {200: {
        "model": model_of(answers.Citation),
        "content": {media: {"schema": _shape(media)} for _write, media in _STYLES.values()},
    }},
)  # fmt: skip
def cite(pool: PoolDep, query: Annotated[CiteParameters, Query()]) -> Response:
    """Return a permanent reference to a version or a passage."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        found = archive.cite(query.rev, query.passage)
    if query.style == "json":
        return answer_one(found)
    write, media_type = _STYLES[query.style]
    return Response(write(found), media_type=media_type)


@router.get("/raw", responses=plain("text/plain", "The captured bytes."))
def raw(pool: PoolDep, query: Annotated[VersionParameters, Query()]) -> Response:
    """Return the captured bytes of a version as a download."""
    with pool.archive_at(query.clocks(pool.place.timezone)) as archive:
        found = archive.raw(query.rev)
    return Response(
        found.data,
        media_type="text/plain",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
            "Content-Type": "text/plain",
            "X-Lesart-SHA-256": found.digest,
        },
    )
